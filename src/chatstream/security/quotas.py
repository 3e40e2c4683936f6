"""How often one caller may ask, and how much of the server one user or address may hold.

The socket and the HTTP side share one ``RateLimiter``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from chatstream.config import Settings
from chatstream.errors import Refused
from chatstream.security.addresses import UnnamedProxies

PLACE_RETRY_S: Final = 60.0
"""When to come back where all places are taken: as after 4429."""

PUBLIC_CONNECTIONS: Final = 1_000
"""Connections of one public address, unless a number is set: a company behind one address."""
PUBLIC_NEW: Final = 200
"""New visitors and chats within 10 s of one public address, unless a number is set."""

_PERIOD_S: Final = 10.0
_HOUR_S: Final = 3_600.0
_SWEEP_AT_LEAST = 1024


def _nobody(_: str) -> bool:
    return False


class RateLimiter:
    """A token bucket for each user: ``commands`` at once, refilled evenly within ``period_s``.

    A bucket is kept as the moment at which it will be full again, so that one that is full
    needs no memory.
    """

    def __init__(
        self,
        commands: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        period_s: float = _PERIOD_S,
        spares: Callable[[str], bool] = _nobody,
    ) -> None:
        """``commands`` in ``period_s`` for each user, 0 is no limit; ``clock`` is in seconds.
        ``spares`` is asked whether one who has no more may take on."""
        self._clock = clock
        self._period_s = period_s
        self._spares = spares
        self._cost_s = period_s / commands if commands else 0.0
        self._full_at: dict[str, float] = {}
        self._sweep_size = _SWEEP_AT_LEAST

    def take(self, user_id: str) -> None:
        """Count one command of ``user_id``.

        Raises:
            Refused: ``rate_limited``, with the seconds to wait; nothing is counted then.
        """
        if not self._cost_s:
            return
        now = self._clock()
        full_at = max(self._full_at.get(user_id, now), now) + self._cost_s
        wait_s = full_at - now - self._period_s
        if wait_s > 1e-9:  # sums of tenths are not exact
            if self._spares(user_id):
                return
            raise Refused("rate_limited", retry_after=wait_s)
        self._full_at[user_id] = full_at
        self._sweep(now)

    def has_taken(self, key: str) -> bool:
        """Whether one more could be counted, and was."""
        try:
            self.take(key)
        except Refused:
            return False
        return True

    def give_back(self, key: str) -> None:
        """What was taken was not needed."""
        if key in self._full_at:
            self._full_at[key] -= self._cost_s

    def _sweep(self, now: float) -> None:
        if len(self._full_at) < self._sweep_size:
            return
        self._full_at = {user: full for user, full in self._full_at.items() if full > now}
        self._sweep_size = max(_SWEEP_AT_LEAST, 2 * len(self._full_at))


class Places:
    """Places that are held for a while: so many at once for each key, 0 is no limit.
    ``spares`` is asked whether one who holds all may hold more."""

    def __init__(self, most: int, spares: Callable[[str], bool] = _nobody) -> None:
        self._most = most
        self._spares = spares
        self._held: dict[str, int] = {}

    def refuse_if_full(self, key: str) -> None:
        """Raises ``Refused``: ``rate_limited``, if ``key`` may hold no more."""
        if self._most and self._held.get(key, 0) >= self._most and not self._spares(key):
            raise Refused("rate_limited", "too many connections", retry_after=PLACE_RETRY_S)

    @contextmanager
    def held(self, key: str) -> Generator[None]:
        """Hold one place. Whether there is one was asked before."""
        self._held[key] = self._held.get(key, 0) + 1
        try:
            yield
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]


class Shares:
    """What one user and one address may have of the server. One a server.

    Addresses are given as ``addresses.quota_key`` makes them. Where no number is set for them, one
    that is not public is not limited: it may be a proxy that does not name its clients.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        proxies = UnnamedProxies()
        connections, new = settings.connections_per_address, settings.new_per_address
        self.of_user = Places(settings.connections_per_user)
        self.of_address = (
            Places(PUBLIC_CONNECTIONS, proxies.spares)
            if connections is None
            else Places(connections)
        )
        self.new = (
            RateLimiter(PUBLIC_NEW, clock, spares=proxies.spares)
            if new is None
            else RateLimiter(new, clock)
        )
        """New visitors and new chats, by address."""
        self._new_chats = RateLimiter(settings.new_chats_per_user, clock, period_s=_HOUR_S)

    @contextmanager
    def connection(self, user_id: str, address: str) -> Generator[None]:
        """Hold one connection of a user and of an address.

        Raises:
            Refused: ``rate_limited``, if either may hold no more.
        """
        self.of_user.refuse_if_full(user_id)
        self.of_address.refuse_if_full(address)
        with self.of_user.held(user_id), self.of_address.held(address):
            yield

    def take_chat(self, user_id: str, address: str) -> bool:
        """Count a new chat of a user and of an address; return whether both may make one."""
        if not self.new.has_taken(address):
            return False
        if self._new_chats.has_taken(user_id):
            return True
        self.new.give_back(address)
        return False

    def give_back_chat(self, user_id: str, address: str) -> None:
        """Count one less: the chat was there."""
        self.new.give_back(address)
        self._new_chats.give_back(user_id)
