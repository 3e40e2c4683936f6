"""The open event streams and long waits of a server, so that it can end them all.

A server that goes away must not wait for them: each loop asks ``closed`` and is woken.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

Wake = Callable[[], None]


class Streams:
    """Counts what is open; ``close`` is for good."""

    def __init__(self) -> None:
        self.closed = False
        self._open: dict[object, Wake] = {}

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def opened(self, wake: Wake) -> Generator[None]:
        """A stream is open inside; ``wake`` is called when it shall look at ``closed``."""
        key = object()
        self._open[key] = wake
        try:
            yield
        finally:
            del self._open[key]

    def close(self) -> None:
        """End all of them, now and later ones at once."""
        self.closed = True
        for wake in tuple(self._open.values()):
            wake()
