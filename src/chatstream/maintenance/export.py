"""Chats in and out: an export holds each stored event byte for byte, an import puts it back.

One line a chat: ``{"chatstream_export": 1, "user_chat_id": .., "events": [{"position": ..,
"topic": .., "frame": {..}, "hidden": {..}}]}``; ``frame`` and ``hidden`` are the stored bytes.
What a server cannot have stored is refused: a file may come from anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Raw, Struct

from chatstream.domain.events import AnyFact
from chatstream.domain.user_chat.evolution import INITIAL, evolve
from chatstream.errors import ChatStreamError, DamagedError
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.store import (
    Append,
    Engine,
    NewEvent,
    RowChange,
    Stored,
    StoredRow,
)
from chatstream.ids import ChatId
from chatstream.maintenance.chat_audit import DEEPEST_EVENT, ChatAudit, bad_chat_id
from chatstream.maintenance.reader import Reader
from chatstream.projections.models import ReadModels
from chatstream.protocol.content import too_deep

APPEND_EVENTS = 500


class ImportFailed(ChatStreamError):
    """A line of the file could not be taken in."""


class ExportedEvent(Struct, frozen=True):
    """One event as stored; ``hidden`` is null where nothing is. Exports of older versions do not
    tell the position."""

    topic: str
    frame: Raw
    hidden: Raw
    position: int | None = None


class ExportedChat(Struct, frozen=True):
    """One chat as stored."""

    user_chat_id: ChatId
    events: list[ExportedEvent]
    chatstream_export: Literal[1] = 1


class _Identified(Struct, frozen=True):
    event_id: str


CheckedEvent = tuple[NewEvent, AnyFact | None]
"""An event to store and the fact in it; None for a topic that is not known."""
_NOTHING = b"null"
DEEPEST_LINE: Final = DEEPEST_EVENT + 8
"""An event's nesting, and what a line puts around it."""
_identified = msgspec.json.Decoder(_Identified)


def export_chat(reader: Reader, chat_id: ChatId) -> bytes:
    """The chat as one JSON line, without its end of line.

    Raises:
        NoSuchChat: there is none.
    """
    reader.state(chat_id, upto=1)
    events = [_exported(row) for row in reader.rows(chat_id)]
    return msgspec.json.encode(ExportedChat(chat_id, events))


def _exported(row: StoredRow) -> ExportedEvent:
    frame, _, hidden = row.body.partition(b"\n")
    return ExportedEvent(row.topic, Raw(frame), Raw(hidden or _NOTHING), row.position)


def import_chat(engine: Engine, models: ReadModels, line: bytes) -> int:
    """Store an exported chat at its own positions; gives the number of its events.

    Raises:
        ImportFailed: no such line, an event in it cannot be one that a server stored, or the
            chat is there already with other events.
    """
    chat = decode_line(line, ExportedChat, "a line of an export")
    events = [_checked(event, number) for number, event in enumerate(chat.events, 1)]
    refuse_unsound(chat.user_chat_id, events)
    for append in _appends(chat.user_chat_id, events, models):
        if not isinstance(outcome := engine.write([append])[0], Stored):
            raise ImportFailed(f"chat {chat.user_chat_id!r} is there already: {outcome}")
    return len(events)


_Line = TypeVar("_Line", bound=Struct)


def decode_line(line: bytes, kind: type[_Line], name: str) -> _Line:
    """The ``kind`` in ``line``, of which people speak as ``name``.

    Raises:
        ImportFailed: it holds none, or is nested too deep.
    """
    if too_deep(line, DEEPEST_LINE):
        raise ImportFailed(f"not {name}: nested more than {DEEPEST_LINE} deep")
    try:
        return msgspec.json.decode(line, type=kind)
    except ValueError as error:
        raise ImportFailed(f"not {name}: {error}") from error


def refuse_unsound(chat_id: ChatId, events: Sequence[CheckedEvent]) -> None:
    """Refuse events that a server cannot have stored as those of the chat ``chat_id``.

    Raises:
        ImportFailed: with the first problem, and the event's position.
    """
    for problem in _problems(chat_id, events):
        raise ImportFailed(f"chat {chat_id!r}: {problem}")


def _problems(chat_id: ChatId, events: Sequence[CheckedEvent]) -> Iterator[str]:
    yield from bad_chat_id(chat_id)
    if not events:
        yield "it has no events"
    audit = ChatAudit()
    for position, (event, fact) in enumerate(events, 1):
        yield from audit.problems(position, event.topic, event.body, fact)


def _checked(event: ExportedEvent, number: int) -> CheckedEvent:
    if event.position not in {None, number}:
        raise ImportFailed(f"position {number}: the event is of position {event.position}")
    frame, hidden = bytes(event.frame), bytes(event.hidden)
    body = frame if hidden == _NOTHING else frame + b"\n" + hidden
    try:
        return event_of(event.topic, body), decode(event.topic, body)
    except (DamagedError, ValueError) as error:
        reason = error.reason if isinstance(error, DamagedError) else error
        raise ImportFailed(f"position {number}: {reason}") from error


def _appends(
    chat_id: ChatId, checked: Sequence[CheckedEvent], models: ReadModels
) -> Iterator[Append]:
    state = INITIAL
    for done in range(0, len(checked), APPEND_EVENTS):
        batch = checked[done : done + APPEND_EVENTS]
        changes: list[RowChange] = []
        for _, fact in batch:
            state = evolve(state, fact)
            if fact is not None:
                changes += models.changes(chat_id, (fact,), state)
        yield Append(chat_id, done, tuple(event for event, _ in batch), tuple(changes))


def event_of(topic: str, body: bytes) -> NewEvent:
    """A stored body as an event to store elsewhere.

    Raises:
        DamagedError: it holds no event's id.
    """
    try:
        event_id = _identified.decode(body.partition(b"\n")[0]).event_id
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"an event cannot be read: {error}") from error
    return NewEvent(topic, body, event_id)
