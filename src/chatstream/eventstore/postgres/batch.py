"""One batch of appends as one PostgreSQL transaction.

An advisory lock puts the commits of all nodes into one order: under it the newest positions
are read, so that what is checked then is still true at the commit, and the ids of the log are
handed out in the order in which they become visible.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final

import psycopg

from chatstream.eventstore.planning import (
    BatchPlan,
    Changes,
    Rewrite,
    by_table,
    plan_batch,
    rows_to_find,
)
from chatstream.eventstore.postgres.arrays import bigints, byteas, texts
from chatstream.eventstore.postgres.connections import Connection
from chatstream.eventstore.postgres.heads import Heads
from chatstream.eventstore.postgres.schema import NEEDED_AND_END, ORDER_LOCK
from chatstream.eventstore.store import (
    Announcer,
    Append,
    Conflict,
    Failed,
    Outcome,
    RowKey,
    SqlValue,
    Stored,
    Table,
)
from chatstream.ids import ChatId

log = logging.getLogger(__name__)

_LARGEST_PAYLOAD: Final = 5_850  # 7,900 when it is sealed; 8,000 are an error
_MOST_PAYLOADS: Final = 4  # of one commit; more than that is said in one word
READ_THE_LOG: Final = "*"
_REWRITE_PAGE: Final = 500
_ROWS_AT_ONCE: Final = 1_000  # a statement takes 65,535 parameters

# READ COMMITTED: what comes after the lock must see what was committed before it was had. A
# node that is stopped within a transaction must not hold the others up.
_BEGIN: Final = f"""BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '2500ms';
SET LOCAL idle_in_transaction_session_timeout = '2s';
SELECT pg_advisory_xact_lock({ORDER_LOCK});
{NEEDED_AND_END}"""
_INSERT: Final = """INSERT INTO stored_events (originator_id, originator_version, topic, state)
    SELECT * FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[])"""
_PAGE: Final = """SELECT originator_version, topic, state FROM stored_events
    WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s
    ORDER BY originator_version LIMIT %s"""
_REWRITE: Final = """UPDATE stored_events SET state = %s
    WHERE originator_id = %s AND originator_version = %s"""

# Classes of SQLSTATE that blame the statement or its values; all others blame the database.
_OWN_FAULTS: Final = frozenset({"21", "22", "23", "42", "54"})

Statement = tuple[str, Sequence[object]]


class InDoubtError(Exception):
    """The connection was lost during COMMIT; ``outcomes`` are right if it was carried out."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__("the acknowledgement of a commit was lost")
        self.outcomes = outcomes


class OutdatedError(Exception):
    """The schema has gone on to a version that this server does not know."""

    def __init__(self, needed: int, known: int) -> None:
        super().__init__(f"the schema needs version {needed}, this server knows {known}")


def is_own_fault(error: Exception) -> bool:
    """Whether an append's data, not the database, is to blame for ``error``."""
    if not isinstance(error, psycopg.Error):
        return True
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError | psycopg.ProgrammingError)
    return error.sqlstate[:2] in _OWN_FAULTS


