"""Read model ``intents``: what each intent is, what it holds, what it waits for.

Written when an intent or its session changes and when a turn ends. While an intent is active
its ``last_activity_at`` moves with the log, which is asked for it; afterwards the row is exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatstream.domain.events import (
    AnyFact,
    ChatChanged,
    IntentChanged,
    SessionChanged,
    TurnChanged,
)
from chatstream.domain.user_chat.state import UserChat
from chatstream.domain.views import IntentView, Question, intent_view
from chatstream.eventstore.store import RowChange, SqlValue
from chatstream.ids import ChatId, IntentId
from chatstream.projections.table import TableDefinition
from chatstream.protocol.numbers import finite

INTENTS = TableDefinition(
    name="intents",
    columns=(
        "user_intent_id",
        "user_chat_id",
        "user_id",
        "status",
        "reason",
        "name",
        "title",
        "slots",
        "question",
        "session_id",
        "created_at",
        "last_activity_at",
    ),
    key=("user_intent_id", "user_chat_id"),
    ddl=(
        """CREATE TABLE IF NOT EXISTS intents (
            user_intent_id TEXT NOT NULL,
            user_chat_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            status TEXT NOT NULL,
            reason TEXT,
            name TEXT,
            title TEXT NOT NULL,
            slots TEXT,
            question TEXT,
            session_id TEXT,
            created_at TEXT NOT NULL,
            last_activity_at TEXT NOT NULL,
            PRIMARY KEY (user_intent_id, user_chat_id)) WITHOUT ROWID""",
        # Only what is unfinished: an index over every row would be written by every turn.
        """CREATE INDEX IF NOT EXISTS unfinished_intents ON intents (user_id, last_activity_at)
            WHERE status <> 'complete'""",
    ),
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(float_hook=finite).decode
_CHANGES = {IntentChanged, SessionChanged}


class Intents:
    """Follows the log with the table ``intents``."""

    table = INTENTS

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> list[RowChange]:
        """The rows of the intents that ``facts`` changed."""
        if state.status == "erased" and any(type(fact) is ChatChanged for fact in facts):
            return [INTENTS.gone(intent.user_intent_id, chat_id) for intent in state.intents()]
        touched = {fact.user_intent_id: None for fact in facts if _matters(fact)}
        return [_row(chat_id, state, intent_id) for intent_id in touched if intent_id is not None]


def _matters(fact: AnyFact) -> bool:
    if type(fact) is TurnChanged:
        return fact.status not in {"started", "restarted"}
    return type(fact) in _CHANGES


def _row(chat_id: ChatId, state: UserChat, intent_id: IntentId) -> RowChange:
    intent = state.intent(intent_id)
    if intent is None:
        return INTENTS.gone(intent_id, chat_id)
    view = intent_view(state, intent)
    return INTENTS.row(
        view.user_intent_id,
        chat_id,
        state.user_id,
        view.status,
        view.reason,
        view.name,
        view.title,
        None if view.slots is None else _encode(view.slots).decode(),
        None if view.question is None else _encode(view.question).decode(),
        view.session_id,
        view.created_at,
        view.last_activity_at,
    )


def view_of(row: Sequence[SqlValue]) -> IntentView:
    """The intent in a row of the table, columns in order."""
    values = dict(zip(INTENTS.columns, row, strict=True))
    slots, question = values.pop("slots"), values.pop("question")
    del values["user_id"]
    view = msgspec.convert(
        {name: value for name, value in values.items() if value is not None}, IntentView
    )
    return msgspec.structs.replace(
        view,
        slots=None if slots is None else _decode(str(slots)),
        question=None if question is None else msgspec.json.decode(str(question), type=Question),
    )
