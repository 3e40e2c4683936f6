"""What keeps an agent's ``sys.exit()`` from ending the server.

asyncio lets a ``SystemExit`` or ``KeyboardInterrupt`` of a task out of the loop, whoever awaits the
task. A run catches what its agent raises in the run's own task; tasks that the agent makes (for
tools side by side, say) are made by the task factory here, which lets neither of the two out.
Nothing else of the process is touched. A Ctrl-C of the operator is a signal that the server
handles, and no ``KeyboardInterrupt`` in a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from types import CoroutineType
from typing import Any, TypeVar

from chatstream.errors import AgentError

_T = TypeVar("_T")
_in_agent: ContextVar[bool] = ContextVar("chatstream_in_agent", default=False)


class AgentExitError(AgentError):
    """Code that an agent runs in a task of its own wanted the process to end."""


def enter_agent() -> None:
    """From here on this task, and each that it makes, runs an agent's code."""
    _in_agent.set(True)


def contain_agents(loop: asyncio.AbstractEventLoop) -> None:
    """Let ``loop`` make tasks of agents so that they cannot end it; may be repeated."""
    before = loop.get_task_factory()
    if not isinstance(before, _TaskFactory):
        loop.set_task_factory(_TaskFactory(before))


class _TaskFactory:
    """Makes tasks as they were made ``before``, but for those of agents."""

    def __init__(self, before: Callable[..., Any] | None) -> None:
        self._before = before

    def __call__(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Any,  # noqa: ANN401 - asyncio takes several kinds of coroutines
        **options: Any,  # noqa: ANN401 - those of the Python that runs
    ) -> Any:  # noqa: ANN401 - what was set before may make tasks of its own
        if _in_agent.get() and _is_native(work):
            contained: Any = _Contained[Any](work)
            work = contained
        make: Callable[..., Any] = self._before or _make_task
        return make(loop, work, **options)


def _is_native(work: object) -> bool:
    return isinstance(work, CoroutineType)


def _make_task(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, object],
    **options: Any,  # noqa: ANN401 - as above
) -> asyncio.Task[object]:
    return asyncio.Task(work, loop=loop, **options)


class _Contained(Coroutine[Any, Any, _T]):
    """A coroutine whose wish to end the process is an error like any other."""

    def __init__(self, inner: CoroutineType[Any, Any, _T]) -> None:
        self._inner = inner

    def send(self, value: Any) -> Any:  # noqa: ANN401 - as a coroutine's
        """As the coroutine."""
        try:
            return self._inner.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise AgentExitError(type(error).__name__) from error

    def throw(self, *error: Any) -> Any:  # noqa: ANN401 - as a coroutine's
        """As the coroutine."""
        try:
            return self._inner.throw(*error)
        except (SystemExit, KeyboardInterrupt) as exit_:
            raise AgentExitError(type(exit_).__name__) from exit_

    def close(self) -> None:
        """As the coroutine."""
        self._inner.close()

    def __await__(self) -> Any:  # noqa: ANN401 - as a coroutine's
        return self._inner.__await__()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what debuggers ask a coroutine
        return getattr(self._inner, name)
