"""Stored events to their frames' bytes: the chat's id and the position put before the body."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from chatstream.ids import ChatId


class Frame(Struct, frozen=True, gc=False):
    """An event frame as every reader gets it; ``data`` is one JSON object, UTF-8."""

    position: int
    data: bytes


def frame_of(chat_id: ChatId, position: int, body: bytes) -> Frame:
    """The frame of the stored ``body``."""
    return frames_of(chat_id, position, (body,))[0]


def frames_of(chat_id: ChatId, first_position: int, bodies: Iterable[bytes]) -> list[Frame]:
    """The frames of events that follow one another; what is hidden behind the first newline of a
    body stays hidden."""
    head = b'{"user_chat_id":"%b","position":' % chat_id.encode()
    return [
        Frame(position, b"%b%d,%b" % (head, position, body.partition(b"\n")[0][1:]))
        for position, body in enumerate(bodies, first_position)
    ]
