"""The agent of the workload: thinks once, streams an answer, gives it. How fast, the message says.

A message is `quick …`, `slow …` or `fat …`; characters beyond ASCII tell code points from bytes.
At `hang …` the first attempt never ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from chatstream import Response, Thinking, Turn

PIECES = ("Grüß ", "Gott, ", "🙂 ", "das war: ")


async def agent(turn: Turn) -> AsyncGenerator[object, object]:
    """Answer with the message itself; every third letter of luck completes the intent."""
    pause_s = 0.04 if turn.content.startswith("slow") else 0.0
    yield Thinking("plan", f"about {turn.content[:20]}", "completed")
    if turn.content.startswith("hang") and turn.attempt == 1:
        await asyncio.Event().wait()
    for piece in PIECES:
        yield piece
        await asyncio.sleep(pause_s)
    yield turn.content
    if pause_s:
        await asyncio.sleep(pause_s)
    yield Response(is_complete=turn.content.endswith("!"))
