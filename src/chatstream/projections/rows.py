"""The shapes that lists answer with, as clients see them (protocol, section 9)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

from chatstream.domain.events import IntentStatus, SessionStatus
from chatstream.domain.views import IntentView
from chatstream.ids import ChatId, IntentId, SessionId, SocketId

MessageType = Literal["user", "ai", "thinking"]


class After(NamedTuple):
    """Where the next page of a list begins: after the item with this activity and id. Lists are
    sorted by both, descending."""

    last_activity_at: str
    id: str


class IntentFilter(Struct, frozen=True, kw_only=True):
    """Which intents a list shows; None is any. Times are RFC 3339 as stored, both inclusive, of
    the last activity."""

    user_id: str | None
    status: IntentStatus | None = None
    user_chat_id: ChatId | None = None
    name: str | None = None
    since: str | None = None
    until: str | None = None


class HistoryFilter(Struct, frozen=True, kw_only=True):
    """Which rows of a chat's history a list shows; ``before`` is a position."""

    before: int | None = None
    message_type: MessageType | None = None
    user_intent_id: IntentId | None = None


class ChatRow(Struct, frozen=True):
    """A chat in the list of chats. ``intent`` as ``opened`` shows it."""

    user_chat_id: ChatId
    status: Literal["open", "closed"]
    title: str | None
    position: int
    intent: IntentView | None
    last_activity_at: str


class SessionRow(Struct, frozen=True):
    """A session in the list of sessions."""

    session_id: SessionId
    user_chat_id: ChatId
    user_intent_id: IntentId
    status: SessionStatus
    started_at: str
    last_activity_at: str
    expires_at: str


class HistoryRow(Struct, frozen=True):
    """One row of ``chat_history``; ``id`` is the event's id. Every field is always present,
    null where there is none."""

    id: str
    position: int
    user_id: str
    user_chat_id: ChatId
    socket_connection_id: SocketId | None
    session_id: SessionId | None
    user_intent_id: IntentId | None
    message_type: MessageType
    content: str
    timestamp: str
    is_complete: bool
    abandoned: bool


class ConnectionRow(Struct, frozen=True):
    """A live socket."""

    socket_connection_id: SocketId
    connected_at: str
    user_chat_ids: list[ChatId]
    node: str
