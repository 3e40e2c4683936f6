"""The PostgreSQL engine: one write connection and a few for reading, many nodes a database.

The database is one of the eventsourcing library with text ids, whose own recorder can read it.
Needs the extra ``chatstream-server[postgres]``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Generator, Sequence
from typing import Final

import psycopg

from chatstream.errors import ConfigurationError
from chatstream.eventstore.migrations import MIGRATIONS, Migration, newest
from chatstream.eventstore.postgres.arrays import register
from chatstream.eventstore.postgres.batch import (
    BatchWriter,
    InDoubtError,
    OutdatedError,
    was_stored,
)
from chatstream.eventstore.postgres.connections import (
    Connection,
    Readers,
    Watchdog,
    connect,
    where,
)
from chatstream.eventstore.postgres.nodes import count_living, new_owner
from chatstream.eventstore.postgres.rewind_detector import Marks
from chatstream.eventstore.postgres.schema import NEEDED, begin, finish, refuse_unsafe, schema_of
from chatstream.eventstore.store import (
    PAGE_BYTES,
    Announcer,
    Append,
    Failed,
    Outcome,
    SchemaState,
    Sharing,
    SqlValue,
    StoredRow,
    Table,
)
from chatstream.ids import ChatId

log = logging.getLogger(__name__)

EXIT_REWOUND: Final = 75  # "try again" among the codes of sysexits.h
_LAST_POSITION: Final = 2**63 - 1
# Each waiting command must be answered within 3 s of a failure; a restart takes less than this.
_TRY_AGAIN_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.05
_HANGING_SECONDS: Final = 10.0  # above every time-out that the server itself keeps
_LOOK_SECONDS: Final = 2.0  # as long as a lock is waited for
# Sizes are known without reading what is large (it lies in a table of its own).
_EVENTS: Final = """SELECT originator_version, topic, state, notification_id FROM (
        SELECT *, sum(octet_length(state)) OVER (
                ORDER BY originator_version {order} ROWS UNBOUNDED PRECEDING
            ) - octet_length(state) AS bytes_before
        FROM stored_events
        WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s
        ORDER BY originator_version {order} LIMIT %s) AS page
    WHERE bytes_before < %s ORDER BY originator_version"""
_OLDEST_EVENTS: Final = _EVENTS.format(order="ASC")
_NEWEST_EVENTS: Final = _EVENTS.format(order="DESC")

# Aborted for another's sake, or the server is going away or coming: another try is right.
_PASSING: Final = frozenset({"40001", "40P01", "57P01", "57P02", "57P03", "25P03"})


class RewoundError(Exception):
    """The database has gone back in time since it was used last."""

    def __init__(self) -> None:
        super().__init__("the database does not hold any more what it held: it went back in time")


class UnreachableError(Exception):
    """There is no connection. What the library says about that, its cause, names host and user,
    which is for the log and not for whoever asks for ``/health/ready``."""

    def __init__(self) -> None:
        super().__init__("the database cannot be reached")


class PostgresEngine:
    """``StoredEngine`` on a database. With ``read_only`` nothing is made."""

    def __init__(
        self,
        dsn: str,
        tables: Sequence[Table],
        *,
        read_only: bool = False,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.dsn = dsn
        self.known_schema = newest(migrations)
        self._migrations = migrations
        self.sharing = Sharing(dsn, new_owner(), self._announce_by)
        self._tables = tables
        self._read_only = read_only
        self._watchdog = Watchdog()
        self._readers = Readers(self._connect, self._watchdog)
        self._marks = Marks()
        self.on_rewound: Callable[[], None] = _end_process
        """Called, from any thread, when the database does not hold any more what it held."""
        self._batches = BatchWriter(tables, self.sharing.node_id, self.known_schema)
        self._writer: Connection | None = None

    @property
    def commit_seconds(self) -> float:
        return self._batches.commit_seconds

    def open(self) -> None:
        with self._at_once() as connection:
            if not self._read_only:
                refuse_unsafe(connection)
                begin(connection, self._tables, self._migrations)
            elif not schema_of(connection).version:
                raise ConfigurationError(f"there are no chats in {where(self.dsn)}")

    def schema(self) -> SchemaState:
        with self._at_once() as connection:
            return schema_of(connection)

    def refuse_unfit(self) -> None:
        with self._at_once() as connection:
            refuse_unsafe(connection)

    def refuse_served(self) -> None:
        with self._at_once() as connection:
            if schema_of(connection).version and (living := count_living(connection)):
                raise ConfigurationError(
                    f"{living} servers run on {where(self.dsn)}: stop them first"
                )

    def finish_migration(self) -> None:
        with self._at_once() as connection:
            finish(connection, self._migrations)

    def write(self, batch: Sequence[Append]) -> list[Outcome]:
        try_until = time.monotonic() + _TRY_AGAIN_SECONDS
        doubt: InDoubtError | None = None
        while True:
            try:
                return self._attempt(batch, doubt)
            except InDoubtError as new_doubt:
                doubt, error = new_doubt, new_doubt.__cause__
                self._drop_writer()
            except (OutdatedError, RewoundError) as refusal:
                return _failed(batch, refusal, doubtful=doubt is not None)
            except psycopg.Error as failure:
                error = failure
                if not self._may_pass(failure):
                    return _failed(batch, failure, doubtful=doubt is not None)
            if time.monotonic() > try_until:
                return _failed(batch, error, doubtful=doubt is not None)
            time.sleep(_PAUSE_SECONDS)

    def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None, *, newest: bool = False
    ) -> list[StoredRow]:
        last = _LAST_POSITION if upto is None else upto
        sql = _NEWEST_EVENTS if newest else _OLDEST_EVENTS
        rows = self._readers.fetch(sql, (chat_id, after, last, limit, PAGE_BYTES))
        found = [StoredRow(chat_id, *row) for row in rows]
        self._marks.read(found)
        return found

    def fetch(self, sql: str, parameters: Sequence[SqlValue]) -> list[tuple[SqlValue, ...]]:
        return self._readers.fetch(sql.replace("%", "%%").replace("?", "%s"), tuple(parameters))

    def probe(self) -> None:
        try:
            self._probe()
        except psycopg.Error as error:
            if error.sqlstate is None and not isinstance(error, psycopg.ProgrammingError):
                raise UnreachableError from error
            raise

    def _probe(self) -> None:
        if self._read_only:
            raise psycopg.ProgrammingError("opened for reading only")
        if self.fetch("SELECT 1 WHERE current_setting('transaction_read_only') = 'on'", ()):
            raise psycopg.ProgrammingError("the database takes no writes")
        ((needed,),) = self.fetch(NEEDED, ())
        if int(str(needed)) > self.known_schema:
            raise OutdatedError(int(str(needed)), self.known_schema)

    def damage(self) -> Sequence[str]:
        return ()  # its checksums fail the read itself

    def close(self) -> None:
        self._drop_writer()
        self._readers.close()
        self._watchdog.close()

    def _announce_by(self, announcer: Announcer) -> None:
        self._batches.announcer = announcer

    @contextlib.contextmanager
    def _at_once(self) -> Generator[Connection]:
        """A connection for what is done before serving."""
        try:
            with connect(self.dsn) as connection:
                yield connection
        except psycopg.Error as error:
            raise ConfigurationError(
                f"the database {where(self.dsn)} cannot be opened: {error}"
            ) from error

    def _attempt(self, batch: Sequence[Append], doubt: InDoubtError | None) -> list[Outcome]:
        if self._read_only:
            raise psycopg.ProgrammingError("opened for reading only")
        if self._writer is None:
            self._writer = self._connect()
            register(self._writer)
        with self._watchdog.over(self._writer, cut_after_s=_HANGING_SECONDS):
            if doubt is not None and was_stored(self._writer, batch, doubt.outcomes):
                outcomes = doubt.outcomes
            else:
                outcomes = self._batches.write(self._writer, batch)
        self._marks.wrote(batch, outcomes)
        return outcomes

    def _connect(self) -> Connection:
        """A new connection to the database as it was: what we hold in memory must not be mixed
        with another history."""
        connection = connect(self.dsn)
        try:
            with self._watchdog.over(
                connection, cancel_after_s=_LOOK_SECONDS, cut_after_s=_HANGING_SECONDS
            ):
                if self._marks.are_in(connection):
                    return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        self.on_rewound()
        raise RewoundError

    def _may_pass(self, error: psycopg.Error) -> bool:
        """Whether another try may do; the connection is dropped if it is no good."""
        was_lost = self._writer is None or self._writer.broken
        if was_lost:
            self._drop_writer()
        return was_lost or error.sqlstate in _PASSING

    def _drop_writer(self) -> None:
        connection, self._writer = self._writer, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()


def _end_process() -> None:
    """As if killed: nothing of what this process holds may be said or stored any more. Who
    supervises it starts it anew, and clients are told what they have to read again."""
    log.critical(
        "the database was put back to an earlier time, or lost what it had acknowledged:"
        " this server ends and must be started anew"
    )
    os._exit(EXIT_REWOUND)


def _failed(
    batch: Sequence[Append], error: BaseException | None, *, doubtful: bool
) -> list[Outcome]:
    # The kind alone: a message may quote content.
    kind = type(error).__name__
    log.error("the database does not take %d appends: %s", len(batch), kind)
    failed = Failed("unavailable", doubtful=doubtful, reason=kind)
    return [failed for _ in batch]
