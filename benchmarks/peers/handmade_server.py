"""A WebSocket chat as it is written by hand: FastAPI, aiosqlite, a commit a message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.peers.saving import Messages, turn
from benchmarks.peers.serving import arguments, serve

wanted = arguments()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.messages = await Messages.open(wanted.home)
    yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws/chat")
async def chat(socket: WebSocket) -> None:
    messages: Messages = socket.app.state.messages
    await socket.accept()

    async def send(frame: bytes) -> None:
        await socket.send_text(frame.decode())

    try:
        while True:
            frame = await socket.receive_json()
            if frame["type"] == "hello":
                await send(b'{"type":"welcome","token":"t"}')
            elif frame["type"] == "open":
                chat_id = frame.get("user_chat_id") or f"chat_{id(socket)}"
                await send(b'{"type":"opened","user_chat_id":"%b"}' % chat_id.encode())
                for one in await messages.of(chat_id):
                    await send(one)
                await send(b'{"type":"caught_up"}')
            elif frame["type"] == "send":
                await turn(messages, frame["user_chat_id"], frame["id"], frame["content"], send)
    except WebSocketDisconnect:
        pass


serve(app, wanted.port)
