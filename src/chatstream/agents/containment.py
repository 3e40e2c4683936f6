"""The border around code that is not ours: whatever it raises, it leaves as an ``Exception``.

``SystemExit``, ``KeyboardInterrupt``, ``GeneratorExit`` and a ``CancelledError`` that nobody asked
for mean something to the event loop and to whoever awaits. Raised by an agent or a tool they mean
no more than any error does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from chatstream.errors import AgentError

T = TypeVar("T")


async def contain(work: Awaitable[T]) -> T:
    """Await ``work``.

    Raises:
        CancelledError: this task was asked to end meanwhile.
        Exception: what ``work`` raised; an ``AgentError`` in place of what is no ``Exception``.
    """
    task = asyncio.current_task()
    asked_before = 0 if task is None else task.cancelling()
    try:
        return await work
    except Exception:  # the usual case, at no cost
        raise
    except BaseException as error:
        asked = 0 if task is None else task.cancelling()
        if (isinstance(error, asyncio.CancelledError) and asked > asked_before) or _closed(error):
            raise
        raise contained(error) from error


def contained(error: BaseException) -> Exception:
    """``error`` as an ``Exception``: itself, or an ``AgentError`` that it is the cause of."""
    if isinstance(error, Exception):
        return error
    made = AgentError(f"it raised {type(error).__qualname__}, which counts as any other error")
    made.__cause__ = error
    return made


def _closed(error: BaseException) -> bool:
    """Whether the coroutine that awaits is being closed: such a ``GeneratorExit`` comes from
    no code that ran."""
    raised_at = error.__traceback__
    return isinstance(error, GeneratorExit) and raised_at is not None and raised_at.tb_next is None
