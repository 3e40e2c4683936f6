"""The context manager: where a new session reads what earlier ones knew. Replaceable."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from chatstream.domain.steps import JsonObject
from chatstream.domain.user_chat.state import Intent, UserChat
from chatstream.ids import ChatId


class Context(Struct, frozen=True):
    """What was brought, and from where (``source`` is framed, ``values`` is not)."""

    source: str
    values: JsonObject


class ContextManager(Protocol):
    """Asked once for each new session, before its first run."""

    async def context(self, chat_id: ChatId, chat: UserChat, intent: Intent) -> Context | None:
        """What the new session of ``intent`` shall know; None for nothing."""
        ...
