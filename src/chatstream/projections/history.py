"""``chat_history``: a reading of the log, as a SQL view and as rows for ``GET .../history``.

It is no table: a query over the log cannot disagree with it, costs a write nothing, and needs
no rebuild and no erasure of its own. ``is_complete`` and ``abandoned`` follow the row's intent;
an erased chat has no rows in ``intents``, so there the log says what became of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chatstream.domain.events import (
    AnyFact,
    ComponentSubmitted,
    ResponseGiven,
    ThinkingAdded,
    UserMessageAdded,
)
from chatstream.domain.user_chat.state import UserChat
from chatstream.ids import ChatId
from chatstream.projections.rows import HistoryFilter, HistoryRow, MessageType
from chatstream.projections.table import TableDefinition

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
            AND json_extract(turn.frame, '$.caused_by')
                = json_extract(message.frame, '$.message_id')
        LIMIT 1) ELSE message.frame END AS owner
    FROM messages AS message
), stated AS (
    SELECT owned.*, coalesce(intents.status, (
        SELECT json_extract(last.frame, '$.status') FROM log AS last
        WHERE last.user_chat_id = owned.user_chat_id AND last.topic = 'intent.1'
            AND json_extract(last.frame, '$.user_intent_id')
                = json_extract(owner, '$.user_intent_id')
        ORDER BY last.position DESC LIMIT 1)) AS status
    FROM owned
    LEFT JOIN intents ON intents.user_chat_id = owned.user_chat_id
        AND intents.user_intent_id = json_extract(owner, '$.user_intent_id')
)
SELECT json_extract(frame, '$.event_id') AS id,
    json_extract(frame, '$.user_id') AS user_id,
    user_chat_id,
    json_extract(frame, '$.socket_connection_id') AS socket_connection_id,
    json_extract(owner, '$.session_id') AS session_id,
    json_extract(owner, '$.user_intent_id') AS user_intent_id,
    message_type,
    coalesce(json_extract(frame, '$.content'), json_extract(frame, '$.values'), '') AS content,
    json_extract(frame, '$.timestamp') AS timestamp,
    coalesce(status = 'complete', 0) AS is_complete,
    coalesce(status = 'abandoned', 0) AS abandoned
FROM stated"""  # noqa: S608 - our own text

_POSTGRES_VIEW = """CREATE OR REPLACE VIEW chat_history AS
WITH log AS (
    SELECT originator_id AS user_chat_id, originator_version AS position, topic,
        split_part(convert_from(state, 'UTF8'), E'\\n', 1)::json AS frame
    FROM stored_events
), messages AS (
    SELECT user_chat_id, position, frame, CASE topic
        WHEN 'user.1' THEN 'user' WHEN 'component_submitted.1' THEN 'user'
        WHEN 'response.1' THEN 'ai' ELSE 'thinking' END AS message_type
    FROM log
    WHERE topic IN ('user.1', 'component_submitted.1', 'response.1', 'thinking.1')
), owned AS (
    SELECT message.*, CASE WHEN message.frame ->> 'user_intent_id' IS NULL THEN (
        SELECT turn.frame FROM log AS turn
        WHERE turn.user_chat_id = message.user_chat_id AND turn.topic = 'turn.1'
            AND turn.position > message.position
            AND turn.frame ->> 'status' = 'started'
            AND turn.frame ->> 'caused_by' = message.frame ->> 'message_id'
        LIMIT 1) ELSE message.frame END AS owner
    FROM messages AS message
), stated AS (
    SELECT owned.*, coalesce(intents.status, (
        SELECT last.frame ->> 'status' FROM log AS last
        WHERE last.user_chat_id = owned.user_chat_id AND last.topic = 'intent.1'
            AND last.frame ->> 'user_intent_id' = owner ->> 'user_intent_id'
        ORDER BY last.position DESC LIMIT 1)) AS status
    FROM owned
    LEFT JOIN intents ON intents.user_chat_id = owned.user_chat_id
        AND intents.user_intent_id = owner ->> 'user_intent_id'
)
SELECT frame ->> 'event_id' AS id,
    frame ->> 'user_id' AS user_id,
    user_chat_id,
    frame ->> 'socket_connection_id' AS socket_connection_id,
    owner ->> 'session_id' AS session_id,
    owner ->> 'user_intent_id' AS user_intent_id,
    message_type,
    coalesce(frame ->> 'content', (frame -> 'values')::text, '') AS content,
    frame ->> 'timestamp' AS timestamp,
    coalesce(status = 'complete', false) AS is_complete,
    coalesce(status = 'abandoned', false) AS abandoned
FROM stated"""

HISTORY_VIEW_ON_POSTGRES = TableDefinition(
    name="chat_history", columns=(), key=(), ddl=(_POSTGRES_VIEW,)
)
HISTORY_VIEW = TableDefinition(name="chat_history", columns=(), key=(), ddl=(_SQLITE_VIEW,))


def history_rows(
    chat_id: ChatId, facts: Iterable[tuple[int, AnyFact | None]], state: UserChat
) -> list[HistoryRow]:
    """The rows of ``facts`` (with their positions), in their order; ``state`` is the chat's
    newest, which knows what became of their intents."""
    return [
        _row(chat_id, position, fact, state)
        for position, fact in facts
        if isinstance(fact, UserMessageAdded | ComponentSubmitted | ResponseGiven | ThinkingAdded)
    ]


def _row(
    chat_id: ChatId,
    position: int,
    fact: UserMessageAdded | ComponentSubmitted | ResponseGiven | ThinkingAdded,
    state: UserChat,
) -> HistoryRow:
    waited = state.owners.get(fact.message_id or "") if fact.user_intent_id is None else None
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
        content=_content(fact) if state.status != "erased" else "",
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
) -> str:
    if isinstance(fact, ComponentSubmitted):
        return msgspec.json.encode(fact.values).decode()
    return fact.content


def matches(row: HistoryRow, wanted: HistoryFilter) -> bool:
    """Whether the filters of ``GET .../history`` let ``row`` through."""
    if wanted.message_type not in {None, row.message_type}:
        return False
    return wanted.user_intent_id in {None, row.user_intent_id}
