"""What a model has to know of calls that earlier runs have made: their results, in the order of
the conversation, and which of them nobody knows the outcome of.

A model that is not told calls again what it has called, and not always with the same words: so a
retry, and a message after a turn that failed or was stopped, begin with the results that are there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby, takewhile
from typing import Final, Literal, cast

from msgspec import Struct
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ToolCallPart,
    ToolReturnPart,
)

from chatstream.adapters.messages import message_of, text_of
from chatstream.agents.turn import Turn
from chatstream.domain.steps import JsonObject
from chatstream.domain.user_chat.state import HistoryItem, PastCall

MOST_MESSAGES: Final = 150
MOST_CHARACTERS: Final = 400_000
"""Of the history that a model is given: some 100,000 tokens. pydantic-ai and the provider's client
make and encode them on the loop, where a message takes some 0.2 ms."""
INTERRUPTED: Final = (
    "This call was interrupted, and nobody knows whether it was carried out. Do not repeat it"
    " before the user has said so."
)


class PastCalls(Struct, frozen=True):
    """The calls of earlier runs. ``told`` go into the history as they ended; ``repeatable`` may be
    made again under their ids; ``decided`` are those that the message of this turn decides on, as
    the user was asked about them; about those ``in_doubt`` the user has to be asked first."""

    told: tuple[PastCall, ...] = ()
    repeatable: tuple[PastCall, ...] = ()
    decided: tuple[PastCall, ...] = ()
    in_doubt: tuple[PastCall, ...] = ()


def past_calls(turn: Turn, *, agrees: bool) -> PastCalls:
    """The calls that concern this turn. ``agrees``: its message is a plain yes."""
    sorted_: dict[str, list[PastCall]] = {name: [] for name in PastCalls.__struct_fields__}
    for call in _calls_of(turn).values():
        if _is_same_message(turn, call) or not call.is_answered:
            sorted_[_place_of(turn, call, agrees=agrees)].append(call)
    return PastCalls(**{name: tuple(calls) for name, calls in sorted_.items()})


def _place_of(turn: Turn, call: PastCall, *, agrees: bool) -> str:
    if call.ok is not None:
        return "told"
    is_wanted = agrees or _is_same_message(turn, call)
    if call.idempotent:
        return "repeatable" if is_wanted else "told"
    if _is_asked_about(turn, call):
        return "decided"
    return "in_doubt" if is_wanted else "told"


def _calls_of(turn: Turn) -> dict[str, PastCall]:
    """What is known of calls that were made before this run, by their ids."""
    return {call.call_id: call for call in (*turn.earlier_calls, *turn.tool_calls)}


def _is_asked_about(turn: Turn, call: PastCall) -> bool:
    """Whether the open question came after ``call``: an answer to one from before it has led to
    it already."""
    return turn.question is not None and _asked_at(turn.history) > call.position


def _asked_at(history: Sequence[HistoryItem]) -> float:
    asked = (item.position for item in reversed(history) if item.role == "ai" and item.follow_up)
    return next(asked, math.inf)


def _is_same_message(turn: Turn, call: PastCall) -> bool:
    return call.message_id == (turn.retry_of or turn.message_id)


def conversation(turn: Turn, told: Sequence[PastCall]) -> tuple[list[ModelMessage], bool]:
    """The intent's messages with the calls between them, and whether the message of this turn
    is among them: it is where one of the calls came after it."""
    history, said_now = _split(turn.history[-MOST_MESSAGES:])
    history = _newest(history)
    is_inside = said_now is not None and any(call.position > said_now.position for call in told)
    if is_inside and said_now is not None:
        history = (*history, said_now)
    lines: list[HistoryItem | PastCall] = [*history, *told]
    lines.sort(key=lambda line: line.position)
    return list(_messages(lines)), is_inside


def _newest(history: Sequence[HistoryItem]) -> tuple[HistoryItem, ...]:
    """The newest messages that together are no longer than ``MOST_CHARACTERS``."""
    sizes = accumulate(len(text_of(item)) for item in reversed(history))
    fitting = sum(1 for _ in takewhile(lambda size: size <= MOST_CHARACTERS, sizes))
    return tuple(history[len(history) - fitting :])


def _messages(lines: Iterable[HistoryItem | PastCall]) -> Iterable[ModelMessage]:
    for is_call, group in groupby(lines, key=lambda line: isinstance(line, PastCall)):
        if is_call:
            calls = cast("list[PastCall]", list(group))
            yield ModelResponse(
                parts=[ToolCallPart(one.name, one.arguments, one.call_id) for one in calls]
            )
            yield ModelRequest(parts=[_returned(one) for one in calls])
        else:
            yield from (message_of(item) for item in cast("Iterable[HistoryItem]", group))


def _returned(call: PastCall) -> ToolReturnPart:
    if call.ok:
        return ToolReturnPart(call.name, call.result, call.call_id)
    told = cast("JsonObject", call.result) if isinstance(call.result, dict) else {}
    content = INTERRUPTED if call.ok is None else str(told.get("reason"))
    outcome: Literal["interrupted", "failed"] = "interrupted" if call.ok is None else "failed"
    return ToolReturnPart(call.name, content, call.call_id, outcome=outcome)


def _split(history: tuple[HistoryItem, ...]) -> tuple[tuple[HistoryItem, ...], HistoryItem | None]:
    users = [at for at, item in enumerate(history) if item.role == "user"]
    return (history[: users[-1]], history[users[-1]]) if users else (history, None)
