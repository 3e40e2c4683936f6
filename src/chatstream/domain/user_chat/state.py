"""The state of one chat: what a fold of its facts knows. Every struct here is a value.

Unfinished things lie in small dicts that are copied when they change; what only grows
(commands, messages, completed intents) lies in ledgers, so that a long chat folds as fast as
a short one.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from chatstream.domain.events import IntentStatus, TurnEnd
from chatstream.domain.steps import JsonObject, Option
from chatstream.domain.user_chat.ledger import Ledger
from chatstream.ids import IntentId, SessionId, SocketId

TITLE_CODE_POINTS = 80


class CommandRecord(Struct, frozen=True, gc=False):
    """A command that was stored: where, and the digest of its body (None once erased).
    ``stored_no_fact``: it changed nothing and is known by its id alone."""

    position: int
    digest: str | None
    stored_no_fact: bool = False


class HistoryItem(Struct, frozen=True):
    """A message of an intent, as an agent reads it."""

    role: Literal["user", "ai"]
    content: str
    position: int
    timestamp: str
    values: JsonObject | None = None
    follow_up: bool = False


class Message(Struct, frozen=True):
    """A user message or a submit: what a turn runs on."""

    id: str
    position: int
    timestamp: str
    content: str = ""
    values: JsonObject | None = None
    component_id: str | None = None
    socket_connection_id: SocketId | None = None
    wanted_intent_id: IntentId | None = None
    wants_new_intent: bool = False


class ShownComponent(Struct, frozen=True):
    """A component that may be answered."""

    component_id: str
    user_intent_id: IntentId
    kind: str
    title: str | None = None
    schema: JsonObject | None = None
    options: tuple[Option, ...] | None = None
    expires_at: str | None = None


class PastCall(Struct, frozen=True):
    """A tool call of a turn; ``ok`` is None while its outcome is not stored. ``message_id`` is the
    message that its turn ran on, the same for each retry; ``position`` that of the call.
    ``is_answered``: its turn came to its end, and has said what there was to say of it."""

    call_id: str
    name: str
    arguments: JsonObject
    idempotent: bool
    visible: bool = False
    ok: bool | None = None
    result: Any = None
    message_id: str = ""
    position: int = 0
    is_answered: bool = False


class Intent(Struct, frozen=True):
    """One thing the user wants. ``asked`` is the newest follow-up question; ``component`` the
    open one; ``component_asks`` whether that was shown after the last plain response. ``calls``
    are those of its ended turns that a later turn may have to know of."""

    user_intent_id: IntentId
    status: IntentStatus
    title: str
    created_at: str
    last_activity_at: str
    reason: str | None = None
    name: str | None = None
    confidence: float | None = None
    slots: JsonObject = field(default_factory=dict)
    asked: str | None = None
    component: ShownComponent | None = None
    component_asks: bool = False
    messages: tuple[HistoryItem, ...] = ()
    unknown_call: PastCall | None = None
    calls: tuple[PastCall, ...] = ()


class Session(Struct, frozen=True):
    """A living working context of an intent."""

    session_id: SessionId
    user_intent_id: IntentId
    started_at: str
    context: JsonObject | None = None


class Turn(Struct, frozen=True):
    """The running turn. ``answer`` is the text of the unfinished answer's partials; ``waits``
    whether the newest step was a component, so that a run that ends here needs input;
    ``begun_by`` the event that began this attempt and ``begun_at`` its time; ``has_progressed``
    whether the agent has stored anything in it."""

    caused_by: str
    message: Message
    attempt: int
    first_position: int
    user_intent_id: IntentId
    session_id: SessionId | None = None
    socket_connection_id: SocketId | None = None
    retry_of: str | None = None
    crashes: int = 0
    answer_id: str | None = None
    answer: str = ""
    waits: bool = False
    calls: tuple[PastCall, ...] = ()
    begun_by: str = ""
    begun_at: str = ""
    has_progressed: bool = False


class Reminder(Struct, frozen=True):
    """What will be said by itself at ``due_at``. ``key`` is its agent's name for it,
    ``reminder_id`` what the turn will be caused by."""

    key: str
    reminder_id: str
    content: str
    due_at: str


class Owner(Struct, frozen=True, gc=False):
    """The ids under which the turn of a message that had to wait was started."""

    user_intent_id: IntentId | None
    session_id: SessionId | None


class LastMessage(Struct, frozen=True):
    """The newest user message and how its newest turn ended (None: waits or runs)."""

    message: Message
    user_intent_id: IntentId | None = None
    end: TurnEnd | None = None


class UserChat(Struct, frozen=True):
    """One chat. ``position`` is that of its newest fact; 0 means that it does not exist."""

    position: int = 0
    status: Literal["none", "open", "closed", "erased"] = "none"
    user_id: str = ""
    title: str | None = None
    opened_at: str = ""
    last_event_at: str = ""
    last_event_id: str = ""
    active_intent_id: IntentId | None = None
    newest_intent_id: IntentId | None = None
    unfinished: dict[IntentId, Intent] = field(default_factory=dict)
    complete: Ledger[IntentId, Intent] = field(default_factory=Ledger[IntentId, Intent])
    # A submit that came too late is activity of an intent that was complete already.
    late_activity: dict[IntentId, str] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    ended_sessions: Ledger[SessionId, Session] = field(default_factory=Ledger[SessionId, Session])
    components: Ledger[str, IntentId] = field(default_factory=Ledger[str, IntentId])
    turn: Turn | None = None
    waiting: tuple[Message, ...] = ()
    last_message: LastMessage | None = None
    messages: Ledger[str, int] = field(default_factory=Ledger[str, int])
    reminders: dict[str, Reminder] = field(default_factory=dict)
    owners: Ledger[str, Owner] = field(default_factory=Ledger[str, Owner])
    commands: Ledger[str, CommandRecord] = field(default_factory=Ledger[str, CommandRecord])

    @property
    def text_since(self) -> int:
        """The position of what ended the newest answer, or turn: text from before it is of one
        that is over."""
        if self.turn is None:
            return self.position
        newest = (
            next((one.position for one in reversed(intent.messages) if one.role == "ai"), 0)
            for intent in self.unfinished.values()
        )
        return max(newest, default=0)

    def intent(self, user_intent_id: IntentId | None) -> Intent | None:
        """The intent of that id, unfinished or complete."""
        if user_intent_id is None:
            return None
        intent = self.unfinished.get(user_intent_id) or self.complete.get(user_intent_id)
        late = self.late_activity.get(user_intent_id)
        return intent if intent is None or late is None else replace(intent, last_activity_at=late)

    def outcome_of(self, call_id: str) -> PastCall | None:
        """The running turn's call of that id, if it has ended: in this turn, however it went, or
        well in an earlier turn on the same message, so that a retry does nothing twice."""
        turn = self.turn
        if turn is None:
            return None
        for call in turn.calls:
            if call.call_id == call_id:
                return None if call.ok is None else call
        intent = self.unfinished.get(turn.user_intent_id)
        for call in () if intent is None else intent.calls:
            if (call.call_id, call.message_id) == (call_id, turn.message.id) and call.ok:
                return call
        return None

    def intents(self) -> list[Intent]:
        """Every intent of the chat."""
        ids = (*self.complete, *self.unfinished)
        return [intent for one in ids if (intent := self.intent(one)) is not None]

    def session_of(self, user_intent_id: IntentId) -> Session | None:
        """The living session of an intent."""
        for session in self.sessions.values():
            if session.user_intent_id == user_intent_id:
                return session
        return None
