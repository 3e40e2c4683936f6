"""The bus over PostgreSQL's NOTIFY: nothing else is needed.

Wake-ups are sent by the engine within the append's transaction. One connection listens; it
heals itself. Where a pooler or an engine drops notifications only the look at the log is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from chatstream.cluster.bus import BusListener
from chatstream.errors import wordless
from chatstream.eventstore.postgres.connections import conninfo

log = logging.getLogger(__name__)

WAKES: Final = "chatstream_wakes"
MESSAGES: Final = "chatstream_words"
_AGAIN_FIRST_S: Final = 0.1
_AGAIN_AT_MOST_S: Final = 1.0
_PUBLISH_WITHIN_S: Final = 1.0
_NOTIFY: Final = b"SELECT pg_notify(%s, message) FROM unnest(%s::text[]) AS message"

_Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresBus:
    """``Bus`` over NOTIFY, on two channels, whose names are in lower case."""

    def __init__(
        self, dsn: str, wakes_channel: str = WAKES, messages_channel: str = MESSAGES
    ) -> None:
        self._dsn = dsn
        self._wakes_channel, self._messages_channel = wakes_channel, messages_channel
        self._publishing: _Connection | None = None
        self._guard = asyncio.Lock()

    async def run(self, listener: BusListener) -> None:
        """Listen until cancelled."""
        pause_s = _AGAIN_FIRST_S
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"LISTEN {self._wakes_channel}".encode())
                    await connection.execute(f"LISTEN {self._messages_channel}".encode())
                    pause_s = _AGAIN_FIRST_S
                    listener.on_gap()
                    await self._listen(connection, listener)
            except psycopg.Error as error:
                log.warning("the listening connection was lost: %s", type(error).__name__)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _AGAIN_AT_MOST_S)

    async def wake(self, text: str) -> None:
        """Nothing: the commit has told of itself."""

    async def publish(self, messages: Sequence[str]) -> None:
        """Send ``messages``; lost where the database does not take them."""
        async with self._guard:
            try:
                async with asyncio.timeout(_PUBLISH_WITHIN_S):
                    await self._notify(list(messages))
            except (psycopg.Error, TimeoutError) as error:
                log.warning("dropped messages to other nodes: %s", type(error).__name__)
                await self._hang_up()

    async def close(self) -> None:
        """Let go of the connection that publishes."""
        async with self._guard:
            await self._hang_up()

    async def _listen(self, connection: _Connection, listener: BusListener) -> None:
        async for one in connection.notifies():
            try:
                if one.channel == self._wakes_channel:
                    listener.on_wake(one.payload)
                else:
                    listener.on_message(one.payload)
            except Exception as error:
                # A message of another version, or a bug: the next one must still be heard.
                log.exception(
                    "a message between nodes was not understood", exc_info=wordless(error)
                )

    async def _notify(self, messages: list[str]) -> None:
        if self._publishing is None or self._publishing.closed:
            self._publishing = await self._connect()
        await self._publishing.execute(_NOTIFY, (self._messages_channel, messages))

    async def _hang_up(self) -> None:
        publishing, self._publishing = self._publishing, None
        if publishing is not None:
            with contextlib.suppress(psycopg.Error):
                await publishing.close()

    async def _connect(self) -> _Connection:
        return await psycopg.AsyncConnection.connect(
            conninfo(self._dsn), autocommit=True, prepare_threshold=None
        )
