"""The key of ``chatstream token`` on a server that was given no key: a file beside its database.

It can sign for anybody, so it is no part of the database: no copy, export or back-up of that
carries it. Nodes that share a PostgreSQL share no folder; they need ``CHATSTREAM_SECRET``.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from chatstream.errors import ConfigurationError
from chatstream.security.private_files import FILE_MODE, keep_private


def local_key_path(database: str) -> Path | None:
    """Where the key of the server on ``database`` (its URL) lies; None where it can have none."""
    scheme, _, path = database.partition("://")
    if scheme != "sqlite":
        return None
    file = Path(path.removeprefix("/")).resolve()
    return file.with_name(f"{file.name}.key")


def local_key(path: Path) -> str:
    """The key in the file ``path``, which is made if it is not there.

    Raises:
        ConfigurationError: it can neither be read nor made, or is too short to be one.
    """
    try:
        if not path.exists():
            _make(path)
        keep_private(path)
        key = path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the key file {str(path)!r} cannot be used: {error}") from error
    if len(key) < 32:
        raise ConfigurationError(
            f"the key file {str(path)!r} holds no key: remove it, and the next start makes one"
        )
    return key


def _make(path: Path) -> None:
    """Write it beside and link it into place: who comes second takes the first one's."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(48)}\n")
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()
