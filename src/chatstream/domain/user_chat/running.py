"""What the runner of a turn may store: the agent's steps and the ends of its run."""

from __future__ import annotations

from typing import Final, assert_never

from msgspec.structs import replace

from chatstream.domain.commands import (
    AnyRunnerCommand,
    BringContext,
    CheckpointAnswer,
    FailTurn,
    FinishTurn,
    RecordSteps,
    RestartTurn,
    Streamed,
)
from chatstream.domain.events import (
    ComponentShown,
    ContextBrought,
    ErrorRaised,
    Hidden,
    IntentChanged,
    PartialStored,
    ResponseGiven,
    ThinkingAdded,
    ToolCalled,
    ToolReturned,
    TurnChanged,
)
from chatstream.domain.steps import (
    Abandon,
    AnyComponent,
    Buttons,
    CancelReminder,
    Component,
    Delta,
    Fail,
    FollowUp,
    Form,
    IntentRecognised,
    JsonObject,
    NewIntent,
    Remind,
    Response,
    SlotsSet,
    Step,
    Thinking,
    ToolCall,
    ToolResult,
    is_own_slot,
)
from chatstream.domain.user_chat.draft import Draft, Scope
from chatstream.domain.user_chat.forms import check_schema
from chatstream.domain.user_chat.reminders import drop_reminder, set_reminder
from chatstream.domain.user_chat.state import PastCall, Turn
from chatstream.domain.user_chat.turns import complete_intent, moment_of_step
from chatstream.errors import Refused, StaleTurn, StepRefused
from chatstream.ids import IntentId, SessionId

CRASHED_TEXT = "Something went wrong on our side, several times. Please try again."


def _is_of(turn: Turn, command: AnyRunnerCommand) -> bool:
    if (turn.caused_by, turn.attempt) != (command.caused_by, command.attempt):
        return False
    return command.begun_by is None or command.begun_by == turn.begun_by


def decide_step(draft: Draft, command: AnyRunnerCommand) -> None:
    """Draft what ``command`` stores; ``StaleTurn`` if its turn is not this attempt's any more."""
    turn = draft.state.turn
    if turn is None or not _is_of(turn, command):
        raise StaleTurn(f"attempt {command.attempt} of turn {command.caused_by!r} is over")
    match command:
        case RecordSteps():
            _record_all(draft, command)
        case CheckpointAnswer():
            _checkpoint(draft, turn, command)
        case FinishTurn():
            _finish(draft, turn, command)
        case FailTurn():
            _fail(
                draft,
                turn,
                Fail(command.code, command.message, command.retryable),
                command.streamed,
            )
        case BringContext():
            _bring_context(draft, turn, command)
        case RestartTurn():
            _restart(draft, turn, command)
        case _:  # pragma: no cover
            assert_never(command)


def _record_all(draft: Draft, command: RecordSteps) -> None:
    """All of them, or none where one is refused."""
    last = len(command.steps)
    for number, step in enumerate(command.steps, 1):
        turn = draft.state.turn
        if turn is None:
            return  # the step before ended it
        text = command.streamed_text if number == last else ""
        try:
            _record(draft, turn, Streamed(command.message_id, text), step)
        except Refused as refusal:
            raise StepRefused(type(step).__name__, refusal) from None


