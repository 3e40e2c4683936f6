"""The eventsourcing library's recorder for our PostgreSQL tables, for users of the library.

Reading needs none of this: a stock recorder reads the tables. To write where no server runs, or
to make them, set ``PERSISTENCE_MODULE=eventsourcing.postgres``, ``ORIGINATOR_ID_TYPE=text`` and
``APPLICATION_RECORDER_TOPIC=chatstream.eventstore.postgres.recorder:PostgresLogRecorder``; what
the library has no setting for (TLS above all) is set by libpq's own ``PG…`` variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composed, Identifier

from chatstream.eventstore.postgres.schema import EVENTS, ORDER_LOCK

_BOUND: Final = SQL("SET LOCAL lock_timeout = '2s'")  # the server's own writers wait no longer
_LOCK: Final = SQL("SELECT pg_advisory_xact_lock({})")


class PostgresLogRecorder(PostgresApplicationRecorder):
    """The library's application recorder on our table: the order by the lock that every node
    takes, instead of one that maintenance of the table waits for; plain arrays instead of
    composites; and no silent retries, of which one after a lost acknowledgement would report
    its own events as a conflict."""

    def __init__(
        self, datastore: PostgresDatastore, *, events_table_name: str = "stored_events"
    ) -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        table = SQL("{}.{}").format(Identifier(datastore.schema), Identifier(events_table_name))
        self.sql_create_statements = [
            Composed([SQL(one.replace("stored_events", events_table_name))])  # pyright: ignore[reportArgumentType]
            for one in EVENTS
        ]
        self.lock_table_statements = [_BOUND, _LOCK.format(ORDER_LOCK)]
        self.insert_events_statement = SQL(
            "INSERT INTO {} (originator_id, originator_version, topic, state)"
            " SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %b::bytea[])"
            " RETURNING notification_id"
        ).format(table)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: object
    ) -> Sequence[int] | None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_events(cursor, stored_events, **kwargs)
            if not stored_events:
                return []
            self._insert_stored_events(cursor, stored_events, **kwargs)
            return [row["notification_id"] for row in cursor.fetchall()]

    def _insert_stored_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **_: object
    ) -> None:
        self._lock_table(curs)
        self._notify_channel(curs)
        curs.execute(
            self.insert_events_statement,
            [
                [event.originator_id for event in stored_events],
                [event.originator_version for event in stored_events],
                [event.topic for event in stored_events],
                [event.state for event in stored_events],
            ],
        )
