"""What an agent may yield: the closed union of steps, as plain immutable data.

The agent contract (``agents.contract``) re-exports them; the aggregate turns each into facts.
A ``str`` that an agent yields is a ``Delta``.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import force_setattr

ThinkingStatus = Literal["started", "completed", "failed"]
JsonObject = dict[str, Any]


class Thinking(Struct, frozen=True):
    """A step on the way, shown live and kept. ``step`` is one of the protocol's names or the
    agent's own; ``attempt`` of ``of`` counts fallbacks. ``duration_ms`` is measured by the
    runner for a ``completed`` or ``failed`` step whose ``started`` came before, unless given."""

    step: str
    content: str = ""
    status: ThinkingStatus = "completed"
    attempt: int | None = None
    of: int | None = None
    duration_ms: int | None = None
    data: JsonObject | None = None


class Delta(Struct, frozen=True):
    """A piece of the answer in progress."""

    text: str


class Response(Struct, frozen=True):
    """The answer; without ``content`` it is what was streamed. ``is_complete``: the task is
    done, the run ends here."""

    content: str | None = None
    is_complete: bool = False


class Option(Struct, frozen=True):
    """One button."""

    value: str
    label: str


class Form(Struct, frozen=True, tag=True):
    """A form made from the JSON Schema of its values. The last step of a run: it waits."""

    title: str
    schema: JsonObject
    expires_at_ms: int | None = None
    data: JsonObject | None = None


class Buttons(Struct, frozen=True, tag=True):
    """A choice of one. ``options`` may be given as texts, ``(value, label)`` pairs or
    ``{"value": .., "label": ..}``; they are held as ``Option``."""

    title: str
    options: tuple[Option, ...]
    expires_at_ms: int | None = None
    data: JsonObject | None = None

    def __post_init__(self) -> None:
        """Hold the options in their one form."""
        force_setattr(self, "options", tuple(map(_option, self.options)))


def _option(given: object) -> Option:
    match given:
        case Option():
            return given
        case str():
            return Option(given, given)
        case (str(value), str(label)) | {"value": str(value), "label": str(label)}:
            return Option(value, label)
        case _:
            raise TypeError(f"{given!r} is no option: a text, a pair or value and label is needed")


class Component(Struct, frozen=True, tag=True):
    """A component of the agent's own kind; ``data`` is what its renderer needs."""

    kind: str
    title: str | None = None
    data: JsonObject | None = None
    schema: JsonObject | None = None
    expires_at_ms: int | None = None


AnyComponent = Form | Buttons | Component


class FollowUp(Struct, frozen=True):
    """A question to the user; ends the run, the next message is a new run of the intent."""

    content: str
    component: AnyComponent | None = None


class IntentRecognised(Struct, frozen=True):
    """The agent knows what the user wants; ``confidence`` is 0 to 1."""

    name: str
    confidence: float | None = None


class SlotsSet(Struct, frozen=True):
    """Values the intent has now; merged into what is there, ``None`` removes one. Those whose
    name begins with ``_`` are the agent's own: kept like the others, and shown to nobody."""

    values: JsonObject


def is_own_slot(name: str) -> bool:
    """Whether the slot ``name`` is the agent's own, which no frame and no list shows."""
    return name.startswith("_")


class ToolCall(Struct, frozen=True):
    """Stored before the tool runs. ``call_id`` must be the same in every attempt."""

    name: str
    arguments: JsonObject
    call_id: str
    idempotent: bool = False
    visible: bool = False


class ToolResult(Struct, frozen=True):
    """What the call ``call_id`` gave; ``ok`` is False where it failed."""

    call_id: str
    ok: bool
    result: Any = None


class NewIntent(Struct, frozen=True):
    """The agent turns to another task: the current intent is set aside as ``switched``. With
    the id of one of ``turn.resumable`` that one is resumed, else a new one begins."""

    name: str | None
    user_intent_id: str | None = None


class Remind(Struct, frozen=True):
    """Say ``content`` in this chat at ``at_ms``, by itself, once: a turn that no message causes.
    ``key`` must be the same in every attempt; set again under it, the reminder is moved."""

    content: str
    at_ms: int
    key: str


class CancelReminder(Struct, frozen=True):
    """The reminder shall not speak; nothing happens if it waits no longer. ``user_chat_id`` names
    another chat of the same user, where it was set."""

    key: str
    user_chat_id: str | None = None


class Abandon(Struct, frozen=True):
    """The user gave the task up; ends the run."""

    reason: str = "user"


class Fail(Struct, frozen=True):
    """The turn fails with an error that is safe to show; ends the run."""

    code: str
    message: str
    retryable: bool = True


Step = (
    Thinking
    | Delta
    | Response
    | FollowUp
    | Form
    | Buttons
    | Component
    | IntentRecognised
    | SlotsSet
    | ToolCall
    | ToolResult
    | NewIntent
    | Remind
    | CancelReminder
    | Abandon
    | Fail
)


def buttons(title: str, *options: str | tuple[str, str]) -> Buttons:
    """``Buttons`` from texts, or pairs of value and label."""
    return Buttons(title, tuple(map(_option, options)))
