"""``chatstream copy``: everything of one database into another, whatever engine each is on.

Events keep their bytes, and so their positions and ids: a client goes on at the new server where
it stood at the old one. A copy that was cut short goes on where it stopped; at the end both
databases are read again and compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from chatstream.config import Settings
from chatstream.errors import ChatStreamError
from chatstream.eventstore.store import Append, Engine, NewEvent, RowChange, Stored
from chatstream.ids import ChatId
from chatstream.plugin import engine_of
from chatstream.projections.models import all_tables
from chatstream.projections.nodes import NODES
from chatstream.projections.table import TableDefinition
from chatstream.tools.moving import event_of
from chatstream.tools.reading import Reader, reading

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
    engine = engine_of(target)
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
        old, new = _rows(self._source, table), _rows(Reader(self._target), table)
        changes = [table.gone(*key) for key in new.keys() - old.keys()]
        changes += [table.row(*row) for key, row in old.items() if new.get(key) != row]
        for start in range(0, len(changes), _ROWS_AT_ONCE):
            self._waiting = [_of_no_chat(changes[start : start + _ROWS_AT_ONCE])]
            self._write()


def _of_no_chat(changes: Sequence[RowChange]) -> Append:
    return Append(_NO_CHAT, 0, (), tuple(changes))


def _tables() -> list[TableDefinition]:
    """Every table that is more than a view, or than who lives now."""
    return [one for one in all_tables("postgresql") if one.columns and one.name != NODES.name]


def _heads(reader: Reader) -> dict[ChatId, int]:
    return {ChatId(str(chat_id)): int(str(head)) for chat_id, head in reader.fetch(_HEADS)}


Key = tuple[str | int | float | bytes | None, ...]


def _rows(reader: Reader, table: TableDefinition) -> dict[Key, Key]:
    columns = ", ".join(table.columns)
    found = reader.fetch(f"SELECT {columns} FROM {table.name}")  # noqa: S608 - our own names
    return {row[: len(table.key)]: row for row in found}


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
        if _rows(source, table) != _rows(target, table):
            yield f"table {table.name!r} has other rows there"


def _digest(reader: Reader, chat_id: ChatId) -> bytes:
    digest = hashlib.sha256()
    for row in reader.rows(chat_id):
        head = f"{row.position} {len(row.topic.encode())} {row.topic} {len(row.body)} "
        digest.update(head.encode() + row.body)
    return digest.digest()
