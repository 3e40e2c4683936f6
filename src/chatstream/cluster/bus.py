"""The bus: carries short texts between the nodes of one database. Hints, never the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from chatstream.ids import ChatId

READ_THE_LOG: Final = "*"
"""In a wake-up: more chats have grown than it can name."""


class BusListener(Protocol):
    """Listens to a bus. What it raises is logged and harms no other message."""

    def on_wake(self, text: str) -> None:
        """A commit was made somewhere (``wake_text``)."""
        ...

    def on_message(self, text: str) -> None:
        """A node published a message, this one included."""
        ...

    def on_gap(self) -> None:
        """The connection is new: something may have been missed."""
        ...


class Bus(Protocol):
    """Wake-ups say which chats have grown, messages are anything else. Either may be lost."""

    async def run(self, listener: BusListener) -> None:
        """Listen until cancelled; a connection that was lost is made anew."""
        ...

    async def wake(self, text: str) -> None:
        """Tell the other nodes of commits, where these do not tell of themselves. Raises
        nothing."""
        ...

    async def publish(self, messages: Sequence[str]) -> None:
        """Send ``messages``, each below 8,000 bytes, to the other nodes. Raises nothing."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


def wake_text(node_id: str, heads: Mapping[ChatId, int]) -> str:
    """The wake-up that names the newest position of each chat: ``node chat:position …``."""
    return " ".join([node_id, *(f"{chat_id}:{head}" for chat_id, head in heads.items())])
