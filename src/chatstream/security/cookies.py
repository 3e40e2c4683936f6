"""The visitor cookie: its name, and the tokens that a request brings in it. One rule for sockets
and HTTP.

A page of a sibling domain can set a cookie of any plain name for ours. A name that begins with
``__Host-`` it cannot: browsers take such a cookie from its own host alone, over TLS. So where TLS
is known only that name counts. Without TLS two different tokens are nobody's: to take one of them
would let the sibling choose whom the browser speaks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

COOKIE: Final = "chatstream_visitor"
"""The cookie that holds a visitor's token, over plain HTTP."""

SECURE_COOKIE: Final = f"__Host-{COOKIE}"
"""The same over TLS."""

RawHeaders = Iterable[tuple[bytes, bytes]]


def is_secure(scheme: str) -> bool:
    """Whether the ``scheme`` of an ASGI scope means TLS, up to us or to a trusted proxy."""
    return scheme in {"https", "wss"}


def cookie_name(*, secure: bool) -> str:
    """The name of the visitor cookie; ``secure`` where TLS is known."""
    return SECURE_COOKIE if secure else COOKIE


def visitor_tokens(headers: RawHeaders, *, secure: bool) -> frozenset[str]:
    """The different values of the visitor cookie in the raw ``headers`` of a request: more than
    one name nobody."""
    name = cookie_name(secure=secure)
    return frozenset(value for key, value in _cookies(headers) if key == name)


def _cookies(headers: RawHeaders) -> Iterator[tuple[str, str]]:
    # By hand: the standard library drops every cookie after one that it does not like, and
    # Litestar keeps the last one of a name.
    for header, value in headers:
        if header.lower() == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                name, _, text = pair.partition("=")
                yield name.strip(), text.strip().strip('"')
