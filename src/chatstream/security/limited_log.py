"""Lines of the log that a stranger can cause: each at most once a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 10.0
"""Often enough to see that it goes on, and no more than 8,640 lines a day."""


class LimitedLog:
    """Writes a line at once, and lines of the same text at most every ``EVERY_S`` seconds; the
    next one says how many were left out. Texts come from a fixed set, so memory is bounded."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` is in seconds."""
        self._log = log
        self._clock = clock
        self._due_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def write(self, level: int, text: str) -> None:
        """Write ``text``, or count it."""
        now = self._clock()
        if now < self._due_at.get(text, now):
            self._left_out[text] = self._left_out.get(text, 0) + 1
            return
        self._due_at[text] = now + EVERY_S
        more = self._left_out.pop(text, 0)
        self._log.log(level, "%s%s", text, f" ({more} more since the last line)" if more else "")
