"""uvicorn's WebSocket protocol as a ``Sink``, with bounds on what a peer may make it do.

Many messages in one write, an honest count of what waits, and an abort: a transport with
unsent bytes never closes by itself, so a peer that does not read would pin it for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

from chatstream.ws.listener import SINK_EXTENSION

CONTROL_FRAMES_AT_MOST: Final = 500
"""Pings and pongs of one peer in 10 s: each costs an answer. Browsers send none unasked."""
CONTROL_SECONDS: Final = 10.0
UNSENT_BYTES: Final = 128 * 1024
"""What the kernel may hold of a socket beyond what is in flight: more, and a peer that does
not read is noticed megabytes late."""
CLOSE_SECONDS: Final = 5.0
"""How long a peer may take to go once either side said so."""
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

_silent = logging.getLogger("chatstream.silent")
_silent.setLevel(logging.CRITICAL + 1)


class SocketProtocol(WebSocketsSansIOProtocol):
    """One socket. uvicorn makes it; the application finds it in its scope's extensions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's business
        super().__init__(*args, **kwargs)
        # At the debug level this library would log every frame with its content.
        self.conn.logger, self.conn.debug = _silent, False
        self.close_timeout = CLOSE_SECONDS
        self._on_writable: Callable[[], None] = lambda: None
        self._control_frames = 0
        self._control_since = 0.0
        self._cut: asyncio.TimerHandle | None = None

    # -- as a sink ---------------------------------------------------------------------------

    @property
    def is_paused(self) -> bool:
        """Whether the transport holds more than its high water mark."""
        return not self.writable.is_set()

    @property
    def buffered_bytes(self) -> int:
        """What the transport holds."""
        return 0 if self.transport.is_closing() else self.transport.get_write_buffer_size()

    def set_on_writable(self, callback: Callable[[], None]) -> None:
        """Call this when it is not paused any more."""
        self._on_writable = callback

    def write(self, messages: Sequence[bytes]) -> None:
        """Send each as a text message, all in one write."""
        if self._is_open:
            self.transport.write(_framed(messages))

    def close(self, code: int, reason: str, patience_s: float) -> None:
        """Close; cut the connection if the peer does not answer within ``patience_s``."""
        if not self._is_open:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:  # the peer's answer must be seen
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(patience_s, self.transport.abort)

    def abort(self) -> None:
        """Cut the connection."""
        self.transport.abort()

    @property
    def _is_open(self) -> bool:
        return (
            self.conn.state is State.OPEN
            and not self.close_sent
            and not self.transport.is_closing()
        )

    # -- what uvicorn does otherwise ---------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the kernel holds."""
        super().connection_made(transport)
        _bound_unsent(transport)

    def data_received(self, data: bytes) -> None:
        """Answer a head that is too long for the library, or no head to it: it makes an answer
        that uvicorn does not look for, and the connection would stand for ever."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.handshake_initiated = self.handshake_complete = self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """A doubled ``Origin`` is a forbidden one: to the library it is a bad request."""
        if len(event.headers.get_all("Origin")) > 1:
            self.handshake_initiated = self.handshake_complete = self.close_sent = True
            self.conn.send_response(self.conn.reject(HTTPStatus.FORBIDDEN, "two origins\n"))
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
        else:
            super().handle_connect(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer that waited for this."""
        super().connection_lost(exc)
        if self._cut is not None:
            self._cut.cancel()

    async def run_asgi(self) -> None:
        """Offer the application this protocol itself."""
        scope = cast("dict[str, dict[str, object]]", self.scope)
        scope["extensions"][SINK_EXTENSION] = self
        await super().run_asgi()

    def resume_writing(self) -> None:
        """Tell the writer too."""
        super().resume_writing()
        self._on_writable()

    def handle_ping(self) -> None:
        """Answer, unless the peer does not read or asks for too much."""
        pongs = b"".join(self.conn.data_to_send())
        if not self._is_flood() and self.writable.is_set():
            self.transport.write(pongs)

    def handle_pong(self, event: Frame) -> None:
        """Count those that nobody asked for, too."""
        if not self._is_flood():
            super().handle_pong(event)

    def handle_close(self, event: Frame) -> None:
        """Do not wait for a peer that says goodbye and reads no more."""
        super().handle_close(event)
        self._cut_later()

    def handle_parser_exception(self) -> None:
        """Nor for one that breaks the protocol."""
        super().handle_parser_exception()
        self._cut_later()

    def keepalive_timeout(self) -> None:
        """Nor for one that answers no ping: a transport with unsent bytes never closes."""
        super().keepalive_timeout()
        self._cut_later()

    def shutdown(self) -> None:
        """Nor for anybody, at the end."""
        super().shutdown()
        self._cut_later()

    def _cut_later(self) -> None:
        if self._cut is None:
            self._cut = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def _is_flood(self) -> bool:
        now = self.loop.time()
        if now - self._control_since > CONTROL_SECONDS:
            self._control_since, self._control_frames = now, 0
        self._control_frames += 1
        if self._control_frames <= CONTROL_FRAMES_AT_MOST:
            return False
        self.close(4429, "too many control frames", 1.0)
        return True


def _framed(messages: Sequence[bytes]) -> bytes:
    """Unmasked, unfragmented text frames (RFC 6455, 5.2)."""
    if len(messages) == 1:  # mostly: what is ready travels as one
        return _head(len(messages[0])) + messages[0]
    return b"".join([part for message in messages for part in (_head(len(message)), message)])


def _head(size: int) -> bytes:
    if size < 126:
        return bytes((0x81, size))
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size)
    return struct.pack("!BBQ", 0x81, 127, size)


def _bound_unsent(transport: asyncio.BaseTransport) -> None:
    if not hasattr(socket, "TCP_NOTSENT_LOWAT"):
        return
    connection = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):  # a UNIX socket has none
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
