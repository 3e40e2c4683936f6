"""``ChatService``: the only way in. Load, decide, append, wake.

``submit`` decides at once where the chat is in memory, so that commands are stored in the
order in which they were given; the future is done when the disk has them. Where other nodes
write to the same database (``is_shared``) an append is guarded by its position, and what stores
nothing (a refusal, an ``opened``) is decided on what the log holds after the command came.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, assert_never

from msgspec.structs import replace

from chatstream.domain.commands import (
    AnyCommand,
    ClearSession,
    ClientCommand,
    Streamed,
)
from chatstream.domain.events import AnyFact, TurnChanged
from chatstream.domain.user_chat import decide, remember
from chatstream.domain.user_chat.evolution import INITIAL
from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import Code, Refused, wordless
from chatstream.eventstore.store import (
    Append,
    Conflict,
    Failed,
    Outcome,
    SqlValue,
    Stored,
    StoredRow,
)
from chatstream.ids import ChatId
from chatstream.lane import Lane, Lanes, Receipt, Verdict, Waiting
from chatstream.live.committed import Committed
from chatstream.live.feed import Feed
from chatstream.live.hub import Hub
from chatstream.news import News, fold_log, read_news
from chatstream.verdicts import MAY_STORE_NOTHING, ReadModels, Verdicts

_ENDS_TURNS = (ClientCommand, ClearSession)
_log = logging.getLogger(__name__)
TRIES = 100
"""How often a command is decided again because another node was faster."""
ANOTHER_WITHIN_S = 1.0
"""How long the node that runs a turn may take to end it on the word of another one."""
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


class Runs(Protocol):
    """The turns that run here."""

    def runs(self, chat_id: ChatId) -> bool: ...

    def streamed(self, chat_id: ChatId) -> Streamed | None: ...


class NoRuns:
    """No turn runs here."""

    def runs(self, chat_id: ChatId) -> bool:  # noqa: ARG002
        """None."""
        return False

    def streamed(self, chat_id: ChatId) -> Streamed | None:
        """None."""


class TurnObserver(Protocol):
    """Who runs the turns: told of each decision, of its commit, and of what was read anew."""

    def decided(self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat) -> None: ...

    def committed(self, chat_id: ChatId, state: UserChat) -> None: ...

    def reloaded(self, chat_id: ChatId, state: UserChat, *, superseded: bool) -> None: ...


class ChatService:
    """Handles commands for all chats of this node; ``is_shared``: other nodes write too."""

    def __init__(
        self,
        store: Store,
        read_models: ReadModels,
        hub: Hub,
        runs: Runs | None = None,
        *,
        is_shared: bool = False,
    ) -> None:
        self._store = store
        self._is_shared = is_shared
        self._read_models = read_models
        self._verdicts = Verdicts(read_models, is_shared=is_shared)
        self._hub = hub
        self._lanes = Lanes()
        self._tasks: set[asyncio.Task[None]] = set()
        self.committed: Callable[[ChatId, int], None] | None = None
        """Assign one to be told how far each commit of this node took its chat."""
        self._to_show = Committed()
        self._runs: Runs = NoRuns() if runs is None else runs
        self._turns: TurnObserver | None = None
        self.elsewhere: Callable[[AnyCommand], None] | None = None
        """Assign one that lets the node that runs a chat's turn carry a command out."""

    def subscribe(self, observer: TurnObserver) -> None:
        """Tell ``observer`` of what is decided and stored."""
        self._turns = observer

    def submit(self, command: AnyCommand) -> asyncio.Future[Receipt]:
        """Handle ``command``; the future is done once the disk has it.

        The future raises ``Refused`` (``unavailable``: nothing stored or unknown), or
        ``StaleTurn`` for a runner whose turn is no longer its own.
        """
        future = asyncio.get_running_loop().create_future()
        lane = self._lanes.use(command.user_chat_id)
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
        lane = self._lanes.use(chat_id)
        if self._is_shared:
            state = await self._newest(lane)
        elif not lane.loaded:
            reader = asyncio.get_running_loop().create_future()
            lane.readers.append(reader)
            self._load_soon(lane)
            await reader
            state = lane.committed
        else:
            state = lane.committed
        if state.status == "none" or user_id not in {None, state.user_id}:
            raise Refused("not_found")
        return state

    async def state_at(self, chat_id: ChatId, position: int) -> UserChat:
        """The state as it stood after the event at ``position``."""
        return await fold_log(self._store, chat_id, position)

    def feed(self, chat_id: ChatId) -> Feed:
        """The live tail of a chat that is in memory (after ``load`` or a receipt)."""
        lane = self._lanes.use(chat_id)
        committed = lane.committed
        feed = self._hub.feed(chat_id, max(committed.position, lane.heard_of))
        feed.turn_running = committed.turn is not None
        if lane.heard_of > committed.position:
            feed.over(lane.heard_of)  # what readers find there may have ended the answer
        return feed

    # -- deciding -------------------------------------------------------------------------

    def _decide(self, lane: Lane, waiting: Waiting, *, is_fresh: bool = False) -> None:
        command = self._with_streamed(waiting.command)
        before = lane.tip
        facts: tuple[AnyFact, ...] = ()
        try:
            decision = decide(command, before)
            verdict, append = self._verdicts.of(lane, waiting, decision)
            facts = decision.facts
        except Exception as refusal:  # noqa: BLE001 - a fault is one command's, not its chat's
            verdict = Verdict(waiting, before, before.position, duplicate=False, refusal=refusal)
            append = None
        if append is None and self._is_shared and not is_fresh and not _is_known(verdict):
            self._hold(lane, waiting)
            return
        if self._is_shared and self._is_for_another(lane, command, facts):
            if not is_fresh:
                self._hold(lane, waiting)
                return
            patient = self._ask_another(waiting)
            if patient is not None:
                self._hold(lane, patient, read_now=False)
                return
        lane.verdicts.append(verdict)
        if append is None:
            self._answer_ready(lane)
            return
        lane.tip = verdict.after
        self._store.append(append, partial(self._settle, lane, verdict))
        if self._turns is not None and facts:
            self._turns.decided(lane.chat_id, facts, lane.tip)

    def _with_streamed(self, command: AnyCommand) -> AnyCommand:
        """A command that may end the turn takes along what its runner has streamed."""
        if not isinstance(command, _ENDS_TURNS):
            return command
        streamed = self._runs.streamed(command.user_chat_id)
        return command if streamed is None else replace(command, streamed=streamed)

    def _hold(self, lane: Lane, waiting: Waiting, *, read_now: bool = True) -> None:
        """What stores nothing is guarded by nothing: decide again on what the log holds then."""
        lane.queue.appendleft(waiting)
        lane.falls_behind()
        if read_now:
            self._load_soon(lane)
        else:
            asyncio.get_running_loop().call_later(ANOTHER_WITHIN_S, self._load_soon, lane)

    def _is_for_another(self, lane: Lane, command: AnyCommand, facts: Sequence[AnyFact]) -> bool:
        """Whether it ends a turn that another node runs, which holds the text of its answer."""
        if not isinstance(command, _ENDS_TURNS) or lane.tip.turn is None:
            return False
        return any(map(_cancels, facts)) and not self._runs.runs(lane.chat_id)

    def _ask_another(self, waiting: Waiting) -> Waiting | None:
        """The same, asked for elsewhere, while there is patience; None once that is over."""
        now = asyncio.get_running_loop().time()
        if waiting.patience_until is not None:
            return waiting if now < waiting.patience_until else None
        if self.elsewhere is None:
            return None
        self.elsewhere(waiting.command)
        return replace(waiting, patience_until=now + ANOTHER_WITHIN_S)

    # -- settling -------------------------------------------------------------------------

    def _settle(self, lane: Lane, verdict: Verdict, outcome: Outcome) -> None:
        """The store's word on one append; they come in the order of the decisions."""
        assert lane.verdicts[0] is verdict
        lane.verdicts.popleft()
        match outcome:
            case Stored():
                self._committed(lane, verdict)
            case Conflict():
                self._again(lane, verdict)
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

    def _again(self, lane: Lane, verdict: Verdict) -> None:
        lane.lost()
        waiting = verdict.waiting
        if waiting.tries < TRIES:
            lane.retries.append(replace(waiting, tries=waiting.tries + 1))
        else:
            lane.answer(replace(verdict, refusal=Refused("overloaded")))

    def _committed(self, lane: Lane, verdict: Verdict) -> None:
        first = verdict.after.position - len(verdict.bodies) + 1
        lane.committed = verdict.after
        if self.committed is not None and verdict.bodies:
            self.committed(lane.chat_id, verdict.after.position)
        feed = self._hub.get(lane.chat_id) if verdict.bodies else None
        if verdict.rewrites:
            self._hub.forget(lane.chat_id)
            self._to_show.drop(feed)  # committed with the erasure, but as it was before
            lane.distrust()  # what the state still holds has just been erased
        if self._turns is not None and verdict.bodies:
            self._turns.committed(lane.chat_id, verdict.after)
        lane.answer(verdict)
        if feed is not None:
            feed.turn_running = verdict.after.turn is not None
            self._end_answers(feed, verdict.after)
            self._to_show.add(feed, first, verdict.bodies)

    def _answer_ready(self, lane: Lane) -> None:
        """Answer what waited only for the appends before it."""
        while lane.verdicts and not lane.verdicts[0].appends:
            verdict = lane.verdicts.popleft()
            if lane.loaded:
                lane.answer(verdict)
            else:
                lane.retries.append(verdict.waiting)

    def publish(self) -> None:
        """Feed the readers with what a batch committed. To be called after all its outcomes."""
        self._to_show.publish()

    # -- loading --------------------------------------------------------------------------

    def _load_soon(self, lane: Lane) -> None:
        if lane.loaded or lane.loading or lane.verdicts:
            return
        lane.loading = True
        task = asyncio.get_running_loop().create_task(self._load(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, lane: Lane) -> None:
        came_before = len(lane.queue)
        lane.heard_of = 0  # what is heard from now on may not be read yet
        try:
            news = await self._read_on(lane)
        except Exception as error:  # noqa: BLE001 - each that waits is answered
            lane.loading = False
            lane.refuse_all(_code_of(error, lane.chat_id))
            if not isinstance(error, Refused):
                return  # it would be no better half a second later
            if lane.may_have_a_turn or self._looks_on(lane.chat_id):
                # Somebody must take the turn up and feed the readers, asked or not.
                asyncio.get_running_loop().call_later(RELOAD_AFTER_S, self._load_soon, lane)
            return
        self._take_in(lane, news)
        if lane.heard_of > lane.tip.position:
            lane.falls_behind()
            self._load_soon(lane)
        while lane.queue and lane.loaded:
            waiting = lane.queue.popleft()
            came_before -= 1
            if not waiting.future.cancelled():
                self._decide(lane, waiting, is_fresh=came_before >= 0)

    async def _read_on(self, lane: Lane) -> News:
        news = await read_news(self._store, lane.chat_id, _known(lane))
        if not news.is_whole and not any(map(_may_store_nothing, lane.queue)):
            return news
        state = news.state
        for command_id, record in await self._read_models.commands_of(lane.chat_id):
            state = remember(state, command_id, record)
        return replace(news, state=state)

    def _take_in(self, lane: Lane, news: News) -> None:
        """Go on from what the log holds, and let the readers have what is new."""
        in_vain = lane.start_from(news.state)
        feed = self._hub.get(lane.chat_id)
        if feed is not None:
            feed.turn_running = news.state.turn is not None
            self._end_answers(feed, news.state)
            if news.is_whole:
                feed.forget()  # it may hold what has been erased since
                feed.moved_to(news.state.position)
            elif news.bodies:
                feed.publish(news.first, news.bodies)
        if self._turns is not None and (in_vain or self._is_shared):
            self._turns.reloaded(lane.chat_id, news.state, superseded=in_vain)

    # -- other nodes ----------------------------------------------------------------------

    def _end_answers(self, feed: Feed, state: UserChat) -> None:
        """Alone, the run that streams an answer ends it; what another node streams may come when
        the readers here are past its end."""
        if self._is_shared:
            feed.over(state.text_since)

    def heard(self, chat_id: ChatId, position: int) -> None:
        """The log of a chat is said to reach ``position``; where somebody here looks on, it is
        read at once."""
        lane = self._lanes.get(chat_id)
        if lane is not None:
            if max(lane.tip.position if lane.loaded else 0, lane.heard_of) >= position:
                return
            lane.heard_of = position
            lane.falls_behind()
        if self._looks_on(chat_id) or (lane is not None and lane.queue):
            self._load_soon(self._lanes.use(chat_id))

    def forget_idle_lanes(self) -> None:
        """Let go of what may be out of date and nobody asks about. To be called now and then."""
        self._lanes.forget_behind()

    def _looks_on(self, chat_id: ChatId) -> bool:
        if self._hub.get(chat_id) is not None:
            return True
        return self._runs.runs(chat_id)

    def state_of(self, chat_id: ChatId) -> UserChat | None:
        """The chat as this node knows it, if it does."""
        lane = self._lanes.get(chat_id)
        return None if lane is None or not lane.is_true else lane.committed

    async def _newest(self, lane: Lane) -> UserChat:
        """The chat as the log holds it now, whatever is under way."""
        known = _known(lane)
        news = await self._read_on(lane)
        if lane.is_idle and _known(lane) is known:
            if news.bodies or not lane.loaded:
                self._take_in(lane, news)
        else:
            lane.heard_of = max(lane.heard_of, news.state.position)
            if (feed := self._hub.get(lane.chat_id)) is not None:
                self._end_answers(feed, news.state)
            self._hub.moved_to(lane.chat_id, news.state.position)
        return news.state


def _cancels(fact: AnyFact) -> bool:
    return isinstance(fact, TurnChanged) and fact.status == "cancelled"


def _code_of(error: Exception, chat_id: ChatId) -> Code:
    if isinstance(error, Refused):
        return error.code
    _log.error("a chat cannot be read", exc_info=wordless(error), extra={"user_chat_id": chat_id})
    return "unavailable"


def _known(lane: Lane) -> UserChat:
    return lane.committed if lane.is_true else INITIAL


def _is_known(verdict: Verdict) -> bool:
    """Whether the verdict is that a command was stored before: that never changes."""
    return verdict.duplicate and isinstance(verdict.waiting.command, ClientCommand)


def _may_store_nothing(waiting: Waiting) -> bool:
    return isinstance(waiting.command, MAY_STORE_NOTHING)
