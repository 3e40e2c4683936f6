"""How long to wait before the next try to connect: full jitter.

Full jitter spreads a crowd that lost its server best; a counter that is reset at once would let
a server that accepts and drops cause a tight loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

BASE_SECONDS: Final = 0.25
CAP_SECONDS: Final = 10.0
STABLE_SECONDS: Final = 5.0
"""A connection that was live for so long starts the count anew."""


class Backoff:
    """Counts the tries since the last stable connection.

    Args:
        random: a number in [0, 1), as ``random.random`` gives.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self.attempt = 0

    def next_delay(self) -> float:
        """Seconds to wait before the next try: ``rand(0, min(10, 0.25 · 2^n))``."""
        # The exponent is bounded so that days of outage do not overflow a float.
        ceiling = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(self.attempt, 16))
        self.attempt += 1
        return self._random() * ceiling

    def reset(self) -> None:
        """A connection was stable: start anew."""
        self.attempt = 0
