"""What the HTTP side asks of the rest of the server."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from chatstream.domain.commands import AnyCommand
from chatstream.domain.events import SessionStatus
from chatstream.domain.user_chat.state import UserChat
from chatstream.domain.views import IntentView
from chatstream.ids import ChatId
from chatstream.live.feed import Feed
from chatstream.projections.rows import (
    After,
    ChatRow,
    ConnectionRow,
    HistoryFilter,
    HistoryRow,
    IntentFilter,
    SessionRow,
)


class Receipt(Protocol):
    """That a command is on disk."""

    @property
    def position(self) -> int:
        """What its ``ack`` says."""
        ...

    @property
    def duplicate(self) -> bool:
        """Whether it had been stored before."""
        ...

    @property
    def state(self) -> UserChat:
        """The chat after it."""
        ...


class Service(Protocol):
    """The only way in (``chatstream.chats.service``)."""

    def submit(self, command: AnyCommand) -> Awaitable[Receipt]:
        """Decide and store; commands of one chat in the order of the calls. Awaiting raises
        ``Refused``."""
        ...

    async def load(self, chat_id: ChatId, user_id: str | None) -> UserChat:
        """The committed state; ``Refused("not_found")`` where there is none, or another
        user's. With None anybody's."""
        ...

    async def state_at(self, chat_id: ChatId, position: int) -> UserChat:
        """The chat as it stood at ``position``, which the chat has reached."""
        ...

    def feed(self, chat_id: ChatId) -> Feed:
        """The live tail of a chat; after a receipt or ``load`` of it."""
        ...


class Lists(Protocol):
    """Queries over chats. ``user_id`` None is every user's; pages hold at most ``limit`` rows
    and begin after ``after``. All raise ``Refused("unavailable")``."""

    async def chats(self, user_id: str | None, after: After | None, limit: int) -> list[ChatRow]:
        """Chats that are not erased, newest activity first."""
        ...

    async def intents(
        self, wanted: IntentFilter, after: After | None, limit: int
    ) -> list[IntentView]:
        """Intents with ``user_chat_id``, newest activity first."""
        ...

    async def sessions(
        self, user_id: str | None, status: SessionStatus, after: After | None, limit: int
    ) -> list[SessionRow]:
        """Sessions in ``status`` (``started``: the living), newest activity first."""
        ...

    async def history(self, chat_id: ChatId, wanted: HistoryFilter, limit: int) -> list[HistoryRow]:
        """The newest rows that are wanted, in ascending order."""
        ...

    async def chats_of_user(self, user_id: str) -> list[ChatId]:
        """Every chat of a user that is not erased."""
        ...

    async def chat_of_intent(self, user_intent_id: str) -> ChatId | None:
        """The chat that an intent belongs to, whoever's it is."""
        ...

    async def chat_of_session(self, session_id: str) -> ChatId | None:
        """The chat that a session belongs to, whoever's it is."""
        ...


class UserValues(Protocol):
    """What agents keep for a user beside the chats (``projections.user_values``)."""

    async def forget(self, user_id: str) -> None:
        """Forget all of it. Raises ``Refused("unavailable")``."""
        ...


class Connections(Protocol):
    """The live sockets of all nodes."""

    async def of_user(self, user_id: str | None) -> list[ConnectionRow]:
        """A user's sockets, the oldest first; with None everybody's."""
        ...


class Readiness(Protocol):
    """Whether the server can do its work."""

    @property
    def warning(self) -> str | None:
        """What has to be mended though it can."""
        ...

    async def why_not(self) -> str | None:
        """Why it cannot (storage does not answer, writer stuck), or None if it can."""
        ...
