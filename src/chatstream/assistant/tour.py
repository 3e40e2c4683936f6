"""A small agent to try everything by hand: each word it knows shows one thing of chatstream."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

from chatstream.domain.steps import (
    Component,
    Fail,
    FollowUp,
    Form,
    IntentRecognised,
    Response,
    SlotsSet,
    Thinking,
    ToolCall,
    ToolResult,
    buttons,
)
from chatstream.turns.agents import Steps
from chatstream.turns.turn import Turn

PIECE_EVERY_S = 0.03
HELP = """I am a small agent that shows what **chatstream** does. Say one of these:

- `form`: a form that the server checks
- `buttons`: a choice
- `question`: something is missing, so you are asked
- `tool`: a tool call, stored before it runs and after
- `error`: a failed turn that can be retried
- `card`: a component that this page may not know

Anything else I answer word by word. Drop the connection, reload, or kill the server in the
middle of an answer: nothing is lost."""
_FORM_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Your name", "minLength": 1},
        "email": {"type": "string", "format": "email", "title": "E-mail"},
        "guests": {"type": "integer", "title": "Guests", "minimum": 1, "maximum": 8},
    },
    "required": ["name", "guests"],
}


async def agent(turn: Turn) -> Steps:
    """Do what the message names, else stream an answer."""
    yield Thinking("intent_recognition", "Reading what you wrote", status="started")
    name = _wanted(turn)
    yield IntentRecognised(name, 1.0)
    yield Thinking("intent_recognition", f"This is about: {name}")
    if turn.values is not None:
        yield Response(_thanks(turn.values), is_complete=True)
    elif name == "form":
        yield FollowUp("Please fill this in.", Form("Reserve a table", _FORM_SCHEMA))
    elif name == "buttons":
        yield FollowUp("Which one?", buttons("Choose a size", "small", "medium", "large"))
    elif name == "question":
        async for step in _ask(turn):
            yield step
    elif name == "tool":
        async for step in _clock():
            yield step
    elif name == "card":
        yield Component("weather_card", "Weather", data={"temperature_c": 21})
        yield Response("A component of a kind of my own.", is_complete=True)
    elif name == "error":
        yield Fail("demo_error", "This went wrong on purpose. You can retry it.")
    else:
        async for step in _stream(HELP if name == "help" else _echo(turn.content)):
            yield step


def _wanted(turn: Turn) -> str:
    if turn.intent_name == "question":
        return "question"
    words = set(re.findall(r"[a-z]+", turn.content.lower()))
    for name in ("form", "buttons", "question", "tool", "error", "card", "help"):
        if name in words:
            return name
    return "help" if words & {"hi", "hello", "hey"} else "echo"


async def _ask(turn: Turn) -> Steps:
    if turn.question is None:
        yield FollowUp("What is your favourite colour?")
        return
    yield Thinking("parameter_extraction", "Your colour")
    yield SlotsSet({"colour": turn.content})
    yield Response(f"{turn.content}: a good choice.", is_complete=True)


async def _clock() -> Steps:
    yield Thinking("tool_execution", "Looking at the clock", status="started")
    call = ToolCall("clock", {"zone": "UTC"}, "clock-1", idempotent=True, visible=True)
    result = yield call
    if result is None:
        now = datetime.now(tz=UTC)
        result = ToolResult(call.call_id, ok=True, result=f"{now:%H:%M}")
        yield result
    yield Thinking("tool_execution", "Looked at the clock")
    yield Response(f"It is {result.result} UTC.", is_complete=True)


async def _stream(text: str) -> Steps:
    yield Thinking("response_generation", "Writing", status="started")
    for piece in re.findall(r"\S+\s*", text):
        yield piece
        await asyncio.sleep(PIECE_EVERY_S)
    yield Thinking("response_generation", "Written")
    yield Response(is_complete=True)


def _echo(content: str) -> str:
    return f"You said: {content}\n\nSay `help` to see what I can show."


def _thanks(values: dict[str, object]) -> str:
    lines = "\n".join(f"- **{name}**: {value}" for name, value in values.items())
    return f"Thank you. I have noted:\n\n{lines}"
