"""Who runs the turns of this node: prepares them when they are decided, starts them when that is
on the disk, stops them when they are over, takes over what a crash left.

A turn belongs to its chat and not to a socket. The database says which turns must end
(``turn_work``); of those that run here a ``Run`` each is in the ``RunTable``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import Context
from typing import Final, Protocol, TypeVar

from chatstream.agents.containment import contain_agents
from chatstream.agents.context import ContextManager
from chatstream.agents.contract import Agent
from chatstream.chats.receipt import Receipt
from chatstream.chats.service import ChatService
from chatstream.domain.commands import AnyCommand, FailTurn, RestartTurn, Streamed
from chatstream.domain.events import AnyFact, TurnChanged
from chatstream.domain.user_chat.state import Turn, UserChat
from chatstream.errors import Refused, StaleTurn, StepRefused, wordless
from chatstream.eventstore.store import Work
from chatstream.ids import ChatId, new_nonce
from chatstream.live.feed import Answer
from chatstream.live.hub import Hub
from chatstream.timestamps import to_ms
from chatstream.turns.observer import RunBegan, RunWatch, TurnWatch
from chatstream.turns.reminder_quota import ReminderQuota
from chatstream.turns.restart_plan import CutOff, Restart, plan_restarts
from chatstream.turns.run import ERROR_TEXT, Run, RunState, log_refusal
from chatstream.turns.run_table import RunTable

log = logging.getLogger(__name__)

_T = TypeVar("_T")
RETRY_FIRST_S: Final = 0.25
RETRY_AT_MOST_S: Final = 5.0
KNOWN_WITHIN_S: Final = 1.0
"""Turns whose chats cannot be read by then are restarted when they can, each by itself."""
SUSPECTS_AFTER_S: Final = 0.5
"""What is suspected of having killed the process is restarted so long after what is not."""
ALL_SUSPECTS_S: Final = 10.0
SUSPECT_AT_LEAST_S: Final = 0.25
SUSPECT_AT_MOST_S: Final = 2.0
"""How long a suspect is observed before the next one is restarted: all of them take ten seconds,
but for very many, or very few."""
_BEGINNINGS: Final = {"started", "restarted"}
_STORAGE_IS_AWAY: Final = {"unavailable", "overloaded"}
Release = Callable[[ChatId, str, int], Awaitable[None]]


class AnswerRelay(Protocol):
    """Shows answers of this node to readers of other nodes, and theirs to readers here."""

    def publish(
        self, chat_id: ChatId, caused_by: str, attempt: int, streamed: Streamed | None, after: int
    ) -> None:
        """The text of an answer that is made here has grown."""
        ...

    def moved(self, chat_id: ChatId, state: UserChat) -> None:
        """The chat is in ``state``, and no turn of it runs here."""
        ...

    def forget(self, chat_id: ChatId) -> None:
        """The chat's turn runs here from now on."""
        ...


class NoRelay:
    """There are no other nodes."""

    def publish(
        self, chat_id: ChatId, caused_by: str, attempt: int, streamed: Streamed | None, after: int
    ) -> None:
        """Nothing."""

    def moved(self, chat_id: ChatId, state: UserChat) -> None:
        """Nothing."""

    def forget(self, chat_id: ChatId) -> None:
        """Nothing."""


class TurnOwnership(Protocol):
    """Whose turns are whose, as the database has it."""

    async def is_ours(self, chat_id: ChatId) -> bool:
        """Whether this node is to run the chat's turn."""
        ...


class OwnsEverything:
    """There are no other nodes."""

    async def is_ours(self, chat_id: ChatId) -> bool:  # noqa: ARG002
        """Every turn."""
        return True


