"""The clients of peers that speak another protocol, on the same core."""

from __future__ import annotations

import json
from itertools import count
from uuid import uuid4

from benchmarks.client import Chat, Socket

_numbers = count(1)


class SocketIoChat(Chat):
    """A chat of ``socketio_server``: Engine.IO 4 on a WebSocket."""

    path = b"/socket.io/?EIO=4&transport=websocket"

    def __init__(self, port: int, *, batch: bool = False, token: str = "") -> None:
        super().__init__(port, batch=batch, token=token)
        self.socket = Socket(port, self.path)

    async def hello(self) -> None:
        await self._connected(b"")

    async def _connected(self, session: bytes) -> None:
        opened = self.until(b'"pingInterval"')
        await self.socket.connect()
        await opened
        connected = self.until(b"40{")
        self.socket.send(b"40" + session)
        await connected

    async def open(self, chat_id: str = "", **wanted: int) -> bytes:
        del wanted
        self.chat_id = chat_id or f"chat_{next(_numbers)}"
        caught_up = self.until(b'["caught_up"')
        self.socket.send(b'42["open","%b"]' % self.chat_id.encode())
        return await caught_up

    def say(self, content: str) -> None:
        self.socket.send(
            b'42["send",{"id":"m%d","user_chat_id":"%b","content":"%b"}]'
            % (next(_numbers), self.chat_id.encode(), content.encode())
        )


class ChainlitChat(SocketIoChat):
    """A chat of ``chainlit_server``; its id is that of its thread."""

    path = b"/ws/socket.io/?EIO=4&transport=websocket"

    async def hello(self) -> None:
        """Nothing is known before the thread is named."""

    async def open(self, chat_id: str = "", **wanted: int) -> bytes:
        del wanted
        self.chat_id = chat_id or str(uuid4())
        session = {"sessionId": str(uuid4()), "clientType": "webapp", "threadId": self.chat_id}
        await self._connected(json.dumps(session).encode())
        ready = self.until(b'"task_end"')
        self.socket.send(b'42["connection_successful"]')
        return await ready

    def say(self, content: str) -> None:
        message = {
            "id": str(uuid4()),
            "threadId": self.chat_id,
            "name": "user",
            "type": "user_message",
            "output": content,
            "createdAt": "2026-11-24T00:49:37.953Z",
        }
        sent = ["client_message", {"message": message, "fileReferences": []}]
        self.socket.send(b"42" + json.dumps(sent, separators=(",", ":")).encode())
