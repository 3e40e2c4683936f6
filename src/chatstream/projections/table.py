"""What a read model is to the store: a table, written in the append's own transaction.

``changes`` looks at the facts of one append and the state after them, and gives the rows as
they shall be. Rows move only when a state does; agent steps write the log and nothing else
(a table written on every step costs more than the step).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from chatstream.domain.events import AnyFact
from chatstream.domain.user_chat.state import UserChat
from chatstream.eventstore.store import RowChange, SqlValue
from chatstream.ids import ChatId


class TableDefinition(Struct, frozen=True):
    """A table as the engine creates and writes it (``eventstore.store.Table``)."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    ddl: tuple[str, ...]

    def row(self, *values: SqlValue) -> RowChange:
        """The row with these values, in the order of ``columns``; the key stands first."""
        assert len(values) == len(self.columns)
        return RowChange(self.name, values[: len(self.key)], values)

    def gone(self, *key: SqlValue) -> RowChange:
        """The row of ``key`` shall not be."""
        return RowChange(self.name, key, None)


class Projection(Protocol):
    """A read model that follows the log."""

    @property
    def table(self) -> TableDefinition:
        """Where it is kept."""
        ...

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> list[RowChange]:
        """The rows that change with ``facts``, after which the chat is in ``state``."""
        ...
