"""``chatstream copy``: everything of one database into another, whatever engine each is on.

Events keep their bytes, and so their positions and ids: a client goes on at the new server where
it stood at the old one. A copy that was cut short goes on where it stopped; at the end both
databases are read again and compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Final

from msgspec import Struct

from chatstream.config import Settings
from chatstream.errors import ChatStreamError
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.store import Append, Engine, NewEvent, RowChange, SqlValue, Stored
from chatstream.ids import ChatId
from chatstream.maintenance.export import event_of
from chatstream.maintenance.reader import Reader, reading
from chatstream.projections.models import all_tables
from chatstream.projections.nodes import NODES
from chatstream.projections.table import TableDefinition

_EVENTS_AT_ONCE: Final = 500
_ROWS_AT_ONCE: Final = 500
_NO_CHAT: Final = ChatId("")
_HEADS: Final = """SELECT originator_id, max(originator_version) FROM stored_events
    GROUP BY originator_id ORDER BY originator_id"""
_ERASED: Final = "SELECT user_chat_id FROM chats WHERE status = 'erased'"


class CopyFailed(ChatStreamError):
    """The databases are not equal; what was copied stays, and another try goes on from there."""


class Copied(Struct, frozen=True):
    """What the target holds: chats and events, and how many of these were written now."""

    chats: int
    events: int
    written: int


def copy(source: Settings, target: Settings) -> Copied:
    """Copy ``source`` into ``target``, which may hold a part of it already, and compare them.

    Raises:
        ConfigurationError: one of them cannot be had, or a server runs on it.
        CopyFailed: the target holds something else, or did not take it.
    """
    engine = engine_of(target.database, all_tables)
    with reading(source, served=False) as old:
        engine.refuse_served()
        engine.open()
        try:
            written = _Copying(old, engine).run()
            return _compared(old, Reader(engine), written)
        finally:
            engine.close()


class _Copying:
    """One run: what the target lacks is collected and written many events at a time."""

    def __init__(self, source: Reader, target: Engine) -> None:
        self._source = source
        self._target = target
        self._waiting: list[Append] = []
        self._events = 0

    def run(self) -> int:
        """Copy all that is missing; gives the number of events that were."""
        there = _heads(Reader(self._target))
        written = 0
        for chat_id, head in _heads(self._source).items():
            written += self._copy_chat(chat_id, there.get(chat_id, 0), head)
        self._write()
        for (erased,) in self._source.fetch(_ERASED):
            self._erase_again(ChatId(str(erased)), there)
        for table in _tables():
            self._copy_table(table)
        return written

    def _copy_chat(self, chat_id: ChatId, after: int, head: int) -> int:
        rows = self._source.rows(chat_id, upto=head, after=after)
        page: list[NewEvent] = []
        for row in rows:
            page.append(event_of(row.topic, row.body))
            if len(page) == _EVENTS_AT_ONCE:
                self._add(Append(chat_id, row.position - len(page), tuple(page)))
                page = []
        if page:
            self._add(Append(chat_id, head - len(page), tuple(page)))
        return max(0, head - after)

    def _add(self, append: Append) -> None:
        self._waiting.append(append)
        self._events += len(append.events)
        if self._events >= _EVENTS_AT_ONCE:
            self._write()

    def _write(self) -> None:
        batch, self._waiting, self._events = self._waiting, [], 0
        for append, outcome in zip(batch, self._target.write(batch), strict=True):
            if not isinstance(outcome, Stored):
                raise CopyFailed(f"chat {append.chat_id!r} could not be written: {outcome}")

    def _erase_again(self, chat_id: ChatId, there: dict[ChatId, int]) -> None:
        """What an earlier run copied may have been erased since."""
        copied = there.get(chat_id, 0)
        if copied:
            newest = [event_of(row.topic, row.body) for row in self._source.rows(chat_id)]
            bodies = {event.event_id: event.body for event in newest}

            def as_it_is(topic: str, body: bytes) -> bytes:
                return bodies.get(event_of(topic, body).event_id, body)

            self._waiting = [Append(chat_id, len(newest), (), rewrite=as_it_is)]
            self._write()

    def _copy_table(self, table: TableDefinition) -> None:
        changes: list[RowChange] = []
        for old, new in _side_by_side(self._source, Reader(self._target), table):
            if old == new:
                continue
            changes.append(table.gone(*_key(table, new)) if old is None else table.row(*old))
            if len(changes) == _ROWS_AT_ONCE:
                self._write_rows(changes)
                changes = []
        if changes:
            self._write_rows(changes)

    def _write_rows(self, changes: Sequence[RowChange]) -> None:
        self._waiting = [_of_no_chat(changes)]
        self._write()


def _of_no_chat(changes: Sequence[RowChange]) -> Append:
    return Append(_NO_CHAT, 0, (), tuple(changes))


def _tables() -> list[TableDefinition]:
    """Every table that is more than a view, or than who lives now."""
    return [one for one in all_tables("postgresql") if one.columns and one.name != NODES.name]


def _heads(reader: Reader) -> dict[ChatId, int]:
    return {ChatId(str(chat_id)): int(str(head)) for chat_id, head in reader.fetch(_HEADS)}


_Row = tuple[SqlValue, ...]


def _side_by_side(
    source: Reader, target: Reader, table: TableDefinition
) -> Iterator[tuple[_Row | None, _Row | None]]:
    """The rows of both, those of one key together; None where there is none."""
    rows = merge(_marked(0, source, table), _marked(1, target, table), key=itemgetter(0))
    for _, found in groupby(rows, key=itemgetter(0)):
        by_side = {side: row for _, side, row in found}
        yield by_side.get(0), by_side.get(1)


def _marked(
    side: int, reader: Reader, table: TableDefinition
) -> Iterator[tuple[list[str], int, _Row]]:
    return (([*map(str, _key(table, row))], side, row) for row in _rows(reader, table))


def _rows(reader: Reader, table: TableDefinition) -> Iterator[_Row]:
    """All rows in the order of their keys, which are texts that both engines order as Python
    does; a page at a time."""
    columns, key = ", ".join(table.columns), ", ".join(table.key)
    marks = ", ".join("?" for _ in table.key)
    first = f"SELECT {columns} FROM {table.name} ORDER BY {key} LIMIT {_ROWS_AT_ONCE}"  # noqa: S608 - our own names
    others = first.replace("ORDER BY", f"WHERE ({key}) > ({marks}) ORDER BY")
    page = reader.fetch(first)
    while page:
        yield from page
        page = reader.fetch(others, _key(table, page[-1]))


def _key(table: TableDefinition, row: _Row | None) -> _Row:
    return () if row is None else row[: len(table.key)]


def _compared(source: Reader, target: Reader, written: int) -> Copied:
    """Both are read again, byte for byte.

    Raises:
        CopyFailed: they differ.
    """
    differences = list(_differences(source, target))
    if differences:
        more = f", and {len(differences) - 5} more" if len(differences) > 5 else ""
        raise CopyFailed(f"the databases differ: {'; '.join(differences[:5])}{more}")
    heads = _heads(target)
    return Copied(len(heads), sum(heads.values()), written)


def _differences(source: Reader, target: Reader) -> Iterator[str]:
    old, new = _heads(source), _heads(target)
    for chat_id in sorted(old.keys() | new.keys()):
        if old.get(chat_id) != new.get(chat_id):
            yield f"chat {chat_id!r} has {old.get(chat_id, 0)} events, {new.get(chat_id, 0)} there"
        elif _digest(source, chat_id) != _digest(target, chat_id):
            yield f"chat {chat_id!r} has other events there"
    for table in _tables():
        if any(old != new for old, new in _side_by_side(source, target, table)):
            yield f"table {table.name!r} has other rows there"


def _digest(reader: Reader, chat_id: ChatId) -> bytes:
    digest = hashlib.sha256()
    for row in reader.rows(chat_id):
        head = f"{row.position} {len(row.topic.encode())} {row.topic} {len(row.body)} "
        digest.update(head.encode() + row.body)
    return digest.digest()
