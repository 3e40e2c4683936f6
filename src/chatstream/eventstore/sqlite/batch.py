"""One batch of appends as one SQLite transaction.

All appends are planned first and written together with few statements. Should that fail for
an append's own fault (bad text, a row that is too large, a version that another program took),
it is rolled back and done again with a savepoint an append, so that only that one is refused.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain
from typing import Final

from chatstream.eventstore.planning import (
    Changes,
    Rewrite,
    by_table,
    heads_to_read,
    plan_batch,
    rows_to_find,
)
from chatstream.eventstore.sqlite.statements import HEAD, OLDEST_EVENTS, REWRITE, Statements
from chatstream.eventstore.store import (
    Append,
    Conflict,
    Failed,
    Outcome,
    RowKey,
    SqlValue,
    Table,
)
from chatstream.ids import ChatId

Heads = dict[ChatId, int]

log = logging.getLogger(__name__)

_CACHED_HEADS: Final = 100_000  # some 20 MB; a miss costs a look at the index
_REWRITE_PAGE: Final = 500  # bounds the memory that the erasure of a long chat takes

# Names the columns and no value. A unique index of a read model is not the log's.
_TAKEN: Final = "UNIQUE constraint failed: stored_events."

# Primary result codes that blame the statement or its values; all others blame the database.
_OWN_FAULTS: Final = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_RANGE,
    }
)
# After these SQLite has rolled back by itself, nothing of the transaction is in the file, and
# the same connection works again once the cause is gone.
_PASSING: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class InDoubtError(Exception):
    """COMMIT itself failed: whether the transaction is on the disk is not known."""


def is_own_fault(error: Exception) -> bool:
    """Whether an append's data, not the database, is to blame for ``error``."""
    if not isinstance(error, sqlite3.Error):
        return True
    code = _primary_code(error)
    return code is None or code in _OWN_FAULTS


def is_passing(error: sqlite3.Error) -> bool:
    """Whether the connection that raised ``error`` is still good."""
    return _primary_code(error) in _PASSING


def is_damage(error: BaseException | None) -> bool:
    """Whether the file holds what no database holds."""
    return isinstance(error, sqlite3.Error) and _primary_code(error) in _DAMAGE


def _primary_code(error: sqlite3.Error) -> int | None:
    # None where Python itself refused a value.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


class BatchWriter:
    """Writes batches to a connection whose only writer it is."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._together = Statements(tables, "ROLLBACK")
        self._apart = Statements(tables, "ABORT")
        self._heads: OrderedDict[ChatId, int] = OrderedDict()
        self.commit_seconds = 0.0
        """Of the newest one."""

    def write(self, connection: sqlite3.Connection, batch: Sequence[Append]) -> list[Outcome]:
        """Store ``batch`` in one transaction and sync it; one outcome an append.

        Raises ``sqlite3.Error`` if the database failed and nothing is stored, and
        ``InDoubtError`` if nothing is known.
        """
        heads = {a.chat_id: self._heads[a.chat_id] for a in batch if a.chat_id in self._heads}
        try:
            outcomes = self._write(connection, heads, batch)
        except BaseException:
            _roll_back(connection)
            raise
        self._remember(heads, batch, outcomes)
        return outcomes

    def _write(
        self, connection: sqlite3.Connection, heads: Heads, batch: Sequence[Append]
    ) -> list[Outcome]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = write_together(connection, self._together, heads, batch)
        except Exception as error:
            if not is_own_fault(error):
                raise
            _roll_back(connection)
            heads.clear()
            connection.execute("BEGIN IMMEDIATE")
            outcomes = write_apart(connection, self._apart, heads, batch)
        began = time.monotonic()
        _commit(connection)
        self.commit_seconds = time.monotonic() - began
        return outcomes

    def _remember(self, heads: Heads, batch: Sequence[Append], outcomes: Sequence[Outcome]) -> None:
        for chat_id, head in heads.items():
            self._heads[chat_id] = head
            self._heads.move_to_end(chat_id)
        for append, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Conflict):
                # The one that conflicts will look at the log, so look there as well.
                self._heads.pop(append.chat_id, None)
        while len(self._heads) > _CACHED_HEADS:
            self._heads.popitem(last=False)


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if is_passing(error):
            raise
        raise InDoubtError from error


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def newest_position(connection: sqlite3.Connection, chat_id: ChatId) -> int:
    """The chat's newest position in the database; 0 for none."""
    (head,) = connection.execute(HEAD, (chat_id,)).fetchone()
    return int(head or 0)


