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
    TurnEnd,
    UserMessageAdded,
)
from chatstream.domain.ledger import Ledger
from chatstream.domain.state import (
    TITLE_CODE_POINTS,
    CommandRecord,
    HistoryItem,
    Intent,
    LastMessage,
    Message,
    Owner,
    PastCall,
    Reminder,
    Session,
    ShownComponent,
    Turn,
    UserChat,
)
from chatstream.ids import IntentId

INITIAL = UserChat()
_NOTHING_HIDDEN = Hidden()


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
            return _stepped(state)
        case TurnChanged():
            return _turn_changed(state, fact)
        case IntentChanged():
            return _intent_changed(state, fact)
        case SessionChanged():
            return _session_changed(state, fact)
        case ResponseGiven():
            return _response_given(state, fact)
        case UserMessageAdded():
            return _user_message_added(state, fact)
        case ComponentSubmitted():
            return _component_submitted(state, fact)
        case ChatChanged():
            return _chat_changed(state, fact)
        case ContextBrought():
            return _context_brought(state, fact)
        case PartialStored():
            return _partial_stored(state, fact)
        case ComponentShown():
            return _component_shown(state, fact)
        case ToolCalled():
            return _tool_called(state, fact)
        case ToolReturned():
            return _tool_returned(state, fact)
        case _:  # pragma: no cover
            assert_never(fact)


def _with_activity(state: UserChat, fact: AnyFact, intent_id: IntentId) -> UserChat:
    intent = state.unfinished.get(intent_id)
    if intent is None:
        return _with_late_activity(state, fact, intent_id)
    if intent.last_activity_at == fact.timestamp or _made_by_timer(fact):
        return state
    return _with_intent(state, replace(intent, last_activity_at=fact.timestamp))


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


def _with_intent(state: UserChat, intent: Intent) -> UserChat:
    return replace(state, unfinished={**state.unfinished, intent.user_intent_id: intent})


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
    hidden = fact.hidden or _NOTHING_HIDDEN
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


def title_of(content: str) -> str:
    """What a chat or an intent is called before it has a name."""
    return content[:TITLE_CODE_POINTS]


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
    return _with_intent(state, replace(intent, component=None))


def _turn_changed(state: UserChat, fact: TurnChanged) -> UserChat:
    match fact.status:
        case "started":
            return _turn_started(state, fact)
        case "restarted":
            return _turn_restarted(state, fact)
        case "finished" | "needs_input" | "cancelled" | "failed":
            return _turn_ended(state, fact.status)
        case _:  # pragma: no cover
            assert_never(fact.status)


def _turn_started(state: UserChat, fact: TurnChanged) -> UserChat:
    message = _message_of_turn(state, fact)
    intent_id = fact.user_intent_id
    if message is None or intent_id is None or fact.caused_by is None:
        return state  # not a turn that this code could have stored
    starts_at_once = message.position == state.position - 1
    turn = Turn(
        caused_by=fact.caused_by,
        message=message,
        attempt=fact.attempt,
        first_position=message.position if fact.retry_of is None else state.position,
        user_intent_id=intent_id,
        session_id=fact.session_id,
        socket_connection_id=fact.socket_connection_id,
        retry_of=fact.retry_of,
    )
    state = replace(
        state,
        turn=turn,
        waiting=tuple(other for other in state.waiting if other.id != message.id),
        last_message=_last_message_runs(state, turn),
        owners=state.owners if starts_at_once else _with_owner(state, turn),
    )
    intent = state.unfinished.get(intent_id)
    return state if intent is None else _with_intent(state, _heard(intent, message))


def _with_owner(state: UserChat, turn: Turn) -> Ledger[str, Owner]:
    return state.owners.put(turn.message.id, Owner(turn.user_intent_id, turn.session_id))


def _message_of_turn(state: UserChat, fact: TurnChanged) -> Message | None:
    if fact.retry_of is not None:
        return None if state.last_message is None else state.last_message.message
    return next((message for message in state.waiting if message.id == fact.caused_by), None)


def _last_message_runs(state: UserChat, turn: Turn) -> LastMessage | None:
    last = state.last_message
    if last is None or last.message.id != turn.message.id:
        return last
    return LastMessage(last.message, turn.user_intent_id)


def _said(message: Message) -> HistoryItem:
    return HistoryItem(
        role="user",
        content=message.content,
        position=message.position,
        timestamp=message.timestamp,
        values=message.values,
    )


def _turn_restarted(state: UserChat, fact: TurnChanged) -> UserChat:
    if state.turn is None:
        return state
    crashes = (fact.hidden or _NOTHING_HIDDEN).crashes
    turn = replace(
        state.turn,
        attempt=fact.attempt,
        crashes=crashes,
        answer_id=None,
        answer="",
        waits=False,
    )
    return replace(state, turn=turn)


