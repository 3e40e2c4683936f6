"""A database opened for reading, beside a server that may be running on it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from chatstream.config import Settings
from chatstream.domain.events import AnyFact
from chatstream.domain.user_chat.evolution import INITIAL, evolve
from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import ChatStreamError, DamagedError
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.migrations import refuse_newer
from chatstream.eventstore.store import Engine, SqlValue, StoredRow, refuse_gap
from chatstream.ids import ChatId
from chatstream.projections.models import all_tables

PAGE = 1_000
_ALL_CHATS = "SELECT user_chat_id FROM chats ORDER BY opened_at, user_chat_id"
_CHATS_OF_LOG = "SELECT DISTINCT originator_id FROM stored_events ORDER BY 1"


class NoSuchChat(ChatStreamError):
    """The database holds no chat of that id, or not that much of it."""


class Recorded(Struct, frozen=True):
    """A stored event and the fact in it; None for a topic that this version does not know."""

    row: StoredRow
    fact: AnyFact | None


class Reader:
    """The log and the tables of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def chat_ids(self) -> list[ChatId]:
        """Every chat, oldest first; where their table is damaged, those of the log."""
        try:
            return self._ids(_ALL_CHATS)
        except DamagedError:
            return self.chat_ids_of_log()

    def chat_ids_of_log(self) -> list[ChatId]:
        """Every chat that has events, by its id."""
        return self._ids(_CHATS_OF_LOG)

    def _ids(self, sql: str) -> list[ChatId]:
        return [ChatId(str(chat_id)) for (chat_id,) in self.fetch(sql)]

    def head(self, chat_id: ChatId) -> int:
        """The chat's newest position; 0 if it has no events."""
        newest = self._engine.read(chat_id, 0, 1, None, newest=True)
        return newest[-1].position if newest else 0

    def refuse_beyond(self, chat_id: ChatId, position: int) -> None:
        """``NoSuchChat`` for a position that the chat has not reached."""
        newest = self.head(chat_id)
        if position > newest:
            raise NoSuchChat(f"the chat {chat_id!r} has only {newest} events")

    def rows(self, chat_id: ChatId, upto: int | None = None, after: int = 0) -> Iterator[StoredRow]:
        """The events of a chat as stored, in order, read in pages.

        Raises:
            DamagedError: they cannot be read, or some are missing.
        """
        while page := self._engine.read(chat_id, after, PAGE, upto):
            refuse_gap(page, after)
            yield from page
            after = page[-1].position

    def recorded(self, chat_id: ChatId, upto: int | None = None) -> Iterator[Recorded]:
        """The events of a chat with their facts, in order.

        Raises:
            DamagedError: they cannot be read, or some are missing.
        """
        for row in self.rows(chat_id, upto):
            yield Recorded(row, _fact_of(row))

    def state(self, chat_id: ChatId, upto: int | None = None) -> UserChat:
        """The chat folded up to a position.

        Raises:
            NoSuchChat: there is none.
        """
        state = INITIAL
        for one in self.recorded(chat_id, upto):
            state = evolve(state, one.fact)
        if state.status == "none":
            raise NoSuchChat(f"there is no chat {chat_id!r}")
        return state

    def damage(self) -> Sequence[str]:
        """What the database finds wrong with its own file."""
        return self._engine.damage()

    def fetch(self, sql: str, parameters: Sequence[SqlValue] = ()) -> list[tuple[SqlValue, ...]]:
        """The rows of a query."""
        return self._engine.fetch(sql, parameters)


def _fact_of(row: StoredRow) -> AnyFact | None:
    """The fact in ``row``; None for a topic that this version does not know.

    Raises:
        DamagedError: it cannot be read.
    """
    try:
        return decode(row.topic, row.body)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"chat {row.chat_id}, position {row.position}: {error}") from error


@contextmanager
def reading(settings: Settings, *, served: bool = True) -> Generator[Reader]:
    """The database of ``settings``, closed again at the end; with ``served`` False one that no
    server runs on, and of which this version knows everything.

    Raises:
        ConfigurationError: there is no such database, or a server runs on it.
    """
    engine = engine_of(settings.database, all_tables, read_only=True)
    if not served:
        engine.refuse_served()
    engine.open()
    try:
        if not served:  # what a newer version keeps would be left out without a word
            refuse_newer(engine.schema(), engine.known_schema)
        yield Reader(engine)
    finally:
        engine.close()
