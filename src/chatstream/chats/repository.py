"""``ChatRepository``: a chat's state, read from its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from chatstream.domain.events import AnyFact, ChatChanged
from chatstream.domain.user_chat import remember
from chatstream.domain.user_chat.evolution import INITIAL, evolve
from chatstream.domain.user_chat.state import CommandRecord, UserChat
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.store import StoredRow, is_last
from chatstream.ids import ChatId

PAGE = 1_000
"""How many events one read of the log asks for."""


class Log(Protocol):
    """What the repository needs of the event store."""

    async def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None = None
    ) -> list[StoredRow]:
        """Returns the stored events after a position; raises ``Refused``."""
        ...


class CommandIds(Protocol):
    """Knows the commands that stored no event."""

    async def commands_of(self, chat_id: ChatId) -> list[tuple[str, CommandRecord]]:
        """Returns the chat's commands that stored no event, by id; raises ``Refused``."""
        ...


class CaughtUp(Struct, frozen=True):
    """What a read of the log found.

    Attributes:
        state: The chat's newest state.
        bodies: The stored events that led to it from the state that was known.
        is_whole: Whether the log was read from the start, because no state was known or because
            it holds words that were erased since. No events are given then.
    """

    state: UserChat
    bodies: Sequence[bytes] = ()
    is_whole: bool = False

    @property
    def first_position(self) -> int:
        """The position of the first of ``bodies``."""
        return self.state.position - len(self.bodies) + 1


class ChatRepository:
    """Reads the states of chats from their logs. Every method may raise ``Refused``
    (``unavailable``)."""

    def __init__(self, log: Log, command_ids: CommandIds) -> None:
        self._log = log
        self._command_ids = command_ids

    async def load(self, chat_id: ChatId) -> CaughtUp:
        """Reads the whole log, and the ids of the commands that stored no event."""
        state = await self.state_at(chat_id)
        return CaughtUp(await self._with_command_ids(chat_id, state), is_whole=True)

    async def catch_up(
        self, chat_id: ChatId, known: UserChat, *, with_command_ids: bool = False
    ) -> CaughtUp:
        """Reads on from ``known``, or everything where that is of no use any more.

        Args:
            chat_id: The chat.
            known: A state that was committed; ``INITIAL`` is none.
            with_command_ids: Whether to read the commands that stored no event, too: no
                position tells of those that another node has carried out.
        """
        if known is INITIAL:
            return await self.load(chat_id)
        state, bodies = known, list[bytes]()
        while True:
            rows = await self._log.read(chat_id, state.position, PAGE)
            for row in rows:
                event = decode(row.topic, row.body)
                if _erases(event):
                    return await self.load(chat_id)
                state = evolve(state, event)
                bodies.append(row.body)
            if is_last(rows, PAGE):
                break
        if with_command_ids:
            state = await self._with_command_ids(chat_id, state)
        return CaughtUp(state, bodies)

    async def state_at(self, chat_id: ChatId, position: int | None = None) -> UserChat:
        """Returns the state after the event at ``position``, or after the newest one."""
        state = INITIAL
        while True:
            rows = await self._log.read(chat_id, state.position, PAGE, position)
            for row in rows:
                state = evolve(state, decode(row.topic, row.body))
            if is_last(rows, PAGE):
                return state

    async def _with_command_ids(self, chat_id: ChatId, state: UserChat) -> UserChat:
        for command_id, record in await self._command_ids.commands_of(chat_id):
            state = remember(state, command_id, record)
        return state


def _erases(event: AnyFact | None) -> bool:
    return isinstance(event, ChatChanged) and event.status == "erased"
