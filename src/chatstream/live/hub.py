"""All feeds of this node, and the common tick on which answers in progress are shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from chatstream.errors import wordless
from chatstream.ids import ChatId
from chatstream.live.feed import Feed, Log

log = logging.getLogger(__name__)

TICK_S = 0.03
"""One timer for all answers: a piece costs 4.4 us of CPU with it and 24 us without."""
SHORTEST_TICK_S = 0.005
"""While few answers grow, who waits gains nothing; but an agent may yield without a pause."""
TICK_FOR_EACH_S = 0.00015
"""So long for each answer that the last tick showed, and ticks get as short as they may below
6,700 pieces a second, and as long above."""


def tick_s(shown: int) -> float:
    """From one tick to the next, when ``shown`` answers grew at the last one."""
    return min(TICK_S, max(SHORTEST_TICK_S, shown * TICK_FOR_EACH_S))


class Hub:
    """The feeds of the chats that somebody follows or that a turn runs in."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._feeds: dict[ChatId, Feed] = {}
        self._on_tick: list[Callable[[], None]] = []
        self._tick: asyncio.TimerHandle | None = None
        self._shown = 0
        self._ticked_at = 0.0

    def feed(self, chat_id: ChatId, tip: int = 0) -> Feed:
        """The chat's feed; ``tip`` is a position known to be committed."""
        feed = self._feeds.get(chat_id)
        if feed is None:
            feed = self._feeds[chat_id] = Feed(chat_id, tip, self._log)
        feed.tip = max(feed.tip, tip)
        return feed

    def get(self, chat_id: ChatId) -> Feed | None:
        """The chat's feed if there is one."""
        return self._feeds.get(chat_id)

    def followed(self) -> list[ChatId]:
        """The chats that somebody follows."""
        return [chat_id for chat_id, feed in self._feeds.items() if feed.is_followed]

    def moved_to(self, chat_id: ChatId, tip: int) -> None:
        """Wake the chat's readers: its log is known to reach ``tip``."""
        feed = self._feeds.get(chat_id)
        if feed is not None:
            feed.moved_to(tip)

    def forget(self, chat_id: ChatId) -> None:
        """Drop the frames held of a chat whose log is in doubt or was rewritten."""
        feed = self._feeds.get(chat_id)
        if feed is not None:
            feed.forget()

    def on_next_tick(self, show: Callable[[], None]) -> None:
        """Call ``show`` on the next tick, once: pieces cost nobody anything until then. The first
        one after a pause need not wait."""
        self._on_tick.append(show)
        if self._tick is None:
            due = self._ticked_at + tick_s(self._shown)
            self._tick = asyncio.get_running_loop().call_at(due, self._tell)

    def sweep(self) -> None:
        """Let go of the feeds of quiet chats that nobody follows."""
        quiet = [
            chat_id
            for chat_id, feed in self._feeds.items()
            if not feed.is_followed and not feed.turn_running
        ]
        for chat_id in quiet:
            del self._feeds[chat_id]

    def _tell(self) -> None:
        self._tick = None
        showing, self._on_tick = self._on_tick, []
        self._shown, self._ticked_at = len(showing), asyncio.get_running_loop().time()
        for show in showing:
            try:
                show()
            except Exception as error:
                # One answer's trouble: the others of this tick must be shown all the same.
                log.exception("an answer cannot be shown", exc_info=wordless(error))
