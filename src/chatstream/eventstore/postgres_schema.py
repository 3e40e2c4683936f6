"""The tables on PostgreSQL: made once, counted by a version, only ever added to.

The log is the eventsourcing library's table with text ids, so that its recorder reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from chatstream.errors import ConfigurationError
from chatstream.eventstore.postgres_connections import Connection
from chatstream.eventstore.store import Table

SCHEMA_VERSION: Final = 1

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
_VERSION: Final = "CREATE TABLE IF NOT EXISTS chatstream_schema (version integer NOT NULL)"

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


def version_of(connection: Connection) -> int:
    """The schema's version; 0 where there is none."""
    found = connection.execute("SELECT to_regclass('chatstream_schema')").fetchone()
    if found is None or found[0] is None:
        return 0
    row = connection.execute("SELECT max(version) FROM chatstream_schema").fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def create_tables(connection: Connection, tables: Sequence[Table]) -> None:
    """Create what is missing, once for all nodes; a schema of a newer version is left alone."""
    if version_of(connection) >= SCHEMA_VERSION:
        return
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '10s'")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (ORDER_LOCK,))
        if version_of(connection) >= SCHEMA_VERSION:
            return
        for statement in (_VERSION, *EVENTS):
            connection.execute(statement.encode())
        for table in tables:
            for statement in table.ddl:
                connection.execute(_in_dialect(statement).encode())
        connection.execute("INSERT INTO chatstream_schema (version) VALUES (%s)", (SCHEMA_VERSION,))


def _in_dialect(statement: str) -> str:
    """Texts are compared by their bytes, as SQLite and Python do."""
    if not statement.lstrip().startswith("CREATE TABLE"):
        return statement
    return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', statement).replace("INTEGER", "BIGINT")
