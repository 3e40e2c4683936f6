"""The server process: uvicorn that says goodbye before it closes.

It also cuts requests whose head or body does not come and peers that do not read their
answer, and ends within its time whatever hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Generator
from types import FrameType
from typing import Any, Final, NamedTuple, Protocol, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from chatstream.config import Settings
from chatstream.errors import wordless
from chatstream.server.uvicorn_socket import SocketProtocol

HEAD_SECONDS: Final = 10.0
"""How long the head of a request may take, that of an upgrade included."""
BODY_SECONDS: Final = 30.0
"""How long its body may take, from the head on."""
PING_SECONDS: Final = 20.0

_log = logging.getLogger(__name__)


class _HttpConnection(Protocol):
    """What uvicorn's HTTP protocols have in common."""

    cycle: Any
    flow: Any
    timeout_keep_alive_task: asyncio.TimerHandle | None
    transport: asyncio.Transport


class HttpProtocol(H11Protocol):
    """One HTTP connection, by ``h11``, which bounds the head of a request as the faster parser
    does not. A peer that breaks HTTP off, with or without garbage, is no error of ours."""

    def send_400_response(self, msg: str) -> None:
        """Tell the peer, unless it has its answer, or a part of it; who is still at work on one
        is told that nobody reads it."""
        _log.debug("a peer broke HTTP: %s", msg)
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()


