"""What was said in an intent, as a model reads it."""

from __future__ import annotations

from collections.abc import Sequence

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


def history_before(turn: Turn) -> tuple[HistoryItem, ...]:
    """The intent's messages before the one that is answered now."""
    users = [at for at, item in enumerate(turn.history) if item.role == "user"]
    return turn.history[: users[-1]] if users else turn.history


def messages_of(history: Sequence[HistoryItem]) -> list[ModelMessage]:
    """Messages as a model reads them; what was submitted is told as JSON."""
    return [
        ModelRequest(parts=[UserPromptPart(_said(item.content, item.values))])
        if item.role == "user"
        else ModelResponse(parts=[TextPart(item.content)])
        for item in history
    ]


def prompt_of(turn: Turn) -> str:
    """What the user says with this turn."""
    return _said(turn.content, turn.values)


def _said(content: str, values: object) -> str:
    return content or msgspec.json.encode(values).decode()
