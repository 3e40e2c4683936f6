"""Names what holds the event loop up: an agent that blocks makes everybody wait, in silence.

The loop beats every tenth of a second; a thread looks whether the beats come. Half a second
without one, it takes the stack of the loop's thread and logs the line that holds it, with the
chat and the turn. Native code that keeps the interpreter's lock (a long ``re`` match) stops the
thread as well, in the loop's thread or in that of a blocking agent; who waits for the lock gets it
as soon as that call returns, before the next line runs, so the stack still has the line.
``faulthandler`` has a timer that needs no lock, but one a process, which test runners and
operators use, and it begins a thread each time that it is set.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from msgspec import Struct

from chatstream.agents.threads import WorkerThread, cpu_seconds_of
from chatstream.agents.turn import TurnIds

log = logging.getLogger(__name__)

BEAT_S: Final = 0.1
HELD_S: Final = 0.5
"""Longer than that, and the loop counts as held."""
WARNED_FOR_S: Final = 300.0
"""So long afterwards the operator is told of it by ``/health/ready``."""
LATE_S: Final = 0.1
"""A thread that sleeps wakes no later than this, unless the process stood still."""
LOCKED_S: Final = 0.03
"""Nor than this where threads share the lock as they do in Python code: each has it for 5 ms."""
_MOST_FRAMES: Final = 2_000
_CLOSE_S: Final = 1.0

TurnOf = Callable[["asyncio.Task[object] | None"], TurnIds | None]
"""The turn whose run is this task."""


class Holder(Struct, frozen=True):
    """What holds the loop: a line of code, and the turn as far as that is known."""

    place: str
    turn: TurnIds | None = None


class _Gap(Struct, frozen=True):
    """A time without a beat that is over, what the process computed in it, and the agent's
    thread that computed most, seen at its end."""

    ended_at: float
    seconds: float
    cpu_seconds: float
    worker: Holder | None


class _Thread(Struct, frozen=True):
    """A thread, the turn that it works for, and what it has computed for that."""

    ident: int
    turn: TurnIds | None
    cpu_seconds: float


_Frames = Mapping[int, FrameType]


class LoopWatchdog:
    """Watches the loop that it is started on; the thread is its own, and ends with ``close``.

    ``turn_of`` is called in that thread; so is ``count``, with the seconds of each stall.
    """

    def __init__(
        self, turn_of: TurnOf, count: Callable[[float], None], *, held_s: float = HELD_S
    ) -> None:
        self._turn_of = turn_of
        self._count = count
        self._limit_s = BEAT_S + held_s
        # More than is computed between two beats when nothing is wrong.
        self._computing_s = held_s / 2
        # Written by the loop alone.
        self._timer: asyncio.TimerHandle | None = None
        self._beat_at = 0.0
        self._cpu_at_beat = 0.0
        self._worst_s = 0.0
        self._gaps: deque[_Gap] = deque(maxlen=16)
        self._below: frozenset[FrameType] = frozenset()
        # Written by the thread alone.
        self._held_s: dict[Holder, float] = {}
        self._looked_at = 0.0
        self._before: dict[int, _Thread] = {}
        self._warning: tuple[float, str] | None = None
        self._news = threading.Event()
        self._is_closed = False

    def start(self) -> None:
        """Begin, on the loop that is to be watched."""
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self._loop_ident = threading.get_ident()
        self._beat_at, self._cpu_at_beat = time.monotonic(), time.process_time()
        self._timer = self._loop.call_later(0, self._first_beat)
        self._thread = threading.Thread(
            target=self._watch, name="chatstream-loop-watchdog", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        if self._timer is not None:
            self._timer.cancel()
            self._is_closed = True
            self._news.set()
            self._thread.join(_CLOSE_S)
            self._below = frozenset()

    @property
    def warning(self) -> str | None:
        """The newest stall, for some minutes."""
        if self._warning is None or time.monotonic() > self._warning[0]:
            return None
        return self._warning[1]

    @property
    def worst_seconds(self) -> float:
        """The longest that the loop has been late."""
        return self._worst_s

    # -- on the loop --------------------------------------------------------------------------

    def _first_beat(self) -> None:
        # What called the loop stands below whatever runs on it.
        self._below = frozenset(_outwards(inspect.currentframe()))
        self._beat()

    def _beat(self) -> None:
        now, cpu = time.monotonic(), time.process_time()
        gap_s = now - self._beat_at
        if gap_s >= self._limit_s:
            # Here too: of two that wait for the lock, the loop may be the first to get it.
            worker = self._busiest(_frames())
            self._gaps.append(_Gap(now, gap_s, cpu - self._cpu_at_beat, worker))
        else:
            self._worst_s = max(self._worst_s, gap_s - BEAT_S)
        self._beat_at, self._cpu_at_beat = now, cpu
        if self._gaps:
            self._news.set()
        self._timer = self._loop.call_later(BEAT_S, self._beat)

    # -- in the thread ------------------------------------------------------------------------

    def _watch(self) -> None:
        kept_s = 0.0
        while not self._is_closed:
            silence_s = time.monotonic() - self._beat_at
            if silence_s >= self._limit_s:
                self._look(kept_s)
            self._before = {one.ident: one for one in self._computing()}
            pause_s = max(self._limit_s - silence_s, LATE_S)
            planned_at = time.monotonic() + pause_s
            self._news.wait(pause_s)
            self._news.clear()
            kept_s = time.monotonic() - planned_at
            while self._gaps:
                self._over(self._gaps.popleft())

    def _look(self, kept_s: float) -> None:
        """No beat for too long: find out why, before anything moves on. ``kept_s``: how late this
        thread was itself."""
        frames = _frames()
        # Native code had the lock then; or the whole process stood still (stopped, a machine that
        # slept, no processor to be had), and what computes nothing is not to blame.
        computed_s = time.process_time() - self._cpu_at_beat
        if kept_s > LATE_S and computed_s < self._computing_s:
            return
        on_loop, busiest = self._on_loop(frames), self._busiest(frames)
        # An agent's thread may be the one that had the lock; while others run, it has not.
        holder = (busiest or on_loop) if kept_s > LOCKED_S else (on_loop or busiest)
        if holder is None:
            return
        if not self._held_s:
            log.warning("the event loop is held at %s", holder.place, extra=_ids(holder))
        self._blame(holder, since=self._beat_at, until=time.monotonic())

    def _blame(self, holder: Holder, *, since: float, until: float) -> None:
        """For the time that nobody was blamed for yet."""
        seconds = until - max(self._looked_at, since)
        self._held_s[holder] = self._held_s.get(holder, 0.0) + seconds
        self._looked_at = until

    def _over(self, gap: _Gap) -> None:
        """Tell who held the loop for most of that time."""
        if not self._held_s and gap.cpu_seconds < self._computing_s:
            return
        if gap.worker is not None:
            self._blame(gap.worker, since=gap.ended_at - gap.seconds, until=gap.ended_at)
        held_s, self._held_s = self._held_s, {}
        holder = max(held_s, key=lambda one: held_s[one], default=None)
        self._worst_s = max(self._worst_s, gap.seconds - BEAT_S)
        self._count(gap.seconds)
        place = "a place that is not known" if holder is None else holder.place
        told = f"the event loop was held for {gap.seconds:.1f} s at {place}"
        log.warning("%s", told, extra=_ids(holder))
        self._warning = (time.monotonic() + WARNED_FOR_S, told)

    def _on_loop(self, frames: _Frames) -> Holder | None:
        """What the loop's own thread does, unless it waits for something to do."""
        place = place_of(frames.get(self._loop_ident), self._below)
        return None if place is None else Holder(place, self._turn_on_loop())

    def _busiest(self, frames: _Frames) -> Holder | None:
        """The agent's thread that has computed most since the last look, if it is more than
        the loop's has, and more than usual."""
        most = max(self._computing(), key=self._computed_since)
        if most.ident == self._loop_ident or self._computed_since(most) < self._computing_s:
            return None
        place = place_of(frames.get(most.ident))
        return None if place is None else Holder(place, most.turn)

    def _turn_on_loop(self) -> TurnIds | None:
        return self._turn_of(asyncio.current_task(self._loop))

    def _computing(self) -> Iterator[_Thread]:
        """The loop's thread, and those of agents that have something to do."""
        yield _Thread(self._loop_ident, None, cpu_seconds_of(self._loop_ident) or 0.0)
        for thread in threading.enumerate():
            if not isinstance(thread, WorkerThread) or thread.ident is None:
                continue
            turn, cpu_s = thread.turn, thread.cpu_seconds()
            if turn is not None and cpu_s is not None:
                yield _Thread(thread.ident, turn, cpu_s)

    def _computed_since(self, now: _Thread) -> float:
        before = self._before.get(now.ident)
        same_job = before is not None and before.turn is now.turn
        return now.cpu_seconds - before.cpu_seconds if before and same_job else now.cpu_seconds


