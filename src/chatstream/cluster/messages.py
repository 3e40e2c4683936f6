"""What nodes say to each other beside wake-ups: short, and no harm where it is lost.

Texts of answers go only where somebody who follows the chat has asked for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from chatstream.ids import ChatId

LARGEST_WORD_BYTES: Final = 7_900  # what NOTIFY takes, sealed
PIECE_CODE_POINTS: Final = 880  # six bytes each, at worst, and the fields beside it
_SOCKETS_AT_ONCE: Final = 3  # each with
_CHATS_AT_ONCE: Final = 20
_T = TypeVar("_T")


class Free(Struct, frozen=True, tag="free"):
    """There are turns that nobody runs."""


class Want(Struct, frozen=True, tag="want"):
    """Somebody follows the chat here: whoever runs this attempt, let us have the text of its
    answer, beyond the ``have`` code points of ``message_id`` that we hold."""

    chat_id: ChatId
    caused_by: str
    attempt: int
    message_id: str = ""
    have: int = 0


class Piece(Struct, frozen=True, tag="piece"):
    """A piece of an answer in progress, which stands after the event at ``after``."""

    chat_id: ChatId
    caused_by: str
    attempt: int
    message_id: str
    after: int
    offset: int
    text: str


class Do(Struct, frozen=True, tag="do"):
    """A command that ends a turn: whoever runs that carries it out, with the text it holds."""

    kind: str
    command: msgspec.Raw


class Who(Struct, frozen=True, tag="who"):
    """Which sockets of a user (None: of anybody) are there?"""

    ask: str
    user_id: str | None


class Socket(Struct, frozen=True):
    """A live socket, or a part of the chats that it follows."""

    socket_connection_id: str
    connected_at: str
    user_chat_ids: list[ChatId]


class Here(Struct, frozen=True, tag="here"):
    """Some of the sockets of the node ``node``, which is known by its lease as ``owner``."""

    ask: str
    node: str
    owner: str
    sockets: list[Socket]
    is_last: bool


Word = Free | Want | Piece | Do | Who | Here

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)


def encode(word: Word) -> str:
    """The word as it is sent."""
    return _encoder.encode(word).decode()


def decode(text: str) -> Word:
    """The word that ``text`` is; raises ``msgspec.MsgspecError``."""
    return _decoder.decode(text)


def pieces(whole: Piece) -> Iterator[Piece]:
    """``whole``, each part small enough for a word."""
    for start in range(0, len(whole.text), PIECE_CODE_POINTS):
        part = whole.text[start : start + PIECE_CODE_POINTS]
        yield msgspec.structs.replace(whole, offset=whole.offset + start, text=part)


def answers(who: Who, node: str, owner: str, sockets: Sequence[Socket]) -> Iterator[Here]:
    """All of ``sockets`` as answers to ``who``, each small enough for a word."""
    parts = [
        msgspec.structs.replace(one, user_chat_ids=list(chats))
        for one in sockets
        for chats in (chunks(one.user_chat_ids, _CHATS_AT_ONCE) or [[]])
    ]
    groups = chunks(parts, _SOCKETS_AT_ONCE) or [[]]
    for number, group in enumerate(groups, 1):
        yield Here(who.ask, node, owner, list(group), number == len(groups))


def chunks(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    """``items`` in order, at most ``size`` together."""
    return [items[start : start + size] for start in range(0, len(items), size)]
