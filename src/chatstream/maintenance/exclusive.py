"""Tools that must have a database to themselves. A SQLite file is locked by whoever opens it."""

from __future__ import annotations

from chatstream.errors import ConfigurationError
from chatstream.eventstore.store import Engine


def refuse_beside_nodes(engine: Engine) -> None:
    """``ConfigurationError`` where nodes run on the database of ``engine``."""
    if engine.sharing is None:
        return
    from chatstream.eventstore.postgres.nodes import LIVING

    if nodes := engine.fetch(LIVING, ()):
        raise ConfigurationError(f"{len(nodes)} servers run on the database: end them first")
