"""The frames of the wire protocol as a client sees them: what it may send, what may come.

Unknown fields are ignored. A frame whose type (or form) this version does not know becomes an
``UnknownEvent``, which still has its position, or is left out. Fields that erasure takes away
have empty defaults.
"""

# ruff: noqa: D101 - the protocol's tables (sections 4 to 6) say what each frame means

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from chatstream.protocol.numbers import finite

PROTOCOL: Final = "chatstream.v1"

IntentStatus = Literal["active", "complete", "abandoned"]
TurnStatus = Literal["started", "restarted", "finished", "needs_input", "cancelled", "failed"]
TurnEnd = Literal["finished", "needs_input", "cancelled", "failed"]
Values: TypeAlias = dict[str, object]
"""A JSON object: a form's values, slots, details."""


# ---------------------------------------------------------------------- what a client sends


class ClientFrame(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag=str.lower
):
    """Base of all that a client sends."""


class Hello(ClientFrame, frozen=True, kw_only=True):
    protocol: str
    token: str | None = None
    batch: bool = False


class Open(ClientFrame, frozen=True, kw_only=True):
    id: str
    user_chat_id: str
    after: int = 0
    after_event: str | None = None
    last: int | None = None


class Leave(ClientFrame, frozen=True, kw_only=True):
    user_chat_id: str


class Auth(ClientFrame, frozen=True, kw_only=True):
    token: str


class Command(ClientFrame, frozen=True, kw_only=True):
    """Base of what is answered by ``ack`` or ``rejected``; ``id`` is its idempotency key."""

    id: str
    user_chat_id: str


class Send(Command, frozen=True, kw_only=True):
    content: str
    user_intent_id: str | None = None
    new_intent: bool = False


class Submit(Command, frozen=True, kw_only=True):
    component_id: str
    values: Values


class Cancel(Command, frozen=True, kw_only=True):
    turn: str | None = None


class Retry(Command, frozen=True, kw_only=True):
    message_id: str


class Resume(Command, frozen=True, kw_only=True):
    user_intent_id: str


class Abandon(Command, frozen=True, kw_only=True):
    user_intent_id: str


class Close(Command, frozen=True, kw_only=True):
    pass


# --------------------------------------------------------------------------- control frames


class Limits(msgspec.Struct, frozen=True):
    max_frame_bytes: int
    max_content_bytes: int


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an intent waits for, as it was asked."""

    text: str = ""
    component_id: str | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing the user wants done, as it stands."""

    user_intent_id: str
    status: IntentStatus
    reason: str | None = None
    name: str | None = None
    title: str = ""
    slots: Values = {}
    question: Question | None = None
    session_id: str | None = None
    created_at: str = ""
    last_activity_at: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    session_id: str
    status: str
    expires_at: str | None = None


class RunningTurn(msgspec.Struct, frozen=True):
    """``message_id`` is the ``caused_by`` of the turn's events, ``retry_of`` what is run again."""

    message_id: str
    attempt: int = 1
    retry_of: str | None = None


