"""The socket under the client: what it needs of one, and the real one.

Tests and fault drivers hand in their own ``Connect``; everything above speaks to ``Transport``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

CLOSE_SECONDS: Final = 1.0
"""A peer that does not answer the close keeps nobody waiting."""
MESSAGE_BYTES: Final = 64 * 2**20
"""No honest frame is larger: content is bounded by the server, this guards the memory."""


class TransportLost(Exception):
    """The connection is gone or did not come up; ``code`` is the peer's close code, if any."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"connection lost ({code}): {reason}")


class Transport(Protocol):
    """One connection. Every method may raise ``TransportLost``, except ``close``."""

    async def send(self, message: str) -> None: ...

    async def receive(self) -> str | bytes: ...

    async def close(self) -> None: ...


Connect: TypeAlias = Callable[[str], Awaitable[Transport]]
"""Opens a connection to a URL, or raises ``TransportLost``."""


class WebSocketTransport:
    """A connection of the ``websockets`` library."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: str) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed as closed:
            raise _lost(closed) from closed

    async def receive(self) -> bytes:
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            raise _lost(closed) from closed

    async def close(self) -> None:
        await self._connection.close()

    def abort(self) -> None:
        """Cut the connection without a goodbye, as a broken network does."""
        self._connection.transport.abort()


async def connect_websocket(url: str) -> WebSocketTransport:
    """Connect to ``url`` (``ws://`` or ``wss://``).

    Raises:
        TransportLost: there is no server, or it refused the upgrade.
    """
    try:
        connection = await connect(
            url,
            compression=None,
            # The protocol's own heartbeat tells whether the server is alive.
            ping_interval=None,
            close_timeout=CLOSE_SECONDS,
            max_size=MESSAGE_BYTES,
        )
    except (OSError, WebSocketException) as failure:
        raise TransportLost(None, str(failure) or type(failure).__name__) from failure
    return WebSocketTransport(connection)


def _lost(closed: ConnectionClosed) -> TransportLost:
    if closed.rcvd is None:
        return TransportLost(None, "cut")
    return TransportLost(closed.rcvd.code, closed.rcvd.reason)
