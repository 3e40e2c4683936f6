"""Tables without a fact behind them: ids of commands that stored none, and server values."""

from __future__ import annotations

from chatstream.domain.user_chat.state import CommandRecord
from chatstream.eventstore.store import RowChange
from chatstream.ids import ChatId
from chatstream.projections.table import TableDefinition

REMEMBERED = TableDefinition(
    name="remembered_commands",
    columns=("user_chat_id", "command_id", "position", "digest"),
    key=("user_chat_id", "command_id"),
    ddl=(
        """CREATE TABLE IF NOT EXISTS remembered_commands (
            user_chat_id TEXT NOT NULL,
            command_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            digest TEXT NOT NULL,
            PRIMARY KEY (user_chat_id, command_id))""",
    ),
)
SERVER_VALUES = TableDefinition(
    name="server_values",
    columns=("name", "value"),
    key=("name",),
    ddl=(
        """CREATE TABLE IF NOT EXISTS server_values (
            name TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL)""",
    ),
)


def remembered_row(chat_id: ChatId, command_id: str, record: CommandRecord) -> RowChange:
    """The row by which a command that stored nothing is known again."""
    return REMEMBERED.row(chat_id, command_id, record.position, record.digest or "")
