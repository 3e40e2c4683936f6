"""What may be written as an agent, and how each kind becomes the one that is run.

Where Python tells the kind of a callable it is seen at load: of functions and methods, of
``functools.partial`` of them, of objects by their ``__call__``, of decorated functions by what
``functools.wraps`` names. What is none of the async kinds may block, so it is called in a thread.
What a call then gives decides: a generator is stepped, a text is the whole answer.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, Final, cast

from chatstream.agents.blocking import BlockingRun, Returned, Told, Yielded
from chatstream.agents.contract import Agent, Response, Steps, ToolResult, Turn
from chatstream.agents.threads import Raised, ThreadPool
from chatstream.errors import AgentError

Call = Callable[[Turn], object]

OFFERS: Final = ("suggestions", "recalls_tasks", "warm_up")
"""What an agent may have besides being called (``contract``)."""
ALLOWED: Final = "an agent returns its answer as a str, or is a generator of steps, async or plain"
_MOST_WRAPPERS: Final = 32


def agent_of(candidate: object) -> Agent | None:
    """``candidate`` as an agent; None where it cannot be called, or is a class."""
    if not callable(candidate) or inspect.isclass(candidate):
        return None
    call = cast("Call", candidate)
    if not isinstance(candidate, partial) and inspect.isasyncgenfunction(_called(call)):
        return cast("Agent", candidate)
    if _is_async(_called(call)) or _is_async(_called(_unwrapped(call))):
        return _Adapted(call, _begun_on_loop)
    return _Adapted(call, partial(_begun_in_thread, ThreadPool()))


class _Adapted:
    """``candidate`` as an agent, with what else it offers."""

    def __init__(self, candidate: Call, begin: Callable[[Call, Turn], Awaitable[Steps]]) -> None:
        self._candidate = candidate
        self._begin = begin
        for name in OFFERS:
            if (offered := getattr(_without_arguments(candidate), name, None)) is not None:
                setattr(self, name, offered)

    def __call__(self, turn: Turn) -> Steps:
        """One run."""
        return relayed(partial(self._begin, self._candidate, turn))

    def __repr__(self) -> str:
        return repr(self._candidate)


async def relayed(begin: Callable[[], Awaitable[Steps]]) -> Steps:
    """The steps of what ``begin`` gives, and to them what comes back for each."""
    answer: ToolResult | None = None
    async with aclosing(await begin()) as steps:
        while True:
            try:
                step = await steps.asend(answer)
            except StopAsyncIteration:
                return
            answer = yield step


async def _made(given: object) -> Steps:
    if inspect.isawaitable(given):
        given = await given
    return cast("Steps", given) if isinstance(given, AsyncGenerator) else _said(given)


async def _said(given: object) -> Steps:
    if not isinstance(given, str):
        raise AgentError(f"the agent returned {type(given).__name__}; {ALLOWED}")
    yield Response(given)


async def _begun_on_loop(call: Call, turn: Turn) -> Steps:
    return await _made(call(turn))


async def _begun_in_thread(pool: ThreadPool, call: Call, turn: Turn) -> Steps:
    run = BlockingRun(pool, call, turn)
    try:
        told = await run.begin()
    except BaseException:
        run.leave()
        raise
    return await _made(told.value) if isinstance(told, Returned) else _stepped(run, told)


async def _stepped(run: BlockingRun, told: Told) -> Steps:
    try:
        while isinstance(told, Yielded):
            told = await run.go_on((yield told.step))
    finally:
        run.leave()
    if isinstance(told, Raised):
        raise told.error


def _called(candidate: Callable[..., object]) -> Callable[..., object]:
    """The function whose code a call runs."""
    bare = _without_arguments(candidate)
    return bare if inspect.isroutine(bare) else type(bare).__call__


def _without_arguments(candidate: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(candidate, partial):
        candidate = candidate.func
    return candidate


def _unwrapped(candidate: Callable[..., Any]) -> Callable[..., Any]:
    """What is below its decorators, where they tell."""
    for _ in range(_MOST_WRAPPERS):
        candidate = _without_arguments(candidate)
        candidate = getattr(candidate, "__wrapped__", candidate)
    return _without_arguments(candidate)


def _is_async(function: Callable[..., object]) -> bool:
    return inspect.isasyncgenfunction(function) or inspect.iscoroutinefunction(function)