class Server(uvicorn.Server):
    """Ends in order: ``goodbye`` (given the seconds it may take), then connections, then the
    application's lifespan; all within ``drain_s`` of the signal, with exit code 0. A second
    signal ends it at once."""

    def __init__(
        self,
        config: uvicorn.Config,
        goodbye: Callable[[float], Awaitable[None]],
        drain_s: float,
        slow_reader_s: float,
    ) -> None:
        super().__init__(config)
        self._goodbye = goodbye
        self._drain_s = drain_s
        self._slow_reader_s = slow_reader_s
        self._owns_process = False
        self._requests: dict[tuple[object, object], float] = {}
        self._stalls: dict[object, _Stall] = {}

    @property
    def bound_ports(self) -> list[int]:
        """The ports it listens on, once it is started."""
        return [one.getsockname()[1] for server in self.servers for one in server.sockets]

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal; the process is then ready to exit."""
        self._owns_process = True
        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            loop = runner.get_loop()
            serving = loop.create_task(self.serve(sockets), name="chatstream-server")
            try:
                run_to_the_end(loop, serving)
            except asyncio.CancelledError:
                _log.error("the server's own task was cancelled; the process ends")
                self._arm_watchdog(1)
                sys.exit(1)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn, but a signal that was obeyed is not raised again: the exit code is 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.signal(one, self.handle_exit) for one in signals}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """The first signal drains, the second ends."""
        if not self.should_exit:
            self.should_exit = True
            self._arm_watchdog()  # here, since an agent may be holding the loop up
            return
        self.force_exit = True
        if self._owns_process:
            os._exit(1)  # what was acknowledged is on disk; nothing else counts

    async def on_tick(self, counter: int) -> bool:
        """Once a second look for requests that do not come, and for peers of event streams
        and the like that do not read."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            self._cut_slow_requests(now)
            self._cut_slow_readers(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, say goodbye, then do as uvicorn does, each with its share of the time."""
        for server in self.servers:
            server.close()
        await self._say_goodbye(0.35 * self._drain_s)
        # uvicorn hands it to wait_for: a fraction is as good as a whole number.
        self.config.timeout_graceful_shutdown = cast("int", 0.2 * self._drain_s)
        try:
            await asyncio.wait_for(super().shutdown(sockets), 0.55 * self._drain_s)
        except TimeoutError:
            _log.error("the application did not end in time")

    def _arm_watchdog(self, exit_code: int = 0) -> None:
        if self._owns_process:
            watchdog = threading.Timer(0.95 * self._drain_s, os._exit, (exit_code,))
            watchdog.daemon = True
            watchdog.start()

    async def _say_goodbye(self, limit_s: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + limit_s
        try:
            await asyncio.wait_for(self._goodbye(0.7 * limit_s), 0.8 * limit_s)
        except Exception as error:  # noqa: BLE001 - the rest of the end must come
            _log.exception("the goodbye failed", exc_info=wordless(error))
        while self._has_sockets() and loop.time() < end:  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(0.01)  # their peers are answering the close frame

    def _has_sockets(self) -> bool:
        return any(isinstance(one, SocketProtocol) for one in self.server_state.connections)

    def _cut_slow_requests(self, now: float) -> None:
        heads = [(one, None) for one in self.server_state.connections if _awaits_head(one)]
        bodies = [(one, _body_of(one)) for one in self.server_state.connections]
        waiting = heads + [(one, body) for one, body in bodies if body is not None]
        self._requests = {key: self._requests.get(key, now) for key in waiting}
        for (one, body), since in self._requests.items():
            if now - since > (HEAD_SECONDS if body is None else BODY_SECONDS):
                cast("_HttpConnection", one).transport.abort()

    def _cut_slow_readers(self, now: float) -> None:
        before, self._stalls = self._stalls, {}
        for one in self.server_state.connections:
            if (
                isinstance(one, SocketProtocol)
                or not cast("_HttpConnection", one).flow.write_paused
            ):
                continue
            transport = cast("_HttpConnection", one).transport
            unsent_bytes = transport.get_write_buffer_size()
            stall = before.get(one)
            if stall is None or unsent_bytes < stall.unsent_bytes:
                stall = _Stall(unsent_bytes, now)
            self._stalls[one] = stall
            if now - stall.since > self._slow_reader_s:
                transport.abort()


def run_to_the_end(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    """Run ``loop`` until ``task`` is done, whoever stops it before.

    A ``SystemExit`` or ``KeyboardInterrupt`` that leaves another task or a callback stops a loop,
    and so does ``loop.stop()``. What was ready to run still is: nobody else need notice that an
    agent did that. Signals end the server by way of ``handle_exit``.

    Raises:
        BaseException: what ``task`` raised.
    """
    while not task.done():
        try:
            loop.run_until_complete(task)
        except BaseException as error:  # noqa: BLE001 - of whatever kind it is
            if not task.done():
                _log.error("the event loop was stopped; it goes on", exc_info=wordless(error))
    task.result()


class _Stall(NamedTuple):
    """A peer that read nothing of ``unsent_bytes`` since then."""

    unsent_bytes: int
    since: float


def _awaits_head(connection: object) -> bool:
    if isinstance(connection, SocketProtocol):
        return False
    http = cast("_HttpConnection", connection)
    idle = http.cycle is None or http.cycle.response_complete
    return idle and http.timeout_keep_alive_task is None


def _body_of(connection: object) -> object | None:
    """The request whose body is awaited: the next one on the connection is another."""
    if isinstance(connection, SocketProtocol):
        return None
    cycle = cast("_HttpConnection", connection).cycle
    if cycle is None or cycle.response_complete or not cycle.more_body:
        return None
    return cast("object", cycle)


class _NoPeersFaults(logging.Filter):
    """Drops what uvicorn logs about each connection: its path may carry what is no log's
    business, and what a peer does wrong is no error of ours."""

    _DROPPED = (
        '%s - "WebSocket %s',
        "Invalid UTF-8",
        "Invalid HTTP request",
        "Unsupported upgrade request",
        "ASGI callable returned without completing handshake",  # so it calls an upgrade refused
    )

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(self._DROPPED)


_no_peers_faults = _NoPeersFaults()


def make_config(app: Any, settings: Settings) -> uvicorn.Config:  # noqa: ANN401 - any ASGI app
    """The settings of uvicorn for ``app``. Logging is the caller's."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=settings.max_frame_bytes,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        timeout_graceful_shutdown=max(1, round(0.2 * settings.drain_s)),
    )
    logging.getLogger("uvicorn.error").addFilter(_no_peers_faults)  # once, however often
    return config