def _frames() -> _Frames:
    return sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _ids(holder: Holder | None) -> dict[str, object]:
    """What a log record says of the turn."""
    if holder is None or holder.turn is None:
        return {}
    told = {"user_chat_id": holder.turn.user_chat_id, "caused_by": holder.turn.caused_by}
    return {name: value for name, value in told.items() if value is not None}


# -- where a stack stands -------------------------------------------------------------------------

_LIBRARY: Final = f"{sysconfig.get_path('stdlib')}/"
_WAITING: Final = tuple(
    f"{_LIBRARY}{name}" for name in ("asyncio/", "concurrent/", "selectors.py", "threading.py")
)
_INSTALLED: Final = (f"{sysconfig.get_path('purelib')}/", f"{sysconfig.get_path('platlib')}/")
_STANDARD: Final = (_LIBRARY, "<frozen ")
_KNOWN: Final = (*_STANDARD, *_INSTALLED, f"{Path(__file__).parent.parent}/")
"""Code of other people than whoever wrote the agent, as far as that can be told."""


def place_of(frame: FrameType | None, below: Collection[FrameType] = ()) -> str | None:
    """The line that a stack stands at: of the agent, and of what that has called. None where
    nothing runs above the frames ``below`` but the loop itself."""
    running = [one for one in _outwards(frame) if one not in below and not _is_waiting(one)]
    if not running:
        return None
    agents = _first(running, _KNOWN) or _first(running, _STANDARD) or running[0]
    told = _told(agents)
    return told if agents is running[0] else f"{told}, in {_told(running[0])}"


def _first(running: list[FrameType], passed_over: tuple[str, ...]) -> FrameType | None:
    """The innermost frame of other code than that."""
    others = (one for one in running if not one.f_code.co_filename.startswith(passed_over))
    return next(others, None)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _is_waiting(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_WAITING)


def _told(frame: FrameType) -> str:
    """As short as it can be found by: ``/health/ready`` tells it, too."""
    path = Path(frame.f_code.co_filename)
    home = Path.cwd()
    shown = path.relative_to(home) if path.is_relative_to(home) else Path(*path.parts[-2:])
    return f"{shown}:{frame.f_lineno} ({frame.f_code.co_name})"
