"""Which web pages may use the server: the rule for the ``Origin`` header, on sockets and HTTP.

A page of the server's own host may, a page on the allow-list may, and so may a caller that sends
no ``Origin`` (no browser). Everything else may not, ``null`` and doubled headers included.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[^\s/:?#@,\[\]\\]+)"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def origin_allowed(origins: Sequence[str], host: str | None, allowed: Collection[str]) -> bool:
    """Whether a request with these ``Origin`` header values may come in.

    ``host`` is the ``Host`` header; ``allowed`` holds origins as ``normal_origin`` gives them. A
    port that is not written is the default one of the origin's scheme on both sides: what a
    proxy that ends TLS hides must not matter.
    """
    if not origins:
        return True
    if len(origins) > 1:
        return False
    origin = normal_origin(origins[0])
    return origin is not None and (origin in allowed or _is_own(origin, host))


def request_allowed(headers: Iterable[tuple[bytes, bytes]], allowed: Collection[str]) -> bool:
    """``origin_allowed`` for a request's raw ASGI headers."""
    values: dict[bytes, list[str]] = {b"origin": [], b"host": []}
    for name, value in headers:
        if name in values:
            values[name].append(value.decode("latin-1"))
    hosts = values[b"host"]
    return origin_allowed(values[b"origin"], hosts[0] if len(hosts) == 1 else None, allowed)


def normal_origin(origin: str) -> str | None:
    """``origin`` in lower case without its scheme's default port; None if it is no origin."""
    match = _ORIGIN.fullmatch(origin.lower())
    if match is None:
        return None
    scheme, host, port = match["scheme"], match["host"], match["port"]
    shown_port = "" if port is None or port == _DEFAULT_PORTS.get(scheme) else f":{port}"
    return f"{scheme}://{host}{shown_port}"


def _is_own(origin: str, host: str | None) -> bool:
    scheme, _, _ = origin.partition("://")
    if host is None or scheme not in _DEFAULT_PORTS:
        return False
    return normal_origin(f"{scheme}://{host}") == origin
