"""One run of an agent that blocks: its code in a thread of its own, its steps on the loop.

A generator stays in one thread from its first line to its last, for what it holds may belong to
that thread (a database connection, say). Loop and thread take turns: the thread waits while a
step is stored, the loop's task while the thread works.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Final, cast

from msgspec import Struct

from chatstream.agents.containment import contained
from chatstream.agents.contract import ToolResult, Turn
from chatstream.agents.threads import Raised, ThreadPool, tell
from chatstream.agents.turn import TurnIds
from chatstream.domain.steps import Step
from chatstream.errors import wordless

log = logging.getLogger(__name__)

BlockingSteps = Generator[Step | str, ToolResult | None, object]


class Yielded(Struct, frozen=True):
    """The generator's next step."""

    step: Step | str


class Returned(Struct, frozen=True):
    """What the call gave, where that is no generator."""

    value: object


class Ended(Struct, frozen=True):
    """The generator is at its end."""


Told = Yielded | Returned | Ended | Raised


class _Close:
    """Told to the thread in place of an answer: nobody wants the next step."""


_CLOSE: Final = _Close()


class BlockingRun:
    """``call(turn)`` in a thread of ``pool``, and the generator that it may give."""

    def __init__(self, pool: ThreadPool, call: Callable[[Turn], object], turn: Turn) -> None:
        self._pool = pool
        self._call = call
        self._turn = turn
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._answers: SimpleQueue[ToolResult | _Close | None] = SimpleQueue()
        # Written by the loop alone: the thread reads ``_is_left`` before it begins.
        self._awaited: asyncio.Future[Told] | None = None
        self._is_left = False

    async def begin(self) -> Told:
        """Make the call; tells its outcome or the first step."""
        ids = TurnIds(self._turn.user_chat_id, self._turn.message_id)
        self._awaited = self._loop.create_future()
        self._pool.submit(ids, self._work)
        return await self._awaited

    async def go_on(self, answer: ToolResult | None) -> Told:
        """Let the generator go on; ``answer`` is what its ``yield`` gives."""
        self._awaited = self._loop.create_future()
        self._answers.put(answer)
        return await self._awaited

    def leave(self) -> None:
        """No further step is wanted: the generator is closed at its next ``yield``, which a
        thread that hangs never reaches."""
        self._is_left = True
        self._answers.put(_CLOSE)

    # -- in the thread ----------------------------------------------------------------------

    def _work(self) -> None:
        if self._is_left:
            return
        self._tell(self._context.run(self._called))

    def _called(self) -> Told:
        try:
            made = self._call(self._turn)
            if not isinstance(made, Generator):
                return Returned(made)
            return self._stepped(cast("BlockingSteps", made))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it ends here
            return Raised(contained(error))

    def _stepped(self, steps: BlockingSteps) -> Told:
        answer: ToolResult | _Close | None = None
        try:
            while not isinstance(answer, _Close):
                self._tell(Yielded(steps.send(answer)))
                answer = self._answers.get()
        except StopIteration:
            return Ended()
        finally:
            _close(steps)
        return Ended()

    def _tell(self, told: Told) -> None:
        tell(self._loop, lambda: self._hear(told))

    # -- on the loop ------------------------------------------------------------------------

    def _hear(self, told: Told) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(told)
        elif isinstance(told, Returned) and inspect.iscoroutine(told.value):
            told.value.close()  # nobody will await it


def _close(steps: BlockingSteps) -> None:
    try:
        steps.close()
    except BaseException as error:
        log.debug("agent did not close cleanly", exc_info=wordless(error))
