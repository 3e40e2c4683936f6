"""Longer answers word by word, as a model writes them: so that streaming is seen without one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing

from chatstream.agents.contract import Agent, Steps, warm_up
from chatstream.agents.turn import Turn
from chatstream.domain.steps import Response, ToolResult

PIECE_EVERY_S = 0.02
SHORT = 80
"""A text of so many characters is read at one glance."""
MOST_PIECES = 200
"""Four seconds."""


class Paced:
    """``agent``, with its longer answers in pieces."""

    recalls_tasks = True

    def __init__(self, agent: Agent, suggestions: Sequence[str] = ()) -> None:
        self.suggestions = tuple(suggestions)
        self._agent = agent

    def warm_up(self) -> None:
        """As the agent itself."""
        warm_up(self._agent)

    async def __call__(self, turn: Turn) -> Steps:
        """One run."""
        answer: ToolResult | None = None
        async with aclosing(self._agent(turn)) as steps:
            while True:
                try:
                    step = await steps.asend(answer)
                except StopAsyncIteration:
                    return
                if isinstance(step, Response) and len(step.content or "") > SHORT:
                    for piece in _pieces(step.content or ""):
                        yield piece
                        await asyncio.sleep(PIECE_EVERY_S)
                answer = yield step


def _pieces(text: str) -> list[str]:
    """Words with the blanks before them, in a bounded number of pieces: a list of hundreds of
    things shall not take minutes."""
    words = re.findall(r"(?<!\s)\s*+\S+", text)
    size = -(-len(words) // MOST_PIECES)
    return ["".join(words[at : at + size]) for at in range(0, len(words), size)]
