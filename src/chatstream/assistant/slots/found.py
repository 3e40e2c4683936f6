"""What a parser gives: a value, and where in the text it stands."""

from __future__ import annotations

from collections.abc import Iterable
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


class Cover:
    """How many of ``found`` stand on each character: whether one overlaps others is told without
    a look at each of them."""

    def __init__(self, found: Iterable[Found[object]] = ()) -> None:
        self._once, self._twice = bytearray(), bytearray()
        for one in found:
            self.add(one)

    def add(self, one: Found[object]) -> None:
        """It stands there, too."""
        missing = one.end - len(self._once)
        if missing > 0:
            self._once += bytes(missing)
            self._twice += bytes(missing)
        for at in range(one.start, one.end):
            self._twice[at] |= self._once[at]
        self._once[one.start : one.end] = b"\1" * (one.end - one.start)

    def touches(self, one: Found[object]) -> bool:
        """Whether any of them shares a character with ``one``."""
        return self._once.find(1, one.start, one.end) >= 0

    def is_shared(self, one: Found[object]) -> bool:
        """The same of ``one`` that is among them: whether another does."""
        return self._twice.find(1, one.start, one.end) >= 0


def apart(found: list[Found[T]]) -> list[Found[T]]:
    """Those that stand apart from each other, the longest first where they overlap, in order
    of the text."""
    kept: list[Found[T]] = []
    cover = Cover()
    for one in sorted(found, key=lambda it: (it.weak, it.start - it.end, it.start)):
        if not cover.touches(one):
            cover.add(one)
            kept.append(one)
    return sorted(kept, key=lambda it: it.start)
