"""``ChatService``: the only way in. It carries out what each chat's ``ChatPipeline`` asks for.

``submit`` decides at once where the chat is in memory, so that commands are stored in the order
in which they were given; the future is done when the disk has them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, assert_never

from chatstream.chats.appends import AppendPlanner, RowWriter
from chatstream.chats.cache import ChatCache
from chatstream.chats.effects import (
    Answer,
    DecideInbox,
    DropFrames,
    Forward,
    Load,
    MoveReaders,
    PendingAppend,
    Publish,
    Refuse,
    Retry,
    TakeIn,
)
from chatstream.chats.pipeline import ChatPipeline, Effects, Freshness
from chatstream.chats.policy import ENDS_TURNS, RunHere, WriterPolicy
from chatstream.chats.publisher import BatchPublisher
from chatstream.chats.receipt import Receipt
from chatstream.chats.repository import ChatRepository, CommandIds
from chatstream.domain.commands import AnyCommand, Streamed
from chatstream.domain.events import AnyFact
from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import Code, Refused, wordless
from chatstream.eventstore.store import Append, Outcome, StoredRow
from chatstream.ids import ChatId
from chatstream.live.feed import Feed
from chatstream.live.hub import Hub

_log = logging.getLogger(__name__)

Chat = ChatPipeline[asyncio.Future[Receipt]]


class Store(Protocol):
    """What the service needs of the event store (``eventstore.log.EventStore``)."""

    def append(self, append: Append, done: Callable[[Outcome], None]) -> None:
        """Queues ``append``; ``done`` gets its outcome, never within this call."""
        ...

    async def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None = None
    ) -> list[StoredRow]:
        """Returns stored events; raises ``Refused``."""
        ...


class ReadModels(RowWriter, CommandIds, Protocol):
    """What the service needs of the read models (``projections.models.ReadModels``)."""


class Runs(Protocol):
    """Knows which turns run on this node (``turns.run_table.RunTable``)."""

    def runs(self, chat_id: ChatId) -> bool:
        """Returns whether the chat's turn runs on this node."""
        ...

    def streamed(self, chat_id: ChatId) -> Streamed | None:
        """Returns the text of the chat's answer in progress."""
        ...


class Forwarder(Protocol):
    """Lets the node that runs a chat's turn carry a command out."""

    def forward(self, command: AnyCommand) -> bool:
        """Asks the other nodes; returns False if there are none."""
        ...


class NoForwarder:
    """The forwarder of a node without others."""

    def forward(self, command: AnyCommand) -> bool:  # noqa: ARG002
        """Returns False: there is nobody to ask."""
        return False


class CommitListener(Protocol):
    """Is told how far each commit of this node took its chat."""

    def committed(self, chat_id: ChatId, position: int) -> None:
        """Takes in that the events up to ``position`` are on disk."""
        ...


class NoCommitListener:
    """Listens to nothing."""

    def committed(self, chat_id: ChatId, position: int) -> None:
        """Does nothing."""


class TurnObserver(Protocol):
    """Who runs the turns of this node. A fault of it is logged and harms no command."""

    def decided(self, chat_id: ChatId, events: Sequence[AnyFact], state: UserChat) -> None:
        """Takes in ``events`` at their decision, before they are on disk; ``state`` is the state
        after them."""
        ...

    def committed(self, chat_id: ChatId, state: UserChat) -> None:
        """Takes in that the events that led to ``state`` are on disk, before anybody who waits
        for that is answered."""
        ...

    def reloaded(self, chat_id: ChatId, state: UserChat, *, superseded: bool) -> None:
        """Takes in what was read from the log; ``superseded``: something that was ``decided`` was
        not stored."""
        ...


class NoTurnObserver:
    """Observes nothing: no turn runs here."""

    def decided(self, chat_id: ChatId, events: Sequence[AnyFact], state: UserChat) -> None:
        """Does nothing."""

    def committed(self, chat_id: ChatId, state: UserChat) -> None:
        """Does nothing."""

    def reloaded(self, chat_id: ChatId, state: UserChat, *, superseded: bool) -> None:
        """Does nothing."""


_NOBODY: Final = NoCommitListener()


