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

PLACE_RETRY_S: Final = 60.0
"""When to come back where all places are taken: as after 4429."""
NEW_RETRY_S: Final = 10.0
"""The same for who made too much that is new."""

_PERIOD_S = NEW_RETRY_S
_SWEEP_AT_LEAST = 1024


class RateLimiter:
    """A token bucket for each user: ``commands`` at once, refilled evenly within 10 s.

    A bucket is kept as the moment at which it will be full again, so that one that is full
    needs no memory.
    """

    def __init__(self, commands: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``commands`` in 10 s for each user, 0 is no limit; ``clock`` is in seconds."""
        self._clock = clock
        self._cost_s = _PERIOD_S / commands if commands else 0.0
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
        wait_s = full_at - now - _PERIOD_S
        if wait_s > 1e-9:  # sums of tenths are not exact
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
    """Places that are held for a while: so many at once for each key, 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[str, int] = {}

    def refuse_if_full(self, key: str) -> None:
        """Raises ``Refused``: ``rate_limited``, if ``key`` may hold no more."""
        if self._most and self._held.get(key, 0) >= self._most:
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
    """What one user and one address may have of the server. One a server."""

    def __init__(self, settings: Settings) -> None:
        self.of_user = Places(settings.connections_per_user)
        self.of_address = Places(settings.connections_per_address)
        self.new = RateLimiter(settings.new_per_address)
        """New visitors and new chats, by address."""
