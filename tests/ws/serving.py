"""A real uvicorn in the test's own loop, around the fake service."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, get, post
from litestar.response import Stream
from tests.ws.fakes import USER, FakeIdentities, FakeService, Json
from websockets.asyncio.client import ClientConnection, connect

from chatstream.config import Settings
from chatstream.security.quotas import RateLimiter, Shares
from chatstream.server.uvicorn_server import Server, make_config
from chatstream.ws.connection import Surroundings
from chatstream.ws.listener import socket_handlers
from chatstream.ws.registry import ConnectionRegistry


@get("/hello", sync_to_thread=False)
def hello() -> str:
    return "hello"


@post("/length")
async def length(request: Request[Any, Any, Any]) -> str:
    return str(len(await request.body()))


async def _endless() -> AsyncIterator[bytes]:
    while True:
        await asyncio.sleep(0)
        yield bytes(64 * 1024)


@get("/endless", sync_to_thread=False)
def endless() -> Stream:
    return Stream(_endless())


class Served:
    """A running server; ``service`` is the fake behind it."""

    def __init__(self, **settings: Any) -> None:
        self.service = FakeService()
        self.identities = FakeIdentities()
        self.registry = ConnectionRegistry()
        self.settings = Settings(**{"rate_limit": 0, "port": 0, "drain_s": 4, **settings})
        shared = Surroundings(
            settings=self.settings,
            service=self.service,
            identities=self.identities,
            limiter=RateLimiter(self.settings.rate_limit),
            shares=Shares(self.settings),
        )
        self.app = Litestar(
            route_handlers=[
                hello,
                length,
                endless,
                *socket_handlers(self.settings.prefix, shared, self.registry),
            ],
            openapi_config=None,
            logging_config=None,
        )
        config = make_config(self.app, self.settings)
        self.server = Server(
            config, self.registry.drain, self.settings.drain_s, self.settings.slow_reader_s
        )

    async def start(self) -> None:
        """Serve in a task, from when this returns."""
        self._task = asyncio.create_task(self.server.serve())
        async with asyncio.timeout(10):
            while not self.server.started:  # noqa: ASYNC110 - uvicorn has no event
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        """As on SIGTERM."""
        self.server.should_exit = True
        await asyncio.wait_for(asyncio.shield(self._task), 15)

    @property
    def port(self) -> int:
        return self.server.bound_ports[0]

    def url(self, path: str = "/api/v1/chat/ws/chat") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    @asynccontextmanager
    async def connect(self, **options: Any) -> AsyncIterator[Client]:
        async with connect(
            self.url(), compression=None, max_queue=None, proxy=None, max_size=None, **options
        ) as connection:
            yield Client(connection)

    def raw(self, receive_buffer_bytes: int | None = None) -> socket.socket:
        """A plain TCP connection to it."""
        plain = socket.socket()
        if receive_buffer_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        plain.connect(("127.0.0.1", self.port))
        plain.setblocking(False)
        return plain


class Client:
    """One socket as a program sees it that knows only the protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.messages: list[str] = []

    async def say(self, frame: Json | str | bytes) -> None:
        await self.connection.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def hello(self, token: str = USER, **fields: Any) -> Json:
        await self.say({"type": "hello", "protocol": "chatstream.v1", "token": token, **fields})
        return (await self.hear())[0]

    async def hear(self) -> list[Json]:
        """The frames of the next message."""
        async with asyncio.timeout(10):
            message = await self.connection.recv()
        assert isinstance(message, str), "every message is text"
        self.messages.append(message)
        document = json.loads(message)
        return document if isinstance(document, list) else [document]

    async def hear_until(self, kind: str) -> list[Json]:
        """All frames up to one of this type."""
        frames: list[Json] = []
        while not frames or frames[-1]["type"] != kind:
            frames += await self.hear()
        return frames

    async def close_code(self) -> int | None:
        async with asyncio.timeout(10):
            await self.connection.wait_closed()
        return self.connection.close_code


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[Served]:
    """A server for the time of the block."""
    served = Served(**settings)
    await served.start()
    try:
        yield served
    finally:
        await served.end()


async def read_all(plain: socket.socket, limit_s: float = 10) -> bytes:
    """What comes on a plain connection until it ends."""
    loop = asyncio.get_running_loop()
    received = b""
    async with asyncio.timeout(limit_s):
        while True:
            try:
                piece = await loop.sock_recv(plain, 65536)
            except ConnectionResetError:
                return received
            if not piece:
                return received
            received += piece


UPGRADE = (
    b"GET /ws/chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


def masked(payload: bytes, opcode: int = 1) -> bytes:
    """A client frame with a mask of zeros."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


HELLO = masked(json.dumps({"type": "hello", "protocol": "chatstream.v1", "token": USER}).encode())
