"""``chat_history``: a reading of the log, as a SQL view and as rows for ``GET .../history``.

It is no table: a query over the log cannot disagree with it, costs a write nothing, and needs
no rebuild and no erasure of its own. ``is_complete`` and ``abandoned`` follow the row's intent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from chatstream.domain.events import (
    AnyFact,
    ComponentSubmitted,
    ResponseGiven,
    ThinkingAdded,
    TurnChanged,
    UserMessageAdded,
)
from chatstream.domain.state import UserChat
from chatstream.ids import ChatId, IntentId, SessionId, SocketId
from chatstream.projections.table import TableDefinition

MessageType = Literal["user", "ai", "thinking"]

# A body is one JSON object, or two with a newline between; the first is what is framed.
_FRAMED = """CASE instr(CAST(state AS TEXT), char(10)) WHEN 0 THEN CAST(state AS TEXT)
    ELSE substr(CAST(state AS TEXT), 1, instr(CAST(state AS TEXT), char(10)) - 1) END"""
_SQLITE_VIEW = f"""CREATE VIEW IF NOT EXISTS chat_history AS
WITH log AS (
    SELECT originator_id AS user_chat_id, originator_version AS position, topic,
        {_FRAMED} AS frame
    FROM stored_events
), messages AS (
    SELECT user_chat_id, position, frame, CASE topic
        WHEN 'user.1' THEN 'user' WHEN 'component_submitted.1' THEN 'user'
        WHEN 'response.1' THEN 'ai' ELSE 'thinking' END AS message_type
    FROM log
    WHERE topic IN ('user.1', 'component_submitted.1', 'response.1', 'thinking.1')
), owned AS (
    SELECT message.*, CASE WHEN json_extract(message.frame, '$.user_intent_id') IS NULL THEN (
        SELECT turn.frame FROM log AS turn
        WHERE turn.user_chat_id = message.user_chat_id AND turn.topic = 'turn.1'
            AND turn.position > message.position
            AND json_extract(turn.frame, '$.status') = 'started'
            AND json_extract(turn.frame, '$.caused_by') = json_extract(message.frame, '$.message_id')
        LIMIT 1) ELSE message.frame END AS owner
    FROM messages AS message
)
SELECT json_extract(frame, '$.event_id') AS id,
    json_extract(frame, '$.user_id') AS user_id,
    owned.user_chat_id AS user_chat_id,
    json_extract(frame, '$.socket_connection_id') AS socket_connection_id,
    json_extract(owner, '$.session_id') AS session_id,
    json_extract(owner, '$.user_intent_id') AS user_intent_id,
    message_type,
    coalesce(json_extract(frame, '$.content'), json_extract(frame, '$.values')) AS content,
    json_extract(frame, '$.timestamp') AS timestamp,
    coalesce(intents.status = 'complete', 0) AS is_complete,
    coalesce(intents.status = 'abandoned', 0) AS abandoned,
    owned.position AS position
FROM owned
LEFT JOIN intents ON intents.user_intent_id = json_extract(owner, '$.user_intent_id')"""

HISTORY_VIEW = TableDefinition(
    name="chat_history", columns=(), key=(), ddl=(_SQLITE_VIEW,)
)


class HistoryRow(Struct, frozen=True):
    """One row of ``chat_history``; every field is always present, null where there is none."""

    id: str
    position: int
    user_id: str
    user_chat_id: ChatId
    socket_connection_id: SocketId | None
    session_id: SessionId | None
    user_intent_id: IntentId | None
    message_type: MessageType
    content: str | None
    timestamp: str
    is_complete: bool
    abandoned: bool


class Owner(Struct, frozen=True):
    """The ids under which a waiting message's turn was started."""

    user_intent_id: IntentId | None
    session_id: SessionId | None


def history_rows(
    chat_id: ChatId,
    facts: Iterable[tuple[int, AnyFact | None]],
    owners: dict[str, Owner],
    state: UserChat,
) -> list[HistoryRow]:
    """The rows of ``facts`` (with their positions), ascending; ``state`` is the chat's newest,
    ``owners`` tells the ids of messages that waited, by ``message_id``."""
    return [
        _row(chat_id, position, fact, owners, state)
        for position, fact in facts
        if isinstance(fact, UserMessageAdded | ComponentSubmitted | ResponseGiven | ThinkingAdded)
    ]


def owner_of(fact: AnyFact) -> tuple[str, Owner] | None:
    """What a ``turn started`` says of the message that caused it."""
    if isinstance(fact, TurnChanged) and fact.status == "started" and fact.caused_by:
        return fact.caused_by, Owner(fact.user_intent_id, fact.session_id)
    return None


def _row(
    chat_id: ChatId,
    position: int,
    fact: UserMessageAdded | ComponentSubmitted | ResponseGiven | ThinkingAdded,
    owners: dict[str, Owner],
    state: UserChat,
) -> HistoryRow:
    waited = owners.get(fact.message_id or "") if fact.user_intent_id is None else None
    intent_id = waited.user_intent_id if waited is not None else fact.user_intent_id
    intent = state.intent(intent_id)
    return HistoryRow(
        id=fact.event_id,
        position=position,
        user_id=fact.user_id,
        user_chat_id=chat_id,
        socket_connection_id=fact.socket_connection_id,
        session_id=waited.session_id if waited is not None else fact.session_id,
        user_intent_id=intent_id,
        message_type=_message_type(fact),
        content=_content(fact),
        timestamp=fact.timestamp,
        is_complete=intent is not None and intent.status == "complete",
        abandoned=intent is not None and intent.status == "abandoned",
    )


def _message_type(fact: AnyFact) -> MessageType:
    if isinstance(fact, ResponseGiven):
        return "ai"
    return "thinking" if isinstance(fact, ThinkingAdded) else "user"


def _content(
    fact: UserMessageAdded | ComponentSubmitted | ResponseGiven | ThinkingAdded,
) -> str | None:
    if isinstance(fact, ComponentSubmitted):
        return msgspec.json.encode(fact.values).decode()
    return fact.content


def matches(
    row: HistoryRow, message_types: Sequence[MessageType], user_intent_id: str | None
) -> bool:
    """Whether the filters of ``GET .../history`` let ``row`` through."""
    if message_types and row.message_type not in message_types:
        return False
    return user_intent_id is None or row.user_intent_id == user_intent_id
