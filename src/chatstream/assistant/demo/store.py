"""Where the demo assistant keeps a user's things: a port, and a store in memory."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal, Protocol

from msgspec import Struct

from chatstream.domain.steps import JsonObject

Kind = Literal["alarm", "reminder", "timer", "todo"]


class Item(Struct, frozen=True):
    """One thing of a user; ``key`` is that of the tool call that made it."""

    key: str
    body: JsonObject


class DemoStore(Protocol):
    """Things per user and kind, in the order in which they were first put."""

    async def put(self, user_id: str, kind: Kind, item: Item) -> None:
        """Keep ``item``; one with the same key is replaced, so a repeat adds nothing."""
        ...

    async def items(self, user_id: str, kind: Kind) -> list[Item]:
        """The user's things of that kind."""
        ...

    async def remove(self, user_id: str, kind: Kind, key: str) -> None:
        """Let go of one; nothing happens if it is not there."""
        ...


class MemoryStore:
    """A ``DemoStore`` that ends with the process."""

    def __init__(self) -> None:
        self._items: defaultdict[tuple[str, Kind], dict[str, Item]] = defaultdict(dict)

    async def put(self, user_id: str, kind: Kind, item: Item) -> None:
        self._items[user_id, kind][item.key] = item

    async def items(self, user_id: str, kind: Kind) -> list[Item]:
        return list(self._items[user_id, kind].values())

    async def remove(self, user_id: str, kind: Kind, key: str) -> None:
        self._items[user_id, kind].pop(key, None)
