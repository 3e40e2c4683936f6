"""Read model ``reminders``: what chats will say by themselves, one row each while it waits."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from chatstream.domain.events import AnyFact, ChatChanged
from chatstream.domain.user_chat.state import UserChat
from chatstream.eventstore.store import Fetch, RowChange, SqlValue
from chatstream.ids import ChatId
from chatstream.projections.table import TableDefinition

REMINDERS = TableDefinition(
    name="reminders",
    columns=("user_chat_id", "name", "user_id", "due_at", "content"),
    key=("user_chat_id", "name"),
    ddl=(
        """CREATE TABLE IF NOT EXISTS reminders (
            user_chat_id TEXT NOT NULL,
            name TEXT NOT NULL,
            user_id TEXT NOT NULL,
            due_at TEXT NOT NULL,
            content TEXT NOT NULL,
            PRIMARY KEY (user_chat_id, name))""",
        "CREATE INDEX IF NOT EXISTS reminders_due ON reminders (due_at)",
        "CREATE INDEX IF NOT EXISTS reminders_of_user ON reminders (user_id, due_at)",
    ),
)
_OF_USER = """SELECT user_chat_id, name, due_at, content FROM reminders
    WHERE user_id = ? ORDER BY due_at, name"""
_DUE = """SELECT user_chat_id FROM reminders WHERE due_at <= ?
    GROUP BY user_chat_id ORDER BY min(due_at) LIMIT ?"""


class Reminders:
    """Follows the log with the table ``reminders``."""

    table = REMINDERS

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> list[RowChange]:
        """The rows of the reminders that ``facts`` set or ended; of all when the chat ended."""
        touched: dict[str, None] = {}
        for fact in facts:
            if fact.hidden is not None and fact.hidden.reminder is not None:
                touched[fact.hidden.reminder.key] = None
            if type(fact) is ChatChanged:
                touched |= dict.fromkeys(state.reminders)
        return [_row(chat_id, state, key) for key in touched]


def _row(chat_id: ChatId, state: UserChat, key: str) -> RowChange:
    reminder = state.reminders.get(key) if state.status == "open" else None
    if reminder is None:
        return REMINDERS.gone(chat_id, key)
    return REMINDERS.row(chat_id, key, state.user_id, reminder.due_at, reminder.content)


class WaitingReminder(Struct, frozen=True):
    """A reminder of a user, and the chat that it will speak in."""

    user_chat_id: ChatId
    key: str
    due_at: str
    content: str


class UserReminders:
    """The reminders of users, over all their chats."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def of_user(self, user_id: str) -> list[WaitingReminder]:
        """A user's reminders that wait, the next one first.

        Raises:
            Refused: ``unavailable``.
        """
        rows = await self._fetch(_OF_USER, (user_id,))
        return [_waiting(row) for row in rows]

    async def chats_due(self, now: str, limit: int) -> list[ChatId]:
        """The chats in which something is due at ``now``, what fell due first before."""
        rows = await self._fetch(_DUE, (now, limit))
        return [ChatId(str(chat_id)) for (chat_id,) in rows]


def _waiting(row: Sequence[SqlValue]) -> WaitingReminder:
    chat_id, key, due_at, content = map(str, row)
    return WaitingReminder(ChatId(chat_id), key, due_at, content)
