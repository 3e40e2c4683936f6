"""The SQL of the SQLite engine: the log's table, and texts that write many rows at once.

A text stands for 64, 32, 16 .. 1 rows and is prepared once. One statement of many rows costs
less than ``executemany``, which gives Python's lock away at every row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from chatstream.eventstore.store import SqlValue, Table

# The eventsourcing library's table, so that its recorder reads our log. A column named exactly
# ``rowid`` with AUTOINCREMENT: the library selects it by that name, and no id is ever handed
# out twice or renumbered by a dump.
EVENTS_TABLE: Final = """
CREATE TABLE IF NOT EXISTS stored_events (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    UNIQUE (originator_id, originator_version)
)"""

# The newest version of a chat, by the index alone.
HEAD: Final = "SELECT max(originator_version) FROM stored_events WHERE originator_id = ?"

# A page of a chat's events, oldest first and newest first.
_EVENTS: Final = """
SELECT originator_version, topic, state, rowid FROM stored_events
WHERE originator_id = ? AND originator_version > ? AND originator_version <= ?
ORDER BY originator_version """
OLDEST_EVENTS: Final = _EVENTS + "ASC LIMIT ?"
NEWEST_EVENTS: Final = _EVENTS + "DESC LIMIT ?"

# One event's stored form, replaced in place (erasure).
REWRITE: Final = "UPDATE stored_events SET state = ? WHERE rowid = ?"

_SIZES: Final = (64, 32, 16, 8, 4, 2, 1)

# What a violated constraint undoes. ROLLBACK needs no statement journal (35 instead of 45 KiB
# written a turn) but takes the whole batch with it; ABORT leaves the transaction alive.
OnFault = Literal["ROLLBACK", "ABORT"]


class ManyRows:
    """A statement over a list of rows of ``width`` values each."""

    __slots__ = ("_texts", "_width")

    def __init__(self, before: str, width: int, after: str) -> None:
        row = f"({','.join('?' * width)})"
        self._width = width
        self._texts = [(size, f"{before}{','.join([row] * size)}{after}") for size in _SIZES]

    def execute(self, connection: sqlite3.Connection, values: Sequence[SqlValue]) -> None:
        """Run over all rows; ``values`` holds them one after the other."""
        start = 0
        for size, text in self._texts:
            step = size * self._width
            while len(values) - start >= step:
                connection.execute(text, values[start : start + step])
                start += step


class TableStatements:
    """How rows of one read model are put (by primary key), removed and looked for."""

    __slots__ = ("find", "put", "remove")

    def __init__(self, table: Table, on_fault: OnFault) -> None:
        columns, keys = ", ".join(table.columns), ", ".join(table.key)
        self.put = ManyRows(
            f"INSERT OR {on_fault} INTO {table.name} ({columns}) VALUES ",  # noqa: S608 - our names
            len(table.columns),
            f" ON CONFLICT ({keys}) DO {_update(table)}",
        )
        self.remove = ManyRows(
            f"DELETE FROM {table.name} WHERE ({keys}) IN (VALUES ",  # noqa: S608 - our names
            len(table.key),
            ")",
        )
        marks = ", ".join("?" * len(table.key))
        self.find = f"SELECT 1 FROM {table.name} WHERE ({keys}) = ({marks})"  # noqa: S608 - our names


class Statements:
    """All texts of one engine for one way to treat a violated constraint."""

    __slots__ = ("insert_events", "tables")

    def __init__(self, tables: Iterable[Table], on_fault: OnFault) -> None:
        self.insert_events = ManyRows(
            f"INSERT OR {on_fault} INTO stored_events"  # noqa: S608 - a literal
            " (originator_id, originator_version, topic, state) VALUES ",
            4,
            "",
        )
        self.tables = {table.name: TableStatements(table, on_fault) for table in tables}


def _update(table: Table) -> str:
    # REPLACE would delete and insert (2.9 instead of 2.3 KiB written for an intent of two
    # states) and silently delete the row that breaks another unique index.
    others = [column for column in table.columns if column not in table.key]
    if not others:
        return "NOTHING"
    return "UPDATE SET " + ", ".join(f"{column} = excluded.{column}" for column in others)
