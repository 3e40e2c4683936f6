"""The bus over NATS, where the database drops notifications (a pooler) or has none.

Needs the extra ``chatstream-server[nats]``. Nothing is kept by NATS: a message that nobody hears is
gone, as with NOTIFY.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chatstream.cluster.bus import BusListener
from chatstream.errors import wordless

log = logging.getLogger(__name__)

_AGAIN_S: Final = 0.5
_SUBJECT: Final = "chatstream"


class NatsBus:
    """``Bus`` over the server of ``url``, whose path names the subject: nodes of one database
    share it, and no others. The channels are below it."""

    def __init__(
        self, url: str, wakes_channel: str = "wakes", messages_channel: str = "words"
    ) -> None:
        parts = urlsplit(url)
        subject = parts.path.strip("/") or _SUBJECT
        self._server = f"{parts.scheme}://{parts.netloc}"
        self._wakes, self._messages = f"{subject}.{wakes_channel}", f"{subject}.{messages_channel}"
        self._client: Client | None = None

    async def run(self, listener: BusListener) -> None:
        """Listen until cancelled. A connection that was lost is made anew by the client."""
        client = await self._connect(listener)
        subscribe = client.subscribe  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        await subscribe(self._wakes, cb=_heard(listener.on_wake))
        await subscribe(self._messages, cb=_heard(listener.on_message))
        await client.flush()
        self._client = client
        listener.on_gap()
        await asyncio.Event().wait()

    async def wake(self, text: str) -> None:
        """Tell of commits."""
        await self._publish(self._wakes, [text])

    async def publish(self, messages: Sequence[str]) -> None:
        """Send ``messages``; lost where there is no connection."""
        await self._publish(self._messages, messages)

    async def close(self) -> None:
        """Send what waits and close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _publish(self, subject: str, texts: Sequence[str]) -> None:
        if self._client is None:
            return
        try:
            for text in texts:
                await self._client.publish(subject, text.encode())
        except NatsError as error:
            log.warning("dropped messages to other nodes: %s", type(error).__name__)

    async def _connect(self, listener: BusListener) -> Client:
        async def reconnected() -> None:
            listener.on_gap()

        async def failed(error: Exception) -> None:
            log.warning("NATS: %s", type(error).__name__)

        while True:
            try:
                return await nats.connect(  # pyright: ignore[reportUnknownMemberType]
                    self._server,
                    error_cb=failed,
                    reconnected_cb=reconnected,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    ping_interval=10,
                )
            except (OSError, NatsError) as error:
                log.warning("NATS cannot be reached: %s", type(error).__name__)
            await asyncio.sleep(_AGAIN_S)


def _heard(take: Callable[[str], None]) -> Callable[[Msg], Awaitable[None]]:
    async def heard(message: Msg) -> None:
        try:
            take(message.data.decode(errors="replace"))  # anybody may have said it
        except Exception as error:
            # A message of another version, or a bug: the next one must still be heard.
            log.exception("a message between nodes was not understood", exc_info=wordless(error))

    return heard
