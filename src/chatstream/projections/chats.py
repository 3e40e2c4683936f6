"""Read model ``chats``: one row a chat, written when it opens, gets its title, closes."""

from __future__ import annotations

from collections.abc import Sequence

from chatstream.domain.events import AnyFact, ChatChanged, UserMessageAdded
from chatstream.domain.user_chat.state import UserChat
from chatstream.eventstore.store import RowChange
from chatstream.ids import ChatId
from chatstream.projections.table import TableDefinition

CHATS = TableDefinition(
    name="chats",
    columns=("user_chat_id", "user_id", "status", "title", "opened_at"),
    key=("user_chat_id",),
    ddl=(
        """CREATE TABLE IF NOT EXISTS chats (
            user_chat_id TEXT NOT NULL PRIMARY KEY,
            user_id TEXT NOT NULL,
            status TEXT NOT NULL,
            title TEXT,
            opened_at TEXT NOT NULL)""",
        "CREATE INDEX IF NOT EXISTS chats_of_user ON chats (user_id)",
    ),
)


class Chats:
    """Follows the log with the table ``chats``."""

    table = CHATS

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> list[RowChange]:
        """The chat's row if its status or title changed."""
        for fact in facts:
            if _matters(fact, state):
                values = (state.user_id, state.status, state.title, state.opened_at)
                return [CHATS.row(chat_id, *values)]
        return []


def _matters(fact: AnyFact, state: UserChat) -> bool:
    kind = type(fact)
    return kind is ChatChanged or (kind is UserMessageAdded and len(state.messages) == 1)
