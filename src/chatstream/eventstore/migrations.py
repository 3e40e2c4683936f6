"""The schema's version: what a database has, what this version of chatstream knows.

A step from one version to the next has two parts. ``before`` only adds, and servers of the
version before go on beside it; it is done when a server of the new version starts. ``after`` may
take away, and read models that old servers do not write may be counted on from then on; it is
done by ``chatstream migrate --finish`` once no old server runs. Every writing transaction looks
whether that has happened: what an old server that was forgotten wants to store is refused.

There is no way back but a back-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from chatstream.errors import ConfigurationError
from chatstream.eventstore.store import SchemaState


class Migration(Struct, frozen=True):
    """How a schema gets to ``version``; the statements are in SQLite's words."""

    version: int
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


FIRST_VERSION: Final = 1
MIGRATIONS: Final[tuple[Migration, ...]] = ()
"""One for each version after the first, in order. The statements of the tables themselves always
tell the newest form: a new database is made by those."""

SCHEMA_TABLE: Final = """CREATE TABLE IF NOT EXISTS chatstream_schema (
    version INTEGER NOT NULL,
    needs INTEGER NOT NULL)"""


def newest(migrations: Sequence[Migration]) -> int:
    """The version that this version of chatstream knows."""
    return migrations[-1].version if migrations else FIRST_VERSION


def to_begin(state: SchemaState, migrations: Sequence[Migration]) -> list[str]:
    """The statements that only add, from ``state`` to the newest version."""
    return [one for step in migrations if step.version > state.version for one in step.before]


def to_finish(state: SchemaState, migrations: Sequence[Migration]) -> list[str]:
    """The statements that end what was begun."""
    return [one for step in migrations if step.version > state.needs for one in step.after]


def refuse_newer(state: SchemaState, known: int) -> None:
    """``ConfigurationError`` for a schema that this version may not write to."""
    if state.needs > known:
        raise ConfigurationError(
            f"the database has schema {state.needs} of a newer version of chatstream; this"
            f" version knows {known}: update it"
        )
