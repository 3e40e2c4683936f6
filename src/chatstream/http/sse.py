"""A chat's events as ``text/event-stream``: the same frames as on a socket, LF line ends.

Stored events carry their position as ``id``; a browser that reconnects sends the last one back.
Control frames have no id, so that they never move it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from typing import Final

import msgspec
from msgspec import Struct

from chatstream.errors import Refused
from chatstream.http.streams import Streams
from chatstream.live.feed import Feed
from chatstream.protocol.event_frames import Frame
from chatstream.protocol.frames import CaughtUp, Delta, Resync

MEDIA_TYPE: Final = "text/event-stream"

_REFUSED = re.compile(r"q\s*=\s*0(?:\.0*)?")
_RETRY_S = 1.0
_HEARTBEAT = b": heartbeat\n\n"
_encode = msgspec.json.Encoder().encode


def wants_stream(accept: str) -> bool:
    """Whether an ``Accept`` header names event streams, and does not refuse them."""
    for one in accept.lower().split(","):
        kind, *parameters = [part.strip() for part in one.split(";")]
        if kind == MEDIA_TYPE:
            return not any(_REFUSED.fullmatch(part) for part in parameters)
    return False


class Terms(Struct, frozen=True, kw_only=True):
    """How a stream is to be: seconds of silence before a heartbeat, and until when (Unix
    milliseconds; None: for ever) its reader may read."""

    heartbeat_s: float
    expires_at_ms: int | None
    now_ms: Callable[[], int]


async def event_stream(
    open_feed: Callable[[], Feed], after: int, terms: Terms, streams: Streams
) -> AsyncGenerator[bytes]:
    """What follows ``after``, as it comes, until the terms or the server end it. A position
    that the chat has not reached is answered with ``resync`` and everything.

    The feed is opened with the first piece: one that nobody listens to yet may be let go of.
    """
    woken = asyncio.Event()
    feed = open_feed()
    stop = feed.listen(woken.set, woken.set)
    try:
        known = after <= feed.tip
        reader = _Reader(feed, after if known else 0)
        with streams.opened(woken.set, reader.lag_events):
            if not known:
                yield control(Resync(user_chat_id=feed.chat_id, reason="unknown_position"))
            clock = _Clock(terms)
            while not (streams.closed or clock.is_over):
                woken.clear()
                piece = await reader.next_piece()
                if piece:
                    clock.restart()
                    yield piece
                elif not await _woken_within(woken, reader.patience(clock)) and clock.is_silent:
                    clock.restart()
                    yield _HEARTBEAT
    finally:
        stop()


def event(frame: Frame) -> bytes:
    """A stored event with its position."""
    return b"id: %d\ndata: %b\n\n" % (frame.position, frame.data)


def control(frame: CaughtUp | Delta | Resync) -> bytes:
    """A control frame, which leaves the reader's position alone."""
    return b"data: %b\n\n" % _encode(frame)


class _Reader:
    """Where one reader stands: in the log, and in the answer in progress."""

    def __init__(self, feed: Feed, after: int) -> None:
        self._feed = feed
        self._after = after
        self._past = feed.tip
        self._caught_up = False
        self._failed = False
        self._answer_id = ""
        self._sent = 0

    def lag_events(self) -> int:
        """How many stored events it has still to be sent."""
        return self._feed.tip - self._after

    async def next_piece(self) -> bytes:
        """What can be sent now, in order; nothing if there is nothing."""
        try:
            frames = await self._feed.read(self._after)
            self._failed = False
        except Refused:  # the storage is down: what was sent stays true, the rest comes later
            self._failed = True
            return b""
        if frames:
            self._after = frames[-1].position
            return b"".join(map(event, frames))
        if not self._caught_up and self._after >= self._past:
            self._caught_up = True
            return control(CaughtUp(user_chat_id=self._feed.chat_id, position=self._after))
        return self._grown_text()

    def patience(self, clock: _Clock) -> float:
        """How long to wait for a wake-up."""
        return min(_RETRY_S, clock.patience) if self._failed else clock.patience

    def _grown_text(self) -> bytes:
        answer = self._feed.answer
        # Text stands after the events that were stored before it.
        if answer is None or self._after < answer.after:
            return b""
        if answer.message_id != self._answer_id:
            self._answer_id, self._sent = answer.message_id, 0
        offset, text = self._sent, answer.text[self._sent :]
        self._sent += len(text)
        if not text:
            return b""
        return control(
            Delta(
                user_chat_id=self._feed.chat_id,
                message_id=answer.message_id,
                offset=offset,
                text=text,
            )
        )


class _Clock:
    """When to break the silence, and when to end."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._loop = asyncio.get_running_loop()
        self.restart()

    def restart(self) -> None:
        """Something was sent."""
        self._silent_at = self._loop.time() + self._terms.heartbeat_s

    @property
    def is_silent(self) -> bool:
        """Whether nothing was sent for too long."""
        return self._loop.time() >= self._silent_at

    @property
    def is_over(self) -> bool:
        """Whether the reader may read no longer."""
        return self._left_s <= 0

    @property
    def patience(self) -> float:
        """The seconds until one of the two."""
        return max(0.0, min(self._silent_at - self._loop.time(), self._left_s))

    @property
    def _left_s(self) -> float:
        if self._terms.expires_at_ms is None:
            return float("inf")
        return (self._terms.expires_at_ms - self._terms.now_ms()) / 1000


async def _woken_within(woken: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