class ChatService:
    """Handles the commands for all chats of this node. All calls belong to the loop's thread.

    Args:
        store: Takes the appends and reads the log.
        read_models: What is written beside the log.
        hub: The feeds of those who follow chats.
        runs: Which turns run here.
        forwarder: Reaches the nodes that run the other turns.
        policy: Whether other nodes write to the same database.
        commits: Is told of each commit.
    """

    def __init__(
        self,
        store: Store,
        read_models: ReadModels,
        hub: Hub,
        runs: Runs,
        forwarder: Forwarder,
        policy: WriterPolicy,
        *,
        commits: CommitListener = _NOBODY,
    ) -> None:
        self._store = store
        self._hub = hub
        self._runs = runs
        self._forwarder = forwarder
        self._policy = policy
        self._commits = commits
        self._repository = ChatRepository(store, read_models)
        self._planner = AppendPlanner(read_models, policy)
        self._chats = ChatCache(self._new_chat)
        self._publisher = BatchPublisher()
        self._observer: TurnObserver = NoTurnObserver()
        # The loads under way, and the timers by chat; ``close`` ends both.
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[ChatId, asyncio.TimerHandle] = {}

    def subscribe(self, observer: TurnObserver) -> None:
        """Tells ``observer`` of all that is decided, committed and read from now on."""
        self._observer = observer

    async def close(self) -> None:
        """Ends every load and timer, refuses what still waits (``unavailable``) and forgets the
        chats. To be called when the store has answered its last append."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for chat in self._chats:
            refusals = chat.on_load_failed("unavailable", may_retry=False, is_watched=False)
            self._carry_out(chat, refusals)
        self._chats.clear()

    # -- commands and states ------------------------------------------------------------------

    def submit(self, command: AnyCommand) -> asyncio.Future[Receipt]:
        """Handles ``command``; the future is done once the disk has it.

        The future raises ``Refused`` (``unavailable``: nothing stored or unknown), or
        ``StaleTurn`` for a runner whose turn is no longer its own.
        """
        waiter: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        chat = self._chats.use(command.user_chat_id)
        self._carry_out(chat, chat.on_command(command, waiter, self._run_for(command)))
        return waiter

    async def load(self, chat_id: ChatId, user_id: str | None = None) -> UserChat:
        """Returns the chat's committed state; with ``user_id`` only if it is that user's.

        Raises:
            Refused: ``not_found`` for a missing chat or another user's, ``unavailable``.
        """
        chat = self._chats.use(chat_id)
        if self._policy.others_write:
            state = await self._newest(chat)
        elif chat.is_current:
            state = chat.committed
        else:
            state = await self._once_loaded(chat)
        if state.status == "none" or user_id not in {None, state.user_id}:
            raise Refused("not_found")
        return state

    async def state_at(self, chat_id: ChatId, position: int) -> UserChat:
        """Returns the state as it stood after the event at ``position``."""
        return await self._repository.state_at(chat_id, position)

    def state_of(self, chat_id: ChatId) -> UserChat | None:
        """Returns the chat as this node knows it, if it does."""
        chat = self._chats.get(chat_id)
        if chat is None or chat.freshness is Freshness.UNKNOWN:
            return None
        return chat.committed

    def feed(self, chat_id: ChatId) -> Feed:
        """Returns the live tail of a chat that is in memory (after ``load`` or a receipt)."""
        chat = self._chats.use(chat_id)
        committed = chat.committed
        feed = self._hub.feed(chat_id, max(committed.position, chat.heard_of))
        feed.turn_running = committed.turn is not None
        if chat.heard_of > committed.position:
            feed.over(chat.heard_of)  # what readers find there may have ended the answer
        return feed

    def publish(self) -> None:
        """Feeds the readers with what a batch committed. To be called after all its outcomes."""
        self._publisher.publish()

    def heard(self, chat_id: ChatId, position: int) -> None:
        """Takes in that the log of a chat is said to reach ``position``; where somebody here
        looks on, it is read at once."""
        is_watched = self._is_watched(chat_id)
        chat = self._chats.use(chat_id) if is_watched else self._chats.get(chat_id)
        if chat is not None:
            self._carry_out(chat, chat.on_heard(position, is_watched=is_watched))

    def forget_stale_chats(self) -> None:
        """Forgets what may be out of date and nobody asks about. To be called now and then."""
        self._chats.forget_stale()

    # -- effects --------------------------------------------------------------------------------

    def _new_chat(self, chat_id: ChatId) -> Chat:
        return ChatPipeline(chat_id, self._planner, self._policy)

    def _carry_out(  # noqa: C901, PLR0912 - one arm an effect
        self, chat: Chat, effects: Effects[asyncio.Future[Receipt]]
    ) -> None:
        for effect in effects:
            match effect:  # the most frequent first
                case PendingAppend():
                    self._append(chat, effect)
                case Answer():
                    if not effect.waiter.done():
                        effect.waiter.set_result(effect.receipt)
                case Publish():
                    self._publish(chat, effect)
                case Refuse():
                    if not effect.waiter.done():
                        effect.waiter.set_exception(effect.error)
                case Load():
                    self._spawn_load(chat, effect)
                case TakeIn():
                    self._take_in(chat, effect)
                case DecideInbox():
                    self._decide_inbox(chat)
                case MoveReaders():
                    self._move_readers(chat, effect.state)
                case DropFrames():
                    self._hub.forget(chat.chat_id)
                case Forward():
                    if not self._forwarder.forward(effect.command):
                        self._carry_out(chat, chat.on_not_forwarded())
                case Retry():
                    self._set_timer(chat, effect.after_s)
                case _:  # pragma: no cover
                    assert_never(effect)

    def _append(self, chat: Chat, decided: PendingAppend[asyncio.Future[Receipt]]) -> None:
        plan = decided.plan
        self._store.append(plan.append, partial(self._settle, chat))
        if plan.events:
            try:
                self._observer.decided(chat.chat_id, plan.events, plan.after)
            except Exception as error:  # noqa: BLE001 - the command is under way all the same
                _log_fault(chat, error)

    def _settle(self, chat: Chat, outcome: Outcome) -> None:
        self._carry_out(chat, chat.on_outcome(outcome))

    def _publish(self, chat: Chat, publish: Publish) -> None:
        plan = publish.plan
        self._commits.committed(chat.chat_id, plan.after.position)
        feed = self._hub.get(chat.chat_id)
        if plan.append.rewrite is not None:
            self._hub.forget(chat.chat_id)
            self._publisher.drop(feed)  # committed with the erasure, but as it was before
        if feed is not None:
            feed.turn_running = plan.after.turn is not None
            self._end_answers(feed, plan.after)
            bodies = [event.body for event in plan.append.events]
            self._publisher.add(feed, plan.append.expected_position + 1, bodies)
        try:
            self._observer.committed(chat.chat_id, plan.after)
        except Exception as error:  # noqa: BLE001 - what is stored is answered all the same
            _log_fault(chat, error)

    def _take_in(self, chat: Chat, effect: TakeIn) -> None:
        """Lets readers and runs have what is new in the log."""
        caught_up, state = effect.caught_up, effect.caught_up.state
        feed = self._hub.get(chat.chat_id)
        if feed is not None:
            feed.turn_running = state.turn is not None
            self._end_answers(feed, state)
            if caught_up.is_whole:
                feed.forget()  # it may hold what has been erased since
                feed.moved_to(state.position)
            elif caught_up.bodies:
                feed.publish(caught_up.first_position, caught_up.bodies)
        if effect.superseded or self._policy.others_write:
            try:
                self._observer.reloaded(chat.chat_id, state, superseded=effect.superseded)
            except Exception as error:  # noqa: BLE001 - who waits is answered all the same
                _log_fault(chat, error)

    def _move_readers(self, chat: Chat, state: UserChat) -> None:
        feed = self._hub.get(chat.chat_id)
        if feed is not None:
            self._end_answers(feed, state)
            feed.moved_to(state.position)

    def _end_answers(self, feed: Feed, state: UserChat) -> None:
        """Ends the answers that are over. Alone, the run that streams an answer does so; what
        another node streams may come when the readers here are past its end."""
        if self._policy.others_write:
            feed.over(state.text_since)

    def _decide_inbox(self, chat: Chat) -> None:
        loop = asyncio.get_running_loop()
        while chat.has_ready:
            head = chat.inbox[0]
            if head.waiter.cancelled():
                self._carry_out(chat, chat.on_withdrawn())
            else:
                self._carry_out(chat, chat.on_next(self._run_for(head.command), loop.time()))

    def _run_for(self, command: AnyCommand) -> RunHere | None:
        """Returns the run whose turn ``command`` may end, if it is here."""
        if type(command) not in ENDS_TURNS or not self._runs.runs(command.user_chat_id):
            return None
        return RunHere(self._runs.streamed(command.user_chat_id))

    def _is_watched(self, chat_id: ChatId) -> bool:
        return self._hub.get(chat_id) is not None or self._runs.runs(chat_id)

    # -- the log --------------------------------------------------------------------------------

    def _spawn_load(self, chat: Chat, load: Load) -> None:
        task = asyncio.get_running_loop().create_task(self._load(chat, load))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, chat: Chat, load: Load) -> None:
        try:
            caught_up = await self._repository.catch_up(
                chat.chat_id, load.known, with_command_ids=load.with_command_ids
            )
        except Exception as error:  # noqa: BLE001 - each that waits is answered
            effects = chat.on_load_failed(
                _code_of(error, chat),
                may_retry=isinstance(error, Refused),
                is_watched=self._is_watched(chat.chat_id),
            )
        else:
            effects = chat.on_loaded(caught_up)
        self._carry_out(chat, effects)

    async def _once_loaded(self, chat: Chat) -> UserChat:
        waiter: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._carry_out(chat, chat.on_reader(waiter))
        return (await waiter).state

    async def _newest(self, chat: Chat) -> UserChat:
        """Returns the chat as the log holds it now, whatever is under way."""
        known = chat.known
        caught_up = await self._repository.catch_up(chat.chat_id, known)
        is_watched = self._is_watched(chat.chat_id)
        self._carry_out(chat, chat.on_read(known, caught_up, is_watched=is_watched))
        return caught_up.state

    def _set_timer(self, chat: Chat, after_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._timers[chat.chat_id] = loop.call_later(after_s, self._on_timer, chat)

    def _on_timer(self, chat: Chat) -> None:
        del self._timers[chat.chat_id]
        self._carry_out(chat, chat.on_timer())


def _log_fault(chat: Chat, error: Exception) -> None:
    _log.error(
        "a turn could not be observed",
        exc_info=wordless(error),
        extra={"user_chat_id": chat.chat_id},
    )


def _code_of(error: Exception, chat: Chat) -> Code:
    if isinstance(error, Refused):
        return error.code
    _log.error(
        "a chat cannot be read", exc_info=wordless(error), extra={"user_chat_id": chat.chat_id}
    )
    return "unavailable"
