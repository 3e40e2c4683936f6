"""Connections to a SQLite file: how they are made, and those of the threads that read."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final, Literal

from chatstream.errors import DamagedError
from chatstream.eventstore.sqlite.batch import is_damage, is_own_fault, is_passing
from chatstream.security.private_files import make_private

# Each waiting command must be answered within 3 s of a failure.
_BUSY_SECONDS: Final = 1.0
_CACHED_STATEMENTS: Final = 256
# A page that changes again before a checkpoint goes to the file once: 23.7 KiB a turn at 1,000
# pages, 20.2 at 4,000, 20.0 at 8,000. The checkpoint runs within a commit, which then takes
# 9, 17 and 28 ms, and the log (16 MB at 4,000) must be read again after a crash.
_CHECKPOINT_PAGES: Final = 4_000
_FIRST_OF_INDEX: Final = "SELECT name FROM pragma_index_info(?) WHERE seqno = 0"
_FIRST_OF_KEY: Final = "SELECT name FROM pragma_table_info(?) WHERE pk = 1"
# VACUUM of such a file takes about 0.1 s.
_SMALL_BYTES: Final = 16 * 2**20


def connect(path: Path, mode: Literal["rwc", "rw", "ro"]) -> sqlite3.Connection:
    """A connection in autocommit mode: read and write, creating the file or not, or read only.
    A file that is created, or written to, is its owner's alone."""
    if mode == "rwc":
        _make_private(path)
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )


def _make_private(path: Path) -> None:
    try:
        make_private(path)
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}") from error


def prepare_to_write(connection: sqlite3.Connection) -> None:
    """Make commits durable, and what is deleted unreadable."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"it cannot have a write-ahead log (mode {mode!r})")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive's cache
    # Always on: a row changed today must leave no copy for an erasure of tomorrow to miss.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")  # what VACUUM copies stays off the disk
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")


def empty_log(connection: sqlite3.Connection) -> bool:
    """Move the write-ahead log into the file and cut it to nothing; False if a reader is in
    the way."""
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def scrub(connection: sqlite3.Connection) -> bool:
    """After an erasure: remove the copies that lie about; False if a reader is in the way.

    The write-ahead log holds the old pages. In the file, a page that SQLite once split or
    joined may keep a copy of a moved row in its unused middle (seen after 6 of 720 erasures),
    which ``secure_delete`` does not reach and ``VACUUM`` does. A file that is too large for
    that on the way keeps such copies until a ``VACUUM`` of its operator.
    """
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    if pages * page_bytes <= _SMALL_BYTES:
        connection.execute("VACUUM")
    return empty_log(connection)


def touch_all(connection: sqlite3.Connection) -> None:
    """Read a row of every table and index, which costs a few milliseconds: where neither the
    first nor the last can be had, the top is damaged and everybody would be hit.

    Raises:
        sqlite3.DatabaseError: there is such a one.
    """
    there = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE rootpage > 0"
    for kind, name, table, sql in connection.execute(there).fetchall():
        if kind == "table":
            first = _first_of_key(connection, name, str(sql))
            rows = f'"{table}" NOT INDEXED ORDER BY {first}'
        else:
            only = str(sql or "").partition(" WHERE ")[2] or 1
            (first,) = connection.execute(_FIRST_OF_INDEX, (name,)).fetchone()
            rows = f'"{table}" INDEXED BY "{name}" WHERE {only} ORDER BY "{first}"'
        with contextlib.suppress(sqlite3.OperationalError):  # of what is not ours
            _touch(connection, rows)


def _touch(connection: sqlite3.Connection, rows: str) -> None:
    try:
        connection.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchone()  # noqa: S608 - the file's own names
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        connection.execute(f"SELECT 1 FROM {rows} DESC LIMIT 1").fetchone()  # noqa: S608 - the file's own names


def _first_of_key(connection: sqlite3.Connection, table: str, sql: str) -> str:
    """A table without row ids is an index itself, and might be read by another one."""
    if not sql.rstrip().endswith("WITHOUT ROWID"):
        return "rowid"
    (first,) = connection.execute(_FIRST_OF_KEY, (table,)).fetchone()
    return f'"{first}"'


class Readers:
    """A read connection for each thread that reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = threading.local()
        self._all: set[sqlite3.Connection] = set()
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def connection(self) -> Generator[sqlite3.Connection]:
        """This thread's connection; a broken one is closed, the next use opens another.

        Raises:
            DamagedError: the file holds what no database holds.
        """
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = connect(self._path, "ro")
            with self._guard:
                self._all.add(connection)
        try:
            yield connection
        except sqlite3.Error as error:
            if not is_own_fault(error) and not is_passing(error):
                self._drop(connection)
            if is_damage(error):
                raise DamagedError(str(error)) from error
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
