"""Reads of a chat's log for HTTP: pages of frames, and the frames of one turn."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from chatstream.http.streams import Streams
from chatstream.live.feed import Feed
from chatstream.protocol.event_frames import Frame
from chatstream.protocol.frames import Ack

_ENDS = frozenset({"finished", "needs_input", "cancelled", "failed"})


class _Head(Struct, frozen=True):
    """As much of a frame as tells which turn it belongs to."""

    type: str
    message_id: str | None = None
    caused_by: str | None = None
    status: str | None = None


_head = msgspec.json.Decoder(_Head)


async def frames_between(feed: Feed, after: int, upto: int) -> list[Frame]:
    """The frames ``after + 1 .. upto``, as far as the chat has them.

    Raises:
        Refused: ``unavailable``.
    """
    frames: list[Frame] = []
    while after < upto:
        read = await feed.read(after, upto - after)
        if not read:
            break
        frames.extend(read)
        after = frames[-1].position
    return frames


async def turn_frames(feed: Feed, ack: Ack, wait_s: float, streams: Streams) -> list[Frame] | None:
    """The frames of the turn that the acked message causes, from the message to the turn's
    end; None if it has not ended in ``wait_s`` seconds or the server goes away.

    Raises:
        Refused: ``unavailable``.
    """
    woken = asyncio.Event()
    stop = feed.listen(woken.set)
    try:
        with streams.opened(woken.set):
            async with asyncio.timeout(wait_s):
                return await _until_end(feed, ack, woken, streams)
    except TimeoutError:
        return None
    finally:
        stop()


async def _until_end(
    feed: Feed, ack: Ack, woken: asyncio.Event, streams: Streams
) -> list[Frame] | None:
    frames: list[Frame] = []
    after = ack.position - 1
    while not streams.closed:
        woken.clear()
        read = await feed.read(after)
        for frame in read:
            after = frame.position
            head = _head.decode(frame.data)
            if ack.id in {head.caused_by, head.message_id}:
                frames.append(frame)
            if head.caused_by == ack.id and head.type == "turn" and head.status in _ENDS:
                return frames
        if not read:
            await woken.wait()
    return None
