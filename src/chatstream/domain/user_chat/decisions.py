"""The aggregate ``UserChat``: ``decide(command, state)`` gives the facts to store.

Pure: no clock, no randomness, no I/O. Every command may come again: a repeat gives no fact.
Refusals are raised as ``Refused`` (clients) or ``StaleTurn`` (runners).
"""

from __future__ import annotations

from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from chatstream.domain.commands import (
    AbandonIdleIntent,
    AbandonIntent,
    AnyClientCommand,
    AnyCommand,
    AnyCommandToAChat,
    BringContext,
    CancelTurn,
    CheckpointAnswer,
    ClearSession,
    ClientCommand,
    CloseChat,
    DropReminder,
    EraseChat,
    ExpireSession,
    FailTurn,
    FinishTurn,
    OpenChat,
    RecordSteps,
    RestartTurn,
    ResumeIntent,
    RetryMessage,
    SendMessage,
    SpeakReminders,
    Streamed,
    SubmitComponent,
    digest,
)
from chatstream.domain.events import (
    AnyFact,
    ChatChanged,
    CommandKey,
    ComponentSubmitted,
    Hidden,
    UserMessageAdded,
)
from chatstream.domain.user_chat.draft import Draft, Scope
from chatstream.domain.user_chat.evolution import INITIAL, evolve, fold
from chatstream.domain.user_chat.forms import check_values
from chatstream.domain.user_chat.reminders import drop_reminder, speak_due
from chatstream.domain.user_chat.running import decide_step
from chatstream.domain.user_chat.state import CommandRecord, Intent, LastMessage, Message, UserChat
from chatstream.domain.user_chat.turns import Start, end_sessions, start_turn, start_waiting
from chatstream.errors import Refused
from chatstream.ids import IntentId
from chatstream.timestamps import to_text

NEW_CHATS_RETRY_S: Final = 10.0
"""When to come back where somebody has made too many chats."""

__all__ = ["INITIAL", "Decision", "UserChat", "decide", "evolve", "fold", "remember"]


class Decision(Struct, frozen=True):
    """The facts to store, in order, and the state they lead to. No facts: already done."""

    facts: tuple[AnyFact, ...]
    state: UserChat


def decide(command: AnyCommand, state: UserChat) -> Decision:
    """What ``command`` makes of ``state``; raises ``Refused`` or ``StaleTurn``."""
    if isinstance(command, OpenChat):
        return _open(command, state)
    if state.status == "none" or state.user_id != command.user_id:
        raise Refused("not_found")
    if not isinstance(command, ClientCommand):
        return _decided(Draft(state, command), command)
    key = CommandKey(command.id, digest(command))
    if _is_repeat(state, key):
        return Decision((), state)
    if state.status != "open":
        return _refuse_closed(command, state)
    return _decided(Draft(state, command, key), command)


def remember(state: UserChat, command_id: str, record: CommandRecord) -> UserChat:
    """The state that also knows a command which stored no fact."""
    return replace(state, commands=state.commands.put(command_id, record))


def _open(command: OpenChat, state: UserChat) -> Decision:
    if state.status != "none":
        if state.user_id != command.user_id:
            raise Refused("not_found")
        return Decision((), state)
    if not command.may_make:
        raise Refused("rate_limited", "too many new chats", retry_after=NEW_CHATS_RETRY_S)
    draft = Draft(state, command)
    draft.add(draft.scope_of_command(), ChatChanged(status="opened"))
    return Decision(tuple(draft.facts), draft.state)


def _is_repeat(state: UserChat, key: CommandKey) -> bool:
    record = state.commands.get(key.id)
    if record is None:
        return False
    # After an erasure no digest is kept: repeats are recognised by the id alone.
    if record.digest not in {None, key.digest}:
        raise Refused("id_conflict")
    return True


def _refuse_closed(command: AnyClientCommand, state: UserChat) -> Decision:
    if isinstance(command, CloseChat):
        return Decision((), state)
    raise Refused("chat_closed")


