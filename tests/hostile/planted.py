"""Faults that the suite has to find, by an agent that makes them: for the suite's own test."""

from __future__ import annotations

import functools

from tests.hostile.case import Case
from tests.hostile.guest import Guest


def harmless_ones() -> tuple[Case, ...]:
    """An answer."""
    return (Case("a word", "hello", functools.partial(_say, "hello")),)


def faults() -> dict[str, Case]:
    """What each is found by, and the case that makes it."""
    return {
        "stall": Case("a word", "held", functools.partial(_say, "hold 0.4")),
        "memory": Case("a word", "taken", functools.partial(_say, "take 200000000")),
        "answer": Case("a word", "not ended", functools.partial(_say, "dwell 60")),
    }


async def _say(content: str, guest: Guest) -> None:
    await guest.say(await guest.open(), content)
