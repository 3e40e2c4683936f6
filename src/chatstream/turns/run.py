"""One attempt of one turn: drives the agent's generator and stores what it yields.

Steps are pipelined: a chat's appends are in order, and only a tool's call waits for the disk.
Those that the agent yields without a pause are stored as one: seven appends a turn cost the loop
twice as much as two do.
The run is over when its turn is (ended by itself, cancelled, taken over): from then on nothing
of it is stored.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypedDict, assert_never, get_args

import msgspec
from msgspec.structs import replace

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
    NewIntent,
    Remind,
    Response,
    SlotsSet,
    Step,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import Refused, StaleTurn, wordless
from chatstream.ids import ChatId, new_nonce
from chatstream.lane import Receipt
from chatstream.security.quotas import has_escaped_nul, is_storable, refuse_unstorable
from chatstream.turns.agents import Agent, Steps
from chatstream.turns.turn import turn_of
from chatstream.turns.watching import RunWatch

log = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()
_decoders: dict[type[Step], msgspec.json.Decoder[Step]] = {
    kind: msgspec.json.Decoder(kind) for kind in get_args(Step)
}

PARTIAL_EVERY_S = 1.0
"""At most one checkpoint a second for an answer (protocol, section 8)."""
PARTIAL_AFTER_S = 0.8
"""From the first piece that no checkpoint holds; a second is allowed, the disk included."""
_GIVES_ANSWER = (Response, FollowUp)
STEPS_UNDER_WAY = 256
STEPS_BEFORE_YIELDING = 32
LARGEST_STEP = 4 * 1024 * 1024
"""Characters of a streamed answer, bytes of any other step. Each client gets it as one message;
without a bound an agent that never ends fills the memory and the log for the whole turn."""
CLOSE_TIMEOUT_S = 5.0
ERROR_TEXT = "Something went wrong while working on this. Please try again."
TIMEOUT_TEXT = "This took too long and was stopped. Please try again."


class RunnerBase(TypedDict):
    """The fields that every command of a runner has."""

    user_chat_id: ChatId
    user_id: str
    now_ms: int
    nonce: str
    caused_by: str
    attempt: int
    begun_by: str


class Host(Protocol):
    """What a run needs of the server."""

    def submit(self, command: AnyCommand) -> asyncio.Future[Receipt]: ...

    def stream(self, chat_id: ChatId, streamed: Streamed | None, after: int) -> None: ...

    def on_next_tick(self, show: Callable[[], None]) -> None: ...

    def now_ms(self) -> int: ...


class Run:
    """Attempt ``attempt`` of the turn that ``caused_by`` began."""

    def __init__(
        self,
        host: Host,
        agent: Agent,
        chat_id: ChatId,
        state: UserChat,
        timeout_s: float,
        *,
        watch: RunWatch,
    ) -> None:
        assert state.turn is not None
        self.chat_id = chat_id
        self.caused_by = state.turn.caused_by
        self.attempt = state.turn.attempt
        self.begun_by = state.turn.begun_by
        self.position = state.position
        self.is_over = False
        self.fault: Exception | None = None
        self.task: asyncio.Task[None] | None = None
        self._host = host
        self._agent = agent
        self._state = state
        self._timeout_s = timeout_s
        self.watch = watch
        self._unrecorded: list[Step] = []
        self._under_way: deque[asyncio.Future[Receipt]] = deque()
        self._nothing_under_way: asyncio.Future[None] | None = None
        self._step_started: dict[str, float] = {}
        self._is_shown = self._is_shown_soon = False
        # None: after the steps that wait to be recorded.
        self._text_after: int | None = 0
        self._new_answer()
        self._checkpoint_timer: asyncio.TimerHandle | None = None
        self._limit: asyncio.TimerHandle | None = None

    # -- what others ask of it ------------------------------------------------------------

    @property
    def streamed(self) -> Streamed | None:
        """The text of the answer in progress, if there is any."""
        return Streamed(self._message_id, self._text) if self._text else None

    def end(self) -> None:
        """The turn is over or somebody else's: store nothing more, stop the agent."""
        if self.is_over:
            return
        self.is_over = True
        self._cancel_timers()
        if self.task is not None and self.task is not _current_task():
            self.task.cancel()

    def withdraw(self) -> None:
        """Take back what is not decided yet, or has to be decided again: it stands on what was
        not stored, and must not be stored without that, or beside the steps of another run."""
        for future in tuple(self._under_way):
            future.cancel()

    def limit(self) -> None:
        """The turn's time runs from now on. At its end the turn is over, whatever the agent
        makes of being cancelled."""
        loop = asyncio.get_running_loop()
        self._limit = loop.call_later(self._timeout_s, self._timed_out)

    async def bring(self, source: str, context: dict[str, object]) -> None:
        """Store what the context manager brought, and let the agent read it."""
        command = BringContext(**self._base(), source=source, context=context)
        self._state = (await self._host.submit(command)).state

    async def drive(self) -> None:
        """Run the agent to the end of its turn. Returns in every case; ``fault`` tells why a
        run could not store its steps."""
        steps: Steps | None = None
        try:
            steps = self._agent(turn_of(self.chat_id, self._state, self._host.now_ms()))
            await self._consume(steps)
        except asyncio.CancelledError:
            if not self.is_over and self.fault is None:
                raise
        except (Refused, StaleTurn) as fault:
            self._faulted(fault)
        except Exception as error:  # noqa: BLE001 - an agent may raise anything
            self._agent_raised(error)
        finally:
            self._cancel_timers()
            if steps is not None:
                await _close(steps)
        await self._settled()

    # -- the agent's steps ----------------------------------------------------------------

    async def _consume(self, steps: Steps) -> None:
        answer: ToolResult | None = None
        taken = 0
        while not self.is_over:
            try:
                step = await steps.asend(answer)
            except StopAsyncIteration:
                self._finish()
                break
            if isinstance(step, str):
                self._stream(step)
                answer = None
            else:
                answer = await self._take(step)
            taken += 1
            if taken % STEPS_BEFORE_YIELDING == 0:
                await asyncio.sleep(0)  # an agent that never waits must not stop the server

    async def _take(self, step: Step) -> ToolResult | None:
        if self.is_over:
            return None
        step = _stored_form(step)
        if not isinstance(step, Delta):
            self.watch.took(step)
        match step:
            case Delta():
                self._stream(step.text)
            case Thinking():
                await self._record(self._timed(step))
            case ToolCall():
                return await self._call_tool(step)
            case Response() | FollowUp():
                self._cancel_checkpoint()
                await self._record(step)
                self._flush()
                self._new_answer()
            case Abandon() | Fail():
                await self._record(step)
                self._flush()  # the run ends here, before the agent goes on
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
                await self._record(step)
            case CancelReminder():
                await self._cancel_reminder(step)
            case _:
                assert_never(step)
        return None

    async def _record(self, step: Step) -> None:
        """Store ``step`` with those that come right after it."""
        if self._text_after is None and not isinstance(step, _GIVES_ANSWER):
            self._flush()  # the text stands between what waits and this
        if not self._unrecorded:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unrecorded.append(step)
        if len(self._under_way) > STEPS_UNDER_WAY:
            await asyncio.wait({self._under_way[0]})

    async def _cancel_reminder(self, step: CancelReminder) -> None:
        if step.user_chat_id is None or step.user_chat_id == self.chat_id:
            await self._record(step)
            return
        command = DropReminder(
            user_chat_id=ChatId(step.user_chat_id),
            user_id=self._state.user_id,
            now_ms=self._host.now_ms(),
            nonce=new_nonce(),
            key=step.key,
        )
        try:
            await self._host.submit(command)
        except Refused as refusal:
            if refusal.code != "not_found":
                raise

    def _flush(self) -> None:
        """Store now what waits to be recorded."""
        if self._unrecorded and not self.is_over and self.fault is None:
            self._pipeline(self._recording())
        if self._text_after is None:
            self._text_after = self.position

    def _recording(self) -> RecordSteps:
        steps, self._unrecorded = tuple(self._unrecorded), []
        return RecordSteps(
            **self._base(), steps=steps, message_id=self._message_id, streamed_text=self._text
        )

    async def _call_tool(self, step: ToolCall) -> ToolResult | None:
        """None once the call is stored: run it; a result if an earlier attempt, or the turn that
        this one repeats, had one."""
        self._unrecorded.append(step)
        stored = (await self._host.submit(self._recording())).state
        call = stored.outcome_of(step.call_id)
        return None if call is None else ToolResult(call.call_id, bool(call.ok), call.result)

    def _timed(self, step: Thinking) -> Thinking:
        if step.status == "started":
            self._step_started[step.step] = time.monotonic()
            return step
        started = self._step_started.pop(step.step, None)
        if started is None or step.duration_ms is not None:
            return step
        return replace(step, duration_ms=round((time.monotonic() - started) * 1000))

    # -- the answer in progress -----------------------------------------------------------

    def _new_answer(self) -> None:
        self._message_id = f"msg_{new_nonce()}"
        self._text = ""
        self._text_after = 0
        self._stored_characters = 0
        self._last_partial = float("-inf")
        if self._is_shown:
            self._is_shown = False
            self._host.stream(self.chat_id, None, self.position)

    def _stream(self, piece: str) -> None:
        if not piece or self.is_over:
            return
        if not is_storable(piece):
            raise Refused("invalid_content")
        if len(self._text) + len(piece) > LARGEST_STEP:
            raise Refused("too_large")
        if not self._text:
            self.watch.answering()
        self._text += piece
        self._text_after = None if self._unrecorded else self.position
        if not self._is_shown_soon:
            self._is_shown_soon = True
            self._host.on_next_tick(self._show)
        if self._checkpoint_timer is None:
            loop = asyncio.get_running_loop()
            due = max(loop.time() + PARTIAL_AFTER_S, self._last_partial + PARTIAL_EVERY_S)
            self._checkpoint_timer = loop.call_at(due, self._checkpoint)

    def _show(self) -> None:
        self._is_shown_soon = False
        self._flush()
        if self._text and not self.is_over and self._text_after is not None:
            self._is_shown = True
            self._host.stream(self.chat_id, self.streamed, self._text_after)

    def _checkpoint(self) -> None:
        self._checkpoint_timer = None
        self._flush()
        text = self._text[self._stored_characters :]
        if self.is_over or not text:
            return
        self._last_partial = asyncio.get_running_loop().time()
        self._pipeline(
            CheckpointAnswer(
                **self._base(),
                message_id=self._message_id,
                offset=self._stored_characters,
                text=text,
            )
        )
        self._stored_characters = len(self._text)

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
        self._cancel_checkpoint()
        self._flush()
        if not self.is_over:
            self._pipeline(
                FinishTurn(**self._base(), message_id=self._message_id, streamed_text=self._text)
            )

    def _agent_raised(self, error: Exception) -> None:
        self._flush()
        if self.is_over:
            return
        log.error("agent raised", exc_info=wordless(error), extra=self._log_ids())
        self._pipeline(FailTurn(**self._base(), code="agent_error", message=ERROR_TEXT))

    def _timed_out(self) -> None:
        self._flush()
        if self.is_over or self.fault is not None:
            return
        log.warning("turn timed out", extra=self._log_ids())
        self._pipeline(FailTurn(**self._base(), code="agent_timeout", message=TIMEOUT_TEXT))

    def _log_ids(self) -> dict[str, object]:
        return {
            "user_chat_id": self.chat_id,
            "caused_by": self.caused_by,
            "attempt": self.attempt,
        }

    # -- storing --------------------------------------------------------------------------

    def _base(self) -> RunnerBase:
        return RunnerBase(
            user_chat_id=self.chat_id,
            user_id=self._state.user_id,
            now_ms=self._host.now_ms(),
            nonce=new_nonce(),
            caused_by=self.caused_by,
            attempt=self.attempt,
            begun_by=self.begun_by,
        )

    def _pipeline(self, command: AnyCommand) -> None:
        future = self._host.submit(command)
        self._under_way.append(future)
        future.add_done_callback(self._stored)

    def _stored(self, future: asyncio.Future[Receipt]) -> None:
        self._under_way.remove(future)
        waiting = self._nothing_under_way
        if not self._under_way and waiting is not None and not waiting.done():
            waiting.set_result(None)
        fault = None if future.cancelled() else future.exception()
        if isinstance(fault, Exception):
            self._faulted(fault)

    def _faulted(self, fault: Exception) -> None:
        """A step could not be stored: the run is in vain, even where its end was decided since."""
        self.withdraw()
        if self.is_over or self.fault is not None:
            return
        self.fault = fault
        if self.task is not None and self.task is not _current_task():
            self.task.cancel()

    async def _settled(self) -> None:
        if self._under_way:
            self._nothing_under_way = asyncio.get_running_loop().create_future()
            await self._nothing_under_way


def _current_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # a callback outside the loop's run
        return None


def _stored_form(step: Step) -> Step:
    """``step`` as it will be read back, checked before it is under way: agents are not trusted
    with types or texts, and what comes after a refused step must not be stored."""
    try:
        encoded = _encoder.encode(step)
    except UnicodeEncodeError:
        raise Refused("invalid_content") from None
    if len(encoded) > LARGEST_STEP:
        raise Refused("too_large")
    if has_escaped_nul(encoded):
        refuse_unstorable(msgspec.to_builtins(step))
    if type(step) not in _decoders:
        raise TypeError(f"{type(step).__name__} is no step")
    return _decoders[type(step)].decode(encoded)


async def _close(steps: Steps) -> None:
    """Let the agent clean up, but not for ever; it may refuse to die."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await steps.aclose()
    except (Exception, asyncio.CancelledError) as error:
        log.debug("agent did not close cleanly", exc_info=wordless(error))
