"""One attempt of one turn: drives the agent's generator and stores what it yields.

    prepared ── committed ──▶ running ── the agent ended, raised, timed out ──▶ ending
        │                        │                                                │
        │                        ├── a step was not stored (faulted) ──┐          │ its end
        │                        │                                     ▼          ▼ is decided
        └── superseded ──────────┴── cancelled, taken over ──────────▶ over ◀─────┘

*Prepared*: the event that began the turn is decided. *Running*: it is committed; the agent has been
started and its steps are taken. *Ending*: no more steps are taken, and the turn's end is on its
way. *Over*: nothing is stored for this run any more. The agent's code is cancelled on the way out,
and never waited for: whatever it makes of that, its turn ends.

Nothing that an agent raises leaves the run's task: not a ``SystemExit``, which would end the
process, nor a ``CancelledError`` that nobody asked for, which would end the task and not the turn.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextvars import copy_context
from enum import Enum
from typing import Final, Protocol, TypedDict, assert_never, cast

from msgspec.structs import replace

from chatstream.agents.containment import enter_agent
from chatstream.agents.context import ContextManager
from chatstream.agents.contract import Agent, Steps
from chatstream.agents.turn import own_copy, turn_of
from chatstream.chats.receipt import Receipt
from chatstream.domain.commands import (
    AnyCommand,
    BringContext,
    CheckpointAnswer,
    DropReminder,
    FailTurn,
    FinishTurn,
    RecordSteps,
    Streamed,
)
from chatstream.domain.steps import (
    Abandon,
    Buttons,
    CancelReminder,
    Component,
    Delta,
    Fail,
    FollowUp,
    Form,
    IntentRecognised,
    JsonObject,
    NewIntent,
    Remind,
    Response,
    SlotsSet,
    Step,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatstream.domain.user_chat.state import PastCall, UserChat
from chatstream.errors import Refused, StaleTurn, StepRefused, wordless
from chatstream.ids import ChatId, new_nonce
from chatstream.turns.answer import AnswerInProgress
from chatstream.turns.mending import mended, plain_text
from chatstream.turns.observer import RunWatch
from chatstream.turns.step_checks import ContractError, checked, place_of
from chatstream.turns.step_pipeline import StepPipeline

log = logging.getLogger(__name__)

STEPS_BEFORE_YIELDING: Final = 32
CLOSE_TIMEOUT_S: Final = 5.0
ERROR_TEXT: Final = "Something went wrong while working on this. Please try again."
TIMEOUT_TEXT: Final = "This took too long and was stopped. Please try again."


class RunnerBase(TypedDict):
    """The fields that every command of a runner has."""

    user_chat_id: ChatId
    user_id: str
    now_ms: int
    nonce: str
    caused_by: str
    attempt: int
    begun_by: str


class RunHost(Protocol):
    """What a run needs of the server."""

    def submit(self, command: AnyCommand) -> asyncio.Future[Receipt]: ...

    def stream(self, chat_id: ChatId, streamed: Streamed | None, after: int) -> None: ...

    def on_next_tick(self, show: Callable[[], None]) -> None: ...

    def now_ms(self) -> int: ...

    def faulted(self, run: Run, fault: Exception) -> None:
        """``run`` could not store what it wanted: its turn must be ended, or run again."""
        ...


class RunState(Enum):
    """Where a run is; see the module."""

    PREPARED = "prepared"
    RUNNING = "running"
    ENDING = "ending"
    OVER = "over"


class Run:
    """Attempt ``attempt`` of the turn that ``caused_by`` began; ``chat`` is the state that the
    event ``begun_by`` led to."""

    def __init__(
        self,
        host: RunHost,
        agent: Agent,
        chat_id: ChatId,
        chat: UserChat,
        *,
        timeout_s: float,
        watch: RunWatch,
        context: ContextManager | None = None,
    ) -> None:
        assert chat.turn is not None
        self.chat_id = chat_id
        self.caused_by = chat.turn.caused_by
        self.attempt = chat.turn.attempt
        self.begun_by = chat.turn.begun_by
        self.position = chat.position
        # Those of whoever asked for the turn: a trace goes on in its agent.
        self.variables = copy_context()
        self.watch = watch
        self.state = RunState.PREPARED
        self.task: asyncio.Task[None] | None = None
        self._host = host
        self._agent = agent
        self._context = context
        self._chat = chat
        self._timeout_s = timeout_s
        self._pipeline = StepPipeline(host.submit, self)
        self._answer = AnswerInProgress(_new_message_id())
        self._held_back: Streamed | None = None
        self._step_started: dict[str, float] = {}
        self._is_shown = self._is_shown_soon = False
        self._was_mended = False
        self._checkpoint_timer: asyncio.TimerHandle | None = None
        self._limit: asyncio.TimerHandle | None = None

    # -- what others ask of it, and tell it -----------------------------------------------

    @property
    def user_id(self) -> str:
        """Whose chat it is."""
        return self._chat.user_id

    @property
    def streamed(self) -> Streamed | None:
        """The text of the answer in progress, if there is any."""
        return self._answer.streamed

    @property
    def unstored(self) -> Streamed | None:
        """What was streamed and is in no answer that was decided: a turn that fails keeps it."""
        return self._answer.streamed or self._held_back

    @property
    def log_ids(self) -> dict[str, object]:
        """What each log line about this run carries."""
        return {
            "user_chat_id": self.chat_id,
            "caused_by": self.caused_by,
            "attempt": self.attempt,
        }

    def is_of(self, chat: UserChat) -> bool:
        """Whether the event that began this run began what runs in ``chat``: two nodes may begin
        the same attempt of the same turn, and one of them does so in vain."""
        return chat.turn is not None and chat.turn.begun_by == self.begun_by

    def start(self, chat: UserChat, spawn: Callable[[Run], asyncio.Task[None]]) -> None:
        """What began the turn is on the disk: run the agent on ``chat``, in a task that ``spawn``
        makes. The turn's time runs from now on, whatever the agent does."""
        assert self.state is RunState.PREPARED
        self.state, self._chat = RunState.RUNNING, chat
        loop = asyncio.get_running_loop()
        self._limit = loop.call_later(self._timeout_s, self._timed_out)
        self.task = spawn(self)

    def decided(self, position: int) -> None:
        """The chat's newest event, which may be this run's, is the one at ``position``."""
        self.position = position
        self._pipeline.decided()

    def end(self) -> None:
        """The turn is over or somebody else's: store nothing more, stop the agent."""
        if self.state is RunState.OVER:
            return
        self.state = RunState.OVER
        self._pipeline.decided()
        self._pipeline.close()
        self._cancel_timers()
        self._stop_agent()

    def withdraw(self) -> None:
        """Take back what is not decided yet."""
        self._pipeline.withdraw()

    async def ended_within(self, seconds: float) -> None:
        """Wait until the agent has ended, at most so long."""
        if self.task is not None:
            await asyncio.wait({self.task}, timeout=seconds)

    # -- the agent ------------------------------------------------------------------------

    async def drive(self) -> None:
        """Run the agent to the end of its turn. Raises nothing of what the agent raises."""
        steps: Steps | None = None
        try:
            enter_agent()
            self.watch.entered()
            await self._bring_context()
            if self.state is RunState.RUNNING:
                steps = self._agent(turn_of(self.chat_id, self._chat, self._host.now_ms()))
                await self._consume(steps)
        except BaseException as error:
            if self._is_torn_down(error):
                raise
            self._raised(error, steps)
        if steps is not None and not _has_ended(steps):
            await _close(steps)

    async def _consume(self, steps: Steps) -> None:
        result: ToolResult | None = None
        taken = 0
        while self.state is RunState.RUNNING:
            try:
                step = await steps.asend(result)
            except StopAsyncIteration:
                self._finish()
                return
            result = await self._take(step)
            taken += 1
            if taken % STEPS_BEFORE_YIELDING == 0:
                await asyncio.sleep(0)  # an agent that never waits must not stop the server

    async def _take(self, step: Step | str) -> ToolResult | None:
        if self.state is not RunState.RUNNING:
            return None
        if isinstance(step, str):
            self._stream(plain_text(step))
        elif isinstance(step, Delta) and isinstance(cast("object", step.text), str):
            # One may be half of what the next one completes.
            self._stream(plain_text(step.text))
        else:
            result = await self._take_whole(self._checked(step))
            if self._pipeline.is_full:
                await self._pipeline.room()
            return result
        return None

    async def _take_whole(self, step: Step) -> ToolResult | None:
        self.watch.took(step)
        match step:
            case Thinking():
                self._record(self._timed(step))
            case ToolCall():
                return await self._call_tool(step)
            case Response() | FollowUp() | Abandon() | Fail():
                self._record_with_text(step)
            case Form() | Buttons() | Component() if self._answer.complete():
                self._record_with_text(step)  # what is asked comes before what answers it
            case (
                Form()
                | Buttons()
                | Component()
                | IntentRecognised()
                | SlotsSet()
                | ToolResult()
                | NewIntent()
                | Remind()
            ):
                self._record(step)
            case CancelReminder():
                await self._cancel_reminder(step)
            case Delta():  # pragma: no cover - streamed
                raise AssertionError(step)
            case _:
                assert_never(step)
        return None

    def _checked(self, step: object) -> Step:
        whole, was_mended = checked(step)
        if was_mended:
            self._note_mended()
        return whole

    def _note_mended(self) -> None:
        if not self._was_mended:
            self._was_mended = True
            log.debug("text that cannot be stored was mended", extra=self.log_ids)

    def _raised(self, error: BaseException, steps: Steps | None) -> None:
        """The agent's code, or what it called, raised ``error``; or the run's end cancelled it."""
        if self.state is not RunState.RUNNING:
            return
        if isinstance(error, ContractError):
            place = place_of(steps)
            log.error("agent broke its contract: %s%s", error, place, extra=self.log_ids)
        elif isinstance(error, StepRefused):
            log_refusal(error, self.log_ids)
        else:
            log.error("agent raised", exc_info=wordless(error), extra=self.log_ids)
        self._fail("agent_error", ERROR_TEXT)

    def _is_torn_down(self, error: BaseException) -> bool:
        """Whether the task itself goes away with its loop, so that nothing can be awaited."""
        if self.task is not _current_task():
            return True
        is_unasked = isinstance(error, asyncio.CancelledError) and self.state is RunState.RUNNING
        return is_unasked and _loop_is_ending()

    def _stop_agent(self) -> None:
        if self.task is not None and self.task is not _current_task():
            self.task.cancel()

    # -- steps ----------------------------------------------------------------------------

    def _record(self, step: Step) -> None:
        """Store ``step`` with those that come right after it."""
        if self._answer.waits:
            self._flush()  # the text stands between what waits and this
        self._record_next(step)

    def _record_with_text(self, step: Step) -> None:
        """Store ``step``, and with it what was streamed: it gives the answer, or ends the run.
        What the agent streams from now on is another answer."""
        self._cancel_checkpoint()
        self._answer.complete()
        self._record_next(step)
        self._flush()
        if self._pipeline.is_held_back:
            self._held_back = self._answer.streamed
        self._begin_answer()

    def _record_next(self, step: Step) -> None:
        if not self._pipeline.has_unrecorded:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pipeline.add(step)

    def _flush(self) -> None:
        """Store now what waits to be recorded."""
        if self._pipeline.has_unrecorded and self.state is RunState.RUNNING:
            self._pipeline.store(self._recording())
        if self._answer.waits and not self._pipeline.is_held_back:
            self._answer.stands_after(self.position)

    def _recording(self) -> RecordSteps:
        answer = self._answer
        return RecordSteps(
            **self._base(),
            steps=self._pipeline.take(),
            message_id=answer.message_id,
            streamed_text=answer.text,
        )

    async def _call_tool(self, step: ToolCall) -> ToolResult | None:
        """None once the call is stored: run it; a result if an earlier attempt, or the turn that
        this one repeats, had one."""
        self._pipeline.add(step)
        receipt = await self._pipeline.stored(self._recording())
        call = None if receipt is None else receipt.state.outcome_of(step.call_id)
        return None if call is None else _result_of(call)

    async def _cancel_reminder(self, step: CancelReminder) -> None:
        if step.user_chat_id is None or step.user_chat_id == self.chat_id:
            self._record(step)
            return
        command = DropReminder(
            user_chat_id=ChatId(step.user_chat_id),
            user_id=self._chat.user_id,
            now_ms=self._host.now_ms(),
            nonce=new_nonce(),
            key=step.key,
        )
        try:
            await self._host.submit(command)
        except Refused as refusal:
            if refusal.code != "not_found":
                self.faulted(StepRefused("CancelReminder", refusal))

    def _timed(self, step: Thinking) -> Thinking:
        if step.status == "started":
            self._step_started[step.step] = time.monotonic()
            return step
        started = self._step_started.pop(step.step, None)
        if started is None or step.duration_ms is not None:
            return step
        return replace(step, duration_ms=round((time.monotonic() - started) * 1000))

    async def _bring_context(self) -> None:
        """Ask the context manager what a new session shall know, store it, and let the agent read
        it. Whatever goes wrong, the agent runs without."""
        turn, manager = self._chat.turn, self._context
        if manager is None or turn is None or turn.session_id is None:
            return
        session = self._chat.sessions[turn.session_id]
        intent = self._chat.unfinished[turn.user_intent_id]
        if session.context is not None or any(item.role == "ai" for item in intent.messages):
            return
        try:
            context = await manager.context(self.chat_id, self._chat, intent)
            if context is not None:
                await self._bring(context.source, context.values)
        except (Refused, StaleTurn) as refused:
            log.debug("context not stored: %s", type(refused).__name__, extra=self.log_ids)
        except BaseException as error:
            if self.state is not RunState.RUNNING or self._is_torn_down(error):
                raise
            log.exception("no context was brought", exc_info=wordless(error), extra=self.log_ids)

    async def _bring(self, source: str, values: JsonObject) -> None:
        whole = mended([source, values])
        if whole != [source, values]:
            self._note_mended()
        text, context = cast("tuple[str, JsonObject]", whole)
        command = BringContext(**self._base(), source=text, context=context)
        self._chat = (await self._host.submit(command)).state

    # -- the answer in progress -----------------------------------------------------------

    def _begin_answer(self) -> None:
        if self.state is not RunState.RUNNING:
            return
        self._answer = AnswerInProgress(_new_message_id())
        if self._is_shown:
            self._is_shown = False
            self._host.stream(self.chat_id, None, self.position)

    def _stream(self, piece: str) -> None:
        if not piece:
            return
        answer = self._answer
        if not answer.text:
            self.watch.answering()
        try:
            answer.add(piece)
        except Refused as refusal:
            raise StepRefused("text", refusal) from None
        if answer.was_mended:
            self._note_mended()
        answer.waits, answer.after = self._pipeline.is_waiting, self.position
        if not self._is_shown_soon:
            self._show_soon()
        if self._checkpoint_timer is None:
            loop = asyncio.get_running_loop()
            due = answer.checkpoint_due_at(loop.time())
            self._checkpoint_timer = loop.call_at(due, self._checkpoint)

    def _show_soon(self) -> None:
        self._is_shown_soon = True
        self._host.on_next_tick(self._show)

    def _show(self) -> None:
        self._is_shown_soon = False
        self._flush()
        if self._answer.text and self.state is RunState.RUNNING and not self._answer.waits:
            self._is_shown = True
            self._host.stream(self.chat_id, self.streamed, self._answer.after)

    def _checkpoint(self) -> None:
        self._checkpoint_timer = None
        self._flush()
        if self.state is not RunState.RUNNING:
            return
        found = self._answer.checkpoint(asyncio.get_running_loop().time())
        if found is not None:
            self._pipeline.store(
                CheckpointAnswer(
                    **self._base(),
                    message_id=self._answer.message_id,
                    offset=found.offset,
                    text=found.text,
                )
            )

    def _cancel_checkpoint(self) -> None:
        if self._checkpoint_timer is not None:
            self._checkpoint_timer.cancel()
            self._checkpoint_timer = None

    def _cancel_timers(self) -> None:
        self._cancel_checkpoint()
        if self._limit is not None:
            self._limit.cancel()

    # -- the end --------------------------------------------------------------------------

    def _finish(self) -> None:
        """The agent has said everything."""
        text = self._answer.complete()
        self._end_with(
            lambda: FinishTurn(
                **self._base(), message_id=self._answer.message_id, streamed_text=text
            )
        )

    def _fail(self, code: str, message: str) -> None:
        self._answer.complete()
        self._end_with(
            lambda: FailTurn(
                **self._base(),
                code=code,
                message=message,
                streamed=self._answer.streamed or Streamed(self._answer.message_id, ""),
            )
        )

    def _timed_out(self) -> None:
        if self.state is not RunState.RUNNING:
            return  # its end is on its way
        log.warning("turn timed out", extra=self.log_ids)
        self._fail("agent_timeout", TIMEOUT_TEXT)

    def _end_with(self, command: Callable[[], AnyCommand]) -> None:
        """Store what waits, and then the turn's end; take nothing more from the agent."""
        self._cancel_checkpoint()
        self._flush()
        if self.state is not RunState.RUNNING:
            return  # what waited has ended the turn
        self.state = RunState.ENDING
        self._stop_agent()
        self._pipeline.store(command())

    # -- storing (``PipelineOwner``) ------------------------------------------------------

    def faulted(self, fault: Exception) -> None:
        """Something could not be stored: the run is in vain, even where its end was decided
        since; then the log, read anew, tells what becomes of the turn."""
        if self.state is not RunState.OVER:
            self._host.faulted(self, fault)

    def went_on(self) -> None:
        """What was held back is under way: the text that waited for it may be shown."""
        self._held_back = None
        if self._answer.waits and self.state is RunState.RUNNING and not self._is_shown_soon:
            self._show_soon()

    def _base(self) -> RunnerBase:
        return RunnerBase(
            user_chat_id=self.chat_id,
            user_id=self._chat.user_id,
            now_ms=self._host.now_ms(),
            nonce=new_nonce(),
            caused_by=self.caused_by,
            attempt=self.attempt,
            begun_by=self.begun_by,
        )


def _result_of(call: PastCall) -> ToolResult:
    return ToolResult(call.call_id, bool(call.ok), own_copy(call.result))


def _new_message_id() -> str:
    return f"msg_{new_nonce()}"


def log_refusal(refusal: StepRefused, ids: dict[str, object]) -> None:
    """Say which step of which turn was refused, and by which rule."""
    told = (refusal.step, refusal.code, refusal.message)
    log.error("agent step refused: %s: %s: %s", *told, extra=ids)


def _current_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # a callback outside the loop's run
        return None


def _loop_is_ending() -> bool:
    """Whether every task is being cancelled, and not this one alone: so ends ``asyncio.run``."""
    current = asyncio.current_task()
    return all(task.cancelling() for task in asyncio.all_tasks() if task is not current)


def _has_ended(steps: Steps) -> bool:
    """Whether a generator has nothing left to close; what only looks like one may have."""
    return getattr(steps, "ag_frame", steps) is None


async def _close(steps: Steps) -> None:
    """Let the agent clean up, but not for ever; it may refuse to die. Its turn has ended."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await steps.aclose()
    except GeneratorExit:
        raise  # the task itself is taken down
    except BaseException as error:
        log.debug("agent did not close cleanly", exc_info=wordless(error))
