"""Keeps one socket to the server up, for as long as the client lives.

``idle → connecting → catching_up → live``, and after a loss ``waiting`` and again, for ever;
``closed`` only where another try cannot help. What is said over the socket belongs to the
followed chats (``Roster``); here is only when.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

import msgspec

from chatstream.client.backoff import STABLE_SECONDS, Backoff
from chatstream.client.errors import ClientClosed
from chatstream.client.frames import (
    PROTOCOL,
    Ack,
    Auth,
    Drain,
    Frame,
    Heartbeat,
    Hello,
    Rejected,
    Welcome,
    decode,
    encode,
)
from chatstream.client.roster import Roster
from chatstream.client.states import (
    TOO_LARGE,
    CatchingUp,
    Closed,
    Connecting,
    Idle,
    Live,
    State,
    Waiting,
    remedy,
)
from chatstream.client.transport import Connect, Transport, TransportLost
from chatstream.client.waiters import Bell
from chatstream.timestamps import to_ms

CONNECT_SECONDS: Final = 10.0
WELCOME_SECONDS: Final = 15.0
"""The server itself waits 5 s for the ``hello``."""
CROWDED_SECONDS: Final = 60.0
"""After 4429, too many commands."""
TOKEN_MARGIN: Final = 0.1
"""A token is replaced when this part of its life is left."""

GetToken: TypeAlias = Callable[[], Awaitable[str]]
_log = logging.getLogger("chatstream.client")


class Connection:
    """The socket and its life. ``run`` is its one task.

    Args:
        url: of the server's WebSocket.
        roster: the chats that go over it.
        connect: opens a connection to ``url``.
        token: the identity to begin with; None: what ``get_token`` gives, or a new visitor.
        get_token: gives a fresh token when one is needed or about to expire.
        random: a number in [0, 1), for the back-off.
    """

    def __init__(
        self,
        url: str,
        roster: Roster,
        *,
        connect: Connect,
        token: str | None,
        get_token: GetToken | None,
        random: Callable[[], float],
    ) -> None:
        self.state: State = Idle()
        self.bell = Bell()
        self.token = token
        self.welcome: Welcome | None = None
        self._url = url
        self._roster = roster
        self._connect = connect
        self._get_token = get_token
        self._backoff = Backoff(random)
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._welcomed = asyncio.Event()
        self._live_since: float | None = None
        self._drain_seconds: float | None = None
        self._token_was_fresh = False

    def wake(self) -> None:
        """Something may be due to be sent."""
        self._wake.set()

    def retry_now(self) -> None:
        """Wait no longer for the next try."""
        self._hurry.set()
        self._wake.set()

    def close(self, reason: str) -> None:
        """Everyone who waits hears that nothing more will come. The first reason counts."""
        if not isinstance(self.state, Closed):
            self._enter(Closed(reason))
            self._roster.end(ClientClosed(reason))

    async def run(self) -> None:
        """Connect, talk, and after each loss do what helps, until nothing does."""
        try:
            while not isinstance(self.state, Closed):
                lost = await self._one_connection()
                _log.debug("%s", lost)
                self._disconnected(lost)
                # A loss that comes together with the end hides the cancellation (TaskGroup).
                if not isinstance(self.state, Closed):
                    await self._recover(lost)
        except BaseException:
            self.close("failed")
            raise

    # ----------------------------------------------------------------------- one connection

    async def _one_connection(self) -> TransportLost:
        self._enter(Connecting())
        try:
            async with self._transport() as transport:
                return await self._talk(transport)
        except TransportLost as lost:
            return lost

    @asynccontextmanager
    async def _transport(self) -> AsyncGenerator[Transport]:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if self.token is None and self._get_token is not None:
                    self.token = await _fresh(self._get_token)
                transport = await self._connect(self._url)
        except TimeoutError as late:
            raise TransportLost(None, "connecting took too long") from late
        try:
            yield transport
        finally:
            await transport.close()

    async def _talk(self, transport: Transport) -> TransportLost:
        lost: TransportLost | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(transport))
                tasks.create_task(self._write(transport))
                tasks.create_task(self._keep_token(transport))
        except* TransportLost as group:
            lost = _first(group)
        assert lost is not None, "reading ends by a loss only"
        return lost

    async def _read(self, transport: Transport) -> None:
        while True:
            message = await self._receive(transport)
            try:
                for frame in decode(message):
                    self._dispatch(frame)
            except msgspec.DecodeError as garbled:
                raise TransportLost(None, f"the server sent garbage: {garbled}") from garbled
            self._settle()

    async def _receive(self, transport: Transport) -> str | bytes:
        try:
            async with asyncio.timeout(self._silence_seconds()):
                return await transport.receive()
        except TimeoutError as silent:
            raise TransportLost(None, "the server fell silent") from silent

    def _silence_seconds(self) -> float:
        if self.welcome is None or not self._welcomed.is_set():
            return WELCOME_SECONDS
        return 2 * self.welcome.heartbeat_seconds + 5

    async def _write(self, transport: Transport) -> None:
        hello = Hello(protocol=PROTOCOL, token=self.token, batch=True)
        await transport.send(encode(hello))
        await self._welcomed.wait()
        assert self.welcome is not None
        while True:
            self._wake.clear()
            for message in self._roster.outgoing(_now(), self.welcome.limits.max_frame_bytes):
                await transport.send(message)
            await _wait_for(self._wake, self._roster.due_at())

    # -------------------------------------------------------------------------- what comes in

    def _dispatch(self, frame: Frame) -> None:
        match frame:
            case Welcome():
                self._take_welcome(frame)
            case Ack():
                self._roster.acked(frame, _now())
            case Rejected():
                self._roster.rejected(frame, _now())
            case Drain():
                self._drain_seconds = frame.retry_after_ms / 1000
            case Heartbeat():
                pass
            case _:
                self._roster.receive(frame)

    def _take_welcome(self, welcome: Welcome) -> None:
        self.welcome = welcome
        # A visitor's token is the visitor: without it the chats would be lost.
        self.token = welcome.token or self.token
        if not self._welcomed.is_set():
            self._welcomed.set()
            self._enter(CatchingUp())

    def _settle(self) -> None:
        """After each message: perhaps all has been read, and something can be sent."""
        if isinstance(self.state, CatchingUp) and self._roster.caught_up:
            self._live_since = _now()
            self._enter(Live())
        self._wake.set()
        self.bell.ring()

    # ---------------------------------------------------------------------------- after a loss

    def _disconnected(self, lost: TransportLost) -> None:
        if lost.code == TOO_LARGE:
            self._roster.give_up_largest()
        if self._live_since is not None and _now() - self._live_since >= STABLE_SECONDS:
            self._backoff.reset()
            self._token_was_fresh = False
        self._live_since = None
        self._welcomed.clear()
        self._roster.disconnected()

    async def _recover(self, lost: TransportLost) -> None:
        drain_seconds, self._drain_seconds = self._drain_seconds, None
        match remedy(lost.code):
            case "none":
                self.close("protocol")
            case "fresh_token":
                self._ask_for_token()
            case "when_needed":
                await self._until_needed()
            case "crowded":
                await self._wait(CROWDED_SECONDS)
            case "drained" if drain_seconds is not None:
                await self._wait(drain_seconds)
            case "drained" | "back_off":
                await self._wait(self._backoff.next_delay())

    async def _wait(self, seconds: float) -> None:
        retry_at = _now() + seconds
        self._hurry.clear()
        self._enter(Waiting(retry_at, self._backoff.attempt))
        await _wait_for(self._hurry, retry_at)

    async def _until_needed(self) -> None:
        """The server let an idle client go: come back when there is something to say."""
        self._hurry.clear()
        self._enter(Idle())
        while not self._hurry.is_set() and not self._roster.has_commands:
            self._wake.clear()
            await self._wake.wait()

    # --------------------------------------------------------------------------------- identity

    def _ask_for_token(self) -> None:
        """One fresh token is tried; a second refusal is the answer."""
        if self._get_token is None or self._token_was_fresh:
            self.close("unauthenticated")
        self._token_was_fresh = True
        self.token = None

    async def _keep_token(self, transport: Transport) -> None:
        """Replace the token before it expires, where someone gives fresh ones."""
        await self._welcomed.wait()
        while self._get_token is not None and (seconds := self._token_seconds()) is not None:
            await asyncio.sleep(seconds * (1 - TOKEN_MARGIN))
            welcome, self.token = self.welcome, await _fresh(self._get_token)
            await transport.send(encode(Auth(token=self.token)))
            # If this one is refused, the server closes with 4401 when the old one expires.
            while self.welcome is welcome:
                await self.bell.rung()

    def _token_seconds(self) -> float | None:
        """How long the token is good for, by the server's clock."""
        assert self.welcome is not None
        if self.welcome.token_expires_at is None:
            return None
        return (to_ms(self.welcome.token_expires_at) - to_ms(self.welcome.server_time)) / 1000

    def _enter(self, state: State) -> None:
        if not isinstance(self.state, Closed):
            self.state = state
            self.bell.ring()


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _wait_for(event: asyncio.Event, moment: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout_at(moment):
            await event.wait()


async def _fresh(get_token: GetToken) -> str:
    try:
        return await get_token()
    except Exception as failure:
        # Whoever gives tokens may be down as well: tried again like a connection.
        _log.warning("no token could be had", exc_info=True)
        raise TransportLost(None, "no token could be had") from failure


def _first(group: BaseExceptionGroup[TransportLost]) -> TransportLost:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
