"""``ChatCache``: the chats in memory, as many as fit, those used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from chatstream.ids import ChatId

CHATS_IN_MEMORY = 5_000


class Cached(Protocol):
    """A chat as the cache sees it."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it is under way, so that it may be forgotten."""
        ...

    @property
    def is_current(self) -> bool:
        """Whether it is not known to be out of date."""
        ...


C = TypeVar("C", bound=Cached)


class ChatCache(Generic[C]):
    """Holds chats by their ids, and makes those it does not hold.

    Args:
        make: Makes a chat that is not in memory.
        most: How many chats are kept. Chats that are not idle stay beyond that.
    """

    def __init__(self, make: Callable[[ChatId], C], most: int = CHATS_IN_MEMORY) -> None:
        self._make = make
        self._most = most
        self._chats: OrderedDict[ChatId, C] = OrderedDict()

    def __iter__(self) -> Iterator[C]:
        """Iterates over the chats in memory."""
        return iter(tuple(self._chats.values()))

    def get(self, chat_id: ChatId) -> C | None:
        """Returns the chat if it is in memory."""
        return self._chats.get(chat_id)

    def use(self, chat_id: ChatId) -> C:
        """Returns the chat, a new one if need be; it is the one used last from now on."""
        chat = self._chats.get(chat_id)
        if chat is None:
            self._make_room()
            chat = self._chats[chat_id] = self._make(chat_id)
        else:
            self._chats.move_to_end(chat_id)
        return chat

    def forget_stale(self) -> None:
        """Forgets the chats that are out of date and that nobody asks about: what is held of
        them may have been erased since."""
        stale = [key for key, chat in self._chats.items() if not chat.is_current and chat.is_idle]
        for chat_id in stale:
            del self._chats[chat_id]

    def clear(self) -> None:
        """Forgets all chats."""
        self._chats.clear()

    def _make_room(self) -> None:
        if len(self._chats) < self._most:
            return
        idle = next((key for key, chat in self._chats.items() if chat.is_idle), None)
        if idle is not None:
            del self._chats[idle]
