"""The store alone, without a server: what grouping commits gains."""

from __future__ import annotations

import asyncio
import statistics
import time

from chatstream.eventstore.log import EventStore
from chatstream.eventstore.store import Append, NewEvent, Outcome, Stored, StoredEngine
from chatstream.ids import ChatId

BODY = b"x" * 360  # what a row of the log holds on average
PRODUCERS = 100
APPENDS = f"appends of one event, {PRODUCERS} producers, no server"


async def appended(engine: StoredEngine, number: int, seconds: float) -> tuple[int, int]:
    """How many events were stored, each in an append of its own that waits for the one before,
    and how many in one transaction on average."""
    sizes: list[int] = []
    store = EventStore(engine, lambda batch: sizes.append(batch.events))
    await store.start()
    until = time.perf_counter() + seconds

    async def produce(chat_id: ChatId) -> int:
        position = 0
        while time.perf_counter() < until:
            done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            event = NewEvent("user.1", BODY, f"evt_{position}")
            store.append(Append(chat_id, position, (event,)), done.set_result)
            assert isinstance(await done, Stored)
            position += 1
        return position

    chats = [ChatId(f"chat_{number}_{producer}") for producer in range(PRODUCERS)]
    counts = await asyncio.gather(*(produce(chat_id) for chat_id in chats))
    await store.close()
    return sum(counts), round(statistics.mean(sizes))
