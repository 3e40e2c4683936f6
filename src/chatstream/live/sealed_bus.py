"""The bus as nodes use it: what goes out is sealed, what comes in is opened, and anything else that
somebody says there is passed over."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from chatstream.cluster.bus import Ears, IgnoredMessages, MakeBus
from chatstream.security.sealing import SENDER_BYTES, Opener, Sealer, UnreadableError, channel_of


class SealedBus:
    """``Bus`` over one that strangers can hear and write to, for nodes that share ``secret``."""

    def __init__(
        self,
        make: MakeBus,
        ears: Ears,
        secret: str,
        now_ms: Callable[[], int],
        ignored: IgnoredMessages,
    ) -> None:
        wakes, words = channel_of(secret, "wakes"), channel_of(secret, "words")
        self._carrier = make(self, wakes.name, words.name)
        self._ears = ears
        self._ignored = ignored
        self._wake_sealer = Sealer(wakes, os.urandom(SENDER_BYTES), now_ms)
        self._word_sealer = Sealer(words, os.urandom(SENDER_BYTES), now_ms)
        self._wake_opener = Opener(wakes, now_ms)
        self._word_opener = Opener(words, now_ms)

    async def run(self) -> None:
        """Listen until cancelled."""
        await self._carrier.run()

    async def wake(self, text: str) -> None:
        """Let the other nodes hear of commits."""
        await self._carrier.wake(self._wake_sealer.seal(text))

    async def tell(self, words: Sequence[str]) -> None:
        """Let the other nodes hear ``words``."""
        await self._carrier.tell([self._word_sealer.seal(word) for word in words])

    async def close(self) -> None:
        """Let go of everything."""
        await self._carrier.close()

    # -- what is heard (``wakeup.Ears``) --------------------------------------------------

    def on_wake(self, text: str) -> None:
        """Pass on what a node said of its commits."""
        opened = self._opened(self._wake_opener, text)
        if opened is not None:
            self._ears.on_wake(opened)

    def on_word(self, text: str) -> None:
        """Pass on what a node said."""
        opened = self._opened(self._word_opener, text)
        if opened is not None:
            self._ears.on_word(opened)

    def on_silence(self) -> None:
        """Pass on that something may have been missed."""
        self._ears.on_silence()

    def _opened(self, opener: Opener, text: str) -> str | None:
        try:
            return opener.open(text)
        except UnreadableError as unreadable:
            self._ignored.note(unreadable.reason)
            return None


class SealedWakeUps:
    """The wake-ups that the engine sends within its commits, for nodes that share ``secret``
    (``eventstore.store.Announcer``). Used by the writer's thread alone."""

    def __init__(self, secret: str, now_ms: Callable[[], int]) -> None:
        wakes = channel_of(secret, "wakes")
        self.channel = wakes.name
        self._sealer = Sealer(wakes, os.urandom(SENDER_BYTES), now_ms)

    def seal(self, text: str) -> str:
        """Return ``text`` as only the other nodes can read it."""
        return self._sealer.seal(text)
