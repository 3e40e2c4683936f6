"""The group-commit writer: one thread, one queue, one transaction for many chats.

Appends of one loop iteration travel to the thread together; the thread takes all that waits, up
to a bound, without waiting for more. So batches form by themselves under load and an idle
server adds no delay. One callback a batch brings the outcomes back to the loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Final

from msgspec import Struct

from chatstream.errors import wordless
from chatstream.eventstore.store import Append, Engine, Failed, Outcome

Done = Callable[[Outcome], None]

log = logging.getLogger(__name__)

_LARGEST_BATCH: Final = 512  # events; larger ones only add to the wait
_LONGEST_QUEUE: Final = 10_000

_OVERLOADED: Final = Failed("overloaded", doubtful=False, reason="too many appends wait")
_NO_ANSWER: Final = Failed("unavailable", doubtful=False, reason="the database does not answer")
_CLOSED: Final = Failed("unavailable", doubtful=False, reason="the store is closed")


class _Item(Struct, frozen=True, gc=False):
    append: Append
    done: Done


class Batch(Struct, frozen=True, gc=False):
    """What one transaction was: for metrics."""

    appends: int
    events: int
    seconds: float
    commit_seconds: float


class GroupCommitWriter:
    """Appends from the loop's thread, transactions in a thread of its own.

    ``on_batch`` and ``measure`` are called on the loop after all ``done`` of a batch.
    """

    def __init__(
        self,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        on_batch: Callable[[], None],
        measure: Callable[[Batch], None],
    ) -> None:
        self._engine = engine
        self._loop = loop
        self._on_batch = on_batch
        self._measure = measure
        self._accepting = True
        self._depth = 0
        self._handing_over: list[_Item] = []
        self._queue: SimpleQueue[list[_Item] | None] = SimpleQueue()
        self._sentinel_seen = False
        self._write_began: float | None = None
        self._ended: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(target=self._run, name="chatstream-writer", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """How many appends are not answered yet."""
        return self._depth

    @property
    def stuck_seconds(self) -> float:
        """How long the write in progress has taken; 0 without one."""
        began = self._write_began
        return 0.0 if began is None else time.monotonic() - began

    def append(self, append: Append, done: Done) -> None:
        """Queue ``append``; ``done`` gets its outcome on the loop, never within this call."""
        if not self._accepting:
            append.break_chain()
            self._loop.call_soon(done, _CLOSED)
        elif self._depth >= _LONGEST_QUEUE:
            append.break_chain()
            self._loop.call_soon(done, _OVERLOADED)
        else:
            self._accept(_Item(append, done))

    async def close(self) -> None:
        """Refuse new appends, store and answer those that wait, end the thread."""
        if self._accepting:
            self._accepting = False
            self._hand_over()
            self._queue.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    def _accept(self, item: _Item) -> None:
        self._depth += 1
        if not self._handing_over:
            self._loop.call_soon(self._hand_over)
        self._handing_over.append(item)

    def _hand_over(self) -> None:
        if self._handing_over:
            self._queue.put(self._handing_over)
            self._handing_over = []

    def _run(self) -> None:
        waiting: deque[_Item] = deque()
        try:
            while self._collect(waiting):
                self._store(waiting)
        finally:
            self._tell(self._end)

    def _collect(self, waiting: deque[_Item], *, wait: bool = True) -> bool:
        """Take all that is queued, waiting for the first; False once all is done for good."""
        while not self._sentinel_seen:
            try:
                items = self._queue.get(block=wait and not waiting)
            except Empty:
                break
            if items is None:
                self._sentinel_seen = True
            else:
                waiting.extend(items)
        return bool(waiting)

    def _store(self, waiting: deque[_Item]) -> None:
        """Write a batch and answer it."""
        batch = _take_batch(waiting)
        began = self._write_began = time.monotonic()
        outcomes = self._write([item.append for item in batch])
        seconds = time.monotonic() - began
        self._write_began = None
        events = sum(len(item.append.events) for item in batch)
        statistics = Batch(len(batch), events, seconds, self._engine.commit_seconds)
        if all(_is_unavailable(outcome) for outcome in outcomes):
            # Those behind would only wait for the same failure, one time-out each. They are
            # taken before the answer, so that what is sent after it has a try of its own.
            self._collect(waiting, wait=False)
            outcomes += [_NO_ANSWER] * len(waiting)
            batch += waiting
            waiting.clear()
            for item in batch:
                item.append.break_chain()
        self._tell(self._answer, batch, outcomes, statistics)

    def _write(self, appends: Sequence[Append]) -> list[Outcome]:
        try:
            outcomes = self._engine.write(appends)
            assert len(outcomes) == len(appends), "one outcome an append"
            return outcomes
        except Exception as error:
            # Whatever it is, each waiting command gets an answer and the thread goes on.
            log.exception("a batch of %d appends failed", len(appends), exc_info=wordless(error))
            # The kind alone: a message may quote content.
            reason = type(error).__name__
            return [Failed("unavailable", doubtful=True, reason=reason)] * len(appends)

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            log.warning("the event loop is closed: outcomes of appends are lost")

    def _answer(
        self, batch: Sequence[_Item], outcomes: Sequence[Outcome], statistics: Batch
    ) -> None:
        self._depth -= len(batch)
        for item, outcome in zip(batch, outcomes, strict=True):
            self._call(item.done, outcome)
        self._call(self._measure, statistics)
        self._call(self._on_batch)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            callback(*arguments)
        except Exception as error:
            # One caller's bug must not leave the others of its batch without an answer.
            log.exception("a callback of the store failed", exc_info=wordless(error))

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


def _take_batch(waiting: deque[_Item]) -> list[_Item]:
    batch: list[_Item] = []
    events = 0
    while waiting and events < _LARGEST_BATCH:
        item = waiting.popleft()
        events += len(item.append.events) or 1
        batch.append(item)
    return batch


def _is_unavailable(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.code == "unavailable" and outcome.spreads
