"""The to-do lists of the demo assistant, among the small values that a user keeps."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from chatstream.projections.user_values import UserValues

_PREFIX: Final = "todo/"


class Todo(Struct, frozen=True):
    """One thing to do; ``key`` is that of the tool call that put it on the list."""

    key: str
    text: str
    added_at: str


class TodoLists:
    """The lists of all users, each thing a value of its own: two chats never undo each other."""

    def __init__(self, values: UserValues) -> None:
        self._values = values

    async def put(self, user_id: str, todo: Todo) -> None:
        """Keep ``todo``; one with the same key is replaced, so a repeat adds nothing."""
        await self._values.put(user_id, _PREFIX + todo.key, msgspec.to_builtins(todo))

    async def of_user(self, user_id: str) -> list[Todo]:
        """The user's list, oldest first."""
        values = await self._values.of_user(user_id)
        kept = [value for name, value in values.items() if name.startswith(_PREFIX)]
        return sorted(msgspec.convert(kept, list[Todo]), key=lambda todo: todo.added_at)

    async def remove(self, user_id: str, todo: Todo) -> None:
        """Take it off the list; nothing happens if it is not there."""
        await self._values.remove(user_id, _PREFIX + todo.key)
