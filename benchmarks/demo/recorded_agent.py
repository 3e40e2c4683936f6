"""An agent that says what was recorded. It remembers nothing: the chat tells it where it is.

The chat's id names the dialogue, the intent's history how often the user has spoken.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from benchmarks.demo.dialogues import CLOSING, Dialogue, Exchange, RecordedTurn, read
from chatstream import (
    Buttons,
    IntentRecognised,
    Response,
    SlotsSet,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from chatstream.domain.steps import Option, Step

Steps = AsyncGenerator[Step | str, ToolResult | None]

PIECE = 12
PAUSE_SECONDS = 0.004
"""Long enough that a kill often comes in the middle of an answer."""

_dialogues = {dialogue.id: dialogue for dialogue in read(Path(os.environ["DEMO_DATA"]))}


async def agent(turn: Turn) -> Steps:
    """Answer as the recording does."""
    number = sum(item.role == "user" for item in turn.history) - 1
    exchange = dialogue_of(turn.user_chat_id).exchanges[number]
    if exchange.intent is not None and exchange.intent != turn.intent_name:
        yield IntentRecognised(exchange.intent, 1.0)
    if exchange.slots:
        yield SlotsSet(exchange.slots)
    if exchange.pressed_done:
        yield Response(CLOSING, is_complete=True)
        return
    replies = _replies(exchange, number)
    outcome: ToolResult | None = None
    try:
        while True:
            outcome = yield await replies.asend(outcome)
    except StopAsyncIteration:
        pass
    if exchange.asks_whether_done:
        yield Buttons("Is everything done?", (Option("complete", "Done"),))


def dialogue_of(chat_id: str) -> Dialogue:
    """The dialogue that a chat of the demo repeats: ``demo-NUMBER-ID``."""
    return _dialogues[chat_id.split("-", 2)[2]]


async def _replies(exchange: Exchange, number: int) -> Steps:
    for at, reply in enumerate(exchange.replies):
        await asyncio.sleep(PAUSE_SECONDS)
        match reply.speaker, reply.event:
            case "thinking", _:
                yield Thinking("response_generation", reply.text)
            case "tool", "call":
                call_id = f"call_{number}_{at}"
                known = yield ToolCall(
                    reply.intent or "tool", reply.slots, call_id, idempotent=True, visible=True
                )
                if known is None:
                    yield ToolResult(call_id, ok=True, result=exchange.replies[at + 1].result)
            case "ai", _:
                async for step in _answer(reply, completes=exchange.completes):
                    yield step
            case _:
                pass


async def _answer(reply: RecordedTurn, *, completes: bool) -> AsyncGenerator[Step | str]:
    for start in range(0, len(reply.text), PIECE):
        yield reply.text[start : start + PIECE]
        await asyncio.sleep(PAUSE_SECONDS)
    yield Response(is_complete=completes)
