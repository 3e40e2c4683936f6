"""The least group commit there is: one thread, one queue, raw sqlite3, ``synchronous=FULL``."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

Row = tuple[str, int, str, str]
INSERT = "INSERT INTO messages (chat, position, kind, body) VALUES (?, ?, ?, ?)"


def connect(home: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{home}/floor.db", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS messages"
        " (id INTEGER PRIMARY KEY, chat TEXT, position INTEGER, kind TEXT, body TEXT)"
    )
    return connection


class GroupCommit:
    def __init__(self, home: str) -> None:
        self._connection = connect(home)
        self._queue: SimpleQueue[tuple[Row, Callable[[], None]]] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None

    def put(self, row: Row, done: Callable[[], None]) -> None:
        """Store ``row``; ``done`` is called on the loop once it is on the disk."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._run, daemon=True).start()
        self._queue.put((row, done))

    def _run(self) -> None:
        assert self._loop is not None
        while True:
            batch = [self._queue.get()]
            try:
                while len(batch) < 512:
                    batch.append(self._queue.get_nowait())
            except Empty:
                pass
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(INSERT, [row for row, _ in batch])
            self._connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_tell, batch)


def _tell(batch: list[tuple[Row, Callable[[], None]]]) -> None:
    for _, done in batch:
        done()
