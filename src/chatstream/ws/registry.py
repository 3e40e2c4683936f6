"""The live sockets of this process: for lists, gauges, and the goodbye at the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Collection, Iterator
from typing import Any, Final, Protocol

from chatstream.ids import ChatId, SocketId

_FIRST_RETRY_MS: Final = 250
_LAST_RETRY_MS: Final = 2500
"""Reconnects are spread over this time, so that they do not come as one storm."""


class LiveSocket(Protocol):
    """An open connection whose caller is known, as others see it."""

    @property
    def socket_connection_id(self) -> SocketId: ...
    @property
    def user_id(self) -> str: ...
    @property
    def connected_at_ms(self) -> int: ...
    @property
    def user_chat_ids(self) -> list[ChatId]: ...
    @property
    def lag_events(self) -> int: ...


class _Closable(LiveSocket, Protocol):
    @property
    def unanswered(self) -> Collection[asyncio.Future[Any]]: ...
    def say_drain(self, retry_after_ms: int) -> None: ...
    def close(self, code: int, reason: str) -> None: ...
    def abort(self) -> None: ...


class ConnectionRegistry:
    """Every socket is in here from its upgrade to its end."""

    def __init__(self) -> None:
        self._connections: dict[SocketId, _Closable] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.draining = False
        """Whether the goodbye was said; who comes later hears it at once."""

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[LiveSocket]:
        """Those whose caller is known."""
        return (one for one in list(self._connections.values()) if one.user_id)

    def of_user(self, user_id: str) -> list[LiveSocket]:
        """The sockets of one user."""
        return [one for one in self if one.user_id == user_id]

    def lags(self) -> Iterator[int]:
        """How many stored events each socket has still to be sent."""
        return (one.lag_events for one in self)

    def add(self, connection: _Closable) -> None:
        """A socket has come."""
        self._connections[connection.socket_connection_id] = connection
        self._empty.clear()
        if self.draining:
            _say_drain(connection)
            connection.close(1012, "the server is going away")

    def remove(self, connection: _Closable) -> None:
        """A socket has gone."""
        self._connections.pop(connection.socket_connection_id, None)
        if not self._connections:
            self._empty.set()

    async def drain(self, limit_s: float) -> None:
        """Say goodbye to every socket and see it go; cut those that stay, within ``limit_s``."""
        self.draining = True
        loop = asyncio.get_running_loop()
        end = loop.time() + limit_s
        for connection in self._all():
            _say_drain(connection)
        await self._answer_what_was_asked(limit_s / 4)
        for connection in self._all():
            connection.close(1012, "the server is going away")
        await self._wait_until_empty(end - loop.time())
        for connection in self._all():
            connection.abort()

    def _all(self) -> list[_Closable]:
        return list(self._connections.values())

    async def _answer_what_was_asked(self, limit_s: float) -> None:
        unanswered = {one for connection in self._all() for one in connection.unanswered}
        if unanswered:
            await asyncio.wait(unanswered, timeout=limit_s)

    async def _wait_until_empty(self, limit_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), max(limit_s, 0))


def _say_drain(connection: _Closable) -> None:
    connection.say_drain(random.randint(_FIRST_RETRY_MS, _LAST_RETRY_MS))  # noqa: S311 - spread
