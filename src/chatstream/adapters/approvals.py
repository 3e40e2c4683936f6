"""Tool calls of a model that wait for the user's word, between one run and the next.

A tool that needs approval ends the run with a question; so does a call that may have been carried
out, where nobody knows. The next message decides: a plain yes runs the call, under the id that it
had, and anything else is told to the model in the call's place. One yes is good for one call: it
no longer waits from the append on that stores the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from pydantic_ai import DeferredToolResults, ToolDenied
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_core import to_jsonable_python

from chatstream.adapters.messages import prompt_of
from chatstream.adapters.past_calls import conversation, past_calls
from chatstream.assistant.slots.yesno import says
from chatstream.domain.steps import Buttons, FollowUp, JsonObject, Option, SlotsSet, Step
from chatstream.domain.user_chat.state import PastCall
from chatstream.turns.turn import Turn

SLOT: Final = "_calls"
_YES_NO = (Option("yes", "Yes"), Option("no", "No"))


class Pending(Struct, frozen=True):
    """A call that waits for the user's word."""

    call_id: str
    name: str
    arguments: JsonObject = {}


class Begin(Struct, frozen=True):
    """What a run of the model begins with. ``waiting`` are the calls that still wait, and
    ``known_ids`` those of calls in ``history``. With ``asks`` the user has to be asked first, and
    the model is not."""

    history: list[ModelMessage]
    prompt: str | None
    results: DeferredToolResults | None = None
    waiting: tuple[Pending, ...] = ()
    known_ids: frozenset[str] = frozenset()
    asks: tuple[Step, ...] | None = None


def begin(turn: Turn) -> Begin:
    """What the model is told: what was said and done, and what the user decided."""
    agreed = agrees(turn)
    past = past_calls(turn, agrees=agreed)
    waiting = _waiting(turn)
    if past.in_doubt:
        return Begin([], None, asks=_ask_about(past.in_doubt, waiting))
    known = {call.call_id for call in (*past.told, *past.repeatable, *past.decided)}
    decided = [*(one for one in waiting if one.call_id not in known), *map(_pending, past.decided)]
    history, is_told = conversation(turn, past.told)
    prompt = None if is_told else prompt_of(turn)
    ids = frozenset(call.call_id for call in past.told)
    again = [_pending(call) for call in past.repeatable]
    if not decided and not again:
        return Begin(history, prompt, None, waiting, ids)
    if decided and agreed:
        prompt = None  # the message is the decision
    results = _results(decided, again, agreed=agreed)
    return Begin(_with_calls(history, [*decided, *again]), prompt, results, waiting, ids)


def _waiting(turn: Turn) -> tuple[Pending, ...]:
    try:
        return msgspec.convert(turn.slots.get(SLOT, ()), tuple[Pending, ...])
    except msgspec.ValidationError:
        return ()  # another agent's


def _pending(call: PastCall) -> Pending:
    return Pending(call.call_id, call.name, call.arguments)


def _with_calls(history: list[ModelMessage], calls: Iterable[Pending]) -> list[ModelMessage]:
    """``history`` with the calls in the place of the question about them."""
    while history and _is_text(history[-1]):
        history = history[:-1]
    parts = [ToolCallPart(one.name, one.arguments, one.call_id) for one in calls]
    return [*history, ModelResponse(parts=parts)]


def _is_text(message: ModelMessage) -> bool:
    return isinstance(message, ModelResponse) and isinstance(message.parts[0], TextPart)


def _results(
    decided: Iterable[Pending], again: Iterable[Pending], *, agreed: bool
) -> DeferredToolResults:
    denied = ToolDenied("The user was asked and did not agree.")
    answers = {one.call_id: True if agreed else denied for one in decided}
    return DeferredToolResults(approvals={**answers, **{one.call_id: True for one in again}})


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
    return kept_as(kept), FollowUp(question, Buttons("Shall I do that?", _YES_NO))


def kept_as(calls: Sequence[Pending]) -> SlotsSet:
    """From now on these calls wait, and no others."""
    return SlotsSet({SLOT: msgspec.to_builtins(calls) if calls else None})


def _ask_about(calls: Sequence[PastCall], waiting: Sequence[Pending]) -> tuple[SlotsSet, FollowUp]:
    ids = {call.call_id for call in calls}
    others = [one for one in waiting if one.call_id not in ids]
    questions = [
        f"I was interrupted while {call.name!r} was running and cannot tell whether it was carried"
        " out. Please check. Shall I do it again?"
        for call in calls
    ]
    buttons = Buttons("Shall I do that again?", _YES_NO)
    kept = kept_as([*others, *map(_pending, calls)])
    return kept, FollowUp("\n\n".join(questions), buttons)


def described(call: ToolCallPart) -> str:
    """The question before ``call``, where the tool has none of its own."""
    arguments = ", ".join(f"{name}: {value}" for name, value in call.args_as_dict().items())
    name = call.tool_name.replace("_", " ").capitalize()
    return f"{name}{f' ({arguments})' if arguments else ''}: shall I do that?"
