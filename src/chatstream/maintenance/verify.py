"""Whether what is stored is whole: a sound file, positions without a gap, events that a server can
have stored, and tables equal to a fold."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from chatstream.domain.user_chat.evolution import INITIAL, evolve
from chatstream.errors import DamagedError
from chatstream.eventstore.store import RowChange, SqlValue
from chatstream.ids import ChatId
from chatstream.maintenance.chat_audit import MOST_PROBLEMS, ChatAudit, bad_chat_id
from chatstream.maintenance.reader import Reader
from chatstream.projections.models import all_projections
from chatstream.projections.table import Projection, TableDefinition
from chatstream.projections.timers import TIMERS
from chatstream.projections.turn_work import LOCAL_OWNER, TURN_WORK

# What moves without an event: when a timer was looked at last, and who handed a turn over.
_MOVING = {TIMERS.name: {"since"}, TURN_WORK.name: {"owner", "released"}}
Rows = dict[tuple[SqlValue, ...], tuple[SqlValue, ...]]


class Difference(Struct, frozen=True):
    """A row that is not what the log says; ``key`` is its primary key."""

    table: TableDefinition
    key: tuple[SqlValue, ...]
    stored: tuple[SqlValue, ...] | None
    folded: tuple[SqlValue, ...] | None

    @property
    def chats(self) -> set[SqlValue]:
        """The chat that the row is about."""
        where = self.table.columns.index("user_chat_id")
        return {row[where] for row in (self.stored, self.folded) if row is not None}

    def __str__(self) -> str:
        return (
            f"table {self.table.name}, row {self.key}: stored {self.stored},"
            f" the log says {self.folded}"
        )


def problems(reader: Reader) -> Iterator[str]:
    """What is wrong with the database, one line each; none for a whole one."""
    try:
        yield from reader.damage()
        yield from _compared(reader)
    except Exception as error:  # noqa: BLE001 - a damaged file fails in ways of its own: say so
        yield f"the database cannot be read: {_reason(error)}"


def _compared(reader: Reader) -> Iterator[str]:
    """The chats that have a gap or cannot be read, and every row that a fold of the log gives
    otherwise."""
    projections = all_projections(LOCAL_OWNER)
    expected: dict[str, Rows] = {projection.table.name: {} for projection in projections}
    unknown: set[ChatId] = set()
    for chat_id in reader.chat_ids_of_log():
        found = list(bad_chat_id(chat_id))
        try:
            _fold(reader, chat_id, projections, expected, audited=found)
        except DamagedError as error:
            unknown.add(chat_id)
            yield f"chat {chat_id} cannot be read: {error.reason}"
        yield from (f"chat {chat_id}, {problem}" for problem in found[:MOST_PROBLEMS])
    for projection in projections:
        table = projection.table
        try:
            differences = list(_differences(reader, table, expected[table.name]))
        except DamagedError as error:
            yield f"table {table.name} cannot be read: {error.reason}"
        else:
            yield from (str(one) for one in differences if not unknown & one.chats)


def _reason(error: Exception) -> str:
    if isinstance(error, DamagedError):
        return error.reason
    return f"{type(error).__name__}: {error}"


class Look(Struct, frozen=True):
    """One chat: how far its log was read, and what its rows were then."""

    position: int
    differences: list[Difference]


def look_at(reader: Reader, chat_id: ChatId) -> Look:
    """One chat's log and then its rows: while the log stands where it was read to, the rows
    are what they were.

    Raises:
        DamagedError: the log cannot be read, or has a gap.
    """
    projections = all_projections(LOCAL_OWNER)
    expected: dict[str, Rows] = {projection.table.name: {} for projection in projections}
    position = reader.head(chat_id)
    _fold(reader, chat_id, projections, expected, upto=position)
    differences = [
        difference
        for projection in projections
        for difference in _differences(
            reader, projection.table, expected[projection.table.name], chat_id
        )
    ]
    return Look(position, differences)


def every_chat(reader: Reader) -> list[ChatId]:
    """Every chat that has events, or rows that should not be."""
    tables = [projection.table.name for projection in all_projections(LOCAL_OWNER)]
    found = set(reader.chat_ids_of_log())
    for name in tables:
        rows = reader.fetch(f"SELECT DISTINCT user_chat_id FROM {name}")  # noqa: S608 - our own names
        found |= {ChatId(str(chat_id)) for (chat_id,) in rows}
    return sorted(found)


def _fold(
    reader: Reader,
    chat_id: ChatId,
    projections: tuple[Projection, ...],
    expected: dict[str, Rows],
    *,
    upto: int | None = None,
    audited: list[str] | None = None,
) -> None:
    """Fold the chat's log into ``expected``; what an audit finds is put into ``audited``."""
    state, audit = INITIAL, ChatAudit()
    for one in reader.recorded(chat_id, upto):
        if audited is not None and len(audited) < MOST_PROBLEMS:
            audited += audit.problems(one.row.position, one.row.topic, one.row.body, one.fact)
        state = evolve(state, one.fact)
        facts = () if one.fact is None else (one.fact,)
        for projection in projections:
            for change in projection.changes(chat_id, facts, state):
                _apply(expected[change.table], change)


def _apply(rows: Rows, change: RowChange) -> None:
    if change.row is None:
        rows.pop(change.key, None)
    else:
        rows[change.key] = change.row


def _differences(
    reader: Reader, table: TableDefinition, expected: Rows, chat_id: ChatId | None = None
) -> Iterator[Difference]:
    moving = {table.columns.index(name) for name in _MOVING.get(table.name, ())}
    columns = ", ".join(table.columns)
    of_chat, given = ("", ()) if chat_id is None else (" WHERE user_chat_id = ?", (chat_id,))
    found = reader.fetch(f"SELECT {columns} FROM {table.name}{of_chat}", given)  # noqa: S608 - our own names
    actual: Rows = {row[: len(table.key)]: row for row in found}
    for key in sorted(expected.keys() | actual.keys(), key=str):
        stored, folded = actual.get(key), expected.get(key)
        if _still(stored, moving) != _still(folded, moving):
            yield Difference(table, key, stored, folded)


def _still(row: tuple[SqlValue, ...] | None, moving: set[int]) -> tuple[SqlValue, ...] | None:
    if row is None:
        return None
    return tuple(value for index, value in enumerate(row) if index not in moving)
