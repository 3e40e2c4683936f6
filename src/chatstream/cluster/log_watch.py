"""Tells how far the chats of the log reach: by hints at once, by a look at the log once a second.

A hint that is lost costs time and nothing else. The look may go by ``id > last``, because the
ids of the log become visible in their order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from chatstream.cluster.bus import READ_THE_LOG
from chatstream.errors import Refused, wordless
from chatstream.eventstore.store import Fetch
from chatstream.ids import ChatId

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
_NEWEST: Final = "SELECT coalesce(max(notification_id), 0) FROM stored_events"
_SINCE: Final = """SELECT originator_id, max(originator_version), max(notification_id)
    FROM stored_events WHERE notification_id > ? GROUP BY originator_id"""

Heard = Callable[[ChatId, int], None]
"""Called with a chat and the position that its log is said to reach."""


class LogWatch:
    """Tells ``heard`` how far the chats reach: by hints at once, by the log once a second."""

    def __init__(self, node_id: str, fetch: Fetch, heard: Heard) -> None:
        self._node_id = node_id
        self._fetch = fetch
        self._heard = heard
        self._last: int | None = None
        self._is_called = asyncio.Event()

    def on_wake(self, text: str) -> None:
        """Take ``node chat:version chat:version ..`` or ``node *``."""
        node_id, *chats = text.split(" ")
        if node_id == self._node_id:
            return
        for chat in chats:
            if chat == READ_THE_LOG:
                self.look_soon()
            else:
                chat_id, _, version = chat.partition(":")
                self._tell(ChatId(chat_id), int(version))

    def look_soon(self) -> None:
        """Look at the log at once: a hint may have been lost."""
        self._is_called.set()

    async def run(self) -> None:
        """Look until cancelled; an outage of the storage, or a fault, only delays."""
        while True:
            self._is_called.clear()
            try:
                await self._look()
            except Refused as refusal:
                log.warning("the log cannot be watched: %s", refusal.code)
            except Exception as error:
                # Nobody would look any more until the next start.
                log.exception("the log was not watched", exc_info=wordless(error))
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._is_called.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        if self._last is None:
            ((newest,),) = await self._fetch(_NEWEST, ())
            self._last = int(str(newest))
            return
        for chat_id, version, log_id in await self._fetch(_SINCE, (self._last,)):
            self._last = max(self._last, int(str(log_id)))
            self._tell(ChatId(str(chat_id)), int(str(version)))

    def _tell(self, chat_id: ChatId, version: int) -> None:
        try:
            self._heard(chat_id, version)
        except Exception as error:
            # What one chat's readers make of it must not keep the others from hearing.
            told = {"user_chat_id": chat_id}
            log.exception("a chat was not told of", exc_info=wordless(error), extra=told)