class TurnRunner:
    """Runs the turns that this node decided to start (``chats.service.TurnObserver``)."""

    def __init__(
        self,
        service: ChatService,
        runs: RunTable,
        hub: Hub,
        relay: AnswerRelay,
        agent: Agent,
        *,
        ownership: TurnOwnership,
        observer: TurnWatch,
        turn_timeout_s: float,
        max_attempts: int,
        now_ms: Callable[[], int],
        context: ContextManager | None = None,
        reminders: ReminderQuota | None = None,
    ) -> None:
        self._service = service
        self._runs = runs
        self._hub = hub
        self._relay = relay
        self._agent = agent
        self._ownership = ownership
        self._observer = observer
        self._turn_timeout_s = turn_timeout_s
        self._max_attempts = max_attempts
        self._context = context
        self._reminders = reminders or ReminderQuota()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.now_ms = now_ms

    # -- told by the service --------------------------------------------------------------

    def decided(self, chat_id: ChatId, events: Sequence[AnyFact], state: UserChat) -> None:
        """End the chat's run, or prepare one, as ``events`` say; called before they are
        committed."""
        run = self._runs.get(chat_id)
        if run is not None and run.is_of(state):
            run.decided(state.position)
            return
        if run is not None:
            self._end(run, _outcome(events))
        elif (outcome := _outcome(events)) is not None:
            self._observer.ended_without_run(outcome)
        if _starts_a_run(events) and state.turn is not None:
            self._prepare(chat_id, state)

    def committed(self, chat_id: ChatId, state: UserChat) -> None:
        """The events that led to ``state`` are on the disk: an agent starts once its turn's first
        one is, so that a turn that kills the process is found in the log."""
        run = self._runs.get(chat_id)
        if run is not None and run.state is RunState.PREPARED and run.is_of(state):
            self._start(run, state)

    def reloaded(self, chat_id: ChatId, state: UserChat, *, superseded: bool) -> None:
        """The log was read anew: a run that it does not know is over. If that was because an
        append was superseded, the turn that it knows must run again, unless it runs."""
        run, turn = self._runs.get(chat_id), state.turn
        if run is not None and run.is_of(state):
            run.position = max(run.position, state.position)
            self.committed(chat_id, state)
        else:
            if run is not None:
                self._end(run)
                run.withdraw()
            if turn is not None and superseded:
                self._spawn(self._restart_ours(chat_id, turn))
        if not self._runs.runs(chat_id):
            self._relay.moved(chat_id, state)

    # -- asked by a run (``run.RunHost``) -------------------------------------------------

    def submit(self, command: AnyCommand) -> asyncio.Future[Receipt]:
        """Store what a run wants stored."""
        try:
            self._reminders.refuse_excess(command)
        except Refused as refusal:
            refused = asyncio.get_running_loop().create_future()
            refused.set_exception(refusal)
            return refused
        return self._service.submit(command)

    def stream(self, chat_id: ChatId, streamed: Streamed | None, after: int) -> None:
        """Show the text of an answer in progress to the chat's readers."""
        answer = None if streamed is None else Answer(streamed.message_id, streamed.text, after)
        feed = self._hub.get(chat_id)
        if feed is None and answer is not None:
            feed = self._service.feed(chat_id)
        if feed is not None:
            feed.show(answer)
        if (run := self._runs.get(chat_id)) is not None:
            self._relay.publish(chat_id, run.caused_by, run.attempt, streamed, after)

    def on_next_tick(self, show: Callable[[], None]) -> None:
        """Call ``show`` when answers in progress are shown next."""
        self._hub.on_next_tick(show)

    def faulted(self, run: Run, fault: Exception) -> None:
        """``run`` could not store a step: end its turn, or run it again once the disk is back."""
        streamed = run.unstored
        self._end(run)
        if isinstance(fault, StaleTurn):
            return
        if isinstance(fault, Refused) and fault.code in _STORAGE_IS_AWAY:
            # Nobody crashed.
            self._spawn(self._restart(run.chat_id, run.caused_by, run.attempt, crashed=False))
            return
        if isinstance(fault, StepRefused):
            log_refusal(fault, run.log_ids)
        else:
            log.error("agent steps not stored", exc_info=wordless(fault), extra=run.log_ids)
        self._spawn(self._fail(run, streamed))

    # -- life -----------------------------------------------------------------------------

    def start(self) -> None:
        """Run turns from now on, after a ``close`` too."""
        self._is_closing = False
        contain_agents(asyncio.get_running_loop())

    def recover(self, work: Sequence[Work]) -> None:
        """Take over turns whose runner is gone, unless they have been begun again here since."""
        lost = [one for one in work if self._runs.run_of(one[0], one[1], one[2]) is None]
        if lost:
            self._spawn(self._recover(lost))

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

    def _prepare(self, chat_id: ChatId, state: UserChat) -> None:
        if self._is_closing:
            return
        self._relay.forget(chat_id)
        run = Run(
            self,
            self._agent,
            chat_id,
            state,
            timeout_s=self._turn_timeout_s,
            watch=self._watch_of(chat_id, state),
            context=self._context,
        )
        self._runs.add(run)

    def _start(self, run: Run, state: UserChat) -> None:
        run.start(state, self._spawn_run)

    def _spawn_run(self, run: Run) -> asyncio.Task[None]:
        return self._spawn(run.drive(), run.variables)

    def _watch_of(self, chat_id: ChatId, state: UserChat) -> RunWatch:
        turn = state.turn
        assert turn is not None
        return self._observer.began(
            RunBegan(chat_id, turn.caused_by, turn.attempt, turn.user_intent_id, turn.session_id)
        )

    def _end(self, run: Run, outcome: str | None = None) -> None:
        if self._runs.remove(run):
            run.watch.ended(outcome or "handed_over")
        run.end()
        self.stream(run.chat_id, None, run.position)

    def _spawn(
        self, work: Coroutine[object, object, None], variables: Context | None = None
    ) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, context=variables)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the runner failed", exc_info=wordless(error))

    async def _fail(self, run: Run, streamed: Streamed | None) -> None:
        await self._persist(
            lambda: FailTurn(
                user_chat_id=run.chat_id,
                user_id=run.user_id,
                now_ms=self.now_ms(),
                nonce=new_nonce(),
                caused_by=run.caused_by,
                attempt=run.attempt,
                begun_by=run.begun_by,
                code="agent_error",
                message=ERROR_TEXT,
                streamed=streamed,
            )
        )

    # -- turns whose runner is gone -------------------------------------------------------

    async def _recover(self, work: Sequence[Work]) -> None:
        """Restart them in the order of the plan; a chat that cannot be read keeps no other from
        being restarted."""
        reading = [asyncio.ensure_future(self._cut_off(one)) for one in work]
        try:
            known, unknown = await asyncio.wait(reading, timeout=KNOWN_WITHIN_S)
        except asyncio.CancelledError:
            for one in reading:
                one.cancel()
            raise
        for one in unknown:
            self._spawn(self._restart_late(one))
        await self._restart_all([found for one in known if (found := _found(one)) is not None])

    async def _restart_late(self, reading: asyncio.Future[CutOff | None]) -> None:
        turn = await reading
        if turn is not None:
            await self._restart_all([turn])

    async def _restart_all(self, turns: Sequence[CutOff]) -> None:
        plan = plan_restarts(turns)
        for one in plan.at_once:
            self._spawn(self._restart_cut_off(one))
        if not plan.one_by_one:
            return
        if plan.at_once:
            await asyncio.sleep(SUSPECTS_AFTER_S)
        names = ", ".join(str(one.turn.chat_id) for one in plan.one_by_one[:10])
        log.warning("the process died: suspected turns are restarted one by one: %s", names)
        alone_s = ALL_SUSPECTS_S / len(plan.one_by_one)
        alone_s = min(SUSPECT_AT_MOST_S, max(SUSPECT_AT_LEAST_S, alone_s))
        for one in plan.one_by_one:
            # One that cannot be stored now keeps no other from being restarted.
            await asyncio.wait({self._spawn(self._restart_cut_off(one))}, timeout=alone_s)
            run = self._runs.get(one.turn.chat_id)
            if run is not None:
                await run.ended_within(alone_s)

    async def _restart_cut_off(self, restart: Restart) -> None:
        turn = restart.turn
        await self._restart(turn.chat_id, turn.caused_by, turn.attempt, crashed=restart.crashed)

    async def _cut_off(self, work: Work) -> CutOff | None:
        """What the log tells of a turn that was cut off; None where it has ended since."""
        chat_id, caused_by, attempt, handed_over = work
        state = await self._loaded(chat_id)
        turn = None if state is None else state.turn
        if state is None or turn is None or (turn.caused_by, turn.attempt) != (caused_by, attempt):
            return None
        return CutOff(
            chat_id,
            caused_by,
            attempt,
            handed_over,
            begun_at_ms=to_ms(turn.begun_at),
            newest_at_ms=to_ms(state.last_event_at),
            has_progressed=turn.has_progressed,
            crashes=turn.crashes,
        )

    async def _restart(
        self, chat_id: ChatId, caused_by: str, attempt: int, *, crashed: bool
    ) -> None:
        state = await self._loaded(chat_id)
        if state is None:
            return
        await self._persist(
            lambda: RestartTurn(
                user_chat_id=chat_id,
                user_id=state.user_id,
                now_ms=self.now_ms(),
                nonce=new_nonce(),
                caused_by=caused_by,
                attempt=attempt,
                crashed=crashed,
                max_attempts=self._max_attempts,
            )
        )

    async def _restart_ours(self, chat_id: ChatId, turn: Turn) -> None:
        if await _once_found(lambda: self._ownership.is_ours(chat_id)):
            await self._restart(chat_id, turn.caused_by, turn.attempt, crashed=False)

    async def _loaded(self, chat_id: ChatId) -> UserChat | None:
        """The chat's state, once the storage gives it; None if there is no such chat."""
        return await _once_found(lambda: self._service.load(chat_id))

    async def _persist(self, command: Callable[[], AnyCommand]) -> None:
        """Submit until it is stored or no longer called for: a turn must end."""
        pause_s = RETRY_FIRST_S
        while not self._is_closing:
            try:
                await self._service.submit(command())
            except StaleTurn:
                return
            except Refused as refusal:
                if refusal.code not in _STORAGE_IS_AWAY:
                    log.error("a turn could not be ended: %s", refusal.code)  # noqa: TRY400
                    return
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_AT_MOST_S)
            else:
                return


async def _once_found(ask: Callable[[], Awaitable[_T]]) -> _T | None:
    """What ``ask`` gives, once the storage does; None if there is no such thing."""
    pause_s = RETRY_FIRST_S
    while True:
        try:
            return await ask()
        except Refused as refusal:
            if refusal.code == "not_found":
                return None
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, RETRY_AT_MOST_S)


def _found(reading: asyncio.Future[CutOff | None]) -> CutOff | None:
    error = reading.exception()
    if error is not None:
        log.error("a turn that was cut off cannot be restarted", exc_info=wordless(error))
        return None
    return reading.result()


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
