"""A reader of Server-Sent Events that keeps each event as it stood on the wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from tests.kit.wire import PATIENCE_SECONDS, Frame, Person


class SseEvent:
    """One event: its id, where it has one, its frame, and the text of all its lines."""

    def __init__(self, block: str) -> None:
        self.block = block
        self.lines = block.split("\n")
        ids = [line[3:].strip() for line in self.lines if line.startswith("id:")]
        self.id = ids[0] if ids else None
        texts = [line[5:].removeprefix(" ") for line in self.lines if line.startswith("data:")]
        assert len(texts) == 1, f"one data line an event: {block!r}"
        self.frame = Frame(texts[0])


class SseStream:
    """A stream that is being followed; `events` and `comments` hold all that came."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.events: list[SseEvent] = []
        self.comments: list[str] = []
        self.text = ""
        self.ended = asyncio.Event()
        self._news = asyncio.Event()
        self._rest = ""

    async def until(
        self, wanted: Callable[[SseEvent], bool], seconds: float = PATIENCE_SECONDS
    ) -> SseEvent:
        """The first wanted event, of those that came and those to come."""
        await self._await(lambda: any(map(wanted, self.events)), seconds)
        return next(filter(wanted, self.events))

    async def comment(self, seconds: float = PATIENCE_SECONDS) -> str:
        """The first comment."""
        await self._await(lambda: bool(self.comments), seconds)
        return self.comments[0]

    async def _await(self, done: Callable[[], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not done():
                assert not self.ended.is_set(), f"the stream ended: {self.text[-2000:]}"
                self._news.clear()
                await self._news.wait()

    async def read(self) -> None:
        """Take in what comes until the server ends the stream."""
        try:
            async for piece in self.answer.aiter_text():
                self._take(piece)
        except httpx.HTTPError:
            pass
        finally:
            self.ended.set()
            self._news.set()

    def _take(self, piece: str) -> None:
        self.text += piece
        *blocks, self._rest = (self._rest + piece).split("\n\n")
        for block in blocks:
            lines = block.split("\n")
            self.comments += [line for line in lines if line.startswith(":")]
            if any(line.startswith("data:") for line in lines):
                self.events.append(SseEvent(block))
        self._news.set()


@contextlib.asynccontextmanager
async def follow(
    person: Person, chat: str, headers: dict[str, str] | None = None, **params: Any
) -> AsyncIterator[SseStream]:
    """Follow a chat's events live by SSE."""
    accept = {"Accept": "text/event-stream", **(headers or {})}
    path = f"/chats/{chat}/events"
    async with person.http.stream("GET", path, params=params, headers=accept) as answer:
        assert answer.status_code == 200, (answer.status_code, await answer.aread())
        stream = SseStream(answer)
        reader = asyncio.create_task(stream.read())
        try:
            yield stream
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
