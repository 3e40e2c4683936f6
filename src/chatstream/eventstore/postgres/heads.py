"""The newest positions of chats: asked of the log under the order lock, and known for as long as
nobody else writes to it.

Every event draws its id from the log's sequence under that lock. So where the sequence stands as
this node has left it, nobody has written since. This saves a question; a position that is taken
all the same is still refused by the log's key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chatstream.eventstore.planning import heads_to_read
from chatstream.eventstore.postgres.connections import Connection
from chatstream.eventstore.store import Append
from chatstream.ids import ChatId

_HEADS: Final = """SELECT chat, (SELECT max(originator_version) FROM stored_events
    WHERE originator_id = chat) FROM unnest(%s::text[]) AS chat"""
_KNOWN_AT_MOST: Final = 10_000


class Heads:
    """What one node knows of the heads of chats, from transaction to transaction."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._log_end = 0
        self._drawn = 0
        self._known: dict[ChatId, int] = {}

    def begin(self, connection: Connection, log_end: int) -> None:
        """A transaction has the order lock, and the log ends there."""
        if connection is not self._connection or log_end != self._log_end:
            self._known.clear()
        self._connection, self._log_end, self._drawn = connection, log_end, 0

    def of(self, batch: Sequence[Append]) -> Mapping[ChatId, int]:
        """The heads of the chats that the batch goes on from, those that are not known asked for
        in one round trip."""
        assert self._connection is not None, "a transaction has begun"
        if len(self._known) > _KNOWN_AT_MOST:
            self._known.clear()
        if missing := heads_to_read(batch, self._known):
            rows = self._connection.execute(_HEADS, (missing,)).fetchall()
            self._known |= {chat: head or 0 for chat, head in rows}
        return self._known

    def advance(self, heads: Mapping[ChatId, int]) -> None:
        """These have been written to within the transaction."""
        self._known.update(heads)

    def lost(self) -> None:
        """What was accepted since is rolled back, within the transaction."""
        self._known.clear()

    def draw(self, events: int) -> None:
        """So many events get their ids."""
        self._drawn += events

    def committed(self) -> None:
        """The transaction is in the log, and so are the heads."""
        self._log_end += self._drawn

    def forget(self) -> None:
        """The transaction may not be in the log."""
        self.lost()
        self._connection = None