def _record(  # noqa: C901, PLR0912 - one arm a step
    draft: Draft, turn: Turn, streamed: Streamed, step: Step
) -> None:
    scope = draft.scope_of_turn(turn)
    match step:
        case Thinking():
            _think(draft, scope, step)
        case Delta():
            raise AssertionError("deltas are streamed, and stored by CheckpointAnswer")
        case Response():
            _respond(draft, turn, streamed, step)
        case FollowUp():
            _ask(draft, turn, streamed, step)
        case Form() | Buttons() | Component():
            _tell(draft, turn, streamed)  # first what is asked, then what answers it
            _show(draft, scope, step)
        case IntentRecognised():
            draft.add(
                scope,
                IntentChanged(
                    status="active",
                    reason="recognised",
                    name=step.name,
                    confidence=step.confidence,
                ),
            )
        case SlotsSet():
            _set_slots(draft, scope, step.values)
        case ToolCall():
            _call_tool(draft, turn, step)
        case ToolResult():
            _return_tool(draft, turn, step)
        case NewIntent():
            _switch(draft, turn, step)
        case Remind():
            set_reminder(draft, scope, step)
        case CancelReminder():
            drop_reminder(draft, step.key)
        case Abandon():
            _tell(draft, turn, streamed)
            draft.intent(scope, "abandoned", step.reason)
            draft.end_turn(turn, "finished")
        case Fail():
            _fail(draft, turn, step, streamed)
        case _:  # pragma: no cover
            assert_never(step)


def _set_slots(draft: Draft, scope: Scope, values: JsonObject) -> None:
    own = {name: value for name, value in values.items() if is_own_slot(name)}
    draft.add(
        scope,
        IntentChanged(
            status="active",
            reason="slots",
            slots={name: value for name, value in values.items() if name not in own},
            hidden=Hidden(slots=own) if own else None,
        ),
    )


def _think(draft: Draft, scope: Scope, step: Thinking) -> None:
    draft.add(
        scope,
        ThinkingAdded(
            step=step.step,
            status=step.status,
            content=step.content,
            attempt=step.attempt,
            of=step.of,
            duration_ms=step.duration_ms,
            data=step.data,
        ),
    )


def _respond(draft: Draft, turn: Turn, streamed: Streamed, step: Response) -> None:
    content = step.content or streamed.text
    _answer(draft, turn, streamed.message_id, content, is_complete=step.is_complete)
    if step.is_complete:
        complete_intent(draft, turn)
        draft.end_turn(turn, "finished")


def _tell(draft: Draft, turn: Turn, streamed: Streamed) -> None:
    """What was streamed is an answer of its own."""
    if streamed.text:
        _answer(draft, turn, streamed.message_id, streamed.text)


def _answer(
    draft: Draft,
    turn: Turn,
    message_id: str,
    content: str,
    *,
    is_complete: bool = False,
    follow_up: bool = False,
) -> None:
    draft.add(
        draft.scope_of_turn(turn),
        ResponseGiven(
            message_id=message_id,
            content=content,
            is_complete=is_complete,
            follow_up=follow_up,
        ),
    )


def _ask(draft: Draft, turn: Turn, streamed: Streamed, step: FollowUp) -> None:
    content = step.content or streamed.text
    _answer(draft, turn, streamed.message_id, content, follow_up=True)
    if step.component is not None:
        _show(draft, draft.scope_of_turn(turn), step.component)
    draft.end_turn(turn, "needs_input")


def _show(draft: Draft, scope: Scope, step: AnyComponent) -> None:
    schema = None if isinstance(step, Buttons) else step.schema
    check_schema(schema)
    expires_at = None if step.expires_at_ms is None else moment_of_step(step.expires_at_ms)
    draft.add(
        scope,
        ComponentShown(
            component_id=draft.new_id("cmp"),
            kind=_kind(step),
            title=step.title,
            schema=schema,
            options=step.options if isinstance(step, Buttons) else None,
            expires_at=expires_at,
            data=step.data,
        ),
    )


def _kind(step: AnyComponent) -> str:
    match step:
        case Form():
            return "form"
        case Buttons():
            return "buttons"
        case Component():
            return step.kind
        case _:  # pragma: no cover
            assert_never(step)


def _call_tool(draft: Draft, turn: Turn, step: ToolCall) -> None:
    if any(call.call_id == step.call_id for call in turn.calls):
        return  # an earlier attempt stored it
    if draft.state.outcome_of(step.call_id) is not None:
        return  # the turn that this one repeats made it
    draft.add(
        draft.scope_of_turn(turn),
        ToolCalled(
            call_id=step.call_id,
            name=step.name,
            idempotent=step.idempotent,
            arguments=step.arguments if step.visible else None,
            hidden=None if step.visible else Hidden(arguments=step.arguments),
        ),
    )


