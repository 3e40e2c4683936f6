"""Errors of every kind that code may raise, and a task that somebody else has cancelled."""

from __future__ import annotations

import argparse
import asyncio

RAISED = {
    "CancelledError": asyncio.CancelledError,
    "SystemExit": lambda: SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "BaseException": lambda: BaseException("words"),
    "BaseExceptionGroup": lambda: BaseExceptionGroup("words", [SystemExit(3), ValueError("words")]),
    "ExceptionGroup": lambda: ExceptionGroup("words", [ValueError("words")]),
    "StopIteration": lambda: StopIteration("words"),
    "StopAsyncIteration": StopAsyncIteration,
    "RecursionError": RecursionError,
    "MemoryError": MemoryError,
}


def raise_(name: str) -> None:
    """Raise one of them."""
    error = RAISED[name]()
    raise error


def parse_wrongly() -> None:
    """What a command line does with arguments that it does not know."""
    argparse.ArgumentParser(exit_on_error=True).parse_args(["--no-such-option"])


async def await_cancelled_child() -> None:
    """A ``CancelledError`` that nobody asked for."""
    child = asyncio.create_task(asyncio.Event().wait())
    asyncio.get_running_loop().call_soon(child.cancel)
    await child
