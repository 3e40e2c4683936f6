"""Commands that one node asks another to carry out: those that may end the turn it runs."""

from __future__ import annotations

from typing import Final, get_args

import msgspec

from chatstream.cluster.messages import Do
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


def word_of(command: AnyCommand) -> Do:
    """The command as a word to the other nodes."""
    return Do(type(command).__name__, msgspec.Raw(_encode(command)))


def command_of(word: Do) -> _Ending | None:
    """The command that ``word`` asks for; None for one that this version does not know."""
    decoder = _KINDS.get(word.kind)
    return None if decoder is None else decoder.decode(word.command)
