"""Chats in and out: an export holds each stored event byte for byte, an import puts it back.

One line a chat: ``{"chatstream_export": 1, "user_chat_id": .., "events": [{"topic": ..,
"frame": {..}, "hidden": {..}}]}``; ``frame`` and ``hidden`` are the stored bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from chatstream.domain.user_chat.evolution import INITIAL, evolve
from chatstream.errors import ChatStreamError
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.store import Append, Engine, NewEvent, RowChange, Stored
from chatstream.ids import ChatId
from chatstream.maintenance.reader import Reader
from chatstream.projections.models import ReadModels

APPEND_EVENTS = 500


class ImportFailed(ChatStreamError):
    """A line of the file could not be taken in; nothing of its chat after that was stored."""


class ExportedEvent(Struct, frozen=True):
    """One event as stored; ``hidden`` is null where nothing is."""

    topic: str
    frame: Raw
    hidden: Raw


class ExportedChat(Struct, frozen=True):
    """One chat as stored."""

    user_chat_id: ChatId
    events: list[ExportedEvent]
    chatstream_export: Literal[1] = 1


class _Identified(Struct, frozen=True):
    event_id: str


_NOTHING = b"null"
_identified = msgspec.json.Decoder(_Identified)


def export_chat(reader: Reader, chat_id: ChatId) -> bytes:
    """The chat as one JSON line, without its end of line.

    Raises:
        NoSuchChat: there is none.
    """
    reader.state(chat_id, upto=1)
    events = [_exported(row.topic, row.body) for row in reader.rows(chat_id)]
    return msgspec.json.encode(ExportedChat(chat_id, events))


def _exported(topic: str, body: bytes) -> ExportedEvent:
    frame, _, hidden = body.partition(b"\n")
    return ExportedEvent(topic, Raw(frame), Raw(hidden or _NOTHING))


def import_chat(engine: Engine, models: ReadModels, line: bytes) -> int:
    """Store an exported chat at its own positions; gives the number of its events.

    Raises:
        ImportFailed: no such line, or the chat is there already with other events.
    """
    try:
        chat = msgspec.json.decode(line, type=ExportedChat)
    except msgspec.DecodeError as error:
        raise ImportFailed(f"not a line of an export: {error}") from error
    for append in _appends(chat, models):
        if not isinstance(outcome := engine.write([append])[0], Stored):
            raise ImportFailed(f"chat {chat.user_chat_id!r} is there already: {outcome}")
    return len(chat.events)


def _appends(chat: ExportedChat, models: ReadModels) -> Iterator[Append]:
    state, done = INITIAL, 0
    while batch := chat.events[done : done + APPEND_EVENTS]:
        changes: list[RowChange] = []
        events: list[NewEvent] = []
        for event in batch:
            stored = _stored(event)
            fact = decode(stored.topic, stored.body)
            state = evolve(state, fact)
            if fact is not None:
                changes += models.changes(chat.user_chat_id, (fact,), state)
            events.append(stored)
        yield Append(chat.user_chat_id, done, tuple(events), tuple(changes))
        done += len(batch)


def _stored(event: ExportedEvent) -> NewEvent:
    frame = bytes(event.frame)
    hidden = bytes(event.hidden)
    return event_of(event.topic, frame if hidden == _NOTHING else frame + b"\n" + hidden)


def event_of(topic: str, body: bytes) -> NewEvent:
    """A stored body as an event to store elsewhere."""
    return NewEvent(topic, body, _identified.decode(body.partition(b"\n")[0]).event_id)
