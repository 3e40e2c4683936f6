"""Bodies that HTTP shares with the wire: acks and the control frames of an event stream.

Event frames are not made here: they come as bytes and are joined as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct, field

from chatstream.domain.views import ChatView
from chatstream.ids import ChatId
from chatstream.protocol.event_frames import Frame

_encode = msgspec.json.Encoder().encode


class _Control(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    user_chat_id: ChatId


class Ack(_Control, frozen=True, kw_only=True, tag="ack"):
    """The command is stored and on disk."""

    id: str
    position: int
    duplicate: bool = False


class CaughtUp(_Control, frozen=True, kw_only=True, tag="caught_up"):
    """The past is delivered; what follows is live."""

    position: int


class Delta(_Control, frozen=True, kw_only=True, tag="delta"):
    """A piece of an answer in progress; ``offset`` counts code points."""

    message_id: str
    offset: int
    text: str


class Resync(_Control, frozen=True, kw_only=True, tag="resync"):
    """The client's position means nothing here; the chat follows from its beginning."""

    reason: str


class EventFrame(Struct, frozen=True, kw_only=True):
    """A stored event, as on every transport; further fields are those of its ``type``."""

    type: str
    user_chat_id: str
    position: int
    event_id: str
    timestamp: str
    user_id: str
    user_intent_id: str | None = None
    session_id: str | None = None
    socket_connection_id: str | None = None
    message_id: str | None = None
    caused_by: str | None = None


class Events(Struct, frozen=True):
    """A page of event frames; ``next`` is the cursor of the following page."""

    items: list[EventFrame]
    next: str | None


class Chat(ChatView, frozen=True, kw_only=True, omit_defaults=True):
    """A chat; ``events`` where it was asked for as it stood at a position."""

    events: list[EventFrame] = field(default_factory=list[EventFrame])


class AnsweredTurn(Struct, frozen=True):
    """A message's ack and all event frames of its turn, which has ended."""

    ack: Ack
    items: list[EventFrame]


def events_body(frames: Iterable[Frame], next_cursor: str | None) -> bytes:
    """The JSON of ``Events``."""
    return b'{"items":%b,"next":%b}' % (_array(frames), _encode(next_cursor))


def chat_body(view: ChatView, frames: Iterable[Frame]) -> bytes:
    """The JSON of ``Chat`` with its events."""
    return b'%b,"events":%b}' % (_encode(view)[:-1], _array(frames))


def answered_turn_body(ack: Ack, frames: Iterable[Frame]) -> bytes:
    """The JSON of ``AnsweredTurn``."""
    return b'{"ack":%b,"items":%b}' % (_encode(ack), _array(frames))


def _array(frames: Iterable[Frame]) -> bytes:
    return b"[" + b",".join(frame.data for frame in frames) + b"]"
