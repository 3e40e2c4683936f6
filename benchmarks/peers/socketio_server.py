"""The same on python-socketio: an event a frame, rooms for the chats."""

from __future__ import annotations

import json
from typing import Any

import socketio

from benchmarks.peers.saving import Messages, turn
from benchmarks.peers.serving import arguments, serve

wanted = arguments()
server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
opened: dict[str, Messages] = {}


async def messages() -> Messages:
    if "messages" not in opened:
        opened["messages"] = await Messages.open(wanted.home)
    return opened["messages"]


@server.on("open")
async def follow(sid: str, chat_id: str) -> None:
    log = await messages()
    await server.enter_room(sid, chat_id)
    for frame in await log.of(chat_id):
        await server.emit("frame", json.loads(frame), to=sid)
    await server.emit("caught_up", to=sid)


@server.on("send")
async def send(sid: str, frame: dict[str, Any]) -> None:
    del sid
    chat_id = frame["user_chat_id"]

    async def to_room(one: bytes) -> None:
        await server.emit("frame", json.loads(one), room=chat_id)

    await turn(await messages(), chat_id, frame["id"], frame["content"], to_room)


serve(socketio.ASGIApp(server), wanted.port)
