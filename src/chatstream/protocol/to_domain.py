"""From frames of the wire to commands of the domain: the one place that knows both."""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from chatstream.domain.commands import (
    AbandonIntent,
    AnyClientCommand,
    CancelTurn,
    CloseChat,
    OpenChat,
    ResumeIntent,
    RetryMessage,
    SendMessage,
    SubmitComponent,
)
from chatstream.ids import ChatId, IntentId, SocketId
from chatstream.protocol.frames import (
    Abandon,
    Cancel,
    CloseWindow,
    CommandFrame,
    Resume,
    Retry,
    Send,
    Submit,
)


class Origin(Struct, frozen=True):
    """Whose command it is, which socket it came in by, when (Unix ms), and its random seed."""

    user_id: str
    socket_connection_id: SocketId
    now_ms: int
    nonce: str


def to_open_chat(chat_id: ChatId, origin: Origin, *, may_make: bool = True) -> OpenChat:
    """The command behind ``open``."""
    return OpenChat(
        user_chat_id=chat_id,
        user_id=origin.user_id,
        now_ms=origin.now_ms,
        nonce=origin.nonce,
        socket_connection_id=origin.socket_connection_id,
        may_make=may_make,
    )


def to_command(frame: CommandFrame, origin: Origin) -> AnyClientCommand:
    """The command that a frame asks for."""
    # Spelled out in each arm: a dict of the common fields would hide them from the type check,
    # and cost a copy on the hottest path there is.
    chat_id, user_id, now_ms = ChatId(frame.user_chat_id), origin.user_id, origin.now_ms
    nonce, socket_id = origin.nonce, origin.socket_connection_id
    match frame:
        case Send():
            return SendMessage(
                user_chat_id=chat_id, user_id=user_id, now_ms=now_ms, nonce=nonce,
                socket_connection_id=socket_id, id=frame.id, content=frame.content,
                user_intent_id=_intent(frame.user_intent_id), new_intent=bool(frame.new_intent),
            )  # fmt: skip
        case Submit():
            return SubmitComponent(
                user_chat_id=chat_id, user_id=user_id, now_ms=now_ms, nonce=nonce,
                socket_connection_id=socket_id, id=frame.id,
                component_id=frame.component_id, values=frame.values,
            )  # fmt: skip
        case Cancel():
            return CancelTurn(
                user_chat_id=chat_id, user_id=user_id, now_ms=now_ms, nonce=nonce,
                socket_connection_id=socket_id, id=frame.id, turn=frame.turn,
            )  # fmt: skip
        case Retry():
            return RetryMessage(
                user_chat_id=chat_id, user_id=user_id, now_ms=now_ms, nonce=nonce,
                socket_connection_id=socket_id, id=frame.id, message_id=frame.message_id,
            )  # fmt: skip
        case Resume():
            return ResumeIntent(
                user_chat_id=chat_id, user_id=user_id, now_ms=now_ms, nonce=nonce,
                socket_connection_id=socket_id, id=frame.id,
                user_intent_id=IntentId(frame.user_intent_id),
            )  # fmt: skip
        case Abandon():
            return AbandonIntent(
                user_chat_id=chat_id, user_id=user_id, now_ms=now_ms, nonce=nonce,
                socket_connection_id=socket_id, id=frame.id,
                user_intent_id=IntentId(frame.user_intent_id),
            )  # fmt: skip
        case CloseWindow():
            return CloseChat(
                user_chat_id=chat_id, user_id=user_id, now_ms=now_ms, nonce=nonce,
                socket_connection_id=socket_id, id=frame.id,
            )  # fmt: skip
        case _:  # pragma: no cover
            assert_never(frame)


def _intent(user_intent_id: str | None) -> IntentId | None:
    return None if user_intent_id is None else IntentId(user_intent_id)
