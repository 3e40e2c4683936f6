"""A map that only grows, shared between the versions of a chat's state.

States are values: ``evolve`` makes a new one for each fact. Copying a plain dict of everything
that ever happened would make each fact cost as much as the chat is long. Here all versions
share one dict; a version sees the entries that were there when it was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Ledger(Generic[K, V]):
    """A persistent map without removal: ``put`` gives a new version in constant time.

    A second ``put`` on an old version copies (a branch is rare: a refused append).
    """

    __slots__ = ("_entries", "_size")

    def __init__(self, entries: dict[K, tuple[int, V]] | None = None, size: int = 0) -> None:
        self._entries: dict[K, tuple[int, V]] = {} if entries is None else entries
        self._size = size

    def get(self, key: K) -> V | None:
        """The value of ``key`` in this version, or None."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] < self._size else None

    def put(self, key: K, value: V) -> Ledger[K, V]:
        """A version that also holds ``key``; the first value of a key stays."""
        if self.get(key) is not None:
            return self
        entries = self._entries if len(self._entries) == self._size else self._own_entries()
        entries[key] = (self._size, value)
        return Ledger(entries, self._size + 1)

    def values(self) -> list[V]:
        """All values of this version, oldest first."""
        return [value for _, value in self.items()]

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.items())

    def items(self) -> list[tuple[K, V]]:
        """All keys and values of this version, oldest first."""
        entries = self._entries.items()
        return [(key, value) for key, (index, value) in entries if index < self._size]

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ledger) and self._own_entries() == other._own_entries()

    __hash__ = None  # type: ignore[assignment]

    def _own_entries(self) -> dict[K, tuple[int, V]]:
        return {key: entry for key, entry in self._entries.items() if entry[0] < self._size}
