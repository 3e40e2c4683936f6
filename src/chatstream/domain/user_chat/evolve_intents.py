"""What intents and their sessions do to a chat's state. Called by ``evolve``, as pure."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from chatstream.domain.events import ContextBrought, Hidden, IntentChanged, SessionChanged
from chatstream.domain.user_chat.state import (
    TITLE_CODE_POINTS,
    HistoryItem,
    Intent,
    Message,
    Session,
    Turn,
    UserChat,
)
from chatstream.ids import IntentId

NOTHING_HIDDEN = Hidden()


def intent_changed(state: UserChat, fact: IntentChanged) -> UserChat:
    """It became active, was set aside or is complete; the first such fact makes it."""
    intent_id = fact.user_intent_id
    if intent_id is None:
        return state
    intent = state.unfinished.get(intent_id) or _new_intent(state, fact, intent_id)
    match fact.status:
        case "active":
            return _intent_active(state, intent, fact)
        case "complete":
            return _intent_complete(state, intent, fact)
        case "abandoned":
            state = with_intent(state, replace(intent, status="abandoned", reason=fact.reason))
            return _without_active(state, intent_id)
        case _:  # pragma: no cover
            assert_never(fact.status)


def _new_intent(state: UserChat, fact: IntentChanged, intent_id: IntentId) -> Intent:
    message = state.turn.message if state.turn is not None else None
    return Intent(
        user_intent_id=intent_id,
        status="active",
        title=title_of(message.content) if message is not None else "",
        created_at=fact.timestamp,
        last_activity_at=fact.timestamp,
        messages=() if message is None else (said(message),),
    )


def _intent_active(state: UserChat, intent: Intent, fact: IntentChanged) -> UserChat:
    intent = replace(
        intent,
        status="active",
        reason=None,
        name=fact.name or intent.name,
        confidence=intent.confidence if fact.confidence is None else fact.confidence,
        slots=_merged(intent, fact),
    )
    is_new = intent.user_intent_id not in state.unfinished
    turn = state.turn
    if turn is not None and fact.caused_by == turn.caused_by and not is_new:
        intent = heard(intent, turn.message)
    state = with_intent(state, intent)
    return replace(
        state,
        active_intent_id=intent.user_intent_id,
        newest_intent_id=intent.user_intent_id if is_new else state.newest_intent_id,
        turn=_turn_follows(state.turn, intent, fact),
    )


def heard(intent: Intent, message: Message) -> Intent:
    """The intent with ``message`` in its conversation, once."""
    if any(item.position == message.position for item in intent.messages):
        return intent
    return replace(intent, messages=(*intent.messages, said(message)))


def _turn_follows(turn: Turn | None, intent: Intent, fact: IntentChanged) -> Turn | None:
    """A turn that turned to another intent goes on under its ids."""
    if turn is None or fact.caused_by != turn.caused_by or fact.session_id is None:
        return turn
    return replace(
        turn, user_intent_id=intent.user_intent_id, session_id=fact.session_id, waits=False
    )


def _merged(intent: Intent, fact: IntentChanged) -> dict[str, object]:
    own = (fact.hidden or NOTHING_HIDDEN).slots
    if fact.slots is None and own is None:
        return intent.slots
    merged = {**intent.slots, **(fact.slots or {}), **(own or {})}
    return {name: value for name, value in merged.items() if value is not None}


def _intent_complete(state: UserChat, intent: Intent, fact: IntentChanged) -> UserChat:
    done = replace(
        intent,
        status="complete",
        reason=None,
        asked=None,
        component=None,
        component_asks=False,
        messages=(),
        unknown_call=None,
        calls=(),
        last_activity_at=fact.timestamp,
    )
    unfinished = dict(state.unfinished)
    unfinished.pop(intent.user_intent_id, None)
    state = replace(
        state,
        unfinished=unfinished,
        complete=state.complete.put(intent.user_intent_id, done),
    )
    return _without_active(state, intent.user_intent_id)


def _without_active(state: UserChat, intent_id: IntentId) -> UserChat:
    if state.active_intent_id != intent_id:
        return state
    return replace(state, active_intent_id=None)


def session_changed(state: UserChat, fact: SessionChanged) -> UserChat:
    """It began or ended; an ended one is known for good."""
    session_id, intent_id = fact.session_id, fact.user_intent_id
    if session_id is None or intent_id is None:
        return state
    sessions = dict(state.sessions)
    match fact.status:
        case "started":
            sessions[session_id] = Session(session_id, intent_id, fact.timestamp)
            return replace(state, sessions=sessions)
        case "completed" | "expired" | "abandoned":
            ended = sessions.pop(session_id, None)
            if ended is None:
                return state
            known = state.ended_sessions.put(session_id, replace(ended, context=None))
            return replace(state, sessions=sessions, ended_sessions=known)
        case _:  # pragma: no cover
            assert_never(fact.status)


def context_brought(state: UserChat, fact: ContextBrought) -> UserChat:
    """What earlier sessions knew is the session's from now on."""
    session = state.sessions.get(fact.session_id) if fact.session_id is not None else None
    if session is None:
        return state
    session = replace(session, context=(fact.hidden or NOTHING_HIDDEN).context)
    return replace(state, sessions={**state.sessions, session.session_id: session})


def with_intent(state: UserChat, intent: Intent) -> UserChat:
    """The state with this form of an unfinished intent."""
    return replace(state, unfinished={**state.unfinished, intent.user_intent_id: intent})


def said(message: Message) -> HistoryItem:
    """``message`` as a line of the conversation."""
    return HistoryItem(
        role="user",
        content=message.content,
        position=message.position,
        timestamp=message.timestamp,
        values=message.values,
    )


def title_of(content: str) -> str:
    """What a chat or an intent is called before it has a name."""
    return content[:TITLE_CODE_POINTS]
