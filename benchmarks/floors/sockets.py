"""The ASGI side that all floors share: hello, open, and a turn for each message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Protocol

import msgspec

from benchmarks.turn import TurnFrames

_WELCOME = '{"type":"welcome","socket_connection_id":"s","user_id":"u","token":"t"}'
_chat_numbers = count(1)


class Frame(msgspec.Struct):
    type: str
    id: str = ""
    user_chat_id: str = ""
    content: str = ""


class Peer:
    """One socket: ``send_frame`` sends one text message."""

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self.send = send
        self.chat_id = ""
        self.position = 1
        self.frames = TurnFrames("")
        self.ready: list[bytes] = []

    async def send_frame(self, frame: bytes) -> None:
        await self.send({"type": "websocket.send", "text": frame.decode()})

    async def send_event(self, template: bytes) -> None:
        self.position += 1
        await self.send_frame(template % self.position)


class Floor(Protocol):
    async def turn(self, peer: Peer, frame: Frame, peers: list[Peer]) -> None: ...


def application(floor: Floor) -> Callable[..., Awaitable[None]]:
    decoder = msgspec.json.Decoder(Frame)
    followers: dict[str, list[Peer]] = defaultdict(list)

    async def follow(peer: Peer, chat_id: str) -> None:
        peer.chat_id = chat_id or f"chat_{next(_chat_numbers):016d}"
        peer.frames = TurnFrames(peer.chat_id)
        followers[peer.chat_id].append(peer)
        for kind in ("opened", "caught_up"):
            await peer.send_frame(
                f'{{"type":"{kind}","user_chat_id":"{peer.chat_id}","position":1}}'.encode()
            )

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await receive()
        await send({"type": "websocket.accept"})
        peer = Peer(send)
        while (event := await receive())["type"] == "websocket.receive":
            frame = decoder.decode(event["text"])
            if frame.type == "send":
                await floor.turn(peer, frame, followers[peer.chat_id])
            elif frame.type == "hello":
                await peer.send_frame(_WELCOME.encode())
            elif frame.type == "open":
                await follow(peer, frame.user_chat_id)
        if peer.chat_id:
            followers[peer.chat_id].remove(peer)

    return app
