"""One chat, and a client that holds some of it when it comes back: to a server that may have less,
or something else."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from tests.faults.line import Line, Received, decode, event_stream, http_client
from tests.faults.process import FaultyServer
from tests.faults.workload import read_log
from tests.kit.server import REPOSITORY

CHAT: Final = "chat_back"


async def say(server: FaultyServer, *texts: str) -> None:
    """Send messages one by one and wait for each turn's end."""
    async with http_client(server.port) as client:
        await client.post("/chats", json={"user_chat_id": CHAT})
        for text in texts:
            body, wait = {"content": f"quick {text}"}, {"Prefer": "wait=10"}
            answer = await client.post(f"/chats/{CHAT}/messages", json=body, headers=wait)
            assert answer.status_code == 200, answer.text


async def log_of(server: FaultyServer) -> list[bytes]:
    """All events of the chat."""
    async with http_client(server.port) as client:
        return await read_log(client, CHAT)


async def opened_after(server: FaultyServer, held: bytes) -> tuple[Received | None, list[bytes]]:
    """What a client that holds `held` as its newest event gets: the `resync`, and all events."""
    frame, resync, events = decode(held), None, []
    line = await Line.join(server.port)
    after = {"after": frame.position, "after_event": frame.event_id}
    await line.send({"type": "open", "user_chat_id": CHAT, **after})
    async for received, data in line.frames():
        if received.type == "resync":
            resync = received
        elif received.type == "caught_up":
            break
        elif received.event_id is not None:
            events.append(data)
    line.abort()
    return resync, events


async def first_of_a_stream(server: FaultyServer, after: int) -> str:
    """What an event stream after a position begins with."""
    async with http_client(server.port) as client:
        stream = event_stream(client, CHAT, after)
        async for frame, _ in stream:
            await stream.aclose()
            return frame.type
    raise AssertionError("nothing came")


def verified(server: FaultyServer) -> subprocess.CompletedProcess[str]:
    """What `chatstream verify` says of its database."""
    command = [sys.executable, "-m", "chatstream", "verify", "--database", server.database]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )
