"""Who runs the turns of this node: starts them when they are decided, stops them when they are
over, takes over what a crash left.

A turn belongs to its chat and not to a socket. The database says which turns must end
(``turn_work``); of those that run here a ``Run`` each is held.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from chatstream.chats.receipt import Receipt
from chatstream.chats.service import ChatService
from chatstream.cluster.answer_relay import Seeing, Showing
from chatstream.cluster.messages import Want
from chatstream.domain.commands import AnyCommand, FailTurn, RestartTurn, Streamed
from chatstream.domain.events import AnyFact, TurnChanged
from chatstream.domain.user_chat.state import Turn, UserChat
from chatstream.errors import Refused, StaleTurn, wordless
from chatstream.eventstore.store import Work
from chatstream.ids import ChatId, new_nonce
from chatstream.live.feed import Answer
from chatstream.live.hub import Hub
from chatstream.turns.agents import Agent
from chatstream.turns.context import ContextManager
from chatstream.turns.run import ERROR_TEXT, Run
from chatstream.turns.run_table import RunTable
from chatstream.turns.watching import RunBegan, RunWatch, TurnWatch, Unwatched

log = logging.getLogger(__name__)

RETRY_FIRST_S = 0.25
RETRY_AT_MOST_S = 5.0
_BEGINNINGS = {"started", "restarted"}
Release = Callable[[ChatId, str, int], Awaitable[None]]


class TurnRunner:
    """Runs the turns that this node decided to start (``chats.service.TurnObserver``)."""

    def __init__(
        self,
        service: ChatService,
        hub: Hub,
        agent: Agent,
        *,
        turn_timeout_s: float,
        max_attempts: int,
        now_ms: Callable[[], int],
        context: ContextManager | None = None,
        runs: RunTable | None = None,
    ) -> None:
        self._service = service
        self._hub = hub
        self._agent = agent
        self._turn_timeout_s = turn_timeout_s
        self._max_attempts = max_attempts
        self._context = context
        self._runs = RunTable() if runs is None else runs
        self._restarts: dict[ChatId, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.now_ms = now_ms
        self.is_ours: Callable[[ChatId], Awaitable[bool]] = _every_turn_is_ours
        """Assign one where other nodes run turns too."""
        self.showing: Showing | None = None
        self.seeing: Seeing | None = None
        """Assign both where other nodes have readers."""
        self.watch: TurnWatch = Unwatched()
        """Assign one to look on."""

    @property
    def running(self) -> int:
        """How many turns run here."""
        return len(self._runs)

    # -- told by the service --------------------------------------------------------------

    def decided(self, chat_id: ChatId, events: Sequence[AnyFact], state: UserChat) -> None:
        """Start or end the chat's run as ``events`` say; called before they are committed."""
        run = self._runs.get(chat_id)
        if run is not None and _is_of(run, state):
            run.position = state.position
            return
        if run is not None:
            self._end(run, _outcome(events))
        elif (outcome := _outcome(events)) is not None:
            self.watch.ended_without_run(outcome)
        if _starts_a_run(events) and state.turn is not None:
            self._start(chat_id, state)

    def committed(self, chat_id: ChatId, state: UserChat) -> None:
        """Nothing: a run has begun with the decision."""

    def runs(self, chat_id: ChatId) -> bool:
        """Whether the chat's turn runs here."""
        return self._runs.runs(chat_id)

    def reloaded(self, chat_id: ChatId, state: UserChat, *, superseded: bool) -> None:
        """The log was read anew: a run that it does not know is over. If that was because an
        append was not stored, the turn that it knows must run again, unless it runs."""
        run, turn = self._runs.get(chat_id), state.turn
        if run is not None and _is_of(run, state):
            run.position = max(run.position, state.position)
        else:
            if run is not None:
                self._end(run)
                run.withdraw()
            if turn is not None and superseded:
                self._spawn(self._restart_ours(chat_id, turn))
        if self.seeing is not None and not self._runs.runs(chat_id):
            self.seeing.moved(chat_id, state)

    # -- asked by a run (``run.Host``) ----------------------------------------------------

    def submit(self, command: AnyCommand) -> asyncio.Future[Receipt]:
        """Store what a run wants stored."""
        return self._service.submit(command)

    def stream(self, chat_id: ChatId, streamed: Streamed | None, after: int) -> None:
        """Show the text of an answer in progress to the chat's readers."""
        answer = None if streamed is None else Answer(streamed.message_id, streamed.text, after)
        feed = self._hub.get(chat_id) or self._service.feed(chat_id)
        feed.show(answer)
        if self.showing is not None and (run := self._runs.get(chat_id)) is not None:
            self.showing.show(chat_id, run.caused_by, run.attempt, streamed, after)

    def on_next_tick(self, show: Callable[[], None]) -> None:
        """Call ``show`` when answers in progress are shown next."""
        self._hub.on_next_tick(show)

    # -- life -----------------------------------------------------------------------------

    def start(self) -> None:
        """Run turns from now on, after a ``close`` too."""
        self._is_closing = False

    def wanted(self, want: Want) -> None:
        """Somebody follows, through another node, what may run here."""
        run = self._run_of(want.chat_id, want.caused_by, want.attempt)
        if self.showing is not None and run is not None:
            self.showing.want(want, run.streamed, run.position)

    def recover(self, work: Sequence[Work]) -> None:
        """Take over turns whose runner is gone, unless they have been begun again here since."""
        for chat_id, caused_by, attempt, handed_over in work:
            if self._run_of(chat_id, caused_by, attempt) is None:
                self._spawn(self._restart(chat_id, caused_by, attempt, crashed=not handed_over))

    def stop_runs(self) -> list[Run]:
        """Stop what runs: the turns may be somebody else's. Gives the runs that there were.

        What they still want stored is taken back: one of them may have begun in vain, and its
        steps would be taken for those of the same attempt where that has been begun instead."""
        runs = list(self._runs)
        for run in runs:
            self._end(run)
            run.withdraw()
        return runs

    def stop(self) -> list[Run]:
        """The same for good: nothing runs here any more."""
        self._is_closing = True
        return self.stop_runs()

    async def close(self, release: Release) -> None:
        """Stop every run and hand the turns over: another runner goes on with them."""
        await asyncio.gather(
            *(release(run.chat_id, run.caused_by, run.attempt) for run in self.stop()),
            return_exceptions=True,
        )
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    # -- runs -----------------------------------------------------------------------------

    def _run_of(self, chat_id: ChatId, caused_by: str, attempt: int) -> Run | None:
        """The run of that attempt, if it runs here."""
        run = self._runs.get(chat_id)
        if run is None or (run.caused_by, run.attempt) != (caused_by, attempt):
            return None
        return run

    def _start(self, chat_id: ChatId, state: UserChat) -> None:
        if self._is_closing:
            return
        if self.seeing is not None:
            self.seeing.forget(chat_id)
        watch = self._watch_of(chat_id, state)
        run = Run(self, self._agent, chat_id, state, self._turn_timeout_s, watch=watch)
        self._runs.add(run)
        run.task = self._spawn(self._drive(run, state))

    def _watch_of(self, chat_id: ChatId, state: UserChat) -> RunWatch:
        turn = state.turn
        assert turn is not None
        return self.watch.began(
            RunBegan(chat_id, turn.caused_by, turn.attempt, turn.user_intent_id, turn.session_id)
        )

    def _end(self, run: Run, outcome: str | None = None) -> None:
        if self._runs.get(run.chat_id) is run:
            self._runs.remove(run)
            run.watch.ended(outcome or "handed_over")
        run.end()
        self.stream(run.chat_id, None, run.position)

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drive(self, run: Run, state: UserChat) -> None:
        run.watch.entered()
        if (stored := self._restarts.get(run.chat_id)) is not None:
            # An agent that takes the process down at once must not do so for ever: first let
            # the log have it that there is one more attempt.
            await stored.wait()
        run.limit()
        await self._bring_context(run, state)
        await run.drive()
        if run.fault is None or run.is_over:
            return
        self._end(run)
        await self._mend(run, run.fault, state.user_id)

    async def _bring_context(self, run: Run, state: UserChat) -> None:
        turn = state.turn
        if self._context is None or turn is None or turn.session_id is None:
            return
        session, intent = state.sessions[turn.session_id], state.unfinished[turn.user_intent_id]
        if session.context is not None or any(item.role == "ai" for item in intent.messages):
            return
        try:
            context = await self._context.context(run.chat_id, state, intent)
            if context is not None:
                await run.bring(context.source, context.values)
        except (Refused, StaleTurn) as refused:
            log.debug("context not stored: %s", type(refused).__name__)
        except Exception as error:
            log.exception(
                "no context was brought",
                exc_info=wordless(error),
                extra={"user_chat_id": run.chat_id},
            )

    async def _mend(self, run: Run, fault: Exception, user_id: str) -> None:
        """The run could not store a step: end its turn, or run it again once the disk is back."""
        if isinstance(fault, StaleTurn):
            return
        if isinstance(fault, Refused) and fault.code not in {"unavailable", "overloaded"}:
            log.warning("agent step refused: %s", fault.code)
            await self._fail(run, user_id)
        else:
            # The storage was away: nobody crashed.
            await self._restart(run.chat_id, run.caused_by, run.attempt, crashed=False)

    async def _fail(self, run: Run, user_id: str) -> None:
        await self._persist(
            lambda: FailTurn(
                user_chat_id=run.chat_id,
                user_id=user_id,
                now_ms=self.now_ms(),
                nonce=new_nonce(),
                caused_by=run.caused_by,
                attempt=run.attempt,
                begun_by=run.begun_by,
                code="agent_error",
                message=ERROR_TEXT,
            )
        )

    async def _restart(
        self, chat_id: ChatId, caused_by: str, attempt: int, *, crashed: bool
    ) -> None:
        user_id = await self._owner_of(chat_id)
        stored = self._restarts[chat_id] = asyncio.Event()
        await self._persist(
            lambda: RestartTurn(
                user_chat_id=chat_id,
                user_id=user_id,
                now_ms=self.now_ms(),
                nonce=new_nonce(),
                caused_by=caused_by,
                attempt=attempt,
                crashed=crashed,
                max_attempts=self._max_attempts,
            )
        )
        stored.set()
        if self._restarts.get(chat_id) is stored:
            del self._restarts[chat_id]

    async def _restart_ours(self, chat_id: ChatId, turn: Turn) -> None:
        if await self.is_ours(chat_id):
            await self._restart(chat_id, turn.caused_by, turn.attempt, crashed=False)

    async def _owner_of(self, chat_id: ChatId) -> str:
        pause_s = RETRY_FIRST_S
        while True:
            try:
                return (await self._service.load(chat_id)).user_id
            except Refused as refusal:
                if refusal.code == "not_found":
                    return ""
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_AT_MOST_S)

    async def _persist(self, command: Callable[[], AnyCommand]) -> None:
        """Submit until it is stored or no longer called for: a turn must end."""
        pause_s = RETRY_FIRST_S
        while not self._is_closing:
            try:
                await self._service.submit(command())
            except StaleTurn:
                return
            except Refused as refusal:
                if refusal.code not in {"unavailable", "overloaded"}:
                    log.error("a turn could not be ended: %s", refusal.code)  # noqa: TRY400
                    return
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_AT_MOST_S)
            else:
                return


async def _every_turn_is_ours(_: ChatId) -> bool:
    return True


def _is_of(run: Run, state: UserChat) -> bool:
    """Whether the event that began ``run`` began what runs in ``state``: two nodes may begin the
    same attempt of the same turn, and one of them does so in vain."""
    return state.turn is not None and state.turn.begun_by == run.begun_by


def _starts_a_run(facts: Sequence[AnyFact]) -> bool:
    return any(type(fact) is TurnChanged and fact.status in _BEGINNINGS for fact in facts)


def _outcome(facts: Sequence[AnyFact]) -> str | None:
    """How a turn ended in ``facts``, if one did."""
    ends = (
        fact.status
        for fact in facts
        if type(fact) is TurnChanged and fact.status not in _BEGINNINGS
    )
    return next(ends, None)
