"""How nodes on one database hear of one another: hints, never the truth.

A hint that is lost costs time and nothing else: once a second each node looks at the log. It
may do so by ``id > last``, because the ids of the log become visible in their order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from chatstream.errors import Refused
from chatstream.eventstore.store import Fetch
from chatstream.ids import ChatId

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
READ_THE_LOG: Final = "*"
_NEWEST: Final = "SELECT coalesce(max(notification_id), 0) FROM stored_events"
_SINCE: Final = """SELECT originator_id, max(originator_version), max(notification_id)
    FROM stored_events WHERE notification_id > ? GROUP BY originator_id"""

Heard = Callable[[ChatId, int], None]


class Bus(Protocol):
    """Carries short texts between the nodes: ``wakes`` say which chats have grown, ``words`` are
    anything else. Either may be lost."""

    async def run(self) -> None:
        """Listen until cancelled; a connection that was lost is made anew."""
        ...

    async def wake(self, text: str) -> None:
        """Let the other nodes hear of commits, where these do not tell of themselves. Raises
        nothing."""
        ...

    async def tell(self, words: Sequence[str]) -> None:
        """Let the other nodes hear ``words``, each below 8,000 bytes. Raises nothing."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class Ears(Protocol):
    """Who listens to a bus."""

    def on_wake(self, text: str) -> None:
        """A commit was made somewhere."""
        ...

    def on_word(self, text: str) -> None:
        """Somebody said something, ourselves included (``words``)."""
        ...

    def on_silence(self) -> None:
        """Something may have been missed."""
        ...


MakeBus = Callable[[Ears, str, str], Bus]
"""Makes the bus that carries the texts, given who hears it and the names of two channels: that of
the wake-ups and that of the words."""


class IgnoredMessages:
    """Counts what was heard on the bus and is none of the nodes', and tells of each kind once."""

    def __init__(self) -> None:
        self.count = 0
        self._told: set[str] = set()

    def note(self, reason: str) -> None:
        """Count one that was ignored for ``reason``."""
        self.count += 1
        if reason not in self._told:
            self._told.add(reason)
            log.warning(
                "a message between nodes was ignored (%s): others can write to the bus, or a node"
                " has another version, another secret or another time",
                reason,
            )


class NoBus:
    """The ``Bus`` of a node that has not started: nobody hears it."""

    async def run(self) -> None:
        """End at once."""

    async def wake(self, text: str) -> None:
        """Tell nobody."""

    async def tell(self, words: Sequence[str]) -> None:
        """Tell nobody."""

    async def close(self) -> None:
        """Have nothing to let go of."""


def wake_text(node_id: str, heads: Mapping[ChatId, int]) -> str:
    """What ``LogWatch.on_wake`` takes."""
    return " ".join([node_id, *(f"{chat_id}:{head}" for chat_id, head in heads.items())])


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
                self._heard(ChatId(chat_id), int(version))

    def look_soon(self) -> None:
        """Look at the log at once: a hint may have been lost."""
        self._is_called.set()

    async def run(self) -> None:
        """Look until cancelled; an outage of the storage only delays."""
        while True:
            self._is_called.clear()
            try:
                await self._look()
            except Refused as refusal:
                log.warning("the log cannot be watched: %s", refusal.code)
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
            self._heard(ChatId(str(chat_id)), int(str(version)))
