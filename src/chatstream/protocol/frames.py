"""The frames of the socket: what a client may send, and what the server sends beside events.

The client's are a closed union for one prebuilt decoder; fields that are not known are ignored.
Event frames are not here: their bytes come from the log as they are.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta, Struct

from chatstream.errors import Code
from chatstream.ids import ChatId
from chatstream.protocol.content import WireInt

# Not \Z: the pattern also stands in the exported JSON Schema. A plain $ lets a newline pass.
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)")]
ShortText = Annotated[str, Meta(max_length=8192)]
"""Any text field but ``content`` and a token, which is bad where it is too long."""
Nonce = ShortText | int | float | bool


class _ClientFrame(Struct, frozen=True, kw_only=True, tag_field="type"):
    """A null is as good as an absent field where a field may be absent: many a language writes
    what is not set as null."""


class Hello(_ClientFrame, frozen=True, kw_only=True, tag="hello"):
    """The first frame of a socket."""

    protocol: ShortText
    token: str | None = None
    batch: bool | None = False


class Open(_ClientFrame, frozen=True, kw_only=True, tag="open"):
    """Make a chat, or follow one from ``after``."""

    id: Id | None = None
    user_chat_id: Id | None = None
    after: WireInt | None = 0
    after_event: Id | None = None
    last: WireInt | None = None


class _CommandFrame(_ClientFrame, frozen=True, kw_only=True):
    id: Id
    user_chat_id: Id


class Send(_CommandFrame, frozen=True, kw_only=True, tag="send"):
    """The user says something."""

    content: str
    user_intent_id: Id | None = None
    new_intent: bool | None = False


class Submit(_CommandFrame, frozen=True, kw_only=True, tag="submit"):
    """The user answers a component."""

    component_id: Id
    values: dict[str, Any]


class Cancel(_CommandFrame, frozen=True, kw_only=True, tag="cancel"):
    """Stop the running turn."""

    turn: Id | None = None


class Retry(_CommandFrame, frozen=True, kw_only=True, tag="retry"):
    """Run the agent again on a message."""

    message_id: Id


class Resume(_CommandFrame, frozen=True, kw_only=True, tag="resume"):
    """Take an abandoned intent up again."""

    user_intent_id: Id


class Abandon(_CommandFrame, frozen=True, kw_only=True, tag="abandon"):
    """Give an intent up."""

    user_intent_id: Id


class CloseWindow(_CommandFrame, frozen=True, kw_only=True, tag="close"):
    """Close the chat window for good."""


class Leave(_ClientFrame, frozen=True, kw_only=True, tag="leave"):
    """Stop following a chat."""

    user_chat_id: Id


class Auth(_ClientFrame, frozen=True, kw_only=True, tag="auth"):
    """A fresh token of the same user."""

    token: str


class Ping(_ClientFrame, frozen=True, kw_only=True, tag="ping"):
    """Is anybody there?"""

    nonce: Nonce | None = None


CommandFrame = Send | Submit | Cancel | Retry | Resume | Abandon | CloseWindow
ClientFrame = Hello | Open | CommandFrame | Leave | Auth | Ping

CLIENT_TYPES: frozenset[str] = frozenset(
    str(frame.__struct_config__.tag) for frame in get_args(ClientFrame)
)


class _ServerFrame(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    pass


class FrameLimits(Struct, frozen=True):
    """What a client must stay within."""

    max_frame_bytes: int
    max_content_bytes: int


class Welcome(_ServerFrame, frozen=True, kw_only=True, tag="welcome"):
    """The answer to ``hello`` and ``auth``."""

    socket_connection_id: str
    user_id: str
    token: str | None = None
    token_expires_at: str | None = None
    heartbeat_seconds: float
    limits: FrameLimits
    server_time: str


class OpenedHead(_ServerFrame, frozen=True, kw_only=True, tag="opened", rename={"start": "from"}):
    """What ``opened`` has beside the view of the chat, which is spliced behind it."""

    id: str | None = None
    created: bool
    start: int


class CaughtUp(_ServerFrame, frozen=True, kw_only=True, tag="caught_up"):
    """The past is delivered; what follows is live."""

    user_chat_id: ChatId
    position: int


class Ack(_ServerFrame, frozen=True, kw_only=True, tag="ack"):
    """The command is stored and on disk."""

    id: str
    user_chat_id: str
    position: int
    duplicate: bool = False


class Details(Struct, frozen=True):
    """Field to reason, for ``invalid_form``."""

    fields: dict[str, str]


class Rejected(_ServerFrame, frozen=True, kw_only=True, tag="rejected"):
    """The frame was refused and left no trace."""

    id: str | None
    user_chat_id: str | None = None
    code: Code
    message: str
    retry_after: float | None = None
    details: Details | None = None


class Delta(_ServerFrame, frozen=True, kw_only=True, tag="delta"):
    """A piece of an answer in progress; ``offset`` counts code points."""

    user_chat_id: ChatId
    message_id: str
    offset: int
    text: str


class Resync(_ServerFrame, frozen=True, kw_only=True, tag="resync"):
    """The client's position means nothing here; a new ``opened`` follows."""

    user_chat_id: ChatId
    reason: str


class Heartbeat(_ServerFrame, frozen=True, kw_only=True, tag="heartbeat"):
    """The server is there, and silent."""


class Drain(_ServerFrame, frozen=True, kw_only=True, tag="drain"):
    """The server is going away."""

    retry_after_ms: int


class Pong(_ServerFrame, frozen=True, kw_only=True, tag="pong"):
    """The answer to ``ping``."""

    nonce: Nonce | None = None


ServerFrame = Welcome | CaughtUp | Ack | Rejected | Delta | Resync | Heartbeat | Drain | Pong

_encoder = msgspec.json.Encoder()


def encode(frame: ServerFrame) -> bytes:
    """A control frame as it goes out."""
    return _encoder.encode(frame)


def encode_opened(head: OpenedHead, view: Struct) -> bytes:
    """``opened``: its own fields, then those of the view of the chat."""
    return _encoder.encode(head)[:-1] + b"," + _encoder.encode(view)[1:]
