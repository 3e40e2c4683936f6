"""Whether this machine and these settings can run a server; what to do where they cannot."""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from chatstream.app import version
from chatstream.config import Settings
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.store import SchemaState
from chatstream.projections.models import all_tables
from chatstream.security.jwks import UNREADABLE, read_keys
from chatstream.security.unsafe import unsafe_settings

Level = Literal["ok", "warn", "BAD"]


class Finding(Struct, frozen=True):
    """One thing looked at: ``warn`` works and is seldom meant, ``BAD`` needs the operator."""

    level: Level
    text: str


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything worth knowing before a server is started."""
    yield Finding("ok", f"chatstream {version()} on Python {platform.python_version()}")
    yield Finding(_level(is_fit=sys.version_info >= (3, 11)), "Python is 3.11 or newer")
    fast = importlib.util.find_spec("uvloop") is not None
    yield Finding("ok", "uvloop is there" if fast else "uvloop is missing: slower")
    yield from _database(settings)
    yield from _identity(settings)


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
        yield Finding("BAD", f"database {shown}: {error}")
    else:
        yield Finding("ok", f"database {shown} can be written to, and syncs what it acks")


def _schema(state: SchemaState, known: int) -> Finding:
    if state.version == 0:
        text = f"there are no chats yet: a server makes the database, with schema {known}"
        return Finding("ok", text)
    if state.needs > known:
        text = f"schema {state.needs} is of a newer chatstream; this one knows {known}: update it"
        return Finding("BAD", text)
    if state.version < known:
        text = f"schema {state.version}: a server of this version moves it on to {known}"
        return Finding("ok", text)
    if state.needs < state.version:
        text = (
            f"schema {state.version} is begun: chatstream migrate --finish when no old server runs"
        )
        return Finding("ok", text)
    return Finding("ok", f"schema {state.version} is complete")


def _shown(database: str) -> str:
    """A URL may hold a password."""
    return re.sub(r"(://[^/@]*:)[^@/]*@|(password=)[^&]*", r"\1\2…", database)


def _identity(settings: Settings) -> Iterator[Finding]:
    if settings.anonymous_allowed:
        yield Finding("ok", "callers without a token become visitors")
    else:
        yield Finding("ok", "every caller needs a token")
    for warning in unsafe_settings(settings):
        yield Finding("warn", warning)
    if settings.jwks is not None:
        yield _keys(settings.jwks)


def _keys(source: str) -> Finding:
    try:
        keys = read_keys(source)
    except UNREADABLE as error:
        return Finding("BAD", f"CHATSTREAM_JWKS: the keys cannot be read: {error}")
    return Finding("ok", f"CHATSTREAM_JWKS: keys that can be used: {len(keys)}")


def _level(*, is_fit: bool) -> Level:
    return "ok" if is_fit else "BAD"
