"""Finds what is plugged in as an agent, by name or as an object, and makes an agent of it.

Part of the composition root: it alone knows the assistant and the adapters, and imports them when
they are asked for, since they are slow to import and need extras.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import cast

from chatstream.agents.contract import Agent
from chatstream.agents.kinds import ALLOWED, agent_of
from chatstream.errors import ConfigurationError


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
    except (Exception, SystemExit) as error:
        raise ConfigurationError(f"the agent {spec!r} cannot be loaded: {_told(error)}") from error
    return as_agent(found, model)


def _told(error: BaseException) -> str:
    """What a module of the user's raised while it was imported, and where."""
    if isinstance(error, ImportError | AttributeError | SyntaxError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"


def as_agent(candidate: object, model: str | None = None) -> Agent:
    """``candidate`` as an agent: a callable of one of the kinds of ``agents.kinds``, a list of
    tools (the built-in assistant, with the language model ``model`` where that is named), or an
    ``Agent`` of pydantic-ai.

    Raises:
        ConfigurationError: it is none of these.
    """
    if _is_pydantic_ai(candidate):
        return _from_pydantic_ai(candidate)
    if isinstance(candidate, list | tuple):
        return _assistant(cast("list[Callable[..., object]]", candidate), model)
    agent = agent_of(candidate)
    if agent is None:
        raise ConfigurationError(
            f"{candidate!r} is no agent: {ALLOWED}; or a list of tools is needed"
        )
    return agent


def _assistant(tools: list[Callable[..., object]], model: str | None) -> Agent:
    from chatstream.assistant.orchestrator import assistant_from_tools

    return assistant_from_tools(tools, model=None if model is None else _llm(tools, model))


def _llm(tools: list[Callable[..., object]], model: str) -> Agent:
    try:
        from chatstream.adapters.llm import llm_agent
    except ImportError as error:
        raise ConfigurationError(
            "a language model needs the extra: chatstream-server[llm]"
        ) from error
    return llm_agent(tools, model=model)


def _is_pydantic_ai(candidate: object) -> bool:
    """By its shape: pydantic-ai itself takes seconds to import."""
    homes = {kind.__module__.partition(".")[0] for kind in type(candidate).__mro__}
    return "pydantic_ai" in homes and hasattr(candidate, "run_stream_events")


def _from_pydantic_ai(candidate: object) -> Agent:
    from chatstream.adapters.pydantic_ai import agent_from_pydantic_ai

    return agent_from_pydantic_ai(candidate)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
