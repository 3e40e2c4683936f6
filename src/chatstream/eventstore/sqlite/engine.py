"""The SQLite engine: one write connection, a read connection a thread, one server a file.

The file is a database of the eventsourcing library, whose own SQLite recorder can read it.
The library is not imported here: it takes a tenth of a second, and only its table is needed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from chatstream.errors import ConfigurationError, DamagedError
from chatstream.eventstore.migrations import (
    MIGRATIONS,
    SCHEMA_TABLE,
    Migration,
    newest,
    refuse_newer,
    to_begin,
    to_finish,
)
from chatstream.eventstore.sqlite.batch import BatchWriter, InDoubtError, is_damage, is_passing
from chatstream.eventstore.sqlite.connections import (
    Readers,
    connect,
    empty_log,
    prepare_to_write,
    scrub,
    touch_all,
)
from chatstream.eventstore.sqlite.filelock import FileLock
from chatstream.eventstore.sqlite.statements import EVENTS_TABLE, NEWEST_EVENTS, OLDEST_EVENTS
from chatstream.eventstore.store import (
    PAGE_BYTES,
    Append,
    Failed,
    Outcome,
    SchemaState,
    SqlValue,
    StoredRow,
    Table,
)
from chatstream.ids import ChatId
from chatstream.security.private_files import keep_private

log = logging.getLogger(__name__)

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
    rows: list[StoredRow] = []
    size_bytes = 0
    with contextlib.closing(connection.execute(sql, (chat_id, after, last, limit))) as found:
        for row in found:
            rows.append(StoredRow(chat_id, *row))
            size_bytes += len(row[2])
            if size_bytes >= PAGE_BYTES:
                break
    if newest:
        rows.reverse()
    return rows


def create_tables(
    connection: sqlite3.Connection,
    tables: Sequence[Table],
    migrations: Sequence[Migration] = MIGRATIONS,
) -> None:
    """Create the log and the read models where they do not exist, or move them on to the newest
    version, all of it: no other server runs on the file.

    Raises:
        ConfigurationError: the schema is of a newer version.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        _move_on(connection, tables, migrations)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _move_on(
    connection: sqlite3.Connection, tables: Sequence[Table], migrations: Sequence[Migration]
) -> None:
    known = newest(migrations)
    state = schema_of(connection)
    refuse_newer(state, known)
    if state.version == 0:
        ddl = [EVENTS_TABLE, SCHEMA_TABLE, *(one for table in tables for one in table.ddl)]
    else:
        ddl = to_begin(state, migrations) + to_finish(state, migrations)
    for statement in ddl:
        connection.execute(statement)
    connection.execute("DELETE FROM chatstream_schema")
    connection.execute("INSERT INTO chatstream_schema VALUES (?, ?)", (known, known))


def schema_of(connection: sqlite3.Connection) -> SchemaState:
    """The schema that the file has."""
    there = "SELECT 1 FROM sqlite_master WHERE name = 'chatstream_schema'"
    if connection.execute(there).fetchone() is None:
        return SchemaState()
    row = connection.execute("SELECT version, needs FROM chatstream_schema").fetchone()
    return SchemaState() if row is None else SchemaState(*row)


