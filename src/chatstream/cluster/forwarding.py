"""Commands that one node asks another to carry out: those that may end the turn it runs."""

from __future__ import annotations

from typing import Final, get_args

import msgspec

from chatstream.cluster.messages import ForwardCommand
from chatstream.cluster.publisher import BusPublisher
from chatstream.domain.commands import (
    AbandonIntent,
    AnyCommand,
    CancelTurn,
    ClearSession,
    CloseChat,
    ResumeIntent,
)

_Ending = CancelTurn | AbandonIntent | ResumeIntent | CloseChat | ClearSession
_KINDS: Final[dict[str, msgspec.json.Decoder[_Ending]]] = {
    one.__name__: msgspec.json.Decoder(one) for one in get_args(_Ending)
}
_encode = msgspec.json.Encoder().encode


class BusForwarder:
    """Asks the node that runs a turn to carry a command out (``chats.service.Forwarder``)."""

    def __init__(self, publisher: BusPublisher) -> None:
        self._publisher = publisher

    def forward(self, command: AnyCommand) -> bool:
        """Send the command to the other nodes. Returns True: there may be some."""
        self._publisher.publish([message_of(command)])
        return True


def message_of(command: AnyCommand) -> ForwardCommand:
    """The command as a message to the other nodes."""
    return ForwardCommand(type(command).__name__, msgspec.Raw(_encode(command)))


def command_of(message: ForwardCommand) -> _Ending | None:
    """The command that ``message`` asks for; None for one that this version does not know."""
    decoder = _KINDS.get(message.kind)
    return None if decoder is None else decoder.decode(message.command)
