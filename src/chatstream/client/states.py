"""How a connection can stand, and what helps after it is lost."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec


class Idle(msgspec.Struct, frozen=True):
    """Not connected, and nothing to say: before the start, and after an idle close."""


class Connecting(msgspec.Struct, frozen=True):
    """A connection is being made."""


class CatchingUp(msgspec.Struct, frozen=True):
    """Connected; what was missed is being read."""


class Live(msgspec.Struct, frozen=True):
    """All that is stored has been read; news come as they happen."""


class Waiting(msgspec.Struct, frozen=True):
    """Lost; the next try is at ``retry_at`` (seconds of the event loop's clock).

    ``attempt`` counts the tries since the connection last was stable, from 1.
    """

    retry_at: float
    attempt: int


class Closed(msgspec.Struct, frozen=True):
    """For good: ``left``, ``unauthenticated``, ``protocol`` or ``failed``."""

    reason: str


State: TypeAlias = Idle | Connecting | CatchingUp | Live | Waiting | Closed

TOO_LARGE: Final = 1009
"""The close code after a frame that must not be sent again."""

Remedy: TypeAlias = Literal["back_off", "drained", "fresh_token", "when_needed", "crowded", "none"]


def remedy(close_code: int | None) -> Remedy:
    """What helps after a connection ended with ``close_code`` (None: without one)."""
    match close_code:
        case 1001 | 1012:
            return "drained"
        case 1002 | 1007 | 4400:
            return "none"
        case 4401:
            return "fresh_token"
        case 4410:
            return "when_needed"
        case 4429:
            return "crowded"
        case _:
            return "back_off"