class SqliteEngine:
    """``StoredEngine`` on a file. With ``read_only`` a tool may read beside the server."""

    sharing = None

    def __init__(
        self,
        path: str | Path,
        tables: Sequence[Table],
        *,
        read_only: bool = False,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.known_schema = newest(migrations)
        self._migrations = migrations
        self._path = Path(path).resolve()
        self._tables = tables
        self._read_only = read_only
        self._lock = FileLock(self._path)
        self._batches = BatchWriter(tables)
        self._writer: sqlite3.Connection | None = None
        self._readers = Readers(self._path)
        self._in_doubt = False
        self._scrub_due_at: float | None = None

    @property
    def commit_seconds(self) -> float:
        return self._batches.commit_seconds

    def open(self) -> None:
        self._refuse_folder()
        if not self._read_only:
            self._lock.take()
        with self._looking_at_once():
            self._open()

    @contextlib.contextmanager
    def _looking_at_once(self) -> Generator[None]:
        """What is done before serving: what fails then is the operator's to know."""
        try:
            yield
        except ConfigurationError:
            self.close()
            raise
        except (sqlite3.Error, DamagedError) as error:
            self.close()
            reason = error.__cause__ or error
            raise ConfigurationError(
                f"the database {str(self._path)!r} cannot be opened: {reason}{_advice(reason)}"
            ) from error

    def _refuse_folder(self) -> None:
        if self._path.is_dir():
            raise ConfigurationError(f"the database {str(self._path)!r} is a folder, not a file")

    def _open(self) -> None:
        if self._read_only:
            self._refuse_empty()
            return
        for companion in ("-wal", "-shm", "-journal"):  # of a file that was open to others once
            keep_private(self._path.with_name(f"{self._path.name}{companion}"))
        create_tables(self._write_connection(), self._tables, self._migrations)
        with self._readers.connection() as connection:
            touch_all(connection)

    def _refuse_empty(self) -> None:
        if not self._path.exists():
            raise ConfigurationError(f"there is no database {str(self._path)!r}")
        if not self.schema().version:
            raise ConfigurationError(f"there are no chats in {str(self._path)!r}")

    def refuse_unfit(self) -> None:
        folder = self._path.parent
        if not folder.is_dir():
            raise ConfigurationError(f"there is no folder {str(folder)!r} for it")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigurationError(f"the folder {str(folder)!r} cannot be written to")

    def schema(self) -> SchemaState:
        if not self._path.exists():
            return SchemaState()
        self._refuse_folder()
        with self._looking_at_once(), self._readers.connection() as connection:
            return schema_of(connection)

    def refuse_served(self) -> None:
        if self._path.exists():
            self._lock.take()
            self._lock.release()

    def finish_migration(self) -> None:
        """Nothing is left to do: no older server can run on the file."""

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
            if is_damage(error):
                return self._write_alone(batch, error)
            return _failed(batch, error, doubtful=False)
        self._scrub_if_due(connection, batch)
        return outcomes

    def _write_alone(self, batch: Sequence[Append], error: sqlite3.Error) -> list[Outcome]:
        """Somebody of the batch needs a damaged page. After that SQLite refuses everything in the
        transaction, so each gets one of its own."""
        if len(batch) > 1:
            return [outcome for append in batch for outcome in self.write([append])]
        batch[0].break_chain()
        log.error("an append to %r is refused: %s", batch[0].chat_id, DamagedError(str(error)))
        return [Failed("unavailable", doubtful=False, reason=str(error), spreads=False)]

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
        connection = connect(self._path, "rw")
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("PRAGMA user_version = 1")
            connection.execute("COMMIT")
        finally:
            connection.close()

    def damage(self) -> Sequence[str]:
        try:
            lines = [str(line) for (line,) in self.fetch("PRAGMA integrity_check", ())]
        except DamagedError as damage:
            return [damage.reason]
        return [] if lines == ["ok"] else lines

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
            self._writer = self._settled(connect(self._path, "rwc"))
        return self._writer

    def _settled(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Make ``connection`` fit to write: all that the log holds is in the file itself."""
        try:
            prepare_to_write(connection)
            if not empty_log(connection) and self._in_doubt:
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
            empty_log(connection)
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    def _scrub_if_due(self, connection: sqlite3.Connection, batch: Sequence[Append]) -> None:
        """After an erasure, remove the copies of what was erased."""
        now = time.monotonic()
        if any(append.rewrite is not None for append in batch):
            self._scrub_due_at = now
        if self._scrub_due_at is None or now < self._scrub_due_at:
            return
        try:
            is_clean = scrub(connection)
        except sqlite3.Error as error:
            log.warning("an erasure left copies in the file for now: %s", error)
            is_clean = False
        # A tool that reads an old state keeps the log alive. Opening the file empties it too.
        self._scrub_due_at = None if is_clean else now + _SCRUB_AGAIN_SECONDS


def _failed(
    batch: Sequence[Append], error: BaseException | None, *, doubtful: bool
) -> list[Outcome]:
    # SQLite names tables and columns, and never quotes a value.
    log.error("the database does not take %d appends: %s", len(batch), error)
    failed = Failed("unavailable", doubtful=doubtful, reason=str(error))
    return [failed for _ in batch]


def _advice(error: BaseException) -> str:
    """What to do about a file that is no database, or no whole one."""
    if isinstance(error, sqlite3.OperationalError):
        return ""  # the file system's reasons, and locks
    return "; put a back-up in its place, or name another file with --database"
