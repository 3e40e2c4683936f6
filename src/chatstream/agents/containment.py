"""The border around code that is not ours: whatever it raises, it leaves as an ``Exception``.

``SystemExit``, ``KeyboardInterrupt``, ``GeneratorExit`` and a ``CancelledError`` that nobody asked
for mean something to the event loop and to whoever awaits. Raised by an agent or a tool they mean
no more than any error does.

asyncio lets a ``SystemExit`` or ``KeyboardInterrupt`` of a task out of the loop, whoever awaits the
task. A run catches what its agent raises in the run's own task; tasks that the agent makes (for
tools side by side, say) are made by the task factory here, which lets neither of the two out.
Nothing else of the process is touched. A Ctrl-C of the operator is a signal that the server
handles, and no ``KeyboardInterrupt`` in a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from types import CoroutineType
from typing import Any, TypeVar

from chatstream.errors import AgentError

T = TypeVar("T")
_in_agent: ContextVar[bool] = ContextVar("chatstream_in_agent", default=False)


class AgentExitError(AgentError):
    """Code that an agent runs in a task of its own wanted the process to end."""


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


# -- tasks that agents make -------------------------------------------------------------------


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


class _Contained(Coroutine[Any, Any, T]):
    """A coroutine whose wish to end the process is an error like any other."""

    def __init__(self, inner: CoroutineType[Any, Any, T]) -> None:
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
