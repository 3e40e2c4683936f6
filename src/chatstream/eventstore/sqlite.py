"""The SQLite engine: one write connection, a read connection a thread, one server a file.

The file is a database of the eventsourcing library, whose own SQLite recorder can read it.
The library is not imported here: it takes a tenth of a second, and only its table is needed.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final, Literal

from chatstream.errors import ConfigurationError
from chatstream.eventstore.batch import BatchWriter, InDoubtError, is_own_fault, is_passing
from chatstream.eventstore.filelock import FileLock
from chatstream.eventstore.statements import EVENTS_TABLE, NEWEST_EVENTS, OLDEST_EVENTS
from chatstream.eventstore.store import Append, Failed, Outcome, SqlValue, StoredRow, Table
from chatstream.ids import ChatId

log = logging.getLogger(__name__)

# Each waiting command must be answered within 3 s of a failure.
_BUSY_SECONDS: Final = 1.0
_CACHED_STATEMENTS: Final = 256
_CHECKPOINT_PAGES: Final = 4000
_SCRUB_AGAIN_SECONDS: Final = 10.0
_LARGEST_INTEGER: Final = 2**63 - 1


def select_events(
    connection: sqlite3.Connection,
    chat_id: ChatId,
    after: int,
    limit: int,
    upto: int | None,
    *,
    newest: bool,
) -> list[StoredRow]:
    """``Engine.read`` on ``connection``."""
    last = _LARGEST_INTEGER if upto is None else upto
    sql = NEWEST_EVENTS if newest else OLDEST_EVENTS
    rows = connection.execute(sql, (chat_id, after, last, limit)).fetchall()
    if newest:
        rows.reverse()
    return [StoredRow(chat_id, *row) for row in rows]


def create_tables(connection: sqlite3.Connection, tables: Sequence[Table]) -> None:
    """Create the log and the read models where they do not exist."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(EVENTS_TABLE)
    for table in tables:
        for statement in table.ddl:
            connection.execute(statement)
    connection.execute("COMMIT")


class SqliteEngine:
    """``Engine`` on a file. With ``read_only`` a tool may read beside the server."""

    def __init__(
        self, path: str | Path, tables: Sequence[Table], *, read_only: bool = False
    ) -> None:
        self._path = Path(path).resolve()
        self._tables = tables
        self._read_only = read_only
        self._lock = FileLock(self._path)
        self._batches = BatchWriter(tables)
        self._writer: sqlite3.Connection | None = None
        self._readers = _Readers(self._path)
        self._in_doubt = False
        self._scrub_due_at: float | None = None

    def open(self) -> None:
        if not self._read_only:
            self._lock.take()
        try:
            self._open()
        except sqlite3.Error as error:
            self.close()
            raise ConfigurationError(
                f"the database {str(self._path)!r} cannot be opened: {error}"
            ) from error

    def _open(self) -> None:
        if self._read_only:
            self.fetch("SELECT 1 FROM stored_events LIMIT 1", ())
            return
        create_tables(self._write_connection(), self._tables)

    def write(self, batch: Sequence[Append]) -> list[Outcome]:
        try:
            connection = self._write_connection()
            outcomes = self._batches.write(connection, batch)
        except InDoubtError as doubt:
            self._in_doubt = True
            self._drop_writer()
            return _failed(batch, doubt.__cause__, doubtful=True)
        except sqlite3.Error as error:
            if not is_passing(error):
                self._drop_writer()
            return _failed(batch, error, doubtful=False)
        self._scrub_if_due(connection, batch)
        return outcomes

    def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None, *, newest: bool = False
    ) -> list[StoredRow]:
        with self._readers.connection() as connection:
            return select_events(connection, chat_id, after, limit, upto, newest=newest)

    def fetch(self, sql: str, parameters: Sequence[SqlValue]) -> list[tuple[SqlValue, ...]]:
        with self._readers.connection() as connection:
            return connection.execute(sql, parameters).fetchall()

    def probe(self) -> None:
        if self._read_only:
            raise sqlite3.OperationalError("opened for reading only")
        connection = _connect(self._path, "rw")
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("PRAGMA user_version = 1")
            connection.execute("COMMIT")
        finally:
            connection.close()

    def close(self) -> None:
        self._readers.close()
        if self._writer is not None:
            with contextlib.suppress(sqlite3.Error):
                self._writer.close()
            self._writer = None
        self._lock.release()

    def _write_connection(self) -> sqlite3.Connection:
        if self._read_only:
            raise sqlite3.OperationalError("opened for reading only")
        if self._writer is None:
            self._writer = self._settled(_connect(self._path, "rwc"))
        return self._writer

    def _settled(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Make ``connection`` fit to write: all that the log holds is in the file itself."""
        try:
            _prepare(connection)
            if not _empty_log(connection) and self._in_doubt:
                raise sqlite3.OperationalError("a reader holds a log that is in doubt")
        except sqlite3.Error:
            connection.close()
            raise
        self._in_doubt = False
        return connection

    def _drop_writer(self) -> None:
        """Close a connection that failed; the next write opens a new one.

        After a failed sync the log may hold a commit that the disk does not, which another
        sync would call good. Emptying the log, here or on opening, writes all pages again.
        """
        connection, self._writer = self._writer, None
        if connection is None:
            return
        with contextlib.suppress(sqlite3.Error):
            _empty_log(connection)
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    def _scrub_if_due(self, connection: sqlite3.Connection, batch: Sequence[Append]) -> None:
        """After an erasure, empty the log, which still holds the old pages."""
        now = time.monotonic()
        if any(append.rewrite is not None for append in batch):
            self._scrub_due_at = now
        if self._scrub_due_at is None or now < self._scrub_due_at:
            return
        try:
            emptied = _empty_log(connection)
        except sqlite3.Error as error:
            log.warning("the log cannot be emptied after an erasure: %s", error)
            emptied = False
        # A tool that reads an old state keeps the log alive; opening the file tries again too.
        self._scrub_due_at = None if emptied else now + _SCRUB_AGAIN_SECONDS


class _Readers:
    """A read connection for each thread that reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = threading.local()
        self._all: set[sqlite3.Connection] = set()
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def connection(self) -> Generator[sqlite3.Connection]:
        """This thread's connection; a broken one is closed, the next use opens another."""
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = _connect(self._path, "ro")
            with self._guard:
                self._all.add(connection)
        try:
            yield connection
        except sqlite3.Error as error:
            if not is_own_fault(error) and not is_passing(error):
                self._drop(connection)
            raise

    def close(self) -> None:
        """Close the connections of all threads, none of which may be reading."""
        with self._guard:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def _drop(self, connection: sqlite3.Connection) -> None:
        self._own.connection = None
        with self._guard:
            self._all.discard(connection)
        connection.close()


def _connect(path: Path, mode: Literal["rwc", "rw", "ro"]) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )


def _prepare(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"it cannot have a write-ahead log (mode {mode!r})")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive's cache
    # Always on: a row changed today must leave no copy for an erasure of tomorrow to miss.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Move the write-ahead log into the file and cut it to nothing; False if a reader is in
    the way."""
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _failed(
    batch: Sequence[Append], error: BaseException | None, *, doubtful: bool
) -> list[Outcome]:
    log.error("the database does not take %d appends: %s", len(batch), error)
    failed = Failed("unavailable", doubtful=doubtful, reason=str(error))
    return [failed for _ in batch]
