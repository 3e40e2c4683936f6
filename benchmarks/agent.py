"""The agent of the benchmarks: the message says which kind of turn is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from benchmarks.turn import ANSWER, PIECE_SECONDS, PIECES, THINKING_STEPS, stamp
from chatstream import Response, Thinking, Turn

_PIECES = [ANSWER[start : start + 6] for start in range(0, 6 * PIECES, 6)]


async def agent(turn: Turn) -> AsyncIterator[object]:
    """``quiet``: nothing; ``paced``: as a model gives an answer; else all at once."""
    if turn.content == "quiet":
        return
    for step in range(THINKING_STEPS):
        yield Thinking("intent_processing", f"Working on step {step}")
    for piece in _PIECES:
        if turn.content == "paced":
            await asyncio.sleep(PIECE_SECONDS)
            yield stamp()
        else:
            yield piece
    yield Response(is_complete=True)
