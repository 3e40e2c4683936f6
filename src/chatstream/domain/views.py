"""How a chat's state looks from outside: the shapes of ``opened`` and of the lists. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from chatstream.domain.events import IntentStatus, SessionStatus
from chatstream.domain.steps import JsonObject, is_own_slot
from chatstream.domain.user_chat.state import Intent, Session, UserChat
from chatstream.ids import ChatId, IntentId, SessionId
from chatstream.timestamps import to_ms, to_text

RESUMABLE_AT_MOST = 20


class Question(Struct, frozen=True, omit_defaults=True):
    """What the user was asked last."""

    text: str
    component_id: str | None = None


class IntentView(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An intent as clients see it; ``user_chat_id`` only in lists over chats."""

    user_intent_id: IntentId
    status: IntentStatus
    title: str
    created_at: str
    last_activity_at: str
    user_chat_id: ChatId | None = None
    reason: str | None = None
    name: str | None = None
    slots: JsonObject | None = None
    question: Question | None = None
    session_id: SessionId | None = None


class SessionView(Struct, frozen=True):
    """A session as ``opened`` shows it."""

    session_id: SessionId
    status: SessionStatus
    expires_at: str


class TurnView(Struct, frozen=True):
    """The running turn; ``message_id`` is the ``caused_by`` of its events."""

    message_id: str
    attempt: int


class ChatView(Struct, frozen=True):
    """A chat at a position: the body of ``opened`` and of ``GET /chats/{id}``."""

    user_chat_id: ChatId
    status: Literal["open", "closed", "erased"]
    position: int
    intent: IntentView | None
    session: SessionView | None
    turn: TurnView | None
    resumable: tuple[IntentView, ...]


def chat_view(chat_id: ChatId, state: UserChat, session_ttl_ms: int) -> ChatView:
    """How ``state`` looks; the chat must exist."""
    assert state.status != "none"
    intent = state.intent(state.active_intent_id) or state.intent(state.newest_intent_id)
    session = None if intent is None else state.session_of(intent.user_intent_id)
    return ChatView(
        user_chat_id=chat_id,
        status=state.status,
        position=state.position,
        intent=None if intent is None else intent_view(state, intent),
        session=None if session is None else session_view(state, session, session_ttl_ms),
        turn=None if state.turn is None else TurnView(state.turn.caused_by, state.turn.attempt),
        resumable=tuple(intent_view(state, intent) for intent in resumable(state)),
    )


def resumable(state: UserChat) -> list[Intent]:
    """The abandoned intents that may be resumed, newest activity first."""
    if state.status != "open":
        return []
    abandoned = [it for it in state.unfinished.values() if it.status == "abandoned"]
    abandoned.sort(key=lambda it: (it.last_activity_at, it.user_intent_id), reverse=True)
    return abandoned[:RESUMABLE_AT_MOST]


def intent_view(state: UserChat, intent: Intent, chat_id: ChatId | None = None) -> IntentView:
    """How ``intent`` looks in ``state``."""
    session = state.session_of(intent.user_intent_id)
    return IntentView(
        user_intent_id=intent.user_intent_id,
        status=intent.status,
        title=intent.title,
        created_at=intent.created_at,
        last_activity_at=intent.last_activity_at,
        user_chat_id=chat_id,
        reason=intent.reason,
        name=intent.name,
        slots=_shown(intent.slots) or None,
        question=question(intent),
        session_id=None if session is None else session.session_id,
    )


def _shown(slots: JsonObject) -> JsonObject:
    return {name: value for name, value in slots.items() if not is_own_slot(name)}


def question(intent: Intent) -> Question | None:
    """The newest follow-up, else the open component's title (protocol, section 5)."""
    component = intent.component
    component_id = None if component is None else component.component_id
    if intent.asked is not None:
        return Question(intent.asked, component_id)
    if component is not None and intent.component_asks and component.title:
        return Question(component.title, component_id)
    return None


def session_view(state: UserChat, session: Session, session_ttl_ms: int) -> SessionView:
    """How a living session looks; it expires ``session_ttl_ms`` after its intent's activity."""
    expires_ms = to_ms(session_activity(state, session)) + session_ttl_ms
    return SessionView(session.session_id, "started", to_text(expires_ms))


def session_activity(state: UserChat, session: Session) -> str:
    """When something last happened in ``session``'s intent, as RFC 3339."""
    intent = state.intent(session.user_intent_id)
    return session.started_at if intent is None else intent.last_activity_at
