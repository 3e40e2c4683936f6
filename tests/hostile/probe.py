"""How late the timers of a server's loop are: kept in a file that both processes see.

The server's own watchdog beats every tenth of a second, which is too seldom for stalls of 50 ms,
and its worst is that of the whole life. So a beat of 5 ms is put into the process from outside.
The time in which the loop's thread was ready to run and had no processor is taken off: that was
other processes' doing.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

BEAT_S: Final = 0.005
_FORM: Final = struct.Struct("ddd")


class Stall(NamedTuple):
    """The longest that a timer was late, and what the process computed in that time; seconds."""

    late_s: float
    computed_s: float


class Probe:
    """The shared file."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_FORM.size))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _FORM.size)

    def beat(self, now: float, stall: Stall) -> None:
        """Keep the stall if it is the longest since it was last taken."""
        _, worst = self._read()
        _FORM.pack_into(self._shared, 0, now, *max(stall, worst))

    def take(self) -> Stall:
        """The longest since the last time that this was asked."""
        beat_at, stall = self._read()
        _FORM.pack_into(self._shared, 0, beat_at, 0.0, 0.0)
        return stall

    @property
    def silent_s(self) -> float:
        """How long the loop has not come round until now."""
        beat_at, _ = self._read()
        return time.monotonic() - beat_at

    def _read(self) -> tuple[float, Stall]:
        beat_at, late_s, computed_s = _FORM.unpack_from(self._shared)
        return beat_at, Stall(late_s, computed_s)


class _Clock(NamedTuple):
    """The time, what the process has computed, how long the loop's thread had no processor."""

    now_s: float
    computed_s: float
    waited_s: float


class Beat:
    """Beats on the loop that it is made on, for as long as that lives."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._loop = asyncio.get_running_loop()
        self._statistics: int | None = None
        with suppress(OSError):  # only Linux has them
            name = f"/proc/self/task/{threading.get_native_id()}/schedstat"
            self._statistics = os.open(name, os.O_RDONLY)
        self._before = self._clock()
        self._loop.call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        now, before = self._clock(), self._before
        late_s = now.now_s - before.now_s - BEAT_S - (now.waited_s - before.waited_s)
        self._probe.beat(now.now_s, Stall(late_s, now.computed_s - before.computed_s))
        self._before = now
        self._loop.call_later(BEAT_S, self._beat)

    def _clock(self) -> _Clock:
        waited_ns = 0 if self._statistics is None else os.pread(self._statistics, 99, 0).split()[1]
        return _Clock(time.monotonic(), time.process_time(), int(waited_ns) / 1e9)


def install(path: str) -> None:
    """Beat on the loop of whatever server this process starts."""
    import uvicorn

    startup = uvicorn.Server.startup

    async def measured(self, *arguments, **named):
        self.hostile_beat = Beat(Probe(Path(path)))
        await startup(self, *arguments, **named)

    uvicorn.Server.startup = measured