def _decided(draft: Draft, command: AnyCommandToAChat) -> Decision:
    _carry_out(draft, command)
    start_waiting(draft)
    return Decision(tuple(draft.facts), draft.state)


def _carry_out(  # noqa: C901, PLR0912 - one arm a command
    draft: Draft, command: AnyCommandToAChat
) -> None:
    match command:
        case (
            RecordSteps()  # first: most commands are steps
            | CheckpointAnswer()
            | FinishTurn()
            | FailTurn()
            | BringContext()
            | RestartTurn()
        ):
            decide_step(draft, command)
        case SendMessage():
            _send(draft, command)
        case SubmitComponent():
            _submit(draft, command)
        case CancelTurn():
            _cancel(draft, command)
        case RetryMessage():
            _retry(draft, command)
        case ResumeIntent():
            _resume(draft, command)
        case AbandonIntent():
            _abandon(draft, command)
        case CloseChat():
            _close(draft, command)
        case EraseChat():
            _erase(draft)
        case ClearSession():
            _clear_session(draft, command)
        case AbandonIdleIntent():
            _abandon_idle(draft, command)
        case ExpireSession():
            _expire_session(draft, command)
        case SpeakReminders():
            speak_due(draft, command.now_ms)
        case DropReminder():
            drop_reminder(draft, command.key)
        case _:  # pragma: no cover
            assert_never(command)


def _send(draft: Draft, command: SendMessage) -> None:
    if command.user_intent_id is not None and not command.new_intent:
        _resumable(draft.state, command.user_intent_id)
    message = Message(
        id=command.id,
        position=draft.state.position + 1,
        timestamp=to_text(command.now_ms),
        content=command.content,
        socket_connection_id=command.socket_connection_id,
        wanted_intent_id=command.user_intent_id,
        wants_new_intent=command.new_intent,
    )
    start = Start(draft, message) if _starts_at_once(draft.state) else None
    wishes = Hidden(
        wanted_intent_id=message.wanted_intent_id, wants_new_intent=message.wants_new_intent
    )
    draft.add(
        _scope_of_message(draft, start),
        UserMessageAdded(
            message_id=command.id,
            content=command.content,
            hidden=wishes,
        ),
    )
    if start is not None:
        start_turn(draft, message, start)


def _starts_at_once(state: UserChat) -> bool:
    return state.turn is None


def _scope_of_message(draft: Draft, start: Start | None) -> Scope:
    scope = draft.scope_of_command()
    if start is None:
        return scope
    return replace(scope, user_intent_id=start.intent_id, session_id=start.session_id)


def _resumable(state: UserChat, user_intent_id: IntentId) -> Intent:
    intent = state.intent(user_intent_id)
    if intent is None:
        raise Refused("not_found")
    if intent.status == "complete":
        raise Refused("intent_not_resumable")
    return intent


def _submit(draft: Draft, command: SubmitComponent) -> None:
    intent_id = draft.state.components.get(command.component_id)
    if intent_id is None:
        raise Refused("no_such_component")
    intent = draft.state.unfinished.get(intent_id)
    component = intent.component if intent is not None else None
    if component is None or component.component_id != command.component_id:
        raise Refused("component_closed")
    timestamp = to_text(command.now_ms)
    if component.expires_at is not None and component.expires_at <= timestamp:
        raise Refused("component_closed")
    check_values(component, command.values)
    message = Message(
        id=command.id,
        position=draft.state.position + 1,
        timestamp=timestamp,
        values=command.values,
        component_id=command.component_id,
        socket_connection_id=command.socket_connection_id,
        wanted_intent_id=intent_id,
    )
    start = Start(draft, message) if _starts_at_once(draft.state) else None
    draft.add(
        _scope_of_message(draft, start),
        ComponentSubmitted(
            message_id=command.id,
            component_id=command.component_id,
            values=command.values,
        ),
    )
    if start is not None:
        start_turn(draft, message, start)


