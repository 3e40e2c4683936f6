"""A conversation rebuilt from its events, at any position: as text or as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import msgspec

from chatstream.domain.events import (
    AnyFact,
    ChatChanged,
    ComponentShown,
    ComponentSubmitted,
    ContextBrought,
    ErrorRaised,
    IntentChanged,
    PartialStored,
    ResponseGiven,
    SessionChanged,
    ThinkingAdded,
    ToolCalled,
    ToolReturned,
    TurnChanged,
    UserMessageAdded,
)
from chatstream.ids import ChatId
from chatstream.maintenance.reader import Reader, Recorded
from chatstream.protocol.event_frames import frame_of


def frames(reader: Reader, chat_id: ChatId, upto: int | None) -> Iterator[str]:
    """The event frames up to a position, one JSON object each, as every client got them."""
    for row in reader.rows(chat_id, upto):
        yield frame_of(chat_id, row.position, row.body).data.decode()


def transcript(reader: Reader, chat_id: ChatId, upto: int | None) -> Iterator[str]:
    """The conversation up to a position for a person to read, one line an event."""
    for one in reader.recorded(chat_id, upto):
        yield _line(one)


def _line(one: Recorded) -> str:
    fact = one.fact
    if fact is None:
        return f"{one.row.position:>5}                 {one.row.topic} (not known here)"
    who, what = _told(fact)
    clock = fact.timestamp[11:19]
    return f"{one.row.position:>5}  {clock}  {who:>9}  {what}".rstrip()


def _told(fact: AnyFact) -> tuple[str, str]:  # noqa: C901, PLR0912 - one arm a fact
    match fact:
        case ChatChanged():
            return "chat", fact.status
        case UserMessageAdded():
            return "user", fact.content
        case ComponentSubmitted():
            return "user", _json(fact.values)
        case TurnChanged():
            return "turn", f"{fact.status} (attempt {fact.attempt})"
        case SessionChanged():
            return "session", fact.status
        case IntentChanged():
            return "intent", _intent(fact)
        case ContextBrought():
            return "context", fact.source
        case ThinkingAdded():
            return "thinking", _thinking(fact)
        case PartialStored():
            return "partial", f"{len(fact.text)} characters from {fact.offset}"
        case ResponseGiven():
            return "ai", fact.content + (" (stopped)" if fact.stopped else "")
        case ComponentShown():
            return "component", f"{fact.kind}: {fact.title or ''}"
        case ToolCalled():
            return "tool", f"{fact.name} ({fact.call_id})"
        case ToolReturned():
            return "tool", f"{'ok' if fact.ok else 'failed'} ({fact.call_id})"
        case ErrorRaised():
            return "error", f"{fact.code}: {fact.message}"
        case _:  # pragma: no cover
            assert_never(fact)


def _intent(fact: IntentChanged) -> str:
    parts = (fact.status, fact.reason, fact.name, _json(fact.slots) if fact.slots else None)
    return " ".join(part for part in parts if part)


def _thinking(fact: ThinkingAdded) -> str:
    took = "" if fact.duration_ms is None else f" ({fact.duration_ms} ms)"
    return f"{fact.step} {fact.status}: {fact.content}{took}"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
