"""The hostile client: a visitor of its own for each case. What it does returns once the server is
done with it; `Unanswered` if that takes too long or is no right answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from tests.hostile.server import HostileServer
from tests.kit.tokens import new_id
from tests.kit.wire import TURN_ENDS, Frame, Socket
from websockets.exceptions import WebSocketException

PATIENCE_S: Final = 10.0
ANSWER_BYTES: Final = 16 * 2**20
GONE: Final = (OSError, EOFError, TimeoutError, WebSocketException, AssertionError)


class Unanswered(Exception):
    """The server owes an answer, or gave one that it must not give."""


class Guest:
    """A visitor after the welcome."""

    def __init__(self, server: HostileServer, socket: Socket, token: str) -> None:
        self.server = server
        self.socket = socket
        self.token = token

    async def open(self) -> str:
        """A new chat."""
        return str((await self.socket.opened())["user_chat_id"])

    async def say(self, chat: str, content: str) -> Frame:
        """Send a message; the end of its turn, or the refusal."""
        return await self.do({"type": "send", "user_chat_id": chat, "content": content})

    async def do(self, command: dict[str, Any]) -> Frame:
        """Send a command that begins a turn; the end of the turn, or the refusal."""
        before, given = len(self.socket.frames), {"id": new_id(), **command}
        answer = await asyncio.wait_for(self.socket.ask(given), PATIENCE_S)
        if answer["type"] == "rejected":
            return answer
        return await self.socket.until(
            lambda frame: (
                frame["type"] == "turn"
                and frame["status"] in TURN_ENDS
                and frame["caused_by"] == given["id"]
            ),
            before,
            PATIENCE_S,
        )

    async def post(self, text: str | bytes) -> None:
        """Send one message as it is; whatever comes of it has come when this returns."""
        await self.socket.post_text(text)
        with contextlib.suppress(WebSocketException, AssertionError):
            await asyncio.wait_for(self.socket.settle(), PATIENCE_S)
            return
        if self.socket.close_code not in {4400, 4401, 4429, 1007, 1009}:
            raise Unanswered(f"closed with {self.socket.close_code}")

    async def ask(self, request: bytes) -> int:
        """Send one HTTP request as it is; the status."""
        asked = request.replace(b"@TOKEN@", self.token.encode())
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.server.port, limit=ANSWER_BYTES
            )
            try:
                return await _exchanged(reader, writer, asked)
            finally:
                writer.close()


async def _exchanged(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> int:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    status = int(lines[0].split()[1])
    size = next((int(one[15:]) for one in lines if one.startswith(b"content-length:")), 0)
    await reader.readexactly(size)
    if status >= 500:
        raise Unanswered(f"answered by {status}")
    return status


@contextlib.asynccontextmanager
async def guest(server: HostileServer) -> AsyncIterator[Guest]:
    """A new visitor. Whatever goes wrong with the line in the block is `Unanswered`."""
    socket: Socket | None = None
    try:
        async with asyncio.timeout(4 * PATIENCE_S):
            socket = await Socket.connect(server.socket_url, open_timeout=PATIENCE_S)
            welcome = await asyncio.wait_for(socket.hello(), PATIENCE_S)
            yield Guest(server, socket, welcome["token"])
    except GONE as gone:
        raise Unanswered(f"{type(gone).__name__}: {str(gone)[:200]}") from gone
    finally:
        if socket is not None:
            socket.connection.transport.abort()
            await socket.closed()


def frame(**fields: Any) -> str:
    """A frame as compact JSON."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
