"""Compares what the server holds with what was recorded, byte for byte, from outside."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable

import httpx
import msgspec

from benchmarks.demo.dialogues import DONE
from benchmarks.demo.driver import Run

Line = tuple[str, str]
"""Who spoke (user, ai or thinking), and the text."""


class Row(msgspec.Struct, frozen=True):
    """A row of the history."""

    id: str
    position: int
    message_type: str
    content: str
    is_complete: bool
    abandoned: bool


class StoredEvent(msgspec.Struct, frozen=True):
    """The fields of an event frame that matter here."""

    type: str
    position: int
    event_id: str
    status: str | None = None
    reason: str | None = None
    message_id: str | None = None
    content: str = ""
    values: dict[str, object] | None = None


class Page(msgspec.Struct, frozen=True):
    """A page of event frames, as their bytes."""

    items: list[msgspec.Raw]
    next: str | None


class Found(msgspec.Struct):
    """What is wrong, in numbers and in words."""

    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    restarted: int = 0
    words: list[str] = []


def expected(run: Run) -> list[Line]:
    """What the history of the dialogue must say."""
    lines: list[Line] = []
    for exchange in run.dialogue.exchanges:
        said = json.dumps(DONE) if exchange.pressed_done else exchange.said
        lines.append(("user", said))
        lines += [("thinking", thought) for thought in exchange.thoughts]
        if exchange.answer:
            lines.append(("ai", exchange.answer))
    return lines


class Auditor:
    """Reads by HTTP, as the user."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def statuses(self, chat_id: str) -> list[str]:
        """The states of the chat's intents."""
        intents = await self._get("/intents", user_chat_id=chat_id)
        return [intent["status"] for intent in intents["items"]]

    async def until_status(self, chat_id: str, status: str, seconds: float) -> bool:
        """Whether the chat's one intent gets the status within ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                while await self.statuses(chat_id) != [status]:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return False
        return True

    async def audit(self, run: Run, found: Found) -> list[bytes]:
        """Add to ``found`` what is wrong with the chat of ``run``; its event frames."""
        raw = await self._events(run.chat_id)
        events = [msgspec.json.decode(frame, type=StoredEvent) for frame in raw]
        _check_order(run, events, found)
        check_messages(run, events, found)
        rows = await self._history(run.chat_id)
        void = void_thoughts(events)
        lines = [(row.message_type, row.content) for row in rows if row.id not in void]
        compare(run, "history", lines, found)
        compare(run, "events", lines_of(events), found)
        found.restarted += sum(event.status == "restarted" for event in events)
        if run.dialogue.completed and not all(row.is_complete for row in rows):
            found.words.append(f"{run.chat_id}: rows of a completed task are not complete")
        return raw

    async def _events(self, chat_id: str) -> list[bytes]:
        frames: list[bytes] = []
        while True:
            query = {"after": len(frames), "limit": 200}
            response = await self._http.get(f"/chats/{chat_id}/events", params=query)
            page = msgspec.json.decode(response.raise_for_status().content, type=Page)
            frames += [bytes(item) for item in page.items]
            if page.next is None:
                return frames

    async def _history(self, chat_id: str) -> list[Row]:
        rows: list[Row] = []
        while True:
            below = {"before": rows[0].position} if rows else {}
            page = await self._get(f"/chats/{chat_id}/history", limit=200, **below)
            older = msgspec.convert(page["items"], list[Row])
            if not older:
                return rows
            rows = older + rows

    async def _get(self, path: str, **query: str | int) -> dict:
        response = await self._http.get(path, params=query)
        response.raise_for_status()
        return response.json()


def compare(run: Run, source: str, lines: Iterable[Line], found: Found) -> None:
    """What ``source`` says must be what was recorded."""
    said = [(who, _same_json(text) if _is_values(who, text) else text) for who, text in lines]
    if said != expected(run):
        differing = [pair for pair in zip(said, expected(run), strict=False) if pair[0] != pair[1]]
        found.words.append(
            f"{run.chat_id}: {source} differs: {len(said)} for {len(expected(run))} lines, "
            f"first {differing[:1]}"
        )


def lines_of(events: list[StoredEvent]) -> list[Line]:
    """What was said, thought and answered, by the events."""
    void = void_thoughts(events)
    lines: list[Line] = []
    for event in events:
        match event.type:
            case "user" | "thinking" if event.event_id not in void:
                lines.append((event.type, event.content))
            case "component_submitted":
                lines.append(("user", json.dumps(event.values)))
            case "response":
                lines.append(("ai", event.content))
            case _:
                pass
    return lines


def void_thoughts(events: list[StoredEvent]) -> set[str]:
    """The steps of attempts that a crash ended: the next attempt took them again."""
    void: set[str] = set()
    thoughts: list[str] = []
    for event in events:
        if event.type == "turn":
            void |= {*thoughts} if event.status == "restarted" else set()
            thoughts = []
        elif event.type == "thinking":
            thoughts.append(event.event_id)
    return void


def _is_values(who: str, text: str) -> bool:
    return who == "user" and text.startswith("{")


def _same_json(text: str) -> str:
    """Submitted values, however their JSON is spaced."""
    return json.dumps(json.loads(text))


def _check_order(run: Run, events: list[StoredEvent], found: Found) -> None:
    if [event.position for event in events] != [*range(1, len(events) + 1)]:
        found.words.append(f"{run.chat_id}: positions have gaps")


def check_messages(run: Run, events: list[StoredEvent], found: Found) -> None:
    """Every acked command is there, at its position, once, and in the order it was said."""
    stored = [event.message_id for event in events if event.type in ("user", "component_submitted")]
    times = Counter(stored)
    said = [ack.id for ack in run.acks if ack.id in times]
    found.doubled += sum(count - 1 for count in times.values())
    found.doubled += max(len(stored) - len(run.dialogue.exchanges), 0)
    found.reordered += said != list(dict.fromkeys(stored))
    found.lost += len(run.dialogue.exchanges) - len(said)
    for ack in run.acks:
        event = events[ack.position - 1]
        if ack.id in times and event.message_id != ack.id:
            found.words.append(f"{run.chat_id}: {ack.id} is not at {ack.position}")
        if ack.id not in times and (event.type, event.reason) != ("intent", "resumed"):
            found.words.append(f"{run.chat_id}: the task was not resumed at {ack.position}")
