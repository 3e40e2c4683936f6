"""Threads for agents and tools that block: so many at once, each ending when it has nothing to do.

They are daemons: what hangs in one of them does not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar

from msgspec import Struct

from chatstream.agents.containment import contained
from chatstream.agents.turn import TurnIds

T = TypeVar("T")

MOST_THREADS: Final = 64
"""Of one pool. Runs beyond that wait for one of them to end."""
IDLE_S: Final = 10.0
"""After so long without work a thread ends."""


class WorkerThread(threading.Thread):
    """Runs the jobs of ``pool``. ``turn`` is that of its job, None while it has none."""

    def __init__(self, pool: ThreadPool) -> None:
        super().__init__(name="chatstream-agent", daemon=True)
        self._pool = pool
        self._lock = threading.Lock()
        self._cpu_before_s = 0.0
        self.turn: TurnIds | None = None

    def run(self) -> None:
        """Work until there is nothing to do."""
        while (job := self._pool.next_job()) is not None:
            turn, work = job
            self._take(turn)
            try:
                work()
            finally:
                self._take(None)

    def cpu_seconds(self) -> float | None:
        """How much it has computed for its job; None while it has none, or cannot tell."""
        # Under the lock it keeps its job and so its life: the clock of a thread that has ended
        # must not be asked for.
        with self._lock:
            if self.turn is None or self.ident is None:
                return None
            now_s = cpu_seconds_of(self.ident)
            return None if now_s is None else now_s - self._cpu_before_s

    def _take(self, turn: TurnIds | None) -> None:
        with self._lock:
            self.turn = turn
            self._cpu_before_s = time.thread_time()


def cpu_seconds_of(ident: int) -> float | None:
    """How much a thread has computed, which must be alive; macOS does not tell."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return None
    return time.clock_gettime(time.pthread_getcpuclockid(ident))


class ThreadPool:
    """At most ``most`` threads, made when they are needed. A job must not raise."""

    def __init__(self, most: int = MOST_THREADS, idle_s: float = IDLE_S) -> None:
        self._most = most
        self._idle_s = idle_s
        self._jobs: deque[tuple[TurnIds, Callable[[], None]]] = deque()
        self._has_job = threading.Condition()
        self._threads = 0
        self._idle = 0

    def submit(self, turn: TurnIds, job: Callable[[], None]) -> None:
        """Run ``job``, which belongs to ``turn``, as soon as a thread is free."""
        with self._has_job:
            self._jobs.append((turn, job))
            if self._idle >= len(self._jobs) or self._threads >= self._most:
                self._has_job.notify()
                return
            self._threads += 1
        WorkerThread(self).start()

    def next_job(self) -> tuple[TurnIds, Callable[[], None]] | None:
        """Asked by a thread: its next job, or None where it may end."""
        with self._has_job:
            if not self._jobs:
                self._idle += 1
                self._has_job.wait_for(lambda: len(self._jobs) > 0, self._idle_s)
                self._idle -= 1
            if self._jobs:
                return self._jobs.popleft()
            self._threads -= 1
            return None


async def call_in_thread(pool: ThreadPool, turn: TurnIds, function: Callable[[], T]) -> T:
    """``function()`` in a thread of ``pool``, in a copy of this context. A thread cannot be
    stopped: who is cancelled waits no longer, and a call that has not begun never does.

    Raises:
        Exception: what it raised; an ``AgentError`` in place of what is no ``Exception``.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Returned[T] | Raised] = loop.create_future()
    context = contextvars.copy_context()

    def call() -> _Returned[T] | Raised:
        try:
            return _Returned(function())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it ends here
            return Raised(contained(error))

    def job() -> None:
        if not done.cancelled():
            outcome = context.run(call)
            tell(loop, lambda: None if done.done() else done.set_result(outcome))

    pool.submit(turn, job)
    match await done:
        case Raised(error):
            raise error
        case _Returned(value):
            return value


class Raised(Struct, frozen=True):
    """What code in a thread raised. As a value: some errors mean something to a future."""

    error: Exception


class _Returned(Struct, Generic[T], frozen=True):
    value: T


def tell(loop: asyncio.AbstractEventLoop, news: Callable[[], object]) -> None:
    """Call ``news`` on ``loop``, from a thread; a loop that is closed has nobody to tell."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(news)
