"""Make every read model what the log says: only rows that differ are written.

Chat by chat, each under the position that it was read at: where other servers run (PostgreSQL)
they go on, and a chat that moves meanwhile is looked at again. No reader ever sees a row that
goes back. A SQLite file belongs to the process that has it open: there no server may run.
"""

from __future__ import annotations

from typing import Final

from chatstream.config import Settings
from chatstream.errors import ChatStreamError, ConfigurationError
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.store import Append, Conflict, Engine, Outcome, RowChange, Stored
from chatstream.ids import ChatId
from chatstream.maintenance.reader import Reader
from chatstream.maintenance.verify import Difference, every_chat, look_at
from chatstream.projections.models import all_tables

_LOOKS: Final = 20
"""So often a chat may move between being read and being mended."""


class RebuildFailed(ChatStreamError):
    """Some rows could not be made right; what was written before stays."""


def rebuild(settings: Settings) -> int:
    """Mend the tables of the database; gives the number of rows that were wrong.

    Raises:
        ConfigurationError: a server runs on the file.
        RebuildFailed: the rows could not be written.
        DamagedError: a chat cannot be read, so that its rows cannot be known.
    """
    engine = engine_of(settings.database, all_tables)
    if not engine.schema().version:
        raise ConfigurationError("there are no chats in this database")
    engine.open()
    try:
        reader = Reader(engine)
        return sum(_mend(engine, reader, chat_id) for chat_id in every_chat(reader))
    finally:
        engine.close()


def _mend(engine: Engine, reader: Reader, chat_id: ChatId) -> int:
    outcome: Outcome = Conflict()
    for _ in range(_LOOKS):
        look = look_at(reader, chat_id)
        if not look.differences:
            return 0
        changes = tuple(_change(one) for one in look.differences)
        (outcome,) = engine.write([Append(chat_id, look.position, (), changes, guarded=True)])
        if isinstance(outcome, Stored):
            return len(changes)
        if not isinstance(outcome, Conflict):
            break
    raise RebuildFailed(f"the rows of chat {chat_id!r} could not be written: {outcome}")


def _change(one: Difference) -> RowChange:
    return RowChange(one.table.name, one.key, one.folded)
