"""A node among others on one database: what it hears of them and what it lets them hear."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from chatstream.eventstore.store import Fetch, Sharing
from chatstream.live.wakeup import Bus, LogWatch
from chatstream.service import ChatService


class Cluster:
    """The other nodes as this one knows them; ``start`` and ``close`` in order."""

    def __init__(self, sharing: Sharing, fetch: Fetch, service: ChatService) -> None:
        from chatstream.live.wakeup_postgres import PostgresBus

        self._watch = LogWatch(sharing.node_id, fetch, service.heard)
        self._bus: Bus = PostgresBus(sharing.dsn, self)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to listen."""
        self._tasks = [
            asyncio.create_task(self._watch.run(), name="chatstream-log"),
            asyncio.create_task(self._bus.run(), name="chatstream-bus"),
        ]

    async def close(self) -> None:
        """Listen no more."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self._bus.close()

    # -- what is heard (``wakeup.Ears``) --------------------------------------------------

    def on_wake(self, text: str) -> None:
        """A commit was made somewhere."""
        self._watch.on_wake(text)

    def on_word(self, text: str) -> None:
        """Nothing is said yet."""

    def on_silence(self) -> None:
        """A hint may have been missed."""
        self._watch.look_soon()
