"""What a request is asked before anything else: which host it is meant for, from which page it
comes. Whoever is refused for a setting is told to the operator, with the setting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, cast

from chatstream.config.origins import normal_origin
from chatstream.errors import Refused
from chatstream.security.hosts import host_allowed, host_of
from chatstream.security.origin import request_allowed

_log = logging.getLogger(__name__)

SAME_AGAIN_S: Final = 3600.0
"""How long nothing more is said of a host or origin that was told."""
LINES_AT_ONCE: Final = 10
"""Lines that may come in a row; another one is due every ``NEXT_LINE_S``."""
NEXT_LINE_S: Final = 60.0
_KNOWN_AT_MOST: Final = 256
_SHOWN_CHARACTERS: Final = 100

Headers = Iterable[tuple[bytes, bytes]]


def local_address(scope: object) -> str | None:
    """Return the address at which the connection of an ASGI scope came in, None if it has none."""
    server = cast("Mapping[str, tuple[str, int | None] | None]", scope).get("server")
    return None if server is None else server[0]


class RefusalLog:
    """Writes one warning for each host or origin that was refused, and few in all: who sends a
    million names must not fill the disk. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at: dict[tuple[str, str], float] = {}
        self._full_at = 0.0

    def tell(self, message: str, value: str) -> None:
        """Log ``message``, a format for ``value``, unless that was said or too much was."""
        now, key = self._clock(), (message, value[:_SHOWN_CHARACTERS])
        if now - self._told_at.get(key, -SAME_AGAIN_S) < SAME_AGAIN_S:
            return
        full_at = max(self._full_at, now) + NEXT_LINE_S
        if full_at - now > LINES_AT_ONCE * NEXT_LINE_S:
            return
        self._full_at = full_at
        self._remember(key, now)
        _log.warning(message, key[1])

    def _remember(self, key: tuple[str, str], now: float) -> None:
        self._told_at.pop(key, None)  # the newest stands last
        self._told_at[key] = now
        if len(self._told_at) > _KNOWN_AT_MOST:
            del self._told_at[next(iter(self._told_at))]


class Entrance:
    """Lets requests in by their ``Host`` and ``Origin`` headers.

    ``hosts`` and ``origins`` are the settings of these names (``hosts.host_allowed``,
    ``origin.request_allowed``).
    """

    def __init__(
        self, hosts: Sequence[str], origins: Sequence[str], refusals: RefusalLog | None = None
    ) -> None:
        self._hosts = hosts
        self._origins = frozenset(origins)
        self._refusals = refusals or RefusalLog()

    def refuse_host(self, headers: Headers, local_address: str | None) -> None:
        """Refuse a request that is meant for another host, by its raw ASGI headers.

        ``local_address`` is the address at which the connection came in, None if it has none.

        Raises:
            Refused: ``invalid_frame`` for a header that is not valid, ``forbidden_host``.
        """
        host = host_of(headers)
        if host is None:
            raise Refused("invalid_frame", "the Host header is not valid")
        if not host_allowed(host, self._hosts, local_address):
            self._refusals.tell(
                "refused a request for the host %r: if people reach this server by that name,"
                " add it to CHATSTREAM_HOSTS",
                host,
            )
            raise Refused("forbidden_host")

    def admits_page(self, headers: Headers) -> bool:
        """Return whether the page that sent these raw ASGI headers may use the server; a foreign
        one is told to the operator, unless it has no origin that could be let in."""
        headers = list(headers)
        if request_allowed(headers, self._origins):
            return True
        sent = next((value for name, value in headers if name == b"origin"), b"")
        origin = normal_origin(sent.decode("latin-1"))
        if origin is not None:
            self._refusals.tell(
                "refused a page of the origin %r: if it may use this server,"
                " add it to CHATSTREAM_ORIGINS",
                origin,
            )
        return False