def write_together(
    connection: sqlite3.Connection, statements: Statements, heads: Heads, batch: Sequence[Append]
) -> list[Outcome]:
    """Write all that fits; ``heads`` holds newest positions, is added to and set forward."""
    # One by one: this transaction is the only writer, and here a question is no round trip.
    for chat_id in heads_to_read(batch, heads):
        heads[chat_id] = newest_position(connection, chat_id)
    there = {row for row in rows_to_find(batch) if _is_there(connection, statements, row)}
    plan = plan_batch(batch, heads, there)
    statements.insert_events.execute(connection, _event_rows(plan.accepted))
    for rewrite in plan.rewrites:
        _rewrite(connection, rewrite)
    _write_changes(connection, statements, plan.changes)
    plan.break_chains()
    heads.update(plan.heads)
    return plan.outcomes


def write_apart(
    connection: sqlite3.Connection, statements: Statements, heads: Heads, batch: Sequence[Append]
) -> list[Outcome]:
    """Write each append by itself, so that one of bad data harms no other."""
    return [_write_one(connection, statements, heads, append) for append in batch]


def _write_one(
    connection: sqlite3.Connection, statements: Statements, heads: Heads, append: Append
) -> Outcome:
    connection.execute("SAVEPOINT one_append")
    try:
        (outcome,) = write_together(connection, statements, heads, [append])
    except Exception as error:
        if not is_own_fault(error):
            raise
        connection.execute("ROLLBACK TO one_append")
        append.break_chain()
        outcome = _blame(append, error)
    connection.execute("RELEASE one_append")
    return outcome


def _blame(append: Append, error: Exception) -> Outcome:
    if isinstance(error, sqlite3.IntegrityError) and _TAKEN in str(error):
        return Conflict()
    # The kind alone: a message may quote content.
    log.warning("an append to %s cannot be stored: %s", append.chat_id, type(error).__name__)
    return Failed("invalid_content", doubtful=False, reason=type(error).__name__)


def _is_there(connection: sqlite3.Connection, statements: Statements, row: RowKey) -> bool:
    table, key = row
    return connection.execute(statements.tables[table].find, key).fetchone() is not None


def _event_rows(accepted: Sequence[Append]) -> list[SqlValue]:
    # One row's values after the other, as ``ManyRows`` wants them; PostgreSQL wants columns.
    rows: list[SqlValue] = []
    for append in accepted:
        position = append.expected_position
        for event in append.events:
            position += 1
            rows += (append.chat_id, position, event.topic, event.body)
    return rows


def _rewrite(connection: sqlite3.Connection, rewrite: Rewrite) -> None:
    after = 0
    while after < rewrite.upto_position:
        page = (rewrite.chat_id, after, rewrite.upto_position, _REWRITE_PAGE)
        events = connection.execute(OLDEST_EVENTS, page).fetchall()
        if not events:
            return
        for position, topic, body, rowid in events:
            connection.execute(REWRITE, (rewrite.body_of(topic, body), rowid))
            after = position


def _write_changes(
    connection: sqlite3.Connection, statements: Statements, changes: Changes
) -> None:
    removed, put = by_table(changes)
    for table, keys in removed.items():
        statements.tables[table].remove.execute(connection, list(chain.from_iterable(keys)))
    for table, rows in put.items():
        statements.tables[table].put.execute(connection, list(chain.from_iterable(rows)))
