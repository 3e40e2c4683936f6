"""Table ``timers``: what falls due by itself, one row an unfinished intent.

A row holds the moment it counts from, not the one it falls due at, so that a changed setting
counts at once. It is written when the intent becomes active (``idle``) and when it is
abandoned with a living session (``session``); nothing moves it at each event: when it falls
due, the log is asked, and the row is set forward or acted on.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstream.domain.events import AnyFact, ChatChanged, IntentChanged, SessionChanged
from chatstream.domain.user_chat.state import Intent, UserChat
from chatstream.eventstore.store import RowChange
from chatstream.ids import ChatId, IntentId
from chatstream.projections.table import TableDefinition

TIMERS = TableDefinition(
    name="timers",
    columns=("user_chat_id", "user_intent_id", "kind", "since"),
    key=("user_chat_id", "user_intent_id"),
    ddl=(
        """CREATE TABLE IF NOT EXISTS timers (
            user_chat_id TEXT NOT NULL,
            user_intent_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            since TEXT NOT NULL,
            PRIMARY KEY (user_chat_id, user_intent_id)) WITHOUT ROWID""",
        "CREATE INDEX IF NOT EXISTS timers_since ON timers (kind, since)",
    ),
)

_CHANGES = {SessionChanged, ChatChanged}


class Timers:
    """Follows the log with the table ``timers``."""

    table = TIMERS

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> list[RowChange]:
        """The rows of the intents whose status or session ``facts`` changed."""
        touched = {fact.user_intent_id: None for fact in facts if _matters(fact)}
        return [timer_row(chat_id, state, intent_id) for intent_id in touched if intent_id]


def _matters(fact: AnyFact) -> bool:
    if type(fact) is IntentChanged:
        return fact.reason not in {"recognised", "slots"}
    return type(fact) in _CHANGES


def timer_row(chat_id: ChatId, state: UserChat, intent_id: IntentId) -> RowChange:
    """The intent's timer as it stands in ``state``, counting from its newest activity."""
    intent = state.unfinished.get(intent_id)
    kind = None if intent is None else _kind(state, intent)
    if intent is None or kind is None:
        return TIMERS.gone(chat_id, intent_id)
    return TIMERS.row(chat_id, intent_id, kind, intent.last_activity_at)


def _kind(state: UserChat, intent: Intent) -> str | None:
    if state.status != "open":
        return None
    if intent.status == "active":
        return "idle"
    return None if state.session_of(intent.user_intent_id) is None else "session"
