"""The steps of one run on their way to the log: those that wait, the appends in flight.

Appends are pipelined: the next one is decided on what the one before leads to, and nobody waits
for the disk. One that was not decided at once (the chat is being read, or a step was refused)
holds back what comes after it, so that nothing is ever stored without what stands before it:
no answer without the step that it speaks of, no end of the turn without the answer.

    open ──── an append is not decided ───▶ held back ──── it is stored ───▶ open
      │                                        │
      └────────── an append fails ─────────────┴───▶ closed (nothing is stored any more)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from chatstream.chats.receipt import Receipt
from chatstream.domain.commands import AnyCommand
from chatstream.domain.steps import Step

APPENDS_AT_MOST: Final = 256
"""In flight or held back, of one run; then its agent waits."""

Submit = Callable[[AnyCommand], "asyncio.Future[Receipt]"]


class PipelineOwner(Protocol):
    """The run that the steps are of."""

    def faulted(self, fault: Exception) -> None:
        """An append was not stored; nothing after it is."""
        ...

    def went_on(self) -> None:
        """What was held back is under way."""
        ...


class StepPipeline:
    """Takes the steps of a run in order and hands them to ``submit``."""

    def __init__(self, submit: Submit, owner: PipelineOwner) -> None:
        self._submit = submit
        self._owner = owner
        self._unrecorded: list[Step] = []
        self._held_back: deque[AnyCommand] = deque()
        self._in_flight: deque[asyncio.Future[Receipt]] = deque()
        self._undecided: asyncio.Future[Receipt] | None = None
        self._decisions = 0
        self._is_closed = False

    @property
    def has_unrecorded(self) -> bool:
        """Whether steps wait to be stored as one."""
        return bool(self._unrecorded)

    @property
    def is_waiting(self) -> bool:
        """Whether anything is not decided yet."""
        return bool(self._unrecorded) or self._undecided is not None

    @property
    def is_held_back(self) -> bool:
        """Whether an append waits for the word on the one before it."""
        return self._undecided is not None

    @property
    def is_full(self) -> bool:
        """Whether the agent has to wait."""
        return len(self._in_flight) + len(self._held_back) > APPENDS_AT_MOST

    def add(self, step: Step) -> None:
        """``step`` is to be stored with those that come right after it."""
        self._unrecorded.append(step)

    def take(self) -> tuple[Step, ...]:
        """The steps that wait to be stored, for the command that stores them as one."""
        steps, self._unrecorded = tuple(self._unrecorded), []
        return steps

    def store(self, command: AnyCommand) -> None:
        """Store ``command`` after everything before it; nobody waits for it."""
        if self._is_closed:
            return
        if self._undecided is not None:
            self._held_back.append(command)
        else:
            self._send(command)

    async def stored(self, command: AnyCommand) -> Receipt | None:
        """Store ``command`` after everything before it, and wait for the disk. None where that
        could not be done: the owner knows why."""
        while self._undecided is not None:
            await asyncio.wait({self._undecided})
            await asyncio.sleep(0)  # what was held back goes first
        if self._is_closed:
            return None
        future = self._send(command)
        try:
            return await future
        except Exception:  # noqa: BLE001 - it is the owner's
            await asyncio.sleep(0)  # who is told before this goes on
            return None

    async def room(self) -> None:
        """Wait until another append may be made."""
        if self._in_flight:
            await asyncio.wait({self._in_flight[0]})

    def decided(self) -> None:
        """An append of this run was decided."""
        self._decisions += 1

    def close(self) -> None:
        """Store nothing more. What was decided is stored all the same."""
        self._is_closed = True
        self._unrecorded.clear()
        self._held_back.clear()

    def withdraw(self) -> None:
        """Store nothing more, and take back what is not decided yet, or has to be decided again:
        it stands on what was not stored, and must not be stored without that, or beside the steps
        of another run."""
        self.close()
        for future in tuple(self._in_flight):
            future.cancel()

    def _send(self, command: AnyCommand) -> asyncio.Future[Receipt]:
        before = self._decisions
        future = self._submit(command)
        self._in_flight.append(future)
        future.add_done_callback(self._settled)
        if self._decisions == before and not self._is_closed:
            self._undecided = future
        return future

    def _settled(self, future: asyncio.Future[Receipt]) -> None:
        self._in_flight.remove(future)
        was_undecided = future is self._undecided
        if was_undecided:
            self._undecided = None
        fault = None if future.cancelled() else future.exception()
        if isinstance(fault, Exception):
            self.withdraw()
            self._owner.faulted(fault)
        elif was_undecided:
            self._go_on()

    def _go_on(self) -> None:
        while self._held_back and self._undecided is None:
            self._send(self._held_back.popleft())
        if self._undecided is None and not self._is_closed:
            self._owner.went_on()
