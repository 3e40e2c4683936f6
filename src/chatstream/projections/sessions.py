"""Read model ``sessions``: one row a session, written when it starts and when it ends."""

from __future__ import annotations

from collections.abc import Sequence

from chatstream.domain.events import AnyFact, ChatChanged, SessionChanged
from chatstream.domain.user_chat.state import Session, UserChat
from chatstream.domain.views import session_activity
from chatstream.eventstore.store import RowChange
from chatstream.ids import ChatId, SessionId
from chatstream.projections.table import TableDefinition

SESSIONS = TableDefinition(
    name="sessions",
    columns=(
        "session_id",
        "user_chat_id",
        "user_intent_id",
        "user_id",
        "status",
        "started_at",
        "last_activity_at",
    ),
    key=("session_id", "user_chat_id"),
    ddl=(
        """CREATE TABLE IF NOT EXISTS sessions (
            session_id TEXT NOT NULL,
            user_chat_id TEXT NOT NULL,
            user_intent_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            status TEXT NOT NULL,
            started_at TEXT NOT NULL,
            last_activity_at TEXT NOT NULL,
            PRIMARY KEY (session_id, user_chat_id)) WITHOUT ROWID""",
        """CREATE INDEX IF NOT EXISTS living_sessions ON sessions (user_id)
            WHERE status = 'started'""",
    ),
)


class Sessions:
    """Follows the log with the table ``sessions``."""

    table = SESSIONS

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> list[RowChange]:
        """The rows of the sessions that ``facts`` started or ended."""
        if state.status == "erased" and any(type(fact) is ChatChanged for fact in facts):
            return [SESSIONS.gone(session.session_id, chat_id) for session in _all(state)]
        return [_row(chat_id, state, fact) for fact in facts if type(fact) is SessionChanged]


def _all(state: UserChat) -> list[Session]:
    return [*state.sessions.values(), *state.ended_sessions.values()]


def _row(chat_id: ChatId, state: UserChat, fact: SessionChanged) -> RowChange:
    session_id = fact.session_id or SessionId("")
    session = state.sessions.get(session_id) or state.ended_sessions.get(session_id)
    if session is None:
        return SESSIONS.gone(session_id, chat_id)
    return SESSIONS.row(
        session_id,
        chat_id,
        session.user_intent_id,
        state.user_id,
        fact.status,
        session.started_at,
        session_activity(state, session),
    )
