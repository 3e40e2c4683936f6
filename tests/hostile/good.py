"""The good client: it talks all the time and writes down how long each answer took.

A process of its own (``python -m tests.hostile.good URL FILE``), so that it does not wait for
the hostile one. Each line of FILE is a moment of the monotonic clock and milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from tests.kit.server import REPOSITORY
from tests.kit.tokens import new_id
from tests.kit.wire import TURN_ENDS, Socket, of_type

PAUSE_S: Final = 0.01
SEND_EVERY_S: Final = 0.5
MESSAGES_A_CHAT: Final = 100
PATIENCE_S: Final = 600.0


async def talk(url: str, notes: IO[str]) -> None:
    """For ever; whoever started it ends it."""
    while True:
        try:
            await _converse(await Socket.connect(url), notes)
        except (OSError, AssertionError, EOFError, TimeoutError):
            await asyncio.sleep(0.05)  # the server is started anew
        except Exception as error:
            if "websockets" not in type(error).__module__:
                raise
            await asyncio.sleep(0.05)


async def _converse(socket: Socket, notes: IO[str]) -> None:
    await socket.hello()
    for _ in range(MESSAGES_A_CHAT):
        chat = (await socket.opened())["user_chat_id"]
        sent_at = time.monotonic()
        ack = {"type": "send", "id": new_id(), "user_chat_id": chat, "content": "hello"}
        with _timed(notes):
            answer = await asyncio.wait_for(socket.ask(ack), PATIENCE_S)
        assert answer["type"] == "ack", answer
        while time.monotonic() < sent_at + SEND_EVERY_S or not _ended(socket, ack["id"]):
            await asyncio.sleep(PAUSE_S)
            with _timed(notes):
                await _ping(socket)
        socket.frames.clear()
    await socket.close()


async def _ping(socket: Socket) -> None:
    nonce, before = new_id("n"), len(socket.frames)
    await socket.post({"type": "ping", "nonce": nonce})
    await socket.until(of_type("pong", nonce=nonce), before, PATIENCE_S)


def _ended(socket: Socket, cause: str) -> bool:
    return any(
        frame["type"] == "turn" and frame["status"] in TURN_ENDS and frame["caused_by"] == cause
        for frame in socket.frames
    )


@contextlib.contextmanager
def _timed(notes: IO[str]) -> Iterator[None]:
    sent_at = time.monotonic()
    try:
        yield
    finally:
        notes.write(f"{sent_at} {(time.monotonic() - sent_at) * 1000}\n")
        notes.flush()


class GoodClient:
    """The process, and what it saw."""

    def __init__(self, url: str, notes: Path) -> None:
        self._url = url
        self._notes = notes

    @contextlib.contextmanager
    def talking(self) -> Iterator[GoodClient]:
        """Talk until the end of the block."""
        command = [sys.executable, "-m", "tests.hostile.good", self._url, str(self._notes)]
        with subprocess.Popen(command, cwd=REPOSITORY) as process:
            try:
                yield self
            finally:
                process.kill()

    async def has_begun(self) -> None:
        """Wait for its first answers."""
        async with asyncio.timeout(30):
            while len(self.answers_ms(0, time.monotonic())) < 3:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.02)

    def answers_ms(self, since: float, until: float) -> list[float]:
        """How long it waited for what it sent between two moments."""
        if not self._notes.exists():
            return []
        lines = self._notes.read_text().splitlines()
        notes = [line.split() for line in lines if line.count(" ") == 1]
        return [float(took) for at, took in notes if since <= float(at) <= until]


if __name__ == "__main__":
    with Path(sys.argv[2]).open("a") as opened, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(talk(sys.argv[1], opened))
