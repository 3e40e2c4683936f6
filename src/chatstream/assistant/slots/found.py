"""What a parser gives: a value, and where in the text it stands."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Found(Struct, Generic[T_co], frozen=True):
    """``text[start:end]`` means ``value``. ``weak``: only where that kind of value was asked
    for (a bare ``8`` may be a time, or anything else)."""

    value: T_co
    start: int
    end: int
    weak: bool = False

    def overlaps(self, start: int, end: int) -> bool:
        """Whether the two share a character."""
        return self.start < end and start < self.end


def apart(found: list[Found[T]]) -> list[Found[T]]:
    """Those that stand apart from each other, the longest first where they overlap, in order
    of the text."""
    kept: list[Found[T]] = []
    for one in sorted(found, key=lambda it: (it.weak, it.start - it.end, it.start)):
        if not any(one.overlaps(other.start, other.end) for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda it: it.start)
