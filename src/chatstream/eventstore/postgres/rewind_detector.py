"""What the log is known to hold: a database that comes back without it has gone back in time.

Whatever a node has in memory of the log it has read there or written, and events become visible
in the order of their ids. So where the newest of both is still there, all of it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from chatstream.eventstore.postgres.connections import Connection
from chatstream.eventstore.store import Append, Outcome, Stored, StoredRow
from chatstream.ids import ChatId

_EVENT: Final = """SELECT state FROM stored_events
    WHERE originator_id = %s AND originator_version = %s"""
# Of a body nothing else is sure to stay: an erasure writes it anew.
_EVENT_ID: Final = re.compile(rb'"event_id":"[^"]*"')


class _Mark(Struct, frozen=True):
    """An event that is in the log, and what its body holds whatever becomes of it."""

    chat_id: ChatId
    position: int
    named: bytes


class Marks:
    """The newest events that one node wrote and read."""

    def __init__(self) -> None:
        self._written: _Mark | None = None
        self._read: _Mark | None = None
        self._newest_read = 0

    def wrote(self, batch: Sequence[Append], outcomes: Sequence[Outcome]) -> None:
        """``batch`` is in the log, as far as ``outcomes`` say so."""
        for append, outcome in zip(reversed(batch), reversed(outcomes), strict=True):
            if append.events and isinstance(outcome, Stored):
                position = append.expected_position + len(append.events)
                self._written = _mark(append.chat_id, position, append.events[-1].body)
                return

    def read(self, rows: Sequence[StoredRow]) -> None:
        """``rows`` of one chat are in the log."""
        if rows and rows[-1].log_id > self._newest_read:
            self._newest_read = rows[-1].log_id
            self._read = _mark(rows[-1].chat_id, rows[-1].position, rows[-1].body)

    def are_in(self, connection: Connection) -> bool:
        """Whether the database still has them. Raises ``psycopg.Error``."""
        marks = (self._written, self._read)
        return all(_is_in(connection, mark) for mark in marks if mark is not None)


def _mark(chat_id: ChatId, position: int, body: bytes) -> _Mark:
    found = _EVENT_ID.search(body)
    return _Mark(chat_id, position, b"" if found is None else found[0])


def _is_in(connection: Connection, mark: _Mark) -> bool:
    row = connection.execute(_EVENT, (mark.chat_id, mark.position)).fetchone()
    return row is not None and mark.named in row[0]
