"""Times on the wire and in the log: RFC 3339, UTC, milliseconds (``2026-11-23T04:10:00.123Z``).

Inside, a moment is an ``int`` of Unix milliseconds. Texts of this form sort as the moments do.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache


def now_ms() -> int:
    """The wall clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def to_text(moment_ms: int) -> str:
    """Unix milliseconds as RFC 3339 in UTC with milliseconds."""
    seconds, milliseconds = divmod(moment_ms, 1000)
    return f"{_second_as_text(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=64)  # nearly all are of this second, and formatting costs more than a step
def _second_as_text(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}"


def to_ms(text: str) -> int:
    """RFC 3339 as Unix milliseconds; ``ValueError`` if ``text`` is no such time with a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return round(moment.timestamp() * 1000)
