"""The closed union of facts: what is stored, and what a reader sees as event frames.

A fact's JSON is the frame without ``user_chat_id`` and ``position``: these names and tags are
the storage format and the wire format at once. They never change; a changed meaning is a new
topic and an upcaster (``upcasting.py``). What is stored but never framed is ``Hidden``.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from msgspec import Struct

from chatstream.domain.steps import JsonObject, Option, ThinkingStatus
from chatstream.ids import IntentId, SessionId, SocketId

ChatStatus = Literal["opened", "closed", "erased"]
TurnStatus = Literal["started", "restarted", "finished", "needs_input", "cancelled", "failed"]
TurnEnd = Literal["finished", "needs_input", "cancelled", "failed"]
SessionStatus = Literal["started", "completed", "expired", "abandoned"]
IntentStatus = Literal["active", "complete", "abandoned"]


class CommandKey(Struct, frozen=True, gc=False):
    """The idempotency key of the command that a fact was stored for, and its body's digest."""

    id: str
    digest: str


class ReminderMark(Struct, frozen=True, omit_defaults=True):
    """From this fact on the reminder ``key`` waits, or, without ``due_at``, no longer."""

    key: str
    reminder_id: str = ""
    content: str = ""
    due_at: str | None = None


class Hidden(Struct, frozen=True, omit_defaults=True):
    """What is stored with a fact and never leaves the server. ``slots`` are the agent's own."""

    command: CommandKey | None = None
    arguments: JsonObject | None = None
    result: Any = None
    context: JsonObject | None = None
    crashes: int = 0
    wanted_intent_id: IntentId | None = None
    wants_new_intent: bool = False
    slots: JsonObject | None = None
    reminder: ReminderMark | None = None


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """The fields every fact has where they apply. Times are RFC 3339 texts. A decision makes bare
    facts and gives them their ids and their time as it takes them in (``Draft.add``)."""

    event_id: str = ""
    timestamp: str = ""
    user_id: str = ""
    user_intent_id: IntentId | None = None
    session_id: SessionId | None = None
    socket_connection_id: SocketId | None = None
    message_id: str | None = None
    caused_by: str | None = None
    hidden: Hidden | None = None


class ChatChanged(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="chat"):
    """A chat window was opened, closed for good, or erased."""

    status: ChatStatus


class UserMessageAdded(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="user"):
    """The user said something; without ids while it waits for its turn."""

    content: str


class ComponentSubmitted(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="component_submitted"
):
    """The user answered a component."""

    component_id: str
    values: JsonObject


class TurnChanged(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="turn"):
    """A run of the agent began, began again after a crash, or ended."""

    status: TurnStatus
    attempt: int
    retry_of: str | None = None


class SessionChanged(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="session"):
    """The working context of an intent began or ended."""

    status: SessionStatus


class IntentChanged(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="intent"):
    """An intent began, learned something, was completed, abandoned or resumed."""

    status: IntentStatus
    name: str | None = None
    confidence: float | None = None
    slots: JsonObject | None = None
    reason: str | None = None


class ContextBrought(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="context"):
    """The context manager brought something into a new session (``Hidden.context``)."""

    source: str


class ThinkingAdded(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="thinking"):
    """The agent told of a step on the way."""

    step: str
    status: ThinkingStatus
    content: str
    attempt: int | None = None
    of: int | None = None
    duration_ms: int | None = None
    data: JsonObject | None = None

    # ``content`` and ``status`` are required, so that they are framed even when empty.


class PartialStored(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="partial"):
    """A checkpoint of an answer in progress; ``offset`` counts code points."""

    offset: int
    text: str


class ResponseGiven(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="response"):
    """The agent answered; replaces what was streamed under its ``message_id``."""

    content: str
    is_complete: bool
    follow_up: bool
    stopped: bool | None = None


class ComponentShown(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="component"):
    """A form, buttons or a component of the agent's own was put into the chat."""

    component_id: str
    kind: str
    title: str | None = None
    schema: JsonObject | None = None
    options: tuple[Option, ...] | None = None
    expires_at: str | None = None
    data: JsonObject | None = None


class ToolCalled(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="tool_call"):
    """A tool is about to run; stored before it does."""

    call_id: str
    name: str
    idempotent: bool
    arguments: JsonObject | None = None


class ToolReturned(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="tool_result"):
    """A tool's call ended."""

    call_id: str
    ok: bool
    result: Any = None


class ErrorRaised(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="error"):
    """Something went wrong in a turn; ``message`` is safe to show."""

    code: str
    message: str
    retryable: bool


AnyFact = (
    ChatChanged
    | UserMessageAdded
    | ComponentSubmitted
    | TurnChanged
    | SessionChanged
    | IntentChanged
    | ContextBrought
    | ThinkingAdded
    | PartialStored
    | ResponseGiven
    | ComponentShown
    | ToolCalled
    | ToolReturned
    | ErrorRaised
)
FACTS: tuple[type[AnyFact], ...] = get_args(AnyFact)
