"""``chatstream migrate``: move the tables on to the version that this chatstream knows."""

from __future__ import annotations

from chatstream.config import Settings
from chatstream.eventstore.engines import engine_of
from chatstream.projections.models import all_tables


def migrate(settings: Settings, *, finish: bool) -> str:
    """Do what older servers can live with, and with ``finish`` the rest; says how it stands.

    Raises:
        ConfigurationError: the database cannot be had, or is of a newer version.
    """
    engine = engine_of(settings.database, all_tables)
    engine.open()
    try:
        if finish:
            engine.finish_migration()
        state = engine.schema()
    finally:
        engine.close()
    if state.needs == state.version:
        return f"schema {state.version}, complete"
    return (
        f"schema {state.version}, begun: servers that know schema {state.needs} may still run."
        " Once none does: chatstream migrate --finish"
    )
