"""Commands of one chat that have no answer yet: kept, sent in order, sent again after a loss.

One command is under way at a time: a refusal that calls for a retry would otherwise let a later
message overtake an earlier one. Every repeat carries the same id, so the server stores it once.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from chatstream.client.errors import OutboxFull
from chatstream.client.frames import Command, Rejected, encode

BOUND: Final = 50
RETRY_SECONDS: Final = 1.0
"""The wait before a retry where the server names none."""
RETRIED: Final = frozenset({"unavailable", "overloaded", "rate_limited"})
"""Refusals that left nothing stored, or leave it unknown: the same id decides."""


class Pending(msgspec.Struct, frozen=True):
    """A command that waits: ``message`` is its frame, encoded once."""

    command: Command
    message: str


class Outbox:
    """The waiting commands of one chat, oldest first. Times are seconds of one clock."""

    def __init__(self, bound: int = BOUND) -> None:
        self._waiting: deque[Pending] = deque()
        self._bound = bound
        self._under_way = False
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def commands(self) -> tuple[Command, ...]:
        """What waits, in order."""
        return tuple(pending.command for pending in self._waiting)

    @property
    def under_way(self) -> Pending | None:
        """The command that was sent and not answered."""
        return self._waiting[0] if self._under_way else None

    @property
    def under_way_bytes(self) -> int:
        """How large the frame under way is; 0 if there is none."""
        return len(pending.message.encode()) if (pending := self.under_way) else 0

    def add(self, command: Command) -> None:
        """Put ``command`` at the end.

        Raises:
            OutboxFull: the bound is reached.
            UnicodeEncodeError: a text holds a lone surrogate.
        """
        if len(self._waiting) >= self._bound:
            raise OutboxFull(f"{len(self._waiting)} commands wait for an answer; try again later")
        self._waiting.append(Pending(command, encode(command)))

    def take(self, now: float) -> Pending | None:
        """The command to send now; it is under way from here on."""
        if self._under_way or not self._waiting or now < self._not_before:
            return None
        self._under_way = True
        return self._waiting[0]

    def due_at(self) -> float | None:
        """When ``take`` will give something; None: not before something else happens."""
        return None if self._under_way or not self._waiting else self._not_before

    def acked(self, command_id: str) -> bool:
        """Forget the command; whether it was the one that waits for an answer."""
        if not self._is_first(command_id):
            return False
        self._waiting.popleft()
        self._under_way = False
        self._not_before = 0.0
        return True

    def rejected(self, rejected: Rejected, now: float) -> bool:
        """Forget the command, and say so, or keep it for a retry with the same id."""
        if rejected.id is None or not self._is_first(rejected.id):
            return False
        if rejected.code not in RETRIED:
            return self.acked(rejected.id)
        self._under_way = False
        self._not_before = now + (rejected.retry_after or RETRY_SECONDS)
        return False

    def disconnected(self) -> None:
        """Whatever was under way has an unknown outcome: it will be sent again."""
        self._under_way = False

    def _is_first(self, command_id: str) -> bool:
        return bool(self._waiting) and self._waiting[0].command.id == command_id
