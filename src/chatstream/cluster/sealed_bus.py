"""The bus as nodes use it: what goes out is sealed, what comes in is opened, and anything else
that somebody says there is passed over."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from chatstream.cluster.bus import Bus, BusListener, IgnoredMessages, MakeBus
from chatstream.security.sealing import SENDER_BYTES, Opener, Sealer, UnreadableError, channel_of


class SealedBus:
    """``Bus`` over one that strangers can hear and write to.

    Closed until ``open``, which gives it the secret that the nodes share; what is published
    before is dropped, as nobody can hear it yet.

    Attributes:
        ignored: counts what was heard and did not come from a node.
        _channels: the carrier with both sealers; None until ``open``.
    """

    def __init__(self, make: MakeBus, now_ms: Callable[[], int]) -> None:
        self.ignored = IgnoredMessages()
        self._make = make
        self._now_ms = now_ms
        self._channels: _Channels | None = None

    def open(self, secret: str) -> None:
        """Derive keys and channels from ``secret``."""
        self._channels = _Channels(self._make, secret, self._now_ms)

    async def run(self, listener: BusListener) -> None:
        """Listen until cancelled, once it is open."""
        assert self._channels is not None, "open"
        opener = _OpeningListener(listener, self._channels, self.ignored)
        await self._channels.carrier.run(opener)

    async def wake(self, text: str) -> None:
        """Tell the other nodes of commits."""
        if self._channels is not None:
            await self._channels.carrier.wake(self._channels.wake_sealer.seal(text))

    async def publish(self, messages: Sequence[str]) -> None:
        """Send ``messages`` to the other nodes."""
        if self._channels is not None:
            seal = self._channels.message_sealer.seal
            await self._channels.carrier.publish([seal(message) for message in messages])

    async def close(self) -> None:
        """Let go of every connection."""
        if self._channels is not None:
            await self._channels.carrier.close()


class _Channels:
    """The carrier on the channels of a secret, and what seals and opens there."""

    def __init__(self, make: MakeBus, secret: str, now_ms: Callable[[], int]) -> None:
        wakes, messages = channel_of(secret, "wakes"), channel_of(secret, "words")
        self.carrier: Bus = make(wakes.name, messages.name)
        self.wake_sealer = Sealer(wakes, os.urandom(SENDER_BYTES), now_ms)
        self.message_sealer = Sealer(messages, os.urandom(SENDER_BYTES), now_ms)
        self.wake_opener = Opener(wakes, now_ms)
        self.message_opener = Opener(messages, now_ms)


class _OpeningListener:
    """Passes on what a node has sealed, and counts the rest (``BusListener``)."""

    def __init__(
        self, listener: BusListener, channels: _Channels, ignored: IgnoredMessages
    ) -> None:
        self._listener = listener
        self._channels = channels
        self._ignored = ignored

    def on_wake(self, text: str) -> None:
        opened = self._opened(self._channels.wake_opener, text)
        if opened is not None:
            self._listener.on_wake(opened)

    def on_message(self, text: str) -> None:
        opened = self._opened(self._channels.message_opener, text)
        if opened is not None:
            self._listener.on_message(opened)

    def on_gap(self) -> None:
        self._listener.on_gap()

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
