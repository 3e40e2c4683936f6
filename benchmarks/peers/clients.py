"""The clients of peers that speak another protocol, on the same core."""

from __future__ import annotations

from itertools import count

from benchmarks.client import Chat, Socket

_numbers = count(1)


class SocketIoChat(Chat):
    """A chat of ``socketio_server``: Engine.IO 4 on a WebSocket."""

    def __init__(self, port: int, *, batch: bool = False, token: str = "") -> None:
        super().__init__(port, batch=batch, token=token)
        self.socket = Socket(port, b"/socket.io/?EIO=4&transport=websocket")

    async def hello(self) -> None:
        opened = self.until(b'"pingInterval"')
        await self.socket.connect()
        await opened
        connected = self.until(b"40{")
        self.socket.send(b"40")
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
