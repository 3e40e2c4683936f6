"""What this node has to tell the others: gathered, and sent together by one task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from chatstream.cluster.bus import Bus, wake_text
from chatstream.cluster.messages import Message, encode
from chatstream.ids import ChatId
from chatstream.live.hub import TICK_S

_MOST_MESSAGES: Final = 1_000
"""So many may wait; what comes on top is dropped, as the bus itself may drop it."""


class BusPublisher:
    """Publishes messages and wake-ups of one node. Belongs to the loop.

    Attributes:
        _messages: wait to be sent, at most ``_MOST_MESSAGES``.
        _heads: the newest position of each chat that the others have not been told of.
        _sending: the task that sends, while there is something to send.
        _tick: the timer of messages that wait for others.
    """

    def __init__(self, bus: Bus, node_id: str) -> None:
        self._bus = bus
        self._node_id = node_id
        self._messages: list[Message] = []
        self._heads: dict[ChatId, int] = {}
        self._sending: asyncio.Task[None] | None = None
        self._tick: asyncio.TimerHandle | None = None

    def publish(self, messages: Sequence[Message]) -> None:
        """Send ``messages`` soon, together with others that wait."""
        self._keep(messages)
        self._send_soon()

    def publish_on_tick(self, messages: Sequence[Message]) -> None:
        """Send ``messages`` within ``TICK_S``. Sending may be a commit of the database, so pieces
        of answers wait for one another."""
        self._keep(messages)
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(TICK_S, self._on_tick)

    def committed(self, chat_id: ChatId, position: int) -> None:
        """Wake the other nodes: a commit took the chat to ``position``."""
        self._heads[chat_id] = position
        self._send_soon()

    async def publish_now(self, message: Message) -> None:
        """Send ``message`` and wait until it is sent or lost."""
        await self._bus.publish([encode(message)])

    async def close(self) -> None:
        """Send what waits, then send no more."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        if self._sending is not None:
            await asyncio.wait([self._sending])

    def _keep(self, messages: Sequence[Message]) -> None:
        if len(self._messages) < _MOST_MESSAGES:
            self._messages += messages

    def _on_tick(self) -> None:
        self._tick = None
        self._send_soon()

    def _send_soon(self) -> None:
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._messages or self._heads:
                heads, self._heads = self._heads, {}
                if heads:
                    await self._bus.wake(wake_text(self._node_id, heads))
                messages, self._messages = self._messages, []
                await self._bus.publish([encode(message) for message in messages])
        finally:
            self._sending = None
