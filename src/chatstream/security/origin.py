"""Which web pages may use the server: the rule for the ``Origin`` header, on sockets and HTTP.

A page of the server's own host may, a page on the allow-list may, and so may a caller that sends
no ``Origin`` (no browser). Everything else may not, ``null`` and doubled headers included.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from chatstream.config.origins import DEFAULT_PORTS, normal_origin


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


def _is_own(origin: str, host: str | None) -> bool:
    scheme, _, _ = origin.partition("://")
    if host is None or scheme not in DEFAULT_PORTS:
        return False
    return normal_origin(f"{scheme}://{host}") == origin
