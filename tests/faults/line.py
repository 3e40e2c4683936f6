"""Connections of a workload: a raw WebSocket, an event stream, and what comes over them.

Each gives up on a peer that is silent for longer than its heartbeats allow, as a client must.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final, Self

import httpx
import msgspec
from msgspec import Struct, field
from tests.faults.process import TOKEN
from tests.kit.wire import array_items
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

SILENCE_S: Final = 2.0
"""Four heartbeats of the server."""
CONNECT_S: Final = 5.0
SMALL_BUFFER_BYTES: Final = 4096


class Received(Struct, frozen=True):
    """The fields of any server frame that a workload looks at."""

    type: str
    id: str | None = None
    user_chat_id: str | None = None
    position: int | None = None
    event_id: str | None = None
    duplicate: bool = False
    code: str | None = None
    reason: str | None = None
    message_id: str | None = None
    offset: int | None = None
    text: str | None = None
    start: int | None = field(default=None, name="from")


class LineLost(Exception):
    """The connection did not come up, is gone or is silent."""


decode = msgspec.json.Decoder(Received).decode
GONE = (OSError, WebSocketException, TimeoutError, EOFError, httpx.HTTPError)


class Line:
    """One WebSocket after its welcome."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def join(cls, port: int, *, batch: bool = False, small_buffer: bool = False) -> Self:
        """Connect and say hello; `small_buffer`: what is not read soon holds the server up."""
        try:
            async with asyncio.timeout(CONNECT_S):
                line = cls(await _connect(port, small_buffer=small_buffer))
                hello = {"type": "hello", "protocol": "chatstream.v1", "token": TOKEN}
                await line.send({**hello, "batch": batch})
                message = await line._connection.recv(decode=False)
        except GONE as gone:
            raise LineLost(repr(gone)) from gone
        if b'"drain"' in message:
            raise LineLost("the server goes away")
        assert b'"welcome"' in message, message
        return line

    async def send(self, frame: dict[str, object]) -> None:
        """Send a frame, or raise `LineLost`."""
        try:
            async with asyncio.timeout(SILENCE_S):
                await self._connection.send(json.dumps(frame))
        except GONE as gone:
            raise LineLost(repr(gone)) from gone

    async def frames(self) -> AsyncGenerator[tuple[Received, bytes]]:
        """What comes, with its bytes, until the line is lost."""
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    message = await self._connection.recv(decode=False)
            except GONE as gone:
                raise LineLost(repr(gone)) from gone
            for frame in _unpacked(message):
                yield decode(frame), frame

    def abort(self) -> None:
        """Be gone without a goodbye."""
        self._connection.transport.abort()


async def _connect(port: int, *, small_buffer: bool) -> ClientConnection:
    url = f"ws://127.0.0.1:{port}/api/v1/chat/ws/chat"
    options: dict[str, object] = {}
    if small_buffer:
        options = {"sock": await _small_socket(port), "max_queue": 1}
    return await connect(
        url, compression=None, ping_interval=None, close_timeout=0.2, max_size=2**26, **options
    )


async def _small_socket(port: int) -> socket.socket:
    peer = socket.socket()
    try:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", port))
    except BaseException:
        peer.close()
        raise
    return peer


def _unpacked(message: bytes) -> list[bytes]:
    if not message.startswith(b"["):
        return [message]
    return [item.encode() for item in array_items(message.decode())]


def http_client(port: int) -> httpx.AsyncClient:
    """An HTTP client for the API."""
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/api/v1",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=CONNECT_S,
        verify=False,
        trust_env=False,
    )


async def event_stream(
    client: httpx.AsyncClient, chat: str, after: int
) -> AsyncIterator[tuple[Received, bytes]]:
    """What an event stream of the chat brings after a position, until it is lost."""
    path, rest = f"/chats/{chat}/events", b""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    try:
        async with (
            client.stream("GET", path, headers=headers, timeout=SILENCE_S) as answer,
            aclosing(answer.aiter_bytes()) as pieces,
        ):
            if answer.status_code != 200:
                raise LineLost(f"status {answer.status_code}")
            async for piece in pieces:
                *blocks, rest = (rest + piece).split(b"\n\n")
                for block in blocks:
                    data = [line[6:] for line in block.split(b"\n") if line.startswith(b"data: ")]
                    for frame in data:
                        yield decode(frame), frame
    except GONE as gone:
        raise LineLost(repr(gone)) from gone
    raise LineLost("it ended")
