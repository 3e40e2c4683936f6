"""Stored events to their frames' bytes: the chat's id and the position put before the body."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Protocol, TypeVar

from msgspec import Struct

from chatstream.ids import ChatId


class Frame(Struct, frozen=True, gc=False):
    """An event frame as every reader gets it; ``data`` is one JSON object, UTF-8."""

    position: int
    data: bytes


class _WithData(Protocol):
    @property
    def data(self) -> bytes: ...


_F = TypeVar("_F", bound=_WithData)


def frame_of(chat_id: ChatId, position: int, body: bytes) -> Frame:
    """The frame of the stored ``body``."""
    return frames_of(chat_id, [(position, body)])[0]


def frames_of(chat_id: ChatId, events: Iterable[tuple[int, bytes]]) -> list[Frame]:
    """The frames of events of one chat, positions and bodies; what is hidden behind the first
    newline of a body stays hidden."""
    head = b'{"user_chat_id":"%b","position":' % chat_id.encode()
    return [
        Frame(position, b"%b%d,%b" % (head, position, body.partition(b"\n")[0][1:]))
        for position, body in events
    ]


def bounded(frames: Sequence[_F], max_bytes: int) -> Sequence[_F]:
    """The first of them: about ``max_bytes``, and at least one if there is any."""
    sizes = list(accumulate([len(frame.data) for frame in frames]))
    return frames[: max(bisect_right(sizes, max_bytes), 1)]
