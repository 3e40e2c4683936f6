"""One server process a file: an operating system lock on ``<path>.lock``, held for life.

Not SQLite's own lock, so that read-only tools may read beside the server. The lock goes with
its process, however that ends; the lock file stays.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chatstream.errors import ConfigurationError
from chatstream.security.private_files import FILE_MODE, keep_private

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """The right to be the one server on ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock at once; ``ConfigurationError`` if another process holds it."""
        descriptor = _open(self._path)
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise ConfigurationError(
                f"the database {str(self._path)!r} is in use by another server process;"
                " stop that one first, or use PostgreSQL to run more than one"
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next process have it. Harmless if it was never taken."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _open(path: Path) -> int:
    lock = Path(f"{path}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, FILE_MODE)
    except OSError as error:
        raise ConfigurationError(
            f"the database {str(path)!r} cannot be opened: {error.strerror}"
        ) from error
    keep_private(lock)
    return descriptor