class ServerFrame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Base of all that a server sends."""


class Welcome(ServerFrame, frozen=True, kw_only=True, tag="welcome"):
    socket_connection_id: str
    user_id: str
    heartbeat_seconds: float
    limits: Limits
    server_time: str
    token: str | None = None
    token_expires_at: str | None = None


class Opened(ServerFrame, frozen=True, kw_only=True, tag="opened"):
    user_chat_id: str
    created: bool
    status: Literal["open", "closed", "erased"]
    position: int
    from_position: int = msgspec.field(name="from")
    id: str | None = None
    intent: Intent | None = None
    session: Session | None = None
    turn: RunningTurn | None = None
    resumable: tuple[Intent, ...] = ()


class CaughtUp(ServerFrame, frozen=True, kw_only=True, tag="caught_up"):
    user_chat_id: str
    position: int


class Ack(ServerFrame, frozen=True, kw_only=True, tag="ack"):
    """The command ``id`` is on disk, at ``position``; ``duplicate``: it already was."""

    id: str
    user_chat_id: str
    position: int
    duplicate: bool = False


class Rejected(ServerFrame, frozen=True, kw_only=True, tag="rejected"):
    code: str
    message: str = ""
    id: str | None = None
    user_chat_id: str | None = None
    retry_after: float | None = None
    details: Values = {}


class Delta(ServerFrame, frozen=True, kw_only=True, tag="delta"):
    user_chat_id: str
    message_id: str
    offset: int
    text: str


class Resync(ServerFrame, frozen=True, kw_only=True, tag="resync"):
    user_chat_id: str
    reason: str


class Heartbeat(ServerFrame, frozen=True, kw_only=True, tag="heartbeat"):
    pass


class Drain(ServerFrame, frozen=True, kw_only=True, tag="drain"):
    retry_after_ms: int


# ----------------------------------------------------------------------------- event frames


class EventFrame(ServerFrame, frozen=True, kw_only=True):
    """Base of what has a position: a stored event, the same for every reader, for ever."""

    user_chat_id: str
    position: int
    event_id: str
    timestamp: str = ""
    user_id: str = ""
    user_intent_id: str | None = None
    session_id: str | None = None
    socket_connection_id: str | None = None
    message_id: str | None = None
    caused_by: str | None = None
    erased: bool = False


class ChatEvent(EventFrame, frozen=True, kw_only=True, tag="chat"):
    status: Literal["opened", "closed", "erased"]


class UserEvent(EventFrame, frozen=True, kw_only=True, tag="user"):
    content: str = ""


class ComponentSubmittedEvent(EventFrame, frozen=True, kw_only=True, tag="component_submitted"):
    component_id: str
    values: Values = {}


class TurnEvent(EventFrame, frozen=True, kw_only=True, tag="turn"):
    status: TurnStatus
    attempt: int = 1
    retry_of: str | None = None


class SessionEvent(EventFrame, frozen=True, kw_only=True, tag="session"):
    status: Literal["started", "completed", "expired", "abandoned"]


class IntentEvent(EventFrame, frozen=True, kw_only=True, tag="intent"):
    status: IntentStatus
    name: str | None = None
    confidence: float | None = None
    slots: Values = {}
    reason: str | None = None


class ContextEvent(EventFrame, frozen=True, kw_only=True, tag="context"):
    source: str = ""


class ThinkingEvent(EventFrame, frozen=True, kw_only=True, tag="thinking"):
    step: str
    status: Literal["started", "completed", "failed"] = "completed"
    content: str = ""
    attempt: int | None = None
    of: int | None = None
    duration_ms: float | None = None
    data: object = None


class PartialEvent(EventFrame, frozen=True, kw_only=True, tag="partial"):
    offset: int = 0
    text: str = ""


class ResponseEvent(EventFrame, frozen=True, kw_only=True, tag="response"):
    content: str = ""
    is_complete: bool = False
    follow_up: bool = False
    stopped: bool = False


class Option(msgspec.Struct, frozen=True):
    """One button: ``value`` is what a ``submit`` carries."""

    value: object
    label: str = ""


class ComponentEvent(EventFrame, frozen=True, kw_only=True, tag="component"):
    component_id: str
    kind: str = ""
    title: str = ""
    schema: Values = {}
    options: tuple[Option, ...] = ()
    expires_at: str | None = None
    data: object = None


class ToolCallEvent(EventFrame, frozen=True, kw_only=True, tag="tool_call"):
    call_id: str
    name: str = ""
    idempotent: bool = False
    arguments: object = None


class ToolResultEvent(EventFrame, frozen=True, kw_only=True, tag="tool_result"):
    call_id: str
    ok: bool
    result: object = None


class ErrorEvent(EventFrame, frozen=True, kw_only=True, tag="error"):
    code: str
    message: str = ""
    retryable: bool = False


class UnknownEvent(EventFrame, frozen=True, kw_only=True, tag="unknown"):
    """A stored event of a type or form that this client does not know."""

    original_type: str = ""


Event: TypeAlias = (
    ChatEvent
    | UserEvent
    | ComponentSubmittedEvent
    | TurnEvent
    | SessionEvent
    | IntentEvent
    | ContextEvent
    | ThinkingEvent
    | PartialEvent
    | ResponseEvent
    | ComponentEvent
    | ToolCallEvent
    | ToolResultEvent
    | ErrorEvent
    | UnknownEvent
)
ChatFrame: TypeAlias = Event | Opened | CaughtUp | Delta | Resync
Frame: TypeAlias = ChatFrame | Welcome | Ack | Rejected | Heartbeat | Drain


# -------------------------------------------------------------------------------- the codec


class _Head(msgspec.Struct):
    type: str
    position: int | None = None


_ENCODER = msgspec.json.Encoder()
_FRAME: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame, float_hook=finite)
_BATCH = msgspec.json.Decoder(list[msgspec.Raw])
_HEAD = msgspec.json.Decoder(_Head)
_UNKNOWN = msgspec.json.Decoder(dict[str, object], float_hook=finite)


def encode(frame: ClientFrame) -> str:
    """``frame`` as one text message; ``UnicodeEncodeError`` if a text holds a lone surrogate."""
    return _ENCODER.encode(frame).decode()


def decode(message: str | bytes) -> Iterator[Frame]:
    """The frames of one server message (one frame or an array), those it knows, in order.

    Raises ``msgspec.DecodeError`` if the message is not JSON or not made of typed objects.
    """
    text = message.encode() if isinstance(message, str) else message
    if text.lstrip()[:1] != b"[":
        yield from _decode_one(text)
        return
    for raw in _BATCH.decode(text):
        yield from _decode_one(bytes(raw))


def _decode_one(text: bytes) -> Iterator[Frame]:
    try:
        yield _FRAME.decode(text)
    except msgspec.ValidationError:
        head = _HEAD.decode(text)
        if head.position is not None:
            fields = _UNKNOWN.decode(text) | {"type": "unknown", "original_type": head.type}
            yield msgspec.convert(fields, UnknownEvent)
