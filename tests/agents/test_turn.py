"""What an agent gets to read is its own: whatever it does to that, its chat stays as stored."""

from __future__ import annotations

from typing import Any

from chatstream import Component, Form, Response, SlotsSet, ToolCall, ToolResult
from chatstream.agents.context import Context
from chatstream.testing import TestChat

SLOTS = {"when": {"day": "Monday"}, "who": ["Ada"]}
SCHEMA = {"type": "object", "properties": {"when": {"type": "string"}}}


class Values:
    """Brings context to each session."""

    async def context(self, *_: object) -> Context:
        return Context("here", {"places": ["Rome"]})


def spoil(value: Any) -> None:
    """Change all that can be changed."""
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["spoiled"] = object()
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append(object())


def spoil_turn(turn: Any) -> None:
    for value in (turn.slots, turn.context, turn.values):
        spoil(value)
    for message in turn.history:
        spoil(message.values)
    for call in (*turn.tool_calls, *turn.earlier_calls):
        spoil(call.arguments)
        spoil(call.result)
    for intent in turn.resumable:
        spoil(intent.slots)
    if turn.component is not None:
        spoil(turn.component.schema)


async def spoiling(turn):
    spoil_turn(turn)
    if turn.content == "raise" and turn.retry_of is None:
        yield ToolCall("look", {"at": ["a"]}, "call_1")
        yield ToolResult("call_1", True, {"found": ["b"]})
        raise ValueError
    if turn.retry_of is not None:
        result = yield ToolCall("look", {"at": ["a"]}, "call_1")
        spoil(result.result)
    yield SlotsSet(SLOTS)
    yield Component("card", data={"a": ["b"]})
    yield Response("done")
    yield Form("When?", SCHEMA)


async def test_an_agent_that_changes_what_it_reads_is_answered_and_changes_no_chat():
    async with TestChat(spoiling, context=Values()) as chat:
        turns = [await chat.send(f"message {number}") for number in range(3)]
        turns.append(await chat.answer({"when": "now"}))
        assert [turn.answer for turn in turns] == ["done"] * 4
        await assert_as_stored(chat)


async def test_results_of_earlier_attempts_are_its_own_too():
    async with TestChat(spoiling) as chat:
        failed = await chat.send("raise")
        again = await chat.retry(failed.receipt.state.turn.caused_by)
        assert again.answer == "done"
        await assert_as_stored(chat)


async def assert_as_stored(chat: TestChat) -> None:
    state = await chat.state()
    assert state == await chat.node.service.state_at(chat.chat_id, state.position)
