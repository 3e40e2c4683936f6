"""The open event streams and long waits of a server, so that it can end them all.

A server that goes away must not wait for them: each loop asks ``closed`` and is woken.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

Wake = Callable[[], None]
Lag = Callable[[], int]


class Streams:
    """Counts what is open; ``close`` is for good."""

    def __init__(self) -> None:
        self.closed = False
        self._open: dict[object, tuple[Wake, Lag]] = {}

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def opened(self, wake: Wake, lag: Lag = lambda: 0) -> Generator[None]:
        """A stream is open inside; ``wake`` is called when it shall look at ``closed``, ``lag``
        says how many stored events its reader has still to be sent."""
        key = object()
        self._open[key] = wake, lag
        try:
            yield
        finally:
            del self._open[key]

    def lags(self) -> Iterator[int]:
        """How many stored events each reader has still to be sent."""
        return (lag() for _, lag in tuple(self._open.values()))

    def close(self) -> None:
        """End all of them, now and later ones at once."""
        self.closed = True
        for wake, _ in tuple(self._open.values()):
            wake()
