"""The live tail of one chat: a ring of recent frames, reads of the log behind it.

Catch-up, live and resume are one thing: a reader holds the position it has and asks for what
follows. What is in the ring is what the log holds, byte for byte; where that is in doubt the
ring is dropped and the log is read. A reader that is slow costs nobody else anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import Protocol

from msgspec import Struct

from chatstream.eventstore.store import PAGE_BYTES, StoredRow
from chatstream.ids import ChatId
from chatstream.protocol.event_frames import Frame, bounded, frames_of

RING_FRAMES = 512
RING_BYTES = 256 * 1024
READ_FRAMES = 500
Wake = Callable[[], None]


class Log(Protocol):
    """What a feed needs of the event store."""

    async def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None = None
    ) -> list[StoredRow]:
        """The stored events after a position."""
        ...


class Answer(Struct):
    """An answer in progress: a growing text. A reader that has sent the event at ``after``
    sends what it lacks of ``text``; ``after`` moves on with the newest piece."""

    message_id: str
    text: str
    after: int


class _Listener:
    __slots__ = ("on_answer", "on_frames")

    def __init__(self, on_frames: Wake, on_answer: Wake) -> None:
        self.on_frames = on_frames
        self.on_answer = on_answer


class Feed:
    """One chat's tail. ``tip`` is the newest committed position; ``answer`` the text that is
    being streamed, or None; ``turn_running`` whether a turn runs."""

    def __init__(self, chat_id: ChatId, tip: int, log: Log) -> None:
        self.chat_id = chat_id
        self.tip = tip
        self.answer: Answer | None = None
        self.turn_running = False
        self._text_since = 0
        self._log = log
        self._ring: deque[Frame] = deque()
        self._ring_bytes = 0
        self._listeners: set[_Listener] = set()

    @property
    def is_followed(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def listen(self, on_frames: Wake, on_answer: Wake = lambda: None) -> Wake:
        """Be called when ``tip`` moved, and when the answer grew; returns what ends it."""
        listener = _Listener(on_frames, on_answer)
        self._listeners.add(listener)

        def stop() -> None:
            self._listeners.discard(listener)

        return stop

    def publish(self, first_position: int, bodies: Sequence[bytes]) -> None:
        """Take in committed events; the ring is dropped where they do not follow it."""
        if self._ring and self._ring[-1].position + 1 != first_position:
            self._drop_ring()
        self._keep(frames_of(self.chat_id, enumerate(bodies, first_position)))
        self.moved_to(first_position + len(bodies) - 1)

    def moved_to(self, tip: int) -> None:
        """The log is known to reach ``tip``; readers find it there."""
        self.tip = max(self.tip, tip)
        for listener in tuple(self._listeners):
            listener.on_frames()

    def forget(self) -> None:
        """Drop the ring: what it held is in doubt or was rewritten."""
        self._drop_ring()

    def over(self, position: int) -> None:
        """No answer that was begun before ``position`` is in progress any more. To be said before
        readers can get there: nobody shall get text after the event that ended it."""
        self._text_since = max(self._text_since, position)
        if self.answer is not None and self.answer.after < self._text_since:
            self.answer = None

    def show(self, answer: Answer | None) -> None:
        """From now on this is the answer in progress, unless it is over; readers are told of
        one."""
        if answer is not None and answer.after < self._text_since:
            return
        self.answer = answer
        if answer is not None:
            for listener in tuple(self._listeners):
                listener.on_answer()

    def ready(self, after: int, max_bytes: int) -> Sequence[Frame] | None:
        """Frames after ``after`` from the ring, at least one and then about ``max_bytes``; []
        if there are none yet; None if the ring does not reach back (then ``read``)."""
        if after >= self.tip:
            return []
        if not self._ring or self._ring[0].position > after + 1 or self._ring[-1].position <= after:
            return None
        return bounded(self._from_ring(after), max_bytes)

    async def read(self, after: int, limit: int = READ_FRAMES) -> Sequence[Frame]:
        """Frames after ``after`` and up to the tip, from ring or log: at least one if there is
        any, then about ``PAGE_BYTES``.

        Raises:
            Refused: ``unavailable`` when the log cannot be read.
        """
        frames = self.ready(after, PAGE_BYTES)
        if frames is None:
            rows = await self._log.read(self.chat_id, after, limit, self.tip)
            frames = frames_of(self.chat_id, [(row.position, row.body) for row in rows])
        return frames[:limit]

    async def follow(self, after: int) -> AsyncIterator[Sequence[Frame]]:
        """Every frame after ``after``, in order, without an end; each once."""
        woken = asyncio.Event()
        stop = self.listen(woken.set)
        try:
            while True:
                woken.clear()
                frames = await self.read(after)
                if frames:
                    after = frames[-1].position
                    yield frames
                elif after >= self.tip:
                    await woken.wait()
        finally:
            stop()

    def _from_ring(self, after: int) -> list[Frame]:
        missing = self._ring[-1].position - after  # at the end: most readers lack little
        frames = list(islice(reversed(self._ring), missing))
        frames.reverse()
        return frames

    def _keep(self, frames: Sequence[Frame]) -> None:
        self._ring.extend(frames)
        self._ring_bytes += sum([len(frame.data) for frame in frames])
        while len(self._ring) > RING_FRAMES or self._ring_bytes > RING_BYTES:
            self._ring_bytes -= len(self._ring.popleft().data)

    def _drop_ring(self) -> None:
        self._ring.clear()
        self._ring_bytes = 0
