"""The closed union of commands: what may be asked of a chat, each with its time and ids.

Nothing here reads a clock or makes randomness: ``now_ms`` and ``nonce`` (96 random bits, the
seed of every id the command makes) come in with the command. A client command carries the
client's idempotency key ``id``; its ``digest`` tells a repeat from a conflict.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import assert_never

import msgspec
from msgspec import Struct

from chatstream.domain.steps import JsonObject, Step
from chatstream.ids import ChatId, IntentId, SessionId, SocketId


class Command(Struct, frozen=True, kw_only=True):
    """What every command carries."""

    user_chat_id: ChatId
    user_id: str
    now_ms: int
    nonce: str
    socket_connection_id: SocketId | None = None


class Streamed(Struct, frozen=True):
    """Text of an answer in progress that was sent as deltas, as its runner holds it."""

    message_id: str
    text: str


class ClientCommand(Command, frozen=True, kw_only=True):
    """A command that is answered by an ``ack`` and stored once however often it is sent.

    ``streamed`` is what the runner of the chat's turn has streamed, in case the command ends it.
    """

    id: str
    streamed: Streamed | None = None


class OpenChat(Command, frozen=True, kw_only=True):
    """Make the chat if it does not exist; ``may_make``: or refuse, for it would be one too many."""

    may_make: bool = True


class SendMessage(ClientCommand, frozen=True, kw_only=True):
    """The user says something."""

    content: str
    user_intent_id: IntentId | None = None
    new_intent: bool = False


class SubmitComponent(ClientCommand, frozen=True, kw_only=True):
    """The user answers a component; the values have been checked against its schema."""

    component_id: str
    values: JsonObject


class CancelTurn(ClientCommand, frozen=True, kw_only=True):
    """Stop the running turn; with ``turn`` (its ``caused_by``) only that one."""

    turn: str | None = None


class RetryMessage(ClientCommand, frozen=True, kw_only=True):
    """Run the agent again on the newest user message."""

    message_id: str


class ResumeIntent(ClientCommand, frozen=True, kw_only=True):
    """Make an abandoned intent active again."""

    user_intent_id: IntentId


class AbandonIntent(ClientCommand, frozen=True, kw_only=True):
    """The user gives an intent up."""

    user_intent_id: IntentId


class CloseChat(ClientCommand, frozen=True, kw_only=True):
    """The user closes the window for good."""


class EraseChat(Command, frozen=True, kw_only=True):
    """Erase what people and agents wrote; may be repeated."""


class ClearSession(Command, frozen=True, kw_only=True):
    """End a session on the user's wish; may be repeated."""

    session_id: SessionId
    streamed: Streamed | None = None


class RunnerCommand(Command, frozen=True, kw_only=True):
    """What the runner of a turn stores; refused (``StaleTurn``) once the turn is not its own.

    ``begun_by`` names the event that began the run: two nodes may begin one attempt, and one of
    them finds out only after its run has gone on, even to its end. None is any run of the attempt.
    """

    caused_by: str
    attempt: int
    begun_by: str | None = None


class RecordSteps(RunnerCommand, frozen=True, kw_only=True):
    """Steps that the agent yielded, in order and without a pause between them. ``message_id`` and
    ``streamed_text`` are those of the answer in progress: only the last of them may give it."""

    steps: tuple[Step, ...]
    message_id: str
    streamed_text: str = ""


class CheckpointAnswer(RunnerCommand, frozen=True, kw_only=True):
    """Store the streamed text that no ``partial`` holds yet, from code point ``offset``."""

    message_id: str
    offset: int
    text: str


class FinishTurn(RunnerCommand, frozen=True, kw_only=True):
    """The agent's generator ended by itself; streamed text becomes the response."""

    message_id: str
    streamed_text: str = ""


class FailTurn(RunnerCommand, frozen=True, kw_only=True):
    """The run failed: raised, timed out, was refused a step. ``streamed`` is the text of the answer
    in progress; it is kept, as that of an answer that was stopped."""

    code: str
    message: str
    retryable: bool = True
    streamed: Streamed | None = None


class BringContext(RunnerCommand, frozen=True, kw_only=True):
    """What the context manager found for a new session."""

    source: str
    context: JsonObject


class RestartTurn(RunnerCommand, frozen=True, kw_only=True):
    """The runner of this attempt is gone; ``crashed`` is False for a hand-over, and where the
    storage did not take what it did."""

    crashed: bool
    max_attempts: int


class AbandonIdleIntent(Command, frozen=True, kw_only=True):
    """A timer: abandon the intent if it had no activity since ``idle_before_ms``."""

    user_intent_id: IntentId
    idle_before_ms: int


class ExpireSession(Command, frozen=True, kw_only=True):
    """A timer: expire the session if its intent had no activity since ``idle_before_ms``."""

    session_id: SessionId
    idle_before_ms: int


class SpeakReminders(Command, frozen=True, kw_only=True):
    """A timer: say what is due, unless a turn runs or waits."""


class DropReminder(Command, frozen=True, kw_only=True):
    """The user's reminder shall not speak; asked for from another chat. May be repeated."""

    key: str


AnyClientCommand = (
    SendMessage
    | SubmitComponent
    | CancelTurn
    | RetryMessage
    | ResumeIntent
    | AbandonIntent
    | CloseChat
)
AnyRunnerCommand = (
    RecordSteps | CheckpointAnswer | FinishTurn | FailTurn | BringContext | RestartTurn
)
AnyCommandToAChat = (
    AnyClientCommand
    | EraseChat
    | ClearSession
    | AnyRunnerCommand
    | AbandonIdleIntent
    | ExpireSession
    | SpeakReminders
    | DropReminder
)
AnyCommand = OpenChat | AnyCommandToAChat

_encoder = msgspec.json.Encoder(order="sorted")


def digest(command: AnyClientCommand) -> str:
    """A short hash of the command's body: its type and all fields but ``id``.

    Key order does not count and an absent field equals its default.
    """
    raw = hashlib.blake2b(_encoder.encode(_body(command)), digest_size=12).digest()
    return urlsafe_b64encode(raw).decode()


def _body(command: AnyClientCommand) -> tuple[object, ...]:
    match command:
        case SendMessage():
            return ("send", command.content, command.user_intent_id, command.new_intent)
        case SubmitComponent():
            return ("submit", command.component_id, command.values)
        case CancelTurn():
            return ("cancel", command.turn)
        case RetryMessage():
            return ("retry", command.message_id)
        case ResumeIntent():
            return ("resume", command.user_intent_id)
        case AbandonIntent():
            return ("abandon", command.user_intent_id)
        case CloseChat():
            return ("close",)
        case _:  # pragma: no cover
            assert_never(command)