class BatchWriter:
    """Writes batches; ``node_id`` says in wake-ups whose they are, ``known_schema`` what this
    server may write to."""

    def __init__(self, tables: Sequence[Table], node_id: str, known_schema: int) -> None:
        self._known_schema = known_schema
        self._tables = {table.name: table for table in tables}
        self._node_id = node_id
        self._heads = Heads()
        self.announcer: Announcer | None = None
        """Without one nobody is told of commits."""
        self.commit_seconds = 0.0
        """Of the newest one."""

    def write(self, connection: Connection, batch: Sequence[Append]) -> list[Outcome]:
        """Store ``batch`` in one transaction; one outcome an append.

        Raises ``psycopg.Error`` and ``OutdatedError`` if nothing is stored, ``InDoubtError``
        if nothing is known.
        """
        try:
            outcomes = self._write(connection, batch)
        except BaseException:
            self._heads.forget()
            roll_back(connection)
            raise
        began = time.monotonic()
        try:
            _commit(connection)
        except psycopg.Error as error:
            self._heads.forget()
            if not connection.broken:
                roll_back(connection)
                raise
            raise InDoubtError(outcomes) from error
        self._heads.committed()
        self.commit_seconds = time.monotonic() - began
        return outcomes

    def _write(self, connection: Connection, batch: Sequence[Append]) -> list[Outcome]:
        self._begin(connection)
        try:
            return self._together(connection, batch)
        except Exception as error:
            if connection.broken or not is_own_fault(error):
                raise
        self._heads.forget()
        connection.execute("ROLLBACK")
        self._begin(connection)
        outcomes = [self._apart(connection, append) for append in batch]
        self._heads.forget()  # ids were drawn for what was rolled back
        return outcomes

    def _begin(self, connection: Connection) -> None:
        cursor = connection.execute(_BEGIN.encode())
        while cursor.nextset():
            pass
        needed, log_end = cursor.fetchone() or (0, 0)
        self._heads.begin(connection, log_end)
        if needed > self._known_schema:
            raise OutdatedError(needed, self._known_schema)

    def _apart(self, connection: Connection, append: Append) -> Outcome:
        connection.execute("SAVEPOINT one_append")
        try:
            (outcome,) = self._together(connection, [append])
        except Exception as error:
            if connection.broken or not is_own_fault(error):
                raise
            connection.execute("ROLLBACK TO one_append")
            self._heads.lost()
            append.break_chain()
            outcome = _blame(append, error)
        connection.execute("RELEASE one_append")
        return outcome

    def _together(self, connection: Connection, batch: Sequence[Append]) -> list[Outcome]:
        plan = plan_batch(batch, self._heads.of(batch), self._rows_there(connection, batch))
        self._store(connection, plan)
        plan.break_chains()
        self._heads.advance(plan.heads)
        return plan.outcomes

    def _rows_there(self, connection: Connection, batch: Sequence[Append]) -> set[RowKey]:
        """Which of the rows that must not be there are. Another node may have written them:
        only under the order lock does the answer hold until the commit."""
        found: set[RowKey] = set()
        for name, key in rows_to_find(batch):
            if connection.execute(_find(self._tables[name]).encode(), key).fetchone() is not None:
                found.add((name, key))
        return found

    def _store(self, connection: Connection, plan: BatchPlan) -> None:
        self._heads.draw(sum(len(append.events) for append in plan.accepted))
        events = _event_statements(plan.accepted)
        rest = self._row_statements(plan.changes) + self._wake_ups(plan.heads)
        if plan.rewrites:
            _execute(connection, events)
            for rewrite in plan.rewrites:
                _rewrite(connection, rewrite)
            _execute(connection, rest)
        else:
            _execute(connection, events + rest)

    def _row_statements(self, changes: Changes) -> list[Statement]:
        removed, put = by_table(changes)
        statements = [
            _many(_delete(self._tables[name]), keys[start : start + _ROWS_AT_ONCE])
            for name, keys in removed.items()
            for start in range(0, len(keys), _ROWS_AT_ONCE)
        ]
        return statements + [
            _many(_upsert(self._tables[name]), rows[start : start + _ROWS_AT_ONCE])
            for name, rows in put.items()
            for start in range(0, len(rows), _ROWS_AT_ONCE)
        ]

    def _wake_ups(self, heads: Mapping[ChatId, int]) -> list[Statement]:
        """Chats and versions only, told at the commit to who listens; a hint and no truth."""
        announcer = self.announcer
        if announcer is None:
            return []
        payloads: list[str] = []
        for chat_id, head in heads.items():
            word = f" {chat_id}:{head}"
            if not payloads or len(payloads[-1]) + len(word) > _LARGEST_PAYLOAD:
                payloads.append(self._node_id)
            payloads[-1] += word
        if len(payloads) > _MOST_PAYLOADS:
            payloads = [f"{self._node_id} {READ_THE_LOG}"]
        notify, channel = "SELECT pg_notify(%s, %s)", announcer.channel
        return [(notify, (channel, announcer.seal(payload))) for payload in payloads]


