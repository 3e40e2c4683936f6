"""``evolve``: a chat's state after one more fact. Pure, total: it never raises.

A fact this node does not know (stored by a newer one) moves the position and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from chatstream.domain.events import (
    AnyFact,
    ChatChanged,
    ComponentShown,
    ComponentSubmitted,
    ContextBrought,
    ErrorRaised,
    Hidden,
    IntentChanged,
    PartialStored,
    ReminderMark,
    ResponseGiven,
    SessionChanged,
    ThinkingAdded,
    ToolCalled,
    ToolReturned,
    TurnChanged,
    UserMessageAdded,
)
from chatstream.domain.user_chat.evolve_intents import (
    NOTHING_HIDDEN,
    context_brought,
    intent_changed,
    session_changed,
    title_of,
    with_intent,
)
from chatstream.domain.user_chat.evolve_turns import (
    component_shown,
    intent_learned,
    partial_stored,
    response_given,
    stepped,
    tool_called,
    tool_returned,
    turn_changed,
)
from chatstream.domain.user_chat.state import (
    CommandRecord,
    LastMessage,
    Message,
    Reminder,
    UserChat,
)
from chatstream.ids import IntentId

INITIAL = UserChat()
_OF_AGENTS = {"recognised", "slots", "switched"}
"""Reasons of changes of an intent that only an agent's steps make."""


def fold(facts: Iterable[AnyFact | None], state: UserChat = INITIAL) -> UserChat:
    """The state after ``facts``, in order; None stands for a fact of an unknown topic."""
    for fact in facts:
        state = evolve(state, fact)
    return state


def evolve(state: UserChat, fact: AnyFact | None) -> UserChat:
    """The state after ``fact``, which has the position after the state's."""
    position = state.position + 1
    if fact is None:
        return replace(state, position=position)
    state = replace(
        state, position=position, last_event_at=fact.timestamp, last_event_id=fact.event_id
    )
    if fact.hidden is not None:
        state = _with_hidden(state, fact.hidden)
    if fact.user_intent_id is not None:
        state = _with_activity(state, fact, fact.user_intent_id)
    return _apply(state, fact)


def _apply(state: UserChat, fact: AnyFact) -> UserChat:  # noqa: C901, PLR0912 - one arm a fact
    match fact:
        case ThinkingAdded() | ErrorRaised():  # in the order of how many there are
            return stepped(state)
        case TurnChanged():
            return turn_changed(state, fact)
        case IntentChanged():
            learned = fact.reason in _OF_AGENTS
            return intent_changed(intent_learned(state) if learned else state, fact)
        case SessionChanged():
            return session_changed(state, fact)
        case ResponseGiven():
            return response_given(state, fact)
        case UserMessageAdded():
            return _user_message_added(state, fact)
        case ComponentSubmitted():
            return _component_submitted(state, fact)
        case ChatChanged():
            return _chat_changed(state, fact)
        case ContextBrought():
            return context_brought(state, fact)
        case PartialStored():
            return partial_stored(state, fact)
        case ComponentShown():
            return component_shown(state, fact)
        case ToolCalled():
            return tool_called(state, fact)
        case ToolReturned():
            return tool_returned(state, fact)
        case _:  # pragma: no cover
            assert_never(fact)


def _with_activity(state: UserChat, fact: AnyFact, intent_id: IntentId) -> UserChat:
    intent = state.unfinished.get(intent_id)
    if intent is None:
        return _with_late_activity(state, fact, intent_id)
    if intent.last_activity_at == fact.timestamp or _made_by_timer(fact):
        return state
    return with_intent(state, replace(intent, last_activity_at=fact.timestamp))


def _with_late_activity(state: UserChat, fact: AnyFact, intent_id: IntentId) -> UserChat:
    done = state.complete.get(intent_id)
    if done is None or done.last_activity_at == fact.timestamp:
        return state
    return replace(state, late_activity={**state.late_activity, intent_id: fact.timestamp})


def _with_hidden(state: UserChat, hidden: Hidden) -> UserChat:
    if hidden.command is not None:
        record = CommandRecord(state.position, hidden.command.digest or None)
        state = replace(state, commands=state.commands.put(hidden.command.id, record))
    if hidden.reminder is not None:
        state = replace(state, reminders=_with_reminder(state, hidden.reminder))
    return state


def _with_reminder(state: UserChat, mark: ReminderMark) -> dict[str, Reminder]:
    others = {key: one for key, one in state.reminders.items() if key != mark.key}
    if mark.due_at is None:
        return others
    waiting = Reminder(mark.key, mark.reminder_id, mark.content, mark.due_at)
    return {**others, mark.key: waiting}


def _made_by_timer(fact: AnyFact) -> bool:
    return (isinstance(fact, IntentChanged) and fact.reason == "idle") or (
        isinstance(fact, SessionChanged) and fact.status == "expired"
    )


def _chat_changed(state: UserChat, fact: ChatChanged) -> UserChat:
    match fact.status:
        case "opened":
            return replace(state, status="open", user_id=fact.user_id, opened_at=fact.timestamp)
        case "closed":
            return replace(state, status="closed", waiting=(), turn=None)
        case "erased":
            return replace(state, status="erased", waiting=(), turn=None, title=None)
        case _:  # pragma: no cover
            assert_never(fact.status)


def _user_message_added(state: UserChat, fact: UserMessageAdded) -> UserChat:
    hidden = fact.hidden or NOTHING_HIDDEN
    message = Message(
        id=fact.message_id or "",
        position=state.position,
        timestamp=fact.timestamp,
        content=fact.content,
        socket_connection_id=fact.socket_connection_id,
        wanted_intent_id=hidden.wanted_intent_id,
        wants_new_intent=hidden.wants_new_intent,
    )
    return replace(
        state,
        title=title_of(fact.content) if state.title is None else state.title,
        waiting=(*state.waiting, message),
        last_message=LastMessage(message),
        messages=state.messages.put(message.id, state.position),
    )


def _component_submitted(state: UserChat, fact: ComponentSubmitted) -> UserChat:
    message = Message(
        id=fact.message_id or "",
        position=state.position,
        timestamp=fact.timestamp,
        values=fact.values,
        component_id=fact.component_id,
        socket_connection_id=fact.socket_connection_id,
        wanted_intent_id=state.components.get(fact.component_id),
    )
    state = replace(state, waiting=(*state.waiting, message))
    intent = state.unfinished.get(state.components.get(fact.component_id) or IntentId(""))
    if intent is None or intent.component is None:
        return state
    return with_intent(state, replace(intent, component=None))
