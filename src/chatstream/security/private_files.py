"""Files for their owner alone, whatever the umask is.

A database holds what people said and a secret; SQLite gives its ``-wal`` and ``-shm`` the mode of
the file itself, so that it is enough to make that one right before SQLite opens it.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from pathlib import Path
from typing import Final, TextIO

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_OF_OTHERS: Final = 0o077
_log = logging.getLogger(__name__)


def make_private(path: Path) -> None:
    """Make the file ``path`` for its owner alone, empty if it is not there yet.

    Raises:
        OSError: it cannot be made.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    except FileExistsError:
        keep_private(path)


def open_private(path: Path) -> TextIO:
    """``path`` opened for writing, as UTF-8, and emptied; for its owner alone.

    Raises:
        OSError: it cannot be.
    """
    make_private(path)
    return path.open("w", encoding="utf-8")


def keep_private(path: Path) -> None:
    """Take from others what they may do with ``path``, a file or a folder, if it is there; a line
    in the log says so."""
    if sys.platform == "win32":  # modes say nothing there
        return
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & _OF_OTHERS:
            return
        path.chmod(mode & ~_OF_OTHERS)
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning("%r is open to other users of this machine: %s", str(path), error.strerror)
    else:
        _log.warning(
            "%r was open to other users of this machine (mode %o): now it is not", str(path), mode
        )
