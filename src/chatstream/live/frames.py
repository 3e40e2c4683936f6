"""A stored event to its frame's bytes: the chat's id and the position put before the body."""

from __future__ import annotations

from typing import NamedTuple

from chatstream.ids import ChatId


class Frame(NamedTuple):
    """An event frame as every reader gets it; ``data`` is one JSON object, UTF-8."""

    position: int
    data: bytes


def frame_of(chat_id: ChatId, position: int, body: bytes) -> Frame:
    """The frame of the stored ``body``; what is hidden behind its first newline stays hidden."""
    end = body.find(b"\n")
    fields = body[1:] if end < 0 else body[1:end]
    return Frame(
        position, b'{"user_chat_id":"%b","position":%d,%b' % (chat_id.encode(), position, fields)
    )
