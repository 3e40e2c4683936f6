"""What a command is answered with."""

from __future__ import annotations

from msgspec import Struct

from chatstream.domain.user_chat.state import UserChat


class Receipt(Struct, frozen=True, gc=False):
    """Tells what became of a command.

    Attributes:
        position: The position of the command's first event, or the chat's newest one where the
            command stored none.
        duplicate: Whether the command had been carried out before it came this time.
        state: The chat's committed state, with the command carried out.
    """

    position: int
    duplicate: bool
    state: UserChat
