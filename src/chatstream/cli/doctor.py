"""Whether this machine and these settings can run a server; what to do where they cannot."""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
from collections.abc import Iterator

from msgspec import Struct

from chatstream.app import version
from chatstream.config import Settings
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.store import SchemaState
from chatstream.projections.models import all_tables


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
    yield from _database(settings)
    yield _identity(settings)


def _database(settings: Settings) -> Iterator[Finding]:
    shown = _shown(settings.database)
    try:
        engine = engine_of(settings.database, all_tables)
        state = engine.schema()
        yield _schema(state, engine.known_schema)
        if state.version < engine.known_schema:
            # To open it would move it on, or make it.
            if state.version == 0:
                engine.refuse_unfit()
            return
        engine.open()
        try:
            engine.probe()
        finally:
            engine.close()
    except Exception as error:  # noqa: BLE001 - whatever is wrong is the finding
        yield Finding(ok=False, text=f"database {shown}: {error}")
    else:
        yield Finding(ok=True, text=f"database {shown} can be written to, and syncs what it acks")


def _schema(state: SchemaState, known: int) -> Finding:
    if state.version == 0:
        text = f"there are no chats yet: a server makes the database, with schema {known}"
        return Finding(ok=True, text=text)
    if state.needs > known:
        text = f"schema {state.needs} is of a newer chatstream; this one knows {known}: update it"
        return Finding(ok=False, text=text)
    if state.version < known:
        text = f"schema {state.version}: a server of this version moves it on to {known}"
        return Finding(ok=True, text=text)
    if state.needs < state.version:
        text = (
            f"schema {state.version} is begun: chatstream migrate --finish when no old server runs"
        )
        return Finding(ok=True, text=text)
    return Finding(ok=True, text=f"schema {state.version} is complete")


def _shown(database: str) -> str:
    """A URL may hold a password."""
    return re.sub(r"(://[^/@]*:)[^@/]*@|(password=)[^&]*", r"\1\2…", database)


def _identity(settings: Settings) -> Finding:
    if settings.anonymous_allowed:
        return Finding(ok=True, text="callers without a token become visitors")
    return Finding(ok=True, text="every caller needs a token")
