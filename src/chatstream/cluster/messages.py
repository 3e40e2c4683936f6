"""The messages between nodes beside wake-ups: short, and no harm is done where one is lost.

Texts of answers go only to a node where somebody who follows the chat has asked for them. The
tags are what nodes of other versions know: they stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from chatstream.ids import ChatId

LARGEST_MESSAGE_BYTES: Final = 7_900  # what NOTIFY takes, sealed
CHUNK_CODE_POINTS: Final = 880  # six bytes each, at worst, and the fields beside it
_SOCKETS_AT_ONCE: Final = 3  # each with
_CHATS_AT_ONCE: Final = 20
_T = TypeVar("_T")


class TurnsReleased(Struct, frozen=True, tag="free"):
    """Some turns have no owner now: whoever can may take them."""


class AnswerRequest(Struct, frozen=True, tag="want"):
    """Asks the node that runs this attempt for the text of its answer, beyond the ``have`` code
    points of ``message_id`` that the asking node holds."""

    chat_id: ChatId
    caused_by: str
    attempt: int
    message_id: str = ""
    have: int = 0


class AnswerChunk(Struct, frozen=True, tag="piece"):
    """A piece of an answer in progress, from code point ``offset`` on. It stands after the event at
    position ``after``."""

    chat_id: ChatId
    caused_by: str
    attempt: int
    message_id: str
    after: int
    offset: int
    text: str


class ForwardCommand(Struct, frozen=True, tag="do"):
    """A command that ends a turn. The node that runs the turn carries it out, because it holds the
    text streamed so far."""

    kind: str
    command: msgspec.Raw


class SocketsQuery(Struct, frozen=True, tag="who"):
    """Asks every node for its sockets of a user (None: of everybody)."""

    ask: str
    user_id: str | None


class Socket(Struct, frozen=True):
    """A live socket, with some or all of the chats that it follows."""

    socket_connection_id: str
    connected_at: str
    user_chat_ids: list[ChatId]


class SocketsReply(Struct, frozen=True, tag="here"):
    """Some of the sockets of the node ``node``, whose lease is held as ``owner``."""

    ask: str
    node: str
    owner: str
    sockets: list[Socket]
    is_last: bool


Message = TurnsReleased | AnswerRequest | AnswerChunk | ForwardCommand | SocketsQuery | SocketsReply

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> str:
    """The message as it is sent."""
    return _encoder.encode(message).decode()


def decode(text: str) -> Message:
    """The message that ``text`` is; raises ``msgspec.MsgspecError``."""
    return _decoder.decode(text)


def chunks_of(whole: AnswerChunk) -> Iterator[AnswerChunk]:
    """``whole`` in parts, each small enough for one message."""
    for start in range(0, len(whole.text), CHUNK_CODE_POINTS):
        part = whole.text[start : start + CHUNK_CODE_POINTS]
        yield msgspec.structs.replace(whole, offset=whole.offset + start, text=part)


def replies_to(
    query: SocketsQuery, node: str, owner: str, sockets: Sequence[Socket]
) -> Iterator[SocketsReply]:
    """All of ``sockets`` as replies to ``query``, each small enough for one message."""
    parts = [
        msgspec.structs.replace(one, user_chat_ids=list(chats))
        for one in sockets
        for chats in (chunks(one.user_chat_ids, _CHATS_AT_ONCE) or [[]])
    ]
    groups = chunks(parts, _SOCKETS_AT_ONCE) or [[]]
    for number, group in enumerate(groups, 1):
        yield SocketsReply(query.ask, node, owner, list(group), number == len(groups))


def chunks(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    """``items`` in order, at most ``size`` together."""
    return [items[start : start + size] for start in range(0, len(items), size)]
