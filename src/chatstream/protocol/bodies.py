"""The bodies of HTTP answers that hold frames, and what an error looks like there (RFC 9457).

Event frames are not made here: they come as bytes and are joined as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct, field

from chatstream.domain.views import ChatView
from chatstream.errors import Refused
from chatstream.protocol.event_frames import Frame
from chatstream.protocol.frames import Ack, Details

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
_encode = msgspec.json.Encoder().encode


class Problem(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of an error. ``code`` is the protocol's (section 7)."""

    # Asked for by name: the default would be left out.
    type: str
    title: str
    status: int
    detail: str
    code: str
    details: Details | None = None


def problem_of(
    status: int, code: str, detail: str, fields: dict[str, str] | None = None
) -> Problem:
    """The body that tells of an error; ``fields`` maps a form's field to the reason."""
    return Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        details=None if fields is None else Details(fields),
    )


def refusal_headers(refused: Refused) -> dict[str, str]:
    """The headers that go with a refusal: when to come back, and how to say who one is."""
    headers: dict[str, str] = {}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(refused.retry_after)))
    if refused.http_status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


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
