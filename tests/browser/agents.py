"""The agent behind the browser tests: the first word of a message says what it does.

Where a test must act in the middle of an answer, the agent waits for a gate, a file that the
test makes (``Server.open_gate``).
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from chatstream import (
    Component,
    Fail,
    FollowUp,
    Form,
    IntentRecognised,
    Remind,
    Response,
    SlotsSet,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
    buttons,
)
from chatstream.agents.contract import Steps

SCHEMA = {
    "type": "object",
    "required": ["name", "email"],
    "properties": {
        "name": {"type": "string", "title": "Name", "not": {"const": "taken"}},
        "email": {"type": "string", "format": "email", "title": "E-mail"},
        "seats": {"type": "integer", "title": "Seats", "minimum": 1, "maximum": 9, "default": 2},
        "table": {"type": "string", "title": "Table", "enum": ["Inside", "Outside"]},
    },
}
WORDS = 40
REMINDER_MS = 2500


async def agent(turn: Turn) -> Steps:
    """Do what the first word says; answer anything else with a short sentence."""
    word, _, rest = turn.content.partition(" ")
    if turn.values is not None:
        yield Response(f"Reserved for {turn.values.get('name', turn.values)}.", is_complete=True)
    elif turn.intent_name == "create_alarm":
        yield SlotsSet({"time": turn.content})
        yield Response(f"Alarm set for {turn.content}.", is_complete=True)
    else:
        async for step in _steps(word.lower(), rest):
            yield step


async def _steps(word: str, rest: str) -> Steps:
    match word:
        case "tell":
            async for step in _tell(rest):
                yield step
        case "alarm":
            async for step in _alarm():
                yield step
        case "form":
            yield FollowUp("Please fill this in.", Form("Reserve a table", SCHEMA))
        case "attack":
            async for step in _attack(rest):
                yield step
        case "choose":
            yield Component("map", "Where you are")
            yield buttons("How often?", ("once", "Once"), ("daily", "Every day"))
        case "remind":
            due_ms = time.time_ns() // 1_000_000 + REMINDER_MS
            yield Remind(rest, due_ms, "reminder")
            yield Response("I will.", is_complete=True)
        case "break":
            yield "Half of **an answer**"
            await asyncio.sleep(1.3)  # until what was streamed is stored as a piece
            yield ", and"
            raise RuntimeError
        case "fail":
            yield Fail(rest[:60] or "no_luck", rest or "That did not work.")
        case _:
            said = rest if word == "echo" else f"You said: {word} {rest}".strip()
            yield Response(said, is_complete=True)


async def _tell(gate: str) -> Steps:
    yield Thinking("response_generation", "Writing", status="started")
    for number in range(WORDS):
        yield f"word{number} "
        await asyncio.sleep(0.01)
        if number == WORDS // 2 and gate:
            await _gate(gate)
    yield Thinking("response_generation", "Written")
    yield Response(is_complete=True)


async def _alarm() -> Steps:
    yield IntentRecognised("create_alarm", 0.9)
    yield SlotsSet({"day": "tomorrow"})
    yield Thinking("intent_processing", "First try", status="failed", attempt=1, of=2)
    yield Thinking("intent_processing", "Second try", attempt=2, of=2, duration_ms=1300)
    yield Thinking("parameter_extraction", "The time is missing", data={"missing": ["time"]})
    yield FollowUp("**What time** should it ring?")


async def _attack(text: str) -> Steps:
    """Put `text` into every field that an agent or a tool can fill."""
    name = text[:60]
    yield IntentRecognised(name, 0.5)
    yield SlotsSet({"slot": text, name: [text, {name: text}]})
    yield Thinking(name, text, status="started")
    yield Thinking(
        name, text, status="failed", attempt=1, of=2, data={"missing": [text], name: text}
    )
    yield ToolCall(name, {name: text}, "call_1", idempotent=True, visible=True)
    yield ToolResult("call_1", True, {name: text})
    for at in range(0, len(text), 5):
        yield text[at : at + 5]
    yield Response(text)
    yield Component(name, text, data={"html": text})
    yield buttons(text, (text, text))
    field = {"title": text, "description": text, "pattern": text, "format": name}
    properties = {
        "x": {"type": "string", "enum": [text], **field},
        "y": {"enum": [text + str(number) for number in range(6)], **field},
        name: {"type": "string", "default": text, **field},
        "group": {"type": "object", "properties": {name: {"type": "boolean", **field}}, **field},
    }
    yield FollowUp(text, Form(text, {"type": "object", "properties": properties}))


async def _gate(name: str) -> None:
    path = Path(os.environ["PROTOCOL_TEST_GATES"]) / name
    while not path.exists():
        await asyncio.sleep(0.01)
