"""A small OpenAI-compatible server, as bad as real ones: it streams, breaks off, hangs, refuses.

Each request to `/v1/chat/completions` takes the next of the replies that the test has given.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Reply = Callable[["Wire"], Awaitable[None]]


class Wire:
    """The answer to one request, while it is written."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def head(self, status: str, kind: str, *more: str) -> None:
        """The status and headers; the body ends with the connection."""
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Transfer-Encoding: chunked", *more]
        await self._write("\r\n".join([*lines, "Connection: close", "", ""]).encode())

    async def chunk(self, text: str) -> None:
        """A piece of the body."""
        await self._write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())

    async def end(self) -> None:
        """The end of the body, as it should be."""
        await self._write(b"0\r\n\r\n")

    async def delta(self, delta: dict[str, Any], finish: str | None = None) -> None:
        """One event of a streamed answer."""
        await self.event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    async def event(self, more: dict[str, Any]) -> None:
        """One event with the fields that all have."""
        whole = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "test"}
        await self.chunk(f"data: {json.dumps(whole | more)}\n\n")

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


class OpenAIServer:
    """The server; ``requests`` are the bodies that came."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.hanging = asyncio.Event()
        self._replies: list[Reply] = []

    def will(self, *replies: Reply) -> None:
        """Answer the next requests like this."""
        self._replies += replies

    def said(self, number: int = -1) -> list[tuple[str, Any]]:
        """The messages of a request, without the instructions."""
        messages = self.requests[number]["messages"]
        return [(one["role"], one.get("content")) for one in messages if one["role"] != "system"]

    def instructions(self, number: int = -1) -> str:
        """The instructions of a request."""
        messages = self.requests[number]["messages"]
        return "\n".join(one["content"] for one in messages if one["role"] == "system")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            self.requests.append(json.loads(await reader.readexactly(length)))
            await self._replies.pop(0)(Wire(writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def openai_server() -> AsyncIterator[tuple[OpenAIServer, str]]:
    """The server and its base URL."""
    fake = OpenAIServer()
    async with await asyncio.start_server(fake.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield fake, f"http://127.0.0.1:{port}/v1"


def text(*pieces: str, reasoning: str = "") -> Reply:
    """An answer in pieces."""

    async def reply(wire: Wire) -> None:
        await wire.head("200 OK", "text/event-stream")
        await wire.delta({"role": "assistant", "content": ""})
        if reasoning:
            await wire.delta({"reasoning_content": reasoning})
        for piece in pieces:
            await wire.delta({"content": piece})
        await _finish(wire, "stop")

    return reply


def call(name: str, arguments: str) -> Reply:
    """A tool call, under a random id as real ones are."""

    async def reply(wire: Wire) -> None:
        function = {"name": name, "arguments": ""}
        await wire.head("200 OK", "text/event-stream")
        await wire.delta(
            {
                "role": "assistant",
                "tool_calls": [{"index": 0, "id": "xyz", "type": "function", "function": function}],
            }
        )
        for piece in (arguments[:3], arguments[3:]):
            await wire.delta({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        await _finish(wire, "tool_calls")

    return reply


async def _finish(wire: Wire, reason: str) -> None:
    await wire.delta({}, reason)
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    await wire.event({"choices": [], "usage": usage})
    await wire.chunk("data: [DONE]\n\n")
    await wire.end()


def broken(*pieces: str) -> Reply:
    """An answer that breaks off."""

    async def reply(wire: Wire) -> None:
        await wire.head("200 OK", "text/event-stream")
        for piece in pieces:
            await wire.delta({"content": piece})

    return reply


def hangs(server: OpenAIServer) -> Reply:
    """No answer."""

    async def reply(_: Wire) -> None:
        await server.hanging.wait()

    return reply


def refused(status: str, *headers: str) -> Reply:
    """An error with its headers."""

    async def reply(wire: Wire) -> None:
        await wire.head(status, "application/json", *headers)
        await wire.chunk('{"error": {"message": "secret-detail", "type": "x"}}')
        await wire.end()

    return reply
