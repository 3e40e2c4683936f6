"""What the log holds of a chat beyond a state that is known: read once, for the state and for
the readers of the chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from chatstream.domain.events import AnyFact, ChatChanged
from chatstream.domain.user_chat.evolution import INITIAL, evolve
from chatstream.domain.user_chat.state import UserChat
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.store import StoredRow, is_last
from chatstream.ids import ChatId

PAGE = 1_000


class Log(Protocol):
    """What is needed of the event store."""

    async def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None = None
    ) -> list[StoredRow]:
        """The stored events after a position; raises ``Refused``."""
        ...


class News(Struct, frozen=True):
    """The chat's newest ``state``, and the events that led to it from the one that was known.
    ``is_whole``: that one was worth nothing (there was none, or its words have been erased), so
    all was read anew and no events are given."""

    state: UserChat
    bodies: Sequence[bytes] = ()
    is_whole: bool = False

    @property
    def first(self) -> int:
        """The position of the first of ``bodies``."""
        return self.state.position - len(self.bodies) + 1


async def read_news(log: Log, chat_id: ChatId, known: UserChat) -> News:
    """Read on from ``known``, or from the start where that holds words that were erased since.

    Raises:
        Refused: ``unavailable``.
    """
    if known is INITIAL:
        return News(await fold_log(log, chat_id), is_whole=True)
    state, bodies = known, list[bytes]()
    while True:
        rows = await log.read(chat_id, state.position, PAGE)
        for row in rows:
            fact = decode(row.topic, row.body)
            if _erases(fact):
                return News(await fold_log(log, chat_id), is_whole=True)
            state = evolve(state, fact)
            bodies.append(row.body)
        if is_last(rows, PAGE):
            return News(state, bodies)


async def fold_log(log: Log, chat_id: ChatId, upto: int | None = None) -> UserChat:
    """The chat's state, from its first event on, up to a position.

    Raises:
        Refused: ``unavailable``.
    """
    state = INITIAL
    while True:
        rows = await log.read(chat_id, state.position, PAGE, upto)
        for row in rows:
            state = evolve(state, decode(row.topic, row.body))
        if is_last(rows, PAGE):
            return state


def _erases(fact: AnyFact | None) -> bool:
    return isinstance(fact, ChatChanged) and fact.status == "erased"
