"""Tool calls of a model that wait for the user's word, between one run and the next.

A tool that needs approval ends the run with a question; so does a crash in a call that may have
been carried out. The next message decides: a plain yes runs the call, under the id that it had,
and anything else is told to the model in the call's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct
from pydantic_ai import DeferredToolResults, ToolDenied
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_core import to_jsonable_python

from chatstream.adapters.messages import history_before, messages_of, prompt_of
from chatstream.agents.turn import Turn
from chatstream.assistant.slots.yesno import says
from chatstream.domain.steps import Buttons, FollowUp, JsonObject, Option, SlotsSet

SLOT: Final = "_calls"
_YES_NO = (Option("yes", "Yes"), Option("no", "No"))


class Pending(Struct, frozen=True):
    """A call that was not carried out, or nobody knows whether it was."""

    call_id: str
    name: str
    arguments: JsonObject = {}


class Begin(Struct, frozen=True):
    """What a run of the model begins with."""

    history: list[ModelMessage]
    prompt: str | None
    results: DeferredToolResults | None = None


def pending_of(turn: Turn) -> tuple[Pending, ...]:
    """The calls that the message of ``turn`` decides on."""
    try:
        asked = msgspec.convert(turn.slots.get(SLOT, ()), tuple[Pending, ...])
    except msgspec.ValidationError:
        asked = ()  # another agent's
    known = {call.call_id for call in asked}
    unknown = [
        Pending(call.call_id, call.name, call.arguments)
        for call in turn.tool_calls
        if call.ok is None and not call.idempotent and call.call_id not in known
    ]
    return (*asked, *unknown)


def begin(turn: Turn) -> Begin:
    """What the model is told: what was said, and what the user decided."""
    before = history_before(turn)
    pending = pending_of(turn)
    if not pending:
        return Begin(messages_of(before), prompt_of(turn))
    while before and before[-1].role == "ai":
        before = before[:-1]  # the question: the call itself stands in its place
    calls = [ToolCallPart(one.name, one.arguments, one.call_id) for one in pending]
    history: list[ModelMessage] = [*messages_of(before), ModelResponse(parts=calls)]
    if agrees(turn):
        approvals = dict.fromkeys((one.call_id for one in pending), True)
        return Begin(history, None, DeferredToolResults(approvals=dict(approvals)))
    denied = {one.call_id: ToolDenied("The user was asked and did not agree.") for one in pending}
    return Begin(history, prompt_of(turn), DeferredToolResults(approvals=dict(denied)))


def agrees(turn: Turn) -> bool:
    """Whether the user was asked and says yes, and nothing else: ``yes, but at 8`` is no yes."""
    if turn.question is None and turn.values is None:
        return False
    if turn.values is not None:
        return turn.values.get("value") == "yes"
    said = says(turn.content)
    return said is not None and said.value and not turn.content[said.end :].strip(" .,!\n")


def ask(calls: Sequence[ToolCallPart], question: str) -> tuple[SlotsSet, FollowUp]:
    """Keep ``calls`` and ask the user about them."""
    kept = [
        Pending(call.tool_call_id, call.tool_name, to_jsonable_python(call.args_as_dict()))
        for call in calls
    ]
    buttons = Buttons("Shall I do that?", _YES_NO)
    return SlotsSet({SLOT: msgspec.to_builtins(kept)}), FollowUp(question, buttons)


def described(call: ToolCallPart) -> str:
    """The question before ``call``, where the tool has none of its own."""
    arguments = ", ".join(f"{name}: {value}" for name, value in call.args_as_dict().items())
    name = call.tool_name.replace("_", " ").capitalize()
    return f"{name}{f' ({arguments})' if arguments else ''}: shall I do that?"