def _return_tool(draft: Draft, turn: Turn, step: ToolResult) -> None:
    call = next((call for call in turn.calls if call.call_id == step.call_id), None)
    if call is not None and call.ok is not None:
        return
    visible = call is not None and call.visible
    draft.add(
        draft.scope_of_turn(turn),
        ToolReturned(
            call_id=step.call_id,
            ok=step.ok,
            result=step.result if visible else None,
            hidden=None if visible else Hidden(result=step.result),
        ),
    )


def _switch(draft: Draft, turn: Turn, step: NewIntent) -> None:
    wanted = draft.state.unfinished.get(IntentId(step.user_intent_id or ""))
    if wanted is not None and wanted.user_intent_id == turn.user_intent_id:
        return
    draft.intent(draft.scope_of_turn(turn), "abandoned", "switched")
    intent_id = wanted.user_intent_id if wanted is not None else IntentId(draft.new_id("intent"))
    session = draft.state.session_of(intent_id)
    scope = replace(
        draft.scope_of_turn(turn),
        user_intent_id=intent_id,
        session_id=SessionId(draft.new_id("session")) if session is None else session.session_id,
    )
    if session is None:
        draft.session(scope, "started")
    draft.add(
        scope,
        IntentChanged(
            status="active",
            name=step.name,
            reason=None if wanted is None else "resumed",
        ),
    )


def _checkpoint(draft: Draft, turn: Turn, command: CheckpointAnswer) -> None:
    draft.add(
        draft.scope_of_turn(turn),
        PartialStored(
            message_id=command.message_id,
            offset=command.offset,
            text=command.text,
        ),
    )


def _finish(draft: Draft, turn: Turn, command: FinishTurn) -> None:
    if command.streamed_text:
        _answer(draft, turn, command.message_id, command.streamed_text)
        draft.end_turn(turn, "finished")
    else:
        draft.end_turn(turn, "needs_input" if turn.waits else "finished")


def _fail(draft: Draft, turn: Turn, step: Fail, streamed: Streamed | None = None) -> None:
    draft.keep_streamed(turn, streamed)
    draft.add(
        draft.scope_of_turn(turn),
        ErrorRaised(
            code=step.code,
            message=step.message,
            retryable=step.retryable,
        ),
    )
    draft.end_turn(turn, "failed")


def _bring_context(draft: Draft, turn: Turn, command: BringContext) -> None:
    draft.add(
        draft.scope_of_turn(turn),
        ContextBrought(
            source=command.source,
            hidden=Hidden(context=command.context),
        ),
    )


ATTEMPTS_AT_MOST: Final = 50
"""However they end: a turn whose steps are never taken by the storage must not run for ever."""


def _restart(draft: Draft, turn: Turn, command: RestartTurn) -> None:
    unknown = next((call for call in turn.calls if _is_unknown(call)), None)
    crashes = turn.crashes + (1 if command.crashed else 0)
    if unknown is not None:
        _answer(draft, turn, draft.new_id("msg"), _unknown_text(unknown), follow_up=True)
        draft.end_turn(turn, "needs_input")
    elif crashes >= command.max_attempts or turn.attempt >= ATTEMPTS_AT_MOST:
        _fail(draft, turn, Fail("agent_crashed", CRASHED_TEXT))
    else:
        draft.add(
            draft.scope_of_turn(turn),
            TurnChanged(
                status="restarted",
                attempt=turn.attempt + 1,
                hidden=Hidden(crashes=crashes),
            ),
        )


def _is_unknown(call: PastCall) -> bool:
    return call.ok is None and not call.idempotent


def _unknown_text(call: PastCall) -> str:
    return (
        f"I was interrupted while {call.name!r} was running and cannot tell whether it was "
        "carried out. Please check, and tell me whether to try again."
    )
