"""``ChatService``: the only way in. Load, decide, append, wake.

``submit`` decides at once where the chat is in memory, so that commands are stored in the
order in which they were given; the future is done when the disk has them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, assert_never

import msgspec
from msgspec.structs import replace

from chatstream.domain.commands import (
    AnyClientCommand,
    AnyCommand,
    ClearSession,
    ClientCommand,
    EraseChat,
    OpenChat,
    Streamed,
    digest,
)
from chatstream.domain.events import AnyFact
from chatstream.domain.evolve import INITIAL
from chatstream.domain.state import CommandRecord, UserChat
from chatstream.domain.user_chat import Decision, decide, evolve, remember
from chatstream.errors import Refused, StaleTurn
from chatstream.eventstore.mapper import decode, encode, erase
from chatstream.eventstore.store import (
    Append,
    Conflict,
    Failed,
    NewEvent,
    Outcome,
    RowChange,
    SqlValue,
    Stored,
    StoredRow,
)
from chatstream.ids import ChatId
from chatstream.lane import Lane, Receipt, Verdict, Waiting
from chatstream.limits import refuse_unstorable
from chatstream.live.feed import Feed
from chatstream.live.hub import Hub

_ENDS_TURNS = (ClientCommand, ClearSession)
LANES_IN_MEMORY = 5_000
LOAD_PAGE = 1_000
RELOAD_AFTER_S = 0.5
"""When a chat whose turn may have lost its run is read again while the storage is down."""


class Store(Protocol):
    """What the service needs of the event store (``eventstore.log.EventStore``)."""

    def append(self, append: Append, done: Callable[[Outcome], None]) -> None: ...

    async def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None = None
    ) -> list[StoredRow]: ...

    async def fetch(
        self, sql: str, parameters: Sequence[SqlValue]
    ) -> list[tuple[SqlValue, ...]]: ...


class ReadModels(Protocol):
    """What is written beside the log, in the same transaction."""

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> tuple[RowChange, ...]: ...

    def remembered(self, chat_id: ChatId, command_id: str, record: CommandRecord) -> RowChange: ...

    async def commands_of(self, chat_id: ChatId) -> list[tuple[str, CommandRecord]]: ...


class TurnWatcher(Protocol):
    """Who runs the turns: told of each decision, asked for text that is being streamed."""

    def decided(self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat) -> None: ...

    def reloaded(self, chat_id: ChatId, state: UserChat) -> None: ...

    def streamed(self, chat_id: ChatId) -> Streamed | None: ...


class ChatService:
    """Handles commands for all chats of this node."""

    def __init__(self, store: Store, read_models: ReadModels, hub: Hub) -> None:
        self._store = store
        self._read_models = read_models
        self._hub = hub
        self._lanes: OrderedDict[ChatId, Lane] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._committed_bodies: list[tuple[Feed, int, tuple[bytes, ...]]] = []
        self.turns: TurnWatcher | None = None

    def submit(self, command: AnyCommand) -> asyncio.Future[Receipt]:
        """Handle ``command``; the future is done once the disk has it.

        The future raises ``Refused`` (``unavailable``: nothing stored or unknown), or
        ``StaleTurn`` for a runner whose turn is no longer its own.
        """
        future = asyncio.get_running_loop().create_future()
        lane = self._lane(command.user_chat_id)
        waiting = Waiting(command, future)
        if lane.loaded and not lane.queue:
            self._decide(lane, waiting)
        else:
            lane.queue.append(waiting)
            self._load_soon(lane)
        return future

    async def load(self, chat_id: ChatId, user_id: str | None = None) -> UserChat:
        """The chat's committed state; with ``user_id`` only if it is that user's.

        Raises:
            Refused: ``not_found`` for a missing chat or another user's, ``unavailable``.
        """
        lane = self._lane(chat_id)
        if not lane.loaded:
            reader = asyncio.get_running_loop().create_future()
            lane.readers.append(reader)
            self._load_soon(lane)
            await reader
        state = lane.committed
        if state.status == "none" or user_id not in {None, state.user_id}:
            raise Refused("not_found")
        return state

    async def state_at(self, chat_id: ChatId, position: int) -> UserChat:
        """The state as it stood after the event at ``position``."""
        return await self._fold_log(chat_id, position)

    def feed(self, chat_id: ChatId) -> Feed:
        """The live tail of a chat that is in memory (after ``load`` or a receipt)."""
        committed = self._lane(chat_id).committed
        feed = self._hub.feed(chat_id, committed.position)
        feed.turn_running = committed.turn is not None
        return feed

    def _lane(self, chat_id: ChatId) -> Lane:
        lane = self._lanes.get(chat_id)
        if lane is None:
            lane = self._lanes[chat_id] = Lane(chat_id)
            self._forget_oldest()
        else:
            self._lanes.move_to_end(chat_id)
        return lane

    def _forget_oldest(self) -> None:
        if len(self._lanes) <= LANES_IN_MEMORY:
            return
        idle = next((key for key, lane in self._lanes.items() if lane.is_idle), None)
        if idle is not None:
            del self._lanes[idle]

    # -- deciding -------------------------------------------------------------------------

    def _decide(self, lane: Lane, waiting: Waiting) -> None:
        command = self._with_streamed(waiting.command)
        before = lane.tip
        facts: tuple[AnyFact, ...] = ()
        try:
            decision = decide(command, before)
            facts = decision.facts
            verdict, append = self._verdict(lane, waiting, decision)
        except (Refused, StaleTurn) as refusal:
            verdict = Verdict(waiting, before, before.position, duplicate=False, refusal=refusal)
            append = None
        lane.verdicts.append(verdict)
        if append is None:
            self._answer_ready(lane)
            return
        lane.tip = verdict.after
        self._store.append(append, partial(self._settle, lane, verdict))
        if self.turns is not None and facts:
            self.turns.decided(lane.chat_id, facts, lane.tip)

    def _with_streamed(self, command: AnyCommand) -> AnyCommand:
        """A command that may end the turn takes along what its runner has streamed."""
        if self.turns is None or not isinstance(command, _ENDS_TURNS):
            return command
        streamed = self.turns.streamed(command.user_chat_id)
        return command if streamed is None else replace(command, streamed=streamed)

    def _verdict(
        self, lane: Lane, waiting: Waiting, decision: Decision
    ) -> tuple[Verdict, Append | None]:
        command, before = waiting.command, lane.tip
        if decision.facts:
            events = _encoded(decision.facts)
            changes = self._read_models.changes(lane.chat_id, decision.facts, decision.state)
            erases = isinstance(command, EraseChat)
            if erases:
                events = _erased_but_last(events)
                changes += self._forgotten_bodies(lane.chat_id, before)
            append = Append(
                lane.chat_id, before.position, events, changes, erase if erases else None
            )
            position = before.position + 1  # the first fact carries the command's key
            bodies = tuple(event.body for event in events)
            verdict = Verdict(
                waiting,
                decision.state,
                position,
                duplicate=False,
                bodies=bodies,
                appends=True,
                rewrites=erases,
            )
            return verdict, append
        if not isinstance(command, ClientCommand):
            exists = isinstance(command, OpenChat)
            return Verdict(waiting, before, before.position, duplicate=exists), None
        record = before.commands.get(command.id)
        if record is not None:
            return Verdict(waiting, before, record.position, duplicate=True), None
        return self._remembered(lane, waiting, command)

    def _forgotten_bodies(self, chat_id: ChatId, state: UserChat) -> tuple[RowChange, ...]:
        """After an erasure repeats are known by id alone: a digest is of what was written."""
        return tuple(
            self._read_models.remembered(chat_id, command_id, replace(record, digest=None))
            for command_id, record in state.commands.items()
            if record.stored_no_fact
        )

    def _remembered(
        self, lane: Lane, waiting: Waiting, command: AnyClientCommand
    ) -> tuple[Verdict, Append]:
        """A command that changes nothing is stored by its id alone."""
        before = lane.tip
        record = CommandRecord(before.position, digest(command), stored_no_fact=True)
        after = remember(before, command.id, record)
        row = self._read_models.remembered(lane.chat_id, command.id, record)
        verdict = Verdict(waiting, after, before.position, duplicate=False, appends=True)
        return verdict, Append(lane.chat_id, before.position, (), (row,))

    # -- settling -------------------------------------------------------------------------

    def _settle(self, lane: Lane, verdict: Verdict, outcome: Outcome) -> None:
        """The store's word on one append; they come in the order of the decisions."""
        assert lane.verdicts[0] is verdict
        lane.verdicts.popleft()
        match outcome:
            case Stored():
                self._committed(lane, verdict)
            case Conflict():
                lane.distrust()
                lane.retries.append(verdict.waiting)
            case Failed():
                lane.distrust()
                self._hub.forget(lane.chat_id)
                refusal = Refused(outcome.code)
                lane.answer(replace(verdict, refusal=refusal))
            case _:  # pragma: no cover
                assert_never(outcome)
        self._answer_ready(lane)
        if not lane.loaded and not lane.verdicts:
            lane.take_back()
            self._load_soon(lane)

    def _committed(self, lane: Lane, verdict: Verdict) -> None:
        first = lane.committed.position + 1
        lane.committed = verdict.after
        feed = self._hub.get(lane.chat_id) if verdict.bodies else None
        if verdict.rewrites:
            self._hub.forget(lane.chat_id)
            # Committed with the erasure, but as it was before: the log has the erased form.
            self._committed_bodies = [one for one in self._committed_bodies if one[0] is not feed]
            lane.distrust()  # what the state still holds has just been erased
        lane.answer(verdict)
        if feed is not None:
            feed.turn_running = verdict.after.turn is not None
            self._committed_bodies.append((feed, first, verdict.bodies))

    def _answer_ready(self, lane: Lane) -> None:
        """Answer what waited only for the appends before it."""
        while lane.verdicts and not lane.verdicts[0].appends:
            verdict = lane.verdicts.popleft()
            if lane.loaded:
                lane.answer(verdict)
            else:
                lane.retries.append(verdict.waiting)

    def publish(self) -> None:
        """Feed the readers with what was committed; after all answers of a batch, so that an
        ``ack`` leaves with the events it stands for and not behind them."""
        committed, self._committed_bodies = self._committed_bodies, []
        runs: dict[Feed, tuple[int, list[bytes]]] = {}  # readers are woken once a batch
        for feed, position, bodies in committed:
            start, run = runs.get(feed, (position, []))
            if start + len(run) != position:
                feed.publish(start, run)
                start, run = position, []
            run.extend(bodies)
            runs[feed] = start, run
        for feed, (start, run) in runs.items():
            feed.publish(start, run)

    # -- loading --------------------------------------------------------------------------

    def _load_soon(self, lane: Lane) -> None:
        if lane.loaded or lane.loading or lane.verdicts:
            return
        lane.loading = True
        task = asyncio.get_running_loop().create_task(self._load(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, lane: Lane) -> None:
        try:
            state = await self._fold_log(lane.chat_id, None)
            for command_id, record in await self._read_models.commands_of(lane.chat_id):
                state = remember(state, command_id, record)
        except Refused as refusal:
            lane.loading = False
            lane.refuse_all(refusal.code)
            if lane.may_have_a_turn:  # somebody must take it up, asked or not
                asyncio.get_running_loop().call_later(RELOAD_AFTER_S, self._load_soon, lane)
            return
        is_reload = lane.start_from(state)
        self._hub.moved_to(lane.chat_id, state.position)
        if self.turns is not None and is_reload:
            self.turns.reloaded(lane.chat_id, state)
        while lane.queue and lane.loaded:
            waiting = lane.queue.popleft()
            if not waiting.future.cancelled():
                self._decide(lane, waiting)

    async def _fold_log(self, chat_id: ChatId, upto: int | None) -> UserChat:
        state = INITIAL
        while True:
            rows = await self._store.read(chat_id, state.position, LOAD_PAGE, upto)
            for row in rows:
                state = evolve(state, decode(row.topic, row.body))
            if len(rows) < LOAD_PAGE:
                return state


def _encoded(facts: Sequence[AnyFact]) -> tuple[NewEvent, ...]:
    """The stored forms; ``Refused`` (``invalid_content``) for text that cannot be stored."""
    try:
        events = tuple(encode(fact) for fact in facts)
    except UnicodeEncodeError:
        raise Refused("invalid_content") from None
    if any(b"\\u0000" in event.body for event in events):
        for fact in facts:
            refuse_unstorable(msgspec.to_builtins(fact))
    return events


def _erased_but_last(events: tuple[NewEvent, ...]) -> tuple[NewEvent, ...]:
    """What an erasure stores: its last event is the newest that is not erased."""
    *before, erased = events
    return (*(replace(one, body=erase(one.topic, one.body)) for one in before), erased)