def _cancel(draft: Draft, command: CancelTurn) -> None:
    turn = draft.state.turn
    if turn is not None and command.turn in {None, turn.caused_by}:
        draft.cancel_turn(command.streamed)


def _retry(draft: Draft, command: RetryMessage) -> None:
    state = draft.state
    if state.messages.get(command.message_id) is None:
        raise Refused("not_found")
    last = state.last_message
    if last is None or last.message.id != command.message_id or not _may_run_again(state, last):
        raise Refused("not_retryable")
    message = replace(
        last.message,
        wanted_intent_id=last.user_intent_id,
        wants_new_intent=False,
        socket_connection_id=command.socket_connection_id,
    )
    start_turn(draft, message, Start(draft, message), retry_id=command.id)


def _may_run_again(state: UserChat, last: LastMessage) -> bool:
    if state.turn is not None:
        return False
    if last.end in {"failed", "cancelled"}:
        return True
    return last.end == "finished" and last.user_intent_id in state.unfinished


def _resume(draft: Draft, command: ResumeIntent) -> None:
    intent = _resumable(draft.state, command.user_intent_id)
    if intent.status == "active":
        return
    draft.cancel_turn(command.streamed)
    scope = draft.scope_of_command(command.user_intent_id)
    draft.abandon_active(scope, "superseded")
    draft.intent(scope, "active", "resumed")


def _abandon(draft: Draft, command: AbandonIntent) -> None:
    intent = draft.state.intent(command.user_intent_id)
    if intent is None:
        raise Refused("not_found")
    if intent.status != "active":
        return
    _cancel_turn_of(draft, intent, command.streamed)
    draft.intent(draft.scope_of_command(command.user_intent_id), "abandoned", "user")


def _cancel_turn_of(draft: Draft, intent: Intent, streamed: Streamed | None) -> None:
    turn = draft.state.turn
    if turn is not None and turn.user_intent_id == intent.user_intent_id:
        draft.cancel_turn(streamed)


def _close(draft: Draft, command: CloseChat) -> None:
    draft.cancel_turn(command.streamed)
    _end_everything(draft)
    draft.add(draft.scope_of_command(), ChatChanged(status="closed"))


def _end_everything(draft: Draft) -> None:
    scope = draft.scope_of_command()
    draft.abandon_active(scope, "closed")
    end_sessions(draft, scope)


def _erase(draft: Draft) -> None:
    if draft.state.status == "erased":
        return
    if draft.state.turn is not None:
        draft.end_turn(draft.state.turn, "cancelled")  # its text would be erased at once
    _end_everything(draft)
    draft.add(draft.scope_of_command(), ChatChanged(status="erased"))


def _clear_session(draft: Draft, command: ClearSession) -> None:
    session = draft.state.sessions.get(command.session_id)
    if session is None:
        return
    intent = draft.state.unfinished.get(session.user_intent_id)
    if intent is not None and intent.status == "active":
        _cancel_turn_of(draft, intent, command.streamed)
        draft.intent(draft.scope_of_command(intent.user_intent_id), "abandoned", "user")
    scope = replace(draft.scope_of_command(session.user_intent_id), session_id=session.session_id)
    draft.session(scope, "abandoned")


def _abandon_idle(draft: Draft, command: AbandonIdleIntent) -> None:
    intent = draft.state.unfinished.get(command.user_intent_id)
    if intent is None or intent.status != "active" or draft.state.turn is not None:
        return
    if intent.last_activity_at <= to_text(command.idle_before_ms):
        draft.intent(draft.scope_of_command(intent.user_intent_id), "abandoned", "idle")


def _expire_session(draft: Draft, command: ExpireSession) -> None:
    session = draft.state.sessions.get(command.session_id)
    if session is None or draft.state.turn is not None:
        return
    intent = draft.state.unfinished.get(session.user_intent_id)
    if intent is None or intent.last_activity_at <= to_text(command.idle_before_ms):
        scope = replace(
            draft.scope_of_command(session.user_intent_id), session_id=session.session_id
        )
        draft.session(scope, "expired")
