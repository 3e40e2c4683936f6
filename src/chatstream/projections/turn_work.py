"""Table ``turn_work``: which chats have a turn that must end, and who runs it.

Written with the event that starts, restarts or ends a turn; after a crash it says what to
take over. ``released`` rows were handed over by a node that went away in order. A turn that is
born and ends in one batch writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chatstream.domain.events import AnyFact, ChatChanged, TurnChanged
from chatstream.domain.user_chat.state import UserChat
from chatstream.eventstore.store import RowChange
from chatstream.ids import ChatId
from chatstream.projections.table import TableDefinition

LOCAL_OWNER: Final = "local"
"""On SQLite the process that holds the file owns every turn."""

TURN_WORK = TableDefinition(
    name="turn_work",
    columns=("user_chat_id", "caused_by", "attempt", "owner", "released"),
    key=("user_chat_id",),
    ddl=(
        """CREATE TABLE IF NOT EXISTS turn_work (
            user_chat_id TEXT NOT NULL PRIMARY KEY,
            caused_by TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            owner TEXT NOT NULL,
            released INTEGER NOT NULL) WITHOUT ROWID""",
    ),
)

_CHANGES = {TurnChanged, ChatChanged}


class TurnWork:
    """Follows the log with the table ``turn_work``; ``owner`` is this node, or nobody while it
    hands its turns over."""

    table = TURN_WORK

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> list[RowChange]:
        """The chat's row if ``facts`` moved its turn."""
        return [self._row(chat_id, state)] if any(type(fact) in _CHANGES for fact in facts) else []

    def _row(self, chat_id: ChatId, state: UserChat) -> RowChange:
        turn = state.turn
        if turn is None:
            return TURN_WORK.gone(chat_id)
        released = 0 if self.owner else 1
        return TURN_WORK.row(chat_id, turn.caused_by, turn.attempt, self.owner, released)
