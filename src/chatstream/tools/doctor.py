"""Whether this machine and these settings can run a server; what to do where they cannot."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Iterator

from msgspec import Struct

from chatstream.app import version
from chatstream.config import Settings
from chatstream.plugin import engine_of


class Finding(Struct, frozen=True):
    """One thing looked at; ``ok`` False needs the operator."""

    ok: bool
    text: str


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything worth knowing before a server is started."""
    yield Finding(ok=True, text=f"chatstream {version()} on Python {platform.python_version()}")
    yield Finding(sys.version_info >= (3, 11), "Python is 3.11 or newer")
    fast = importlib.util.find_spec("uvloop") is not None
    yield Finding(ok=True, text="uvloop is there" if fast else "uvloop is missing: slower")
    yield _database(settings)
    yield _identity(settings)


def _database(settings: Settings) -> Finding:
    try:
        engine = engine_of(settings)
        engine.open()
        try:
            engine.probe()
        finally:
            engine.close()
    except Exception as error:  # noqa: BLE001 - whatever is wrong is the finding
        return Finding(ok=False, text=f"database {settings.database}: {error}")
    return Finding(ok=True, text=f"database {settings.database} can be written to")


def _identity(settings: Settings) -> Finding:
    if settings.anonymous_allowed:
        return Finding(ok=True, text="callers without a token become visitors")
    return Finding(ok=True, text="every caller needs a token")