def _turn_ended(state: UserChat, end: TurnEnd) -> UserChat:
    turn, last = state.turn, state.last_message
    if turn is None:
        return state
    if last is not None and last.message.id == turn.message.id:
        last = LastMessage(last.message, turn.user_intent_id, end)
    state = replace(state, turn=None, last_message=last)
    intent = state.unfinished.get(turn.user_intent_id)
    if intent is None:
        return state
    pending = next((call for call in turn.calls if call.ok is None), None)
    return _with_intent(state, replace(intent, unknown_call=pending))


def _session_changed(state: UserChat, fact: SessionChanged) -> UserChat:
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


def _intent_changed(state: UserChat, fact: IntentChanged) -> UserChat:
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
            state = _with_intent(state, replace(intent, status="abandoned", reason=fact.reason))
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
        messages=() if message is None else (_said(message),),
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
        intent = _heard(intent, turn.message)
    state = _with_intent(state, intent)
    return replace(
        state,
        active_intent_id=intent.user_intent_id,
        newest_intent_id=intent.user_intent_id if is_new else state.newest_intent_id,
        turn=_turn_follows(state.turn, intent, fact),
    )


def _heard(intent: Intent, message: Message) -> Intent:
    if any(item.position == message.position for item in intent.messages):
        return intent
    return replace(intent, messages=(*intent.messages, _said(message)))


def _turn_follows(turn: Turn | None, intent: Intent, fact: IntentChanged) -> Turn | None:
    """A turn that turned to another intent goes on under its ids."""
    if turn is None or fact.caused_by != turn.caused_by or fact.session_id is None:
        return turn
    return replace(
        turn, user_intent_id=intent.user_intent_id, session_id=fact.session_id, waits=False
    )


def _merged(intent: Intent, fact: IntentChanged) -> dict[str, object]:
    own = (fact.hidden or _NOTHING_HIDDEN).slots
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


def _context_brought(state: UserChat, fact: ContextBrought) -> UserChat:
    session = state.sessions.get(fact.session_id) if fact.session_id is not None else None
    if session is None:
        return state
    session = replace(session, context=(fact.hidden or _NOTHING_HIDDEN).context)
    return replace(state, sessions={**state.sessions, session.session_id: session})


def _stepped(state: UserChat) -> UserChat:
    if state.turn is None or not state.turn.waits:
        return state
    return replace(state, turn=replace(state.turn, waits=False))


def _partial_stored(state: UserChat, fact: PartialStored) -> UserChat:
    turn = state.turn
    if turn is None:
        return state
    before = turn.answer if turn.answer_id == fact.message_id else ""
    turn = replace(turn, answer_id=fact.message_id, answer=before + fact.text, waits=False)
    return replace(state, turn=turn)


def _response_given(state: UserChat, fact: ResponseGiven) -> UserChat:
    if state.turn is not None:
        turn = replace(state.turn, answer_id=None, answer="", waits=fact.follow_up)
        state = replace(state, turn=turn)
    intent = state.unfinished.get(fact.user_intent_id or IntentId(""))
    if intent is None:
        return state
    item = HistoryItem(
        role="ai",
        content=fact.content,
        position=state.position,
        timestamp=fact.timestamp,
        follow_up=fact.follow_up,
    )
    intent = replace(
        intent,
        messages=(*intent.messages, item),
        asked=fact.content if fact.follow_up else None,
        component_asks=False,
    )
    return _with_intent(state, intent)


def _component_shown(state: UserChat, fact: ComponentShown) -> UserChat:
    intent_id = fact.user_intent_id or IntentId("")
    state = replace(state, components=state.components.put(fact.component_id, intent_id))
    if state.turn is not None:
        state = replace(state, turn=replace(state.turn, waits=True))
    intent = state.unfinished.get(intent_id)
    if intent is None:
        return state
    shown = ShownComponent(
        component_id=fact.component_id,
        user_intent_id=intent_id,
        kind=fact.kind,
        title=fact.title,
        schema=fact.schema,
        options=fact.options,
        expires_at=fact.expires_at,
    )
    return _with_intent(state, replace(intent, component=shown, component_asks=True))


def _tool_called(state: UserChat, fact: ToolCalled) -> UserChat:
    turn = state.turn
    if turn is None:
        return state
    hidden = fact.hidden or _NOTHING_HIDDEN
    call = PastCall(
        call_id=fact.call_id,
        name=fact.name,
        arguments=hidden.arguments or fact.arguments or {},
        idempotent=fact.idempotent,
        visible=hidden.arguments is None,
    )
    others = tuple(past for past in turn.calls if past.call_id != fact.call_id)
    return replace(state, turn=replace(turn, calls=(*others, call), waits=False))


def _tool_returned(state: UserChat, fact: ToolReturned) -> UserChat:
    turn = state.turn
    if turn is None:
        return state
    hidden = fact.hidden or _NOTHING_HIDDEN
    result = fact.result if hidden.result is None else hidden.result
    calls = tuple(
        replace(call, ok=fact.ok, result=result) if call.call_id == fact.call_id else call
        for call in turn.calls
    )
    return replace(state, turn=replace(turn, calls=calls, waits=False))
