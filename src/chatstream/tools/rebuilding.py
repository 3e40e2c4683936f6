"""Make every read model what the log says: only rows that differ are written."""

from __future__ import annotations

from chatstream.config import Settings
from chatstream.errors import ChatStreamError
from chatstream.eventstore.store import Append, Engine, RowChange, Stored
from chatstream.ids import ChatId
from chatstream.plugin import engine_of
from chatstream.tools.reading import Reader
from chatstream.tools.verifying import Difference, compare

ROWS_AT_ONCE = 500
_NO_CHAT = ChatId("")


class RebuildFailed(ChatStreamError):
    """The database did not take the rows; what was written before stays."""


def rebuild(settings: Settings) -> int:
    """Mend the tables of the database; gives the number of rows that were wrong.

    Raises:
        ConfigurationError: a server runs on the database.
        RebuildFailed: the rows could not be written.
    """
    engine = engine_of(settings)
    engine.open()
    try:
        _, differences = compare(Reader(engine))
        _write(engine, [_change(one) for one in differences])
    finally:
        engine.close()
    return len(differences)


def _change(one: Difference) -> RowChange:
    return RowChange(one.table.name, one.key, one.folded)


def _write(engine: Engine, changes: list[RowChange]) -> None:
    for start in range(0, len(changes), ROWS_AT_ONCE):
        append = Append(_NO_CHAT, 0, (), tuple(changes[start : start + ROWS_AT_ONCE]))
        if not isinstance(outcome := engine.write([append])[0], Stored):
            raise RebuildFailed(f"the rows could not be written: {outcome}")
