"""One chat in memory: its states and the appends under way, strictly in order.

A command is decided on the *tip* (the state after all that has been decided) and appended at
its position; what leaves the server is taken from the *committed* state. The tip runs ahead
so that steps do not wait for the disk. Where an append fails the tip is worth nothing: the
lane reads the log again and decides what still waits anew.
"""

from __future__ import annotations

import asyncio
from collections import deque

from msgspec import Struct

from chatstream.domain.commands import AnyCommand
from chatstream.domain.evolve import INITIAL
from chatstream.domain.state import UserChat
from chatstream.errors import Code, Refused
from chatstream.ids import ChatId


class Receipt(Struct, frozen=True):
    """What became of a command: its position, whether it had been stored before, and the
    chat's committed state with it."""

    position: int
    duplicate: bool
    state: UserChat


class Waiting(Struct, frozen=True):
    """A command and who waits for it."""

    command: AnyCommand
    future: asyncio.Future[Receipt]


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
    """The chat ``chat_id``: ``loaded`` says whether its states can be trusted."""

    def __init__(self, chat_id: ChatId) -> None:
        self.chat_id = chat_id
        self.loaded = False
        self.loading = False
        self.tip: UserChat = INITIAL
        self.committed: UserChat = INITIAL
        self.verdicts: deque[Verdict] = deque()
        self.queue: deque[Waiting] = deque()
        self.retries: list[Waiting] = []
        self.readers: list[asyncio.Future[None]] = []
        self._was_loaded = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, so that it may be forgotten."""
        return not (self.verdicts or self.queue or self.retries or self.loading)

    @property
    def may_have_a_turn(self) -> bool:
        """Whether a turn ran when the chat was last known."""
        return self.tip.turn is not None or self.committed.turn is not None

    def start_from(self, state: UserChat) -> bool:
        """Trust ``state``, which has just been read from the log; gives whether an earlier
        state was distrusted."""
        is_reload, self._was_loaded = self._was_loaded, True
        self.tip = self.committed = state
        self.loaded, self.loading = True, False
        readers, self.readers = self.readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)
        return is_reload

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
        """The tip is worth nothing: read the log before the next decision."""
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
