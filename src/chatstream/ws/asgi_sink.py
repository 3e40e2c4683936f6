"""Messages through the plain ``send`` of any ASGI server: the fallback.

Our own server hands out something better (``server.SocketProtocol``): one write for many
messages, an honest count of what waits, and an abort. Here a task sends one message after the
other, and all that can be done about a peer that does not read is to stop sending.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from litestar.types import Message

PAUSE_BYTES: Final = 64 * 1024
_log = logging.getLogger(__name__)


class AsgiSink:
    """A ``Sink`` over ``send``. Failures mean that the peer is gone: ``receive`` says it too."""

    def __init__(self, send: Callable[[Message], Awaitable[None]]) -> None:
        self._send = send
        self._messages: deque[Message] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._on_writable: Callable[[], None] = lambda: None
        self.buffered_bytes = 0

    @property
    def is_paused(self) -> bool:
        """Whether enough waits to be sent."""
        return self.buffered_bytes > PAUSE_BYTES

    def set_on_writable(self, callback: Callable[[], None]) -> None:
        """Call this when it is not paused any more."""
        self._on_writable = callback

    def write(self, messages: Sequence[bytes]) -> None:
        """Send each as a text message."""
        for message in () if self._closed else messages:
            self.buffered_bytes += len(message)
            self._add({"type": "websocket.send", "bytes": None, "text": message.decode()})

    def close(self, code: int, reason: str, patience_s: float) -> None:
        """Close after what was written; give up after ``patience_s``."""
        self._add({"type": "websocket.close", "code": code, "reason": reason})
        self._closed = True
        if self._task is not None:
            asyncio.get_running_loop().call_later(patience_s, self._task.cancel)

    def abort(self) -> None:
        """Stop sending; there is no way to cut the connection itself."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    def _add(self, message: Message) -> None:
        if self._closed:
            return
        self._messages.append(message)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._messages:
                await self._send_one(self._messages.popleft())
        except Exception:  # noqa: BLE001 - each server has its own error for a peer that is gone
            self._closed = True
            self._messages.clear()
            _log.debug("a peer went away while it was written to")
        finally:
            self._task = None

    async def _send_one(self, message: Message) -> None:
        was_paused = self.is_paused
        await self._send(message)
        if message["type"] == "websocket.send":
            self.buffered_bytes -= len((message["text"] or "").encode())
        if was_paused and not self.is_paused:
            self._on_writable()
