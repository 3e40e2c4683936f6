"""What was said in an intent, as a model reads it."""

from __future__ import annotations

import msgspec
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    UserPromptPart,
)

from chatstream.agents.turn import Turn
from chatstream.domain.user_chat.state import HistoryItem


def message_of(item: HistoryItem) -> ModelMessage:
    """A message as a model reads it."""
    if item.role == "user":
        return ModelRequest(parts=[UserPromptPart(text_of(item))])
    return ModelResponse(parts=[TextPart(text_of(item))])


def text_of(item: HistoryItem) -> str:
    """What was said; what was submitted is told as JSON."""
    return item.content if item.role == "ai" else _said(item.content, item.values)


def prompt_of(turn: Turn) -> str:
    """What the user says with this turn."""
    return _said(turn.content, turn.values)


def _said(content: str, values: object) -> str:
    return content or msgspec.json.encode(values).decode()