def _commit(connection: Connection) -> None:
    connection.execute("COMMIT")


def was_stored(connection: Connection, batch: Sequence[Append], outcomes: list[Outcome]) -> bool:
    """Whether a transaction in doubt was carried out: its first event is in the log by its id.
    Looked at under the lock, which the transaction in doubt may still hold."""
    connection.execute(_BEGIN.encode())
    try:
        return _is_there(connection, batch, outcomes)
    finally:
        roll_back(connection)


def _is_there(connection: Connection, batch: Sequence[Append], outcomes: list[Outcome]) -> bool:
    for append, outcome in zip(batch, outcomes, strict=True):
        if append.events and isinstance(outcome, Stored):
            position = append.expected_position
            page = (append.chat_id, position, position + 1, 1)
            row = connection.execute(_PAGE, page).fetchone()
            return row is not None and b'"%b"' % append.events[0].event_id.encode() in row[2]
    return False


def roll_back(connection: Connection) -> None:
    """Leave a transaction that failed, if the connection still lives."""
    with contextlib.suppress(psycopg.Error):
        connection.execute("ROLLBACK")


def _event_statements(accepted: Sequence[Append]) -> list[Statement]:
    events = [
        (append.chat_id, position, event.topic, event.body)
        for append in accepted
        for position, event in enumerate(append.events, append.expected_position + 1)
    ]
    if not events:
        return []
    chats, positions, topics, bodies = zip(*events, strict=True)
    return [(_INSERT, (texts(chats), bigints(positions), texts(topics), byteas(bodies)))]


def _execute(connection: Connection, statements: Sequence[Statement]) -> None:
    """All of them in one round trip."""
    if not statements:
        return
    with connection.pipeline(), connection.cursor() as cursor:
        for sql, parameters in statements:
            cursor.execute(sql.encode(), parameters)


def _many(template: tuple[str, str], rows: Sequence[tuple[SqlValue, ...]]) -> Statement:
    before, after = template
    one = f"({','.join(['%s'] * len(rows[0]))})"
    return f"{before}{','.join([one] * len(rows))}{after}", [cell for row in rows for cell in row]


def _upsert(table: Table) -> tuple[str, str]:
    others = [column for column in table.columns if column not in table.key]
    update = ", ".join(f"{column} = excluded.{column}" for column in others)
    return (
        f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ",  # noqa: S608 - our names
        f" ON CONFLICT ({', '.join(table.key)}) DO "
        + (f"UPDATE SET {update}" if others else "NOTHING"),
    )


def _delete(table: Table) -> tuple[str, str]:
    keys = ", ".join(table.key)
    return f"DELETE FROM {table.name} WHERE ({keys}) IN (VALUES ", ")"  # noqa: S608 - our names


def _find(table: Table) -> str:
    marks = ", ".join(["%s"] * len(table.key))
    return f"SELECT 1 FROM {table.name} WHERE ({', '.join(table.key)}) = ({marks})"  # noqa: S608 - our names


def _rewrite(connection: Connection, rewrite: Rewrite) -> None:
    after = 0
    while after < rewrite.upto_position:
        page = (rewrite.chat_id, after, rewrite.upto_position, _REWRITE_PAGE)
        events = connection.execute(_PAGE, page).fetchall()
        if not events:
            return
        _execute(
            connection,
            [
                (_REWRITE, (rewrite.body_of(topic, body), rewrite.chat_id, position))
                for position, topic, body in events
            ],
        )
        after = events[-1][0]


def _blame(append: Append, error: Exception) -> Outcome:
    if (
        isinstance(error, psycopg.errors.UniqueViolation)
        and error.diag.table_name == "stored_events"
    ):
        return Conflict()
    # The kind alone: a message may quote content.
    log.warning("an append to %s cannot be stored: %s", append.chat_id, type(error).__name__)
    return Failed("invalid_content", doubtful=False, reason=type(error).__name__)
