"""Connections to PostgreSQL: how they are made, those of readers, and what cuts a hanging one.

No connection carries state from one transaction to the next (no prepared statements, no
session settings), so that a pooler may stand between.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from queue import Empty, LifoQueue
from typing import Any, Final

import psycopg
from msgspec import Struct
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict, make_conninfo

Connection = psycopg.Connection[tuple[Any, ...]]

# A dead peer is found in about ten seconds; each of these may be set in the URL.
_DEFAULTS: Final = {
    "application_name": "chatstream",
    "connect_timeout": "3",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "5000",
}
_LOOK_EVERY_SECONDS: Final = 0.5
_CANCEL_SECONDS: Final = 1.0
# A read that takes longer waits for a lock on the whole table, or scans one that grew too large.
_LONGEST_READ_SECONDS: Final = 5.0
_LONGEST_SILENCE_SECONDS: Final = 8.0


def connect(dsn: str) -> Connection:
    """A connection in autocommit mode. Raises ``psycopg.Error``."""
    return psycopg.connect(conninfo(dsn), autocommit=True, prepare_threshold=None)


def conninfo(dsn: str) -> str:
    """``dsn`` with our defaults for what it does not say."""
    given = {name: value for name, value in conninfo_to_dict(dsn).items() if value is not None}
    return make_conninfo("", **{**_DEFAULTS, **given})


def where(dsn: str) -> str:
    """The database as it may be shown: without user and password."""
    given = conninfo_to_dict(dsn)
    return f"{given.get('dbname') or ''!s} on {given.get('host') or 'the local socket'!s}"


class _Work(Struct, frozen=True):
    """What a connection is busy with, and until when it may be."""

    connection: Connection
    cancel_at: float
    cut_at: float


class Watchdog:
    """Ends what takes too long: asks the server to cancel it, and cuts the connection where the
    server, stopped or out of reach, answers neither the work nor that."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._working: dict[int, _Work] = {}
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @contextlib.contextmanager
    def over(
        self, connection: Connection, *, cut_after_s: float, cancel_after_s: float = math.inf
    ) -> Generator[None]:
        """Cancel what is done within, then cut ``connection``, if it takes so long."""
        now = time.monotonic()
        descriptor = connection.fileno()
        with self._guard:
            self._working[descriptor] = _Work(connection, now + cancel_after_s, now + cut_after_s)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._guard:
                self._working.pop(descriptor, None)

    def close(self) -> None:
        """End the thread."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_SECONDS):
            now = time.monotonic()
            # Guarded: what comes after the work on the same connection must not be hit.
            with self._guard:
                for descriptor, work in list(self._working.items()):
                    if now > work.cut_at:
                        del self._working[descriptor]
                        _cut(descriptor)
                    elif now > work.cancel_at:
                        self._working[descriptor] = replace(work, cancel_at=math.inf)
                        _cancel(work.connection)


def _cancel(connection: Connection) -> None:
    with contextlib.suppress(psycopg.Error):
        connection.cancel_safe(timeout=_CANCEL_SECONDS)


def _cut(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as peer:
        peer.shutdown(socket.SHUT_RDWR)


class Readers:
    """Connections for reading: as many as threads read at once, kept for the next; ``connect``
    makes one."""

    def __init__(self, connect: Callable[[], Connection], watchdog: Watchdog) -> None:
        self._connect = connect
        self._watchdog = watchdog
        self._idle: LifoQueue[Connection] = LifoQueue()

    def fetch(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """The rows of a query. One that finds its connection dead is asked again on a new one:
        the server may have been restarted since it was last used."""
        try:
            connection = self._idle.get_nowait()
        except Empty:
            return self._fetch(self._connect(), sql, parameters)
        try:
            return self._fetch(connection, sql, parameters)
        except psycopg.OperationalError:
            if not connection.closed:
                raise
        self._close_idle()
        return self._fetch(self._connect(), sql, parameters)

    def close(self) -> None:
        """Let go of every connection."""
        self._close_idle()

    def _fetch(
        self, connection: Connection, sql: str, parameters: Sequence[object]
    ) -> list[tuple[Any, ...]]:
        try:
            with self._watchdog.over(
                connection,
                cancel_after_s=_LONGEST_READ_SECONDS,
                cut_after_s=_LONGEST_SILENCE_SECONDS,
            ):
                rows = connection.execute(sql.encode(), parameters).fetchall()
        except psycopg.Error:
            if connection.broken:
                connection.close()
            else:
                self._idle.put(connection)
            raise
        self._idle.put(connection)
        return rows

    def _close_idle(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait().close()
