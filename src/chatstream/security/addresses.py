"""Where callers come from, as far as limits by address are concerned."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_log = logging.getLogger(__name__)

_NETWORK_BITS: Final = 64
"""What a provider gives to one customer at least: its addresses cost nothing."""
_TRANSLATED: Final = ip_network("64:ff9b::/96")
"""Holds all of IPv4 (RFC 6052): its /64 would be everybody behind a translator."""


def quota_key(address: str) -> str:
    """Return what the limits by address count under for a peer at ``address``.

    An IPv4 address is itself, also where it is written as IPv6; an IPv6 address is its /64. What
    is no address (a socket of the machine's own has none) stays as it is.
    """
    try:
        parsed = _plain(ip_address(address))
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(IPv6Network((int(parsed), _NETWORK_BITS), strict=False))


def is_public(key: str) -> bool:
    """Return whether ``key``, as ``quota_key`` gives it, is an address of the open internet."""
    try:
        return ip_address(key.partition("/")[0]).is_global
    except ValueError:
        return False


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address


class UnnamedProxies:
    """Spares addresses that may be a proxy which does not say for whom it asks, and tells the
    operator once of one that reached a limit."""

    def __init__(self) -> None:
        self._told = False

    def spares(self, key: str) -> bool:
        """Return whether the limits by address do not hold for ``key``, which has reached one."""
        if is_public(key):
            return False
        if not self._told:
            self._told = True
            _log.warning(
                "%s has reached a limit for one address and is taken for a proxy that does not name"
                " its clients: no limit by address holds for it. Let it send X-Forwarded-For and"
                " name it in FORWARDED_ALLOW_IPS, or set CHATSTREAM_CONNECTIONS_PER_ADDRESS and"
                " CHATSTREAM_NEW_PER_ADDRESS to have it limited",
                key or "a socket of this machine",
            )
        return True
