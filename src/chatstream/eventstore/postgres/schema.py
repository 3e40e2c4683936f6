"""The tables on PostgreSQL: made once, moved on from version to version (``migrations``).

The log is the eventsourcing library's table with text ids, so that its recorder reads it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Sequence
from typing import Final

from chatstream.errors import ConfigurationError
from chatstream.eventstore.migrations import (
    SCHEMA_TABLE,
    Migration,
    newest,
    refuse_newer,
    to_begin,
    to_finish,
)
from chatstream.eventstore.postgres.connections import Connection
from chatstream.eventstore.store import SchemaState, Table

# One number for all nodes on a database: writers of the log and of the schema take turns.
ORDER_LOCK: Final = 0x63686174

EVENTS: Final = (
    """CREATE TABLE IF NOT EXISTS stored_events (
        originator_id text COLLATE "C" NOT NULL,
        originator_version bigint NOT NULL,
        topic text,
        state bytea,
        notification_id bigserial,
        PRIMARY KEY (originator_id, originator_version))""",
    # Not unique, as no two rows get one number anyway: a unique index without the chat's id would
    # keep an engine that spreads tables by chat from taking the table.
    """CREATE INDEX IF NOT EXISTS stored_events_notification_id_idx
        ON stored_events (notification_id)""",
)
# The version that a server must know to write; it stands in each writing transaction.
NEEDED: Final = "SELECT needs FROM chatstream_schema"
# The same, and where the log ends: by its sequence, which goes on whatever is rolled back.
NEEDED_AND_END: Final = """SELECT needs,
    coalesce(pg_sequence_last_value('stored_events_notification_id_seq'::regclass), 0)
    FROM chatstream_schema"""
# Not by to_regclass: a session that has once looked for the table in vain remembers that, until
# its next transaction, even where it has since waited for who made the table.
_IS_THERE: Final = """SELECT 1 FROM pg_catalog.pg_class
    WHERE relname = 'chatstream_schema' AND pg_catalog.pg_table_is_visible(oid)"""
_SET: Final = "UPDATE chatstream_schema SET version = %s, needs = %s"

# What makes a commit more than a promise; a server without them cannot keep an ack.
_DURABLE: Final = ("fsync", "synchronous_commit")


def refuse_unsafe(connection: Connection) -> None:
    """``ConfigurationError`` for a server that acknowledges before the disk has it, or that
    cannot hold every text."""
    for name in _DURABLE:
        if _shown(connection, name) == "off":
            raise ConfigurationError(
                f"the database has {name} = off: what it acknowledges may be lost; turn it on"
            )
    if (encoding := _shown(connection, "server_encoding")) != "UTF8":
        raise ConfigurationError(f"the database has the encoding {encoding}; it must be UTF8")


def _shown(connection: Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


def schema_of(connection: Connection) -> SchemaState:
    """The schema that the database has."""
    if connection.execute(_IS_THERE).fetchone() is None:
        return SchemaState()
    row = connection.execute("SELECT version, needs FROM chatstream_schema").fetchone()
    return SchemaState() if row is None else SchemaState(*row)


def begin(connection: Connection, tables: Sequence[Table], migrations: Sequence[Migration]) -> None:
    """Create what is missing, once for all nodes; of newer versions what only adds.

    Raises:
        ConfigurationError: the schema is of a newer version that this one may not write to.
    """
    known = newest(migrations)
    if (state := schema_of(connection)).version < known:
        with _changing(connection):
            state = schema_of(connection)
            if state.version == 0:
                _create(connection, tables, known)
            elif state.version < known:
                _carry_out(connection, to_begin(state, migrations))
                connection.execute(_SET, (known, state.needs))
    refuse_newer(state, known)


def finish(connection: Connection, migrations: Sequence[Migration]) -> None:
    """Do what old servers could not live with; from then on they are refused."""
    known = newest(migrations)
    with _changing(connection):
        state = schema_of(connection)
        refuse_newer(state, known)
        _carry_out(connection, to_finish(state, migrations))
        connection.execute(_SET, (max(known, state.version), known))


@contextlib.contextmanager
def _changing(connection: Connection) -> Generator[None]:
    """A transaction that is alone with the schema and the log."""
    with connection.transaction():
        # What is looked at under the lock must be what was committed before it was had.
        connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        connection.execute("SET LOCAL lock_timeout = '10s'")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (ORDER_LOCK,))
        yield


def _create(connection: Connection, tables: Sequence[Table], version: int) -> None:
    for statement in EVENTS:
        connection.execute(statement.encode())
    _carry_out(connection, [SCHEMA_TABLE, *(one for table in tables for one in table.ddl)])
    connection.execute("INSERT INTO chatstream_schema VALUES (%s, %s)", (version, version))


def _carry_out(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.execute(_in_dialect(statement).encode())


def _in_dialect(statement: str) -> str:
    """Texts are compared by their bytes, as SQLite and Python do; rows have no number of their own
    anyway."""
    if not statement.lstrip().startswith(("CREATE TABLE", "ALTER TABLE")):
        return statement
    statement = statement.removesuffix(" WITHOUT ROWID").replace("INTEGER", "BIGINT")
    return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', statement)
