"""What both hand-made servers share: each message saved by aiosqlite before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import aiosqlite

from benchmarks.turn import ANSWER, PIECE_SECONDS, PIECES, TurnFrames, stamp

Send = Callable[[bytes], Awaitable[None]]
_TABLE = "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, chat TEXT, frame BLOB)"


class Messages:
    """A row and a commit a message."""

    @classmethod
    async def open(cls, home: str) -> Messages:
        messages = cls()
        messages._connection = await aiosqlite.connect(f"{home}/peer.db")
        await messages._connection.execute("PRAGMA journal_mode = WAL")
        await messages._connection.execute("PRAGMA synchronous = FULL")
        await messages._connection.execute(_TABLE)
        await messages._connection.execute("CREATE INDEX IF NOT EXISTS of ON messages (chat)")
        messages._transaction = asyncio.Lock()
        return messages

    async def save(self, chat_id: str, frame: bytes) -> None:
        async with self._transaction:  # else one chat's commit is in the middle of another's
            await self._connection.execute(
                "INSERT INTO messages (chat, frame) VALUES (?, ?)", (chat_id, frame)
            )
            await self._connection.commit()

    async def of(self, chat_id: str) -> list[bytes]:
        rows = await self._connection.execute_fetchall(
            "SELECT frame FROM messages WHERE chat = ? ORDER BY id", (chat_id,)
        )
        return [row[0] for row in rows]


async def turn(messages: Messages, chat_id: str, command_id: str, content: str, send: Send) -> None:
    """Run the agent as most do: in the handler of the message."""
    frames, numbers = TurnFrames(chat_id), count(1)

    async def saved(template: bytes) -> None:
        frame = template % next(numbers)
        await messages.save(chat_id, frame)
        await send(frame)

    user, *started = frames.started
    await messages.save(chat_id, user % next(numbers))
    await send(frames.ack(command_id, 1))
    for template in started:
        await send(template % next(numbers))
    for template in frames.thinking:
        await saved(template)
    for offset in range(0, 6 * PIECES, 6):
        if content == "paced":
            await asyncio.sleep(PIECE_SECONDS)
        text = stamp() if content == "paced" else ANSWER[offset : offset + 6]
        await send(frames.delta(offset, text))
    response, *ended = frames.ended
    await saved(response)
    for template in ended:
        await send(template % next(numbers))
