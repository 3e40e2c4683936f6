"""What a turn and its steps do to a chat's state. Called by ``evolve``, as pure."""

from __future__ import annotations

from typing import Final, assert_never

from msgspec.structs import replace

from chatstream.domain.events import (
    ComponentShown,
    PartialStored,
    ResponseGiven,
    ToolCalled,
    ToolReturned,
    TurnChanged,
    TurnEnd,
)
from chatstream.domain.user_chat.evolve_intents import NOTHING_HIDDEN, heard, with_intent
from chatstream.domain.user_chat.ledger import Ledger
from chatstream.domain.user_chat.state import (
    HistoryItem,
    Intent,
    LastMessage,
    Message,
    Owner,
    PastCall,
    ShownComponent,
    Turn,
    UserChat,
)
from chatstream.ids import IntentId

CALLS_KEPT: Final = 256
"""Of an intent's ended turns: more than any turn makes that a person waits for."""


def turn_changed(state: UserChat, fact: TurnChanged) -> UserChat:
    """It began, began again after a crash, or ended."""
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
        begun_by=fact.event_id,
        begun_at=fact.timestamp,
    )
    state = replace(
        state,
        turn=turn,
        waiting=tuple(other for other in state.waiting if other.id != message.id),
        last_message=_last_message_runs(state, turn),
        owners=state.owners if starts_at_once else _with_owner(state, turn),
    )
    intent = state.unfinished.get(intent_id)
    return state if intent is None else with_intent(state, heard(intent, message))


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


def _turn_restarted(state: UserChat, fact: TurnChanged) -> UserChat:
    if state.turn is None:
        return state
    crashes = (fact.hidden or NOTHING_HIDDEN).crashes
    turn = replace(
        state.turn,
        attempt=fact.attempt,
        crashes=crashes,
        answer_id=None,
        answer="",
        waits=False,
        begun_by=fact.event_id,
        begun_at=fact.timestamp,
        has_progressed=False,
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
    calls = _calls_after(intent, turn, end)
    return with_intent(state, replace(intent, unknown_call=pending, calls=calls))


def _calls_after(intent: Intent, turn: Turn, end: TurnEnd) -> tuple[PastCall, ...]:
    """What the next turn may have to know of: the calls of this turn, and of those before it the
    ones that nothing was said about since. A retry belongs to the turn that it repeats."""
    ids = {call.call_id for call in turn.calls}
    earlier = [call for call in intent.calls if call.call_id not in ids]
    is_interrupted = any(call.ok is None for call in turn.calls)
    if turn.retry_of is None and not is_interrupted and end in {"finished", "needs_input"}:
        asks = end == "needs_input"
        earlier = [call for call in earlier if asks and call.ok is None]
    own = [replace(call, is_answered=end == "finished") for call in turn.calls]
    return (*earlier, *own)[-CALLS_KEPT:]


def stepped(state: UserChat) -> UserChat:
    """The turn did something: it does not wait for the user."""
    turn = state.turn
    if turn is None or (turn.has_progressed and not turn.waits):
        return state
    return replace(state, turn=replace(turn, waits=False, has_progressed=True))


def intent_learned(state: UserChat) -> UserChat:
    """The turn changed what is known of its intent; a component that waits goes on waiting."""
    turn = state.turn
    if turn is None or turn.has_progressed:
        return state
    return replace(state, turn=replace(turn, has_progressed=True))


def partial_stored(state: UserChat, fact: PartialStored) -> UserChat:
    """So far goes the answer that is being written."""
    turn = state.turn
    if turn is None:
        return state
    before = turn.answer if turn.answer_id == fact.message_id else ""
    turn = replace(
        turn,
        answer_id=fact.message_id,
        answer=before + fact.text,
        waits=False,
        has_progressed=True,
    )
    return replace(state, turn=turn)


def response_given(state: UserChat, fact: ResponseGiven) -> UserChat:
    """The answer is whole, and may be a question."""
    if state.turn is not None:
        turn = replace(
            state.turn, answer_id=None, answer="", waits=fact.follow_up, has_progressed=True
        )
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
    return with_intent(state, intent)


def component_shown(state: UserChat, fact: ComponentShown) -> UserChat:
    """A form, buttons or a card wait for the user."""
    intent_id = fact.user_intent_id or IntentId("")
    state = replace(state, components=state.components.put(fact.component_id, intent_id))
    if state.turn is not None:
        state = replace(state, turn=replace(state.turn, waits=True, has_progressed=True))
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
    return with_intent(state, replace(intent, component=shown, component_asks=True))


def tool_called(state: UserChat, fact: ToolCalled) -> UserChat:
    """Whether it returned is not known yet."""
    turn = state.turn
    if turn is None:
        return state
    hidden = fact.hidden or NOTHING_HIDDEN
    call = PastCall(
        call_id=fact.call_id,
        name=fact.name,
        arguments=hidden.arguments or fact.arguments or {},
        idempotent=fact.idempotent,
        visible=hidden.arguments is None,
        message_id=turn.message.id,
        position=state.position,
    )
    others = tuple(past for past in turn.calls if past.call_id != fact.call_id)
    turn = replace(turn, calls=(*others, call), waits=False, has_progressed=True)
    return replace(state, turn=turn)


def tool_returned(state: UserChat, fact: ToolReturned) -> UserChat:
    """The outcome of a call, by its id."""
    turn = state.turn
    if turn is None:
        return state
    hidden = fact.hidden or NOTHING_HIDDEN
    result = fact.result if hidden.result is None else hidden.result
    calls = tuple(
        replace(call, ok=fact.ok, result=result) if call.call_id == fact.call_id else call
        for call in turn.calls
    )
    return replace(state, turn=replace(turn, calls=calls, waits=False, has_progressed=True))
