"""Which names the server answers to: the rule for the ``Host`` header, on sockets and HTTP.

A web page may let its own name point to an address that only its visitor's machine can reach
(DNS rebinding). Its requests then count as coming from the same origin: only the name in ``Host``
tells that the server was not meant. Names of the loopback interface are nobody's to give away, so
they are always answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_HOST: Final = re.compile(
    r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.~!$&'()*+;=%-]+)(?::(?P<port>[0-9]{0,5}))?", re.ASCII
)
_LARGEST_PORT: Final = 65_535
_LOCAL: Final = "localhost"

EVERY_HOST: Final = "*"
"""The pattern that every name matches."""


def host_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the name in the ``Host`` header of a request's raw ASGI headers.

    The name is in lower case, without port and final dot; an IPv6 address keeps its brackets.
    A request without the header, or with an empty one, gives an empty name. None stands for a
    header that is not valid: two of them, or a port that cannot be one.
    """
    values = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
    if len(values) > 1:
        return None
    return _name(values[0].strip().lower()) if values and values[0].strip() else ""


def _name(host: str) -> str | None:
    match = _HOST.fullmatch(host)
    if match is None or int(match["port"] or 0) > _LARGEST_PORT:
        return None
    name = match["name"]
    if name.startswith("["):
        return name if _address(name) is not None else None
    return name.removesuffix(".")


def host_allowed(host: str, patterns: Sequence[str], local_address: str | None) -> bool:
    """Return whether the server answers to the name ``host`` (as ``host_of`` gives it).

    ``patterns`` are names, ``*.example.com`` for all names below one, and ``*`` for all. Without
    any of them the address decides at which the connection came in, ``local_address``: one of the
    loopback interface answers to the names of loopback only, every other one to every name.
    """
    if is_loopback(host):
        return True
    if not patterns:
        return local_address is None or not is_loopback(local_address)
    return any(_matches(host, pattern) for pattern in patterns)


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is a name or an address of the loopback interface."""
    if host == _LOCAL or host.endswith(f".{_LOCAL}"):
        return True
    address = _address(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address is not None and address.is_loopback


def unguarded(bound_host: str, patterns: Sequence[str]) -> str | None:
    """Return what the operator of a server that listens on ``bound_host`` should be told, or None
    where every connection is asked for a name that was meant."""
    if patterns or is_loopback(bound_host):
        return None
    return (
        "CHATSTREAM_HOSTS is not set: any name that leads to this machine is answered, so a page"
        " of anybody's may reach this server through the browser of somebody who can"
    )


def _matches(host: str, pattern: str) -> bool:
    if pattern == EVERY_HOST:
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
