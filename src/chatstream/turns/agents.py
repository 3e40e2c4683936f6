"""What may be plugged in as an agent, and how it is found by name."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import cast

from chatstream.domain.steps import Response, Step, ToolResult
from chatstream.errors import ConfigurationError
from chatstream.turns.turn import Turn

Steps = AsyncGenerator[Step | str, ToolResult | None]
Agent = Callable[[Turn], Steps]


def load_agent(spec: str, model: str | None = None) -> Agent:
    """The agent that ``module:name`` names; modules of the working directory are found. ``model``
    as for ``as_agent``.

    Raises:
        ConfigurationError: if there is no such module or name, or it is no agent.
    """
    module_name, _, name = spec.partition(":")
    if not module_name or not name:
        raise ConfigurationError(f"the agent {spec!r} is not of the form module:name")
    if "/" in module_name or module_name.endswith(".py"):
        raise ConfigurationError(
            f"the agent {spec!r} names a file; its module is needed, as in my_agent:agent for"
            " my_agent.py in this folder"
        )
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: object = importlib.import_module(module_name)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise ConfigurationError(f"the agent {spec!r} cannot be loaded: {_told(error)}") from error
    return as_agent(found, model)


def _told(error: Exception) -> str:
    """What a module of the user's raised while it was imported, and where."""
    if isinstance(error, ImportError | AttributeError | SyntaxError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"


def as_agent(candidate: object, model: str | None = None) -> Agent:
    """``candidate`` as an agent: an async generator function, an ``async def`` that returns
    the whole answer as a ``str``, a list of tools (the built-in assistant, with the language
    model ``model`` where that is named), or an ``Agent`` of pydantic-ai.

    Raises:
        ConfigurationError: if it is none of these.
    """
    if _is_pydantic_ai(candidate):
        return _from_pydantic_ai(candidate)
    if isinstance(candidate, list | tuple):
        return _assistant(cast("list[Callable[..., object]]", candidate), model)
    call = candidate if inspect.isroutine(candidate) else type(candidate).__call__
    if inspect.isasyncgenfunction(call):
        return cast("Agent", candidate)
    if inspect.iscoroutinefunction(call):
        return _answering(cast("Callable[[Turn], Awaitable[str]]", candidate))
    raise ConfigurationError(
        f"{candidate!r} is no agent: an async generator function, an async function or a list of"
        " tools is needed"
    )


def suggestions_of(agent: Agent) -> tuple[str, ...]:
    """First messages for an empty chat: what the agent's own ``suggestions`` say."""
    return tuple(map(str, getattr(agent, "suggestions", ())))


def recalls_tasks(agent: Agent) -> bool:
    """Whether it wants to be told the user's last completed tasks, as the built-in assistant."""
    return bool(getattr(agent, "recalls_tasks", False))


def warm_up(agent: Agent) -> None:
    """Let it do beforehand what its first run would wait for, in a thread of its own."""
    prepare: Callable[[], None] | None = getattr(agent, "warm_up", None)
    if prepare is not None:
        prepare()


def _assistant(tools: list[Callable[..., object]], model: str | None) -> Agent:
    from chatstream.assistant.orchestrator import assistant_from_tools

    return assistant_from_tools(tools, model=None if model is None else _llm(tools, model))


def _llm(tools: list[Callable[..., object]], model: str) -> Agent:
    try:
        from chatstream.assistant.llm import llm_agent
    except ImportError as error:
        raise ConfigurationError("a language model needs the extra: chatstream[llm]") from error
    return llm_agent(tools, model=model)


def _is_pydantic_ai(candidate: object) -> bool:
    """By its shape: pydantic-ai itself takes seconds to import."""
    homes = {kind.__module__.partition(".")[0] for kind in type(candidate).__mro__}
    return "pydantic_ai" in homes and hasattr(candidate, "run_stream_events")


def _from_pydantic_ai(candidate: object) -> Agent:
    from chatstream.adapters.pydantic_ai import agent_from_pydantic_ai

    return agent_from_pydantic_ai(candidate)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def _answering(function: Callable[[Turn], Awaitable[str]]) -> Agent:
    async def agent(turn: Turn) -> Steps:
        yield Response(await function(turn))

    return agent
