"""An agent of somebody who means harm: it shows hostile forms, stores hostile words, and, so that
the suite can be tried itself, holds the loop, takes memory or does not end.

A message is a verb and a number: ``form 17`` shows a form of ``schemas.SCHEMAS``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

from tests.hostile import schemas, words

from chatstream import Form, IntentRecognised, Response, SlotsSet, Thinking, Turn

_kept: list[bytes] = []


async def agent(turn: Turn) -> AsyncGenerator[Any, Any]:
    """Do what the message says."""
    verb, _, number = (turn.content or "").partition(" ")
    match verb:
        case "form":
            yield Form("A form", schemas.SCHEMAS[number])
        case "store":
            text = words.WORDS[int(number)]
            yield Thinking(text[:200], text)
            yield IntentRecognised(text[:200])
            yield SlotsSet({text[:1000]: text, "list": [text[:100]] * 100})
            yield Response(text, is_complete=True)
        case "hold":
            time.sleep(float(number))  # noqa: ASYNC251 (that is the point)
        case "take":
            _kept.append(b"x" * int(number))
        case "dwell":
            await asyncio.sleep(float(number))
        case _:
            yield Response("Yes.", is_complete=True)
