"""The chats in memory, and of each its states and the appends under way, strictly in order.

A command is decided on the *tip* (the state after all that has been decided) and appended at
its position; what leaves the server is taken from the *committed* state. The tip runs ahead
so that steps do not wait for the disk. Where an append fails the tip is worth nothing: the
lane reads the log again and decides what still waits anew. Where other nodes write the same
chats, a lane that has heard of their events reads on from what is committed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from msgspec import Struct

from chatstream.domain.commands import AnyCommand
from chatstream.domain.user_chat.evolution import INITIAL
from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import Code, Refused
from chatstream.eventstore.store import AppendChain
from chatstream.ids import ChatId

LANES_IN_MEMORY = 5_000


class Receipt(Struct, frozen=True):
    """What became of a command: its position, whether it had been stored before, and the
    chat's committed state with it."""

    position: int
    duplicate: bool
    state: UserChat


class Waiting(Struct, frozen=True):
    """A command and who waits for it; ``tries`` is how often another node was faster. With
    ``patience_until`` another node was asked to carry it out, by then."""

    command: AnyCommand
    future: asyncio.Future[Receipt]
    tries: int = 0
    patience_until: float | None = None


class Verdict(Struct, frozen=True):
    """What was decided: a receipt to give or an exception to raise once all appends before it
    are committed; ``after`` is the state it leads to."""

    waiting: Waiting
    after: UserChat
    position: int
    duplicate: bool
    bodies: tuple[bytes, ...] = ()
    refusal: Exception | None = None
    appends: bool = False
    rewrites: bool = False


class Lane:
    """The chat ``chat_id``: ``loaded`` says whether its tip can be trusted, ``is_true`` whether
    what is committed can. ``heard_of`` is the newest position that another node told of."""

    def __init__(self, chat_id: ChatId) -> None:
        self.chat_id = chat_id
        self.loaded = False
        self.loading = False
        self.is_true = False
        self.heard_of = 0
        self.tip: UserChat = INITIAL
        self.committed: UserChat = INITIAL
        self.verdicts: deque[Verdict] = deque()
        self.queue: deque[Waiting] = deque()
        self.retries: list[Waiting] = []
        self.readers: list[asyncio.Future[None]] = []
        self.chain = AppendChain()
        self._in_vain = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, so that it may be forgotten."""
        return not (self.verdicts or self.queue or self.retries or self.loading)

    @property
    def may_have_a_turn(self) -> bool:
        """Whether a turn ran when the chat was last known."""
        return self.tip.turn is not None or self.committed.turn is not None

    def start_from(self, state: UserChat) -> bool:
        """Trust ``state``, which has just been read from the log; gives whether an append was
        in vain since the last time."""
        in_vain, self._in_vain = self._in_vain, False
        self.tip = self.committed = state
        self.chain = AppendChain()
        self.loaded, self.loading, self.is_true = True, False, True
        readers, self.readers = self.readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)
        return in_vain

    def refuse_all(self, code: Code) -> None:
        """Refuse everything that waits for the log: it cannot be read."""
        readers, self.readers = self.readers, []
        waiting, self.queue = self.queue, deque()
        for one in waiting:
            if not one.future.done():
                one.future.set_exception(Refused(code))
        for reader in readers:
            if not reader.done():
                reader.set_exception(Refused(code))

    def distrust(self) -> None:
        """No state is worth anything: read the whole log before the next decision."""
        self._in_vain = True
        self.loaded = self.is_true = False

    def lost(self) -> None:
        """Another node was faster: the tip is worth nothing, what is committed still holds."""
        self._in_vain = True
        self.loaded = False

    def falls_behind(self) -> None:
        """Others may have written: read on before the next decision."""
        self.loaded = False

    def take_back(self) -> None:
        """Put the commands that were in vain back, before those that came later."""
        self.queue.extendleft(reversed(self.retries))
        self.retries.clear()

    def answer(self, verdict: Verdict) -> None:
        """Give the verdict to who waits for it; a cancelled waiter changes nothing."""
        future = verdict.waiting.future
        if future.done():
            return
        if verdict.refusal is not None:
            future.set_exception(verdict.refusal)
        else:
            future.set_result(Receipt(verdict.position, verdict.duplicate, self.committed))


class Lanes:
    """The chats that are in memory: as many as fit, those used last."""

    def __init__(self, most: int = LANES_IN_MEMORY) -> None:
        self._most = most
        self._lanes: OrderedDict[ChatId, Lane] = OrderedDict()

    def get(self, chat_id: ChatId) -> Lane | None:
        """The chat's lane, if it has one."""
        return self._lanes.get(chat_id)

    def use(self, chat_id: ChatId) -> Lane:
        """The chat's lane, a new one if need be."""
        lane = self._lanes.get(chat_id)
        if lane is None:
            lane = self._lanes[chat_id] = Lane(chat_id)
            self._forget_oldest()
        else:
            self._lanes.move_to_end(chat_id)
        return lane

    def forget_behind(self) -> None:
        """Let go of chats that others write to and nobody asks about here: what is held of them
        may have been erased."""
        behind = [key for key, lane in self._lanes.items() if not lane.loaded and lane.is_idle]
        for chat_id in behind:
            del self._lanes[chat_id]

    def _forget_oldest(self) -> None:
        if len(self._lanes) <= self._most:
            return
        idle = next((key for key, lane in self._lanes.items() if lane.is_idle), None)
        if idle is not None:
            del self._lanes[idle]
