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

from chatstream.cluster.bus import Ears
from chatstream.errors import wordless
from chatstream.eventstore.postgres.connections import conninfo

log = logging.getLogger(__name__)

WAKES: Final = "chatstream_wakes"
WORDS: Final = "chatstream_words"
_AGAIN_FIRST_S: Final = 0.1
_AGAIN_AT_MOST_S: Final = 1.0
_TELL_WITHIN_S: Final = 1.0
_TELL: Final = b"SELECT pg_notify(%s, word) FROM unnest(%s::text[]) AS word"

_Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresBus:
    """``Bus`` over NOTIFY, on two channels, whose names are in lower case."""

    def __init__(
        self, dsn: str, ears: Ears, wakes_channel: str = WAKES, words_channel: str = WORDS
    ) -> None:
        self._dsn = dsn
        self._wakes_channel, self._words_channel = wakes_channel, words_channel
        self._ears = ears
        self._telling: _Connection | None = None
        self._guard = asyncio.Lock()

    async def run(self) -> None:
        """Listen until cancelled."""
        pause_s = _AGAIN_FIRST_S
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"LISTEN {self._wakes_channel}".encode())
                    await connection.execute(f"LISTEN {self._words_channel}".encode())
                    pause_s = _AGAIN_FIRST_S
                    self._ears.on_silence()
                    await self._listen(connection)
            except psycopg.Error as error:
                log.warning("the listening connection was lost: %s", type(error).__name__)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _AGAIN_AT_MOST_S)

    async def wake(self, text: str) -> None:
        """Nothing: the commit has told of itself."""

    async def tell(self, words: Sequence[str]) -> None:
        """Send ``words``; lost where the database does not take them."""
        async with self._guard:
            try:
                async with asyncio.timeout(_TELL_WITHIN_S):
                    await self._tell(list(words))
            except (psycopg.Error, TimeoutError) as error:
                log.warning("words to other nodes were lost: %s", type(error).__name__)
                await self._hang_up()

    async def close(self) -> None:
        """Let go of the connection for words."""
        async with self._guard:
            await self._hang_up()

    async def _listen(self, connection: _Connection) -> None:
        async for one in connection.notifies():
            try:
                if one.channel == self._wakes_channel:
                    self._ears.on_wake(one.payload)
                else:
                    self._ears.on_word(one.payload)
            except Exception as error:
                # A word of another version, or a bug: the next one must still be heard.
                log.exception("a hint was not understood", exc_info=wordless(error))

    async def _tell(self, words: list[str]) -> None:
        if self._telling is None or self._telling.closed:
            self._telling = await self._connect()
        await self._telling.execute(_TELL, (self._words_channel, words))

    async def _hang_up(self) -> None:
        telling, self._telling = self._telling, None
        if telling is not None:
            with contextlib.suppress(psycopg.Error):
                await telling.close()

    async def _connect(self) -> _Connection:
        return await psycopg.AsyncConnection.connect(
            conninfo(self._dsn), autocommit=True, prepare_threshold=None
        )
