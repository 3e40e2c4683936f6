"""The engine for tests and trials: SQLite in memory, gone with the process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence

from chatstream.eventstore.sqlite.batch import BatchWriter
from chatstream.eventstore.sqlite.engine import create_tables, select_events
from chatstream.eventstore.store import Append, Outcome, SqlValue, StoredRow, Table
from chatstream.ids import ChatId


class MemoryEngine:
    """``Engine`` in memory: the same transactions as on a file, on one guarded connection."""

    sharing = None

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = tables
        self._batches = BatchWriter(tables)
        self._guard = threading.Lock()
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False
        )

    @property
    def commit_seconds(self) -> float:
        return self._batches.commit_seconds

    def open(self) -> None:
        create_tables(self._connection, self._tables)

    def write(self, batch: Sequence[Append]) -> list[Outcome]:
        with self._guard:
            return self._batches.write(self._connection, batch)

    def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None, *, newest: bool = False
    ) -> list[StoredRow]:
        with self._guard:
            return select_events(self._connection, chat_id, after, limit, upto, newest=newest)

    def fetch(self, sql: str, parameters: Sequence[SqlValue]) -> list[tuple[SqlValue, ...]]:
        with self._guard:
            return self._connection.execute(sql, parameters).fetchall()

    def probe(self) -> None:
        self.fetch("SELECT 1", ())

    def damage(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        self._connection.close()
