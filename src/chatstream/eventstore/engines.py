"""Which engine a database URL names; its driver is imported only when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from chatstream.errors import ConfigurationError
from chatstream.eventstore.store import StoredEngine, Table

TablesOf = Callable[[Literal["sqlite", "postgresql"]], Sequence[Table]]
"""Gives the tables of the read models for a dialect."""


def engine_of(database: str, tables: TablesOf, *, read_only: bool = False) -> StoredEngine:
    """The engine for the URL ``database`` (``sqlite:///…``, ``postgresql://…``,
    ``postgres-embedded``). With ``read_only`` it can be opened beside a server that runs on it.

    Raises:
        ConfigurationError: the URL names no engine that is installed.
    """
    scheme, _, path = database.partition("://")
    if scheme != "sqlite":
        return _postgres(database, tables("postgresql"), read_only=read_only)
    from chatstream.eventstore.sqlite.engine import SqliteEngine

    return SqliteEngine(path.removeprefix("/"), tables("sqlite"), read_only=read_only)


def _postgres(database: str, tables: Sequence[Table], *, read_only: bool) -> StoredEngine:
    try:
        from chatstream.eventstore.postgres.embedded import DEFAULT_FOLDER, EmbeddedEngine
        from chatstream.eventstore.postgres.engine import PostgresEngine
    except ImportError as error:
        raise ConfigurationError(
            "PostgreSQL needs the extra: chatstream-server[postgres]"
        ) from error
    scheme, _, path = database.partition("://")
    if scheme == "postgres-embedded":
        folder = Path(path.removeprefix("/") or DEFAULT_FOLDER)
        return EmbeddedEngine(folder, tables, read_only=read_only)
    return PostgresEngine(database, tables, read_only=read_only)
