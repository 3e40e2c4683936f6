"""Engines that misbehave at chosen points, around a real one."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence

from tests.eventstore.contract import TABLES

from chatstream.eventstore.sqlite.memory import MemoryEngine
from chatstream.eventstore.store import Append, Outcome


class TroubledEngine(MemoryEngine):
    """Calls ``trouble`` before each write, read, fetch and probe; it may raise or block."""

    def __init__(self) -> None:
        super().__init__(TABLES)
        self.trouble: Callable[[], None] = lambda: None
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.is_closed = False

    def write(self, batch: Sequence[Append]) -> list[Outcome]:
        self.batches.append(len(batch))
        self._enter()
        return super().write(batch)

    def read(self, *arguments, **options):
        self._enter()
        return super().read(*arguments, **options)

    def fetch(self, *arguments):
        self._enter()
        return super().fetch(*arguments)

    def close(self) -> None:
        self.is_closed = True
        super().close()

    def _enter(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.trouble()


class Gate:
    """Holds a thread until it is opened."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._opened = threading.Event()

    def __call__(self) -> None:
        self._entered.set()
        assert self._opened.wait(30)

    def is_reached(self, within_seconds: float) -> bool:
        return self._entered.wait(within_seconds)

    def open(self) -> None:
        self._opened.set()


def broken() -> None:
    raise sqlite3.OperationalError("disk I/O error")
