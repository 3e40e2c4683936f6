"""What a user of the client may have to catch, as one tree.

ChatStreamError
└── ClientError
    ├── CommandRejected   the server refused for good; nothing was stored
    ├── ClientClosed      no answer will come any more; the outcome of a command is unknown
    ├── Forgotten         the events asked for are no longer held; read the view anew
    └── OutboxFull        too many commands wait already
"""

from __future__ import annotations

from chatstream.client.frames import Rejected
from chatstream.errors import ChatStreamError


class ClientError(ChatStreamError):
    """Base of the client's errors."""


class CommandRejected(ClientError):
    """The server refused a command or an ``open``; its effect is as if it was never sent.

    ``code`` is the protocol's (section 7), ``rejected`` the whole answer.
    """

    def __init__(self, rejected: Rejected) -> None:
        self.code = rejected.code
        self.rejected = rejected
        super().__init__(f"{rejected.code}: {rejected.message}")


class ClientClosed(ClientError):
    """The client, or this chat of it, is closed; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the chat client is closed: {reason}")


class Forgotten(ClientError):
    """The server began anew (``resync``), the chat was erased, or the start was later."""


class OutboxFull(ClientError):
    """So many commands wait already that another one is not taken."""
