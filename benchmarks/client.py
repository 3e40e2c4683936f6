"""The client core that all measurements share: one WebSocket as a plain asyncio protocol.

It does as little as it can (no copies of frames, a mask of zeroes), so that what is measured is
the server.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Callable
from itertools import count
from typing import cast

_UPGRADE = (
    b"GET %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
_command_ids = count(1)


class Socket(asyncio.Protocol):
    """A WebSocket to ``port``; every message goes to ``on_message`` as bytes."""

    def __init__(self, port: int, path: bytes = b"/ws/chat") -> None:
        self._port = port
        self._path = path
        self._rest = b""
        self._upgraded = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_message: Callable[[bytes], None] = lambda _: None
        self.is_closed = False

    async def connect(self) -> None:
        """Raises ``OSError`` where nobody listens."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        async with asyncio.timeout(60):
            await self.opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(_UPGRADE % (self._path, self._port))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if not self.opened.done():
            self.opened.set_exception(OSError("the server hung up"))

    def send(self, text: bytes) -> None:
        size = len(text)
        head = bytes((0x81, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
        self.transport.write(head + b"\0\0\0\0" + text)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self._upgraded:
            data = self._upgrade(data)
        start, end = 0, len(data)
        while end - start >= 2:
            size, head = data[start + 1], 2
            if size == 126:
                head = 4
                if end - start < head:
                    break
                size = (data[start + 2] << 8) | data[start + 3]
            elif size == 127:
                head = 10
                if end - start < head:
                    break
                size = int.from_bytes(data[start + 2 : start + 10], "big")
            if end - start < head + size:
                break
            self._take(data[start] & 15, data[start + head : start + head + size])
            start += head + size
        self._rest = data[start:]

    def _upgrade(self, data: bytes) -> bytes:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return data
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.opened.set_exception(OSError(head.decode("latin-1")))
        else:
            self._upgraded = True
            self.opened.set_result(None)
        return rest

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            self.on_message(payload)
        elif opcode == 9:
            self.transport.write(bytes((0x8A, 0x80 | len(payload))) + b"\0\0\0\0" + payload)


class Chat:
    """A socket that follows one chat."""

    keeps_messages = 2
    """Of those that ``until`` sees: the beginning is what is mostly looked at."""

    def __init__(self, port: int, *, batch: bool = True, token: str = "") -> None:
        self.socket = Socket(port)
        self.batch = batch
        self.token = token
        self.chat_id = ""

    async def hello(self) -> None:
        await self.socket.connect()
        welcome = self.until(b'"type":"welcome"')
        token = f',"token":"{self.token}"' if self.token else ""
        batch = ',"batch":true' if self.batch else ""
        self.socket.send(
            b'{"type":"hello","protocol":"chatstream.v1"%b}' % (token + batch).encode()
        )
        seen = await welcome
        found = re.search(rb'"token":"([^"]+)"', seen)
        self.token = found[1].decode() if found else self.token

    async def open(self, chat_id: str = "", **wanted: int) -> bytes:
        """Open (or make) a chat and wait until all of it is here; the ``opened`` frame."""
        caught_up = self.until(b'"type":"caught_up"')
        fields = "".join(f',"{name}":{value}' for name, value in wanted.items())
        fields += f',"user_chat_id":"{chat_id}"' if chat_id else ""
        self.socket.send(b'{"type":"open"%b}' % fields.encode())
        seen = await caught_up
        found = re.search(rb'"user_chat_id":"([^"]+)"', seen)
        assert found is not None
        self.chat_id = found[1].decode()
        return seen

    async def join(self, chat_id: str = "") -> Chat:
        """Connect and open in one."""
        await self.hello()
        await self.open(chat_id)
        return self

    def say(self, content: str) -> None:
        self.socket.send(
            b'{"type":"send","id":"m%017d","user_chat_id":"%b","content":"%b"}'
            % (next(_command_ids), self.chat_id.encode(), content.encode())
        )

    async def ask(self, content: str, until: bytes = b'"status":"finished"') -> None:
        """Say it and wait for the message that has ``until`` in it."""
        done = self.until(until)
        self.say(content)
        await done

    def until(self, marker: bytes) -> asyncio.Future[bytes]:
        """Done with the message that holds ``marker``; its result is what came first."""
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        seen: list[bytes] = []

        def take(message: bytes) -> None:
            if len(seen) < self.keeps_messages:
                seen.append(message)
            if marker in message and not done.done():
                done.set_result(b"".join(seen))

        self.socket.on_message = take
        return done

    def close(self) -> None:
        self.socket.transport.abort()


async def joined(
    port: int, number: int, *, batch: bool, token: str = "", kind: type[Chat] = Chat
) -> list[Chat]:
    """``number`` chats on a socket each, joined 50 at a time."""
    chats: list[Chat] = []
    while len(chats) < number:
        some = [kind(port, batch=batch, token=token) for _ in range(min(50, number - len(chats)))]
        chats += await asyncio.gather(*(chat.join() for chat in some))
    return chats
