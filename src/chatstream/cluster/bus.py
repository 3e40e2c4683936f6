"""The bus: carries short texts between the nodes of one database. Hints, never the truth."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from chatstream.ids import ChatId

log = logging.getLogger(__name__)

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


MakeBus = Callable[[str, str], Bus]
"""Makes the bus that carries the texts, given the names of two channels: that of the wake-ups and
that of the messages."""


class IgnoredMessages:
    """Counts what was heard on the bus and is none of the nodes', and tells of each kind once."""

    def __init__(self) -> None:
        self.count = 0
        self._told: set[str] = set()

    def note(self, reason: str) -> None:
        """Count one that was ignored for ``reason``."""
        self.count += 1
        if reason not in self._told:
            self._told.add(reason)
            log.warning(
                "a message between nodes was ignored (%s): others can write to the bus, or a node"
                " has another version, another secret or another time",
                reason,
            )


def wake_text(node_id: str, heads: Mapping[ChatId, int]) -> str:
    """The wake-up that names the newest position of each chat: ``node chat:position …``."""
    return " ".join([node_id, *(f"{chat_id}:{head}" for chat_id, head in heads.items())])
