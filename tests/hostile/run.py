"""Runs harmless and hostile cases on one server and compares what the server and the good client
noticed.

Cases of one size go in batches of ``TOGETHER``; a batch that held the loop too long is tried case
by case, and a case counts with the least of its tries alone: the machine may be busy with others.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from tests.hostile.case import Case
from tests.hostile.good import GoodClient
from tests.hostile.guest import Unanswered, guest
from tests.hostile.probe import Stall
from tests.hostile.server import HostileServer

STALL_S: Final = 0.05
MEMORY_BYTES: Final = 128 * 2**20
ANSWER_MS: Final = 50.0
TOGETHER: Final = 4
"""Hostile clients at once. More would measure how many they are."""
TRIES: Final = 3
NO_STALL: Final = Stall(0.0, 0.0)
NO_NOISE_S: Final = 2.0
"""A stall of that length is nobody else's."""
MISSES: Final = 3
"""After so many cases of a kind have missed, the rest says nothing new."""


class Kind(NamedTuple):
    """Cases of one kind, and the harmless ones of the same sizes."""

    name: str
    hostile: Sequence[Case]
    harmless: Sequence[Case]


class Miss(NamedTuple):
    """What went wrong: by what it was found, the case, and the figure."""

    found_by: str
    case: str
    figure: str


@dataclass
class Result:
    """What came of one kind."""

    kind: str
    cases: int = 0
    harmless_stalls_s: list[float] = field(default_factory=list)
    worst: Stall = NO_STALL
    worst_case: str = ""
    harmless_bytes: int = 0
    hostile_bytes: int = 0
    harmless_ms: list[float] = field(default_factory=list)
    hostile_ms: list[float] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)

    def row(self) -> str:
        """For people."""
        mib = 2**20
        cells = (
            self.kind,
            self.cases,
            f"{_ms(max(self.harmless_stalls_s, default=0))} / {_ms(self.worst.late_s)}",
            f"{self.harmless_bytes // mib} / {self.hostile_bytes // mib}",
            f"{p99(self.harmless_ms):.0f} / {p99(self.hostile_ms):.0f}",
            "missed" if self.misses else "held",
        )
        return f"| {' | '.join(map(str, cells))} |"


HEAD: Final = (
    "| kind | cases | worst stall, ms: harmless / hostile | memory, MiB | good client's p99, ms |"
    " |\n|---|---|---|---|---|---|"
)


class Campaign:
    """All kinds of cases on one server."""

    def __init__(self, server: HostileServer, folder: Path) -> None:
        self._server = server
        self._good = GoodClient(server.socket_url, folder / "good")
        self.restarts = 0

    async def run(self, kinds: Iterable[Kind]) -> list[Result]:
        """Try each kind; the good client talks all the time."""
        with self._good.talking():
            await self._good.has_begun()
            await self._warm_up()
            return [await self._tried(kind) for kind in kinds]

    async def _warm_up(self) -> None:
        """What is made when it is first used is no stall of a case."""
        async with guest(self._server) as one:
            await one.say(await one.open(), "hello")

    async def _tried(self, kind: Kind) -> Result:
        result = Result(kind.name)
        base_s = {}
        with self._watched(result.harmless_ms):
            self._server.forget_peak()
            for batch in _batches([*kind.harmless] * 2):
                stall = await self._stalled(batch)
                base_s.setdefault(batch[0].size, []).append(stall.late_s)
                result.harmless_stalls_s.append(stall.late_s)
            result.harmless_bytes = self._server.peak_bytes()
        limits_s = {size: statistics.median(ones) + STALL_S for size, ones in base_s.items()}
        await self._attack(kind, limits_s, result)
        await self._compare_answers(kind, result)
        return result

    async def _attack(self, kind: Kind, limits_s: dict[str, float], result: Result) -> None:
        for batch in _batches(kind.hostile):
            if len(result.misses) >= MISSES:
                return
            limit_s = limits_s[batch[0].size]
            self._server.forget_peak()
            tracebacks = self._server.tracebacks()
            with self._watched(result.hostile_ms):
                suspects = await self._suspects(batch, limit_s, result)
            result.cases += len(batch)
            self._note_memory(batch, result)
            if self._server.tracebacks() > tracebacks:
                names = ", ".join(case.name for case in batch)
                result.misses.append(Miss("log", names, "a traceback"))
            for case in suspects:
                await self._try_alone(case, limit_s, result)

    async def _suspects(
        self, batch: Sequence[Case], limit_s: float, result: Result
    ) -> Sequence[Case]:
        """Those of a batch that have to be tried alone."""
        try:
            stall = await self._stalled(batch)
        except Unanswered:
            await self._begin_anew()
            return batch
        if stall.late_s > limit_s:
            return batch
        if stall.late_s > result.worst.late_s:
            result.worst, result.worst_case = stall, "; or ".join(case.name for case in batch)
        return ()

    async def _try_alone(self, case: Case, limit_s: float, result: Result) -> None:
        """Up to three times: the least counts."""
        least: Stall | None = None
        for _ in range(TRIES):
            try:
                stall = await self._stalled([case])
            except Unanswered as fault:
                silent_s = self._server.probe.silent_s
                await self._begin_anew()
                figure = f"{fault}; the loop had been still for {silent_s:.1f} s"
                result.misses.append(Miss("answer", case.name, figure))
                return
            least = stall if least is None else min(least, stall)
            if least.late_s <= limit_s or least.late_s > NO_NOISE_S:
                break
        assert least is not None
        if least.late_s > result.worst.late_s:
            result.worst, result.worst_case = least, case.name
        if least.late_s > limit_s:
            figure = f"{_ms(least.late_s)} ms, of which it computed {_ms(least.computed_s)} ms"
            result.misses.append(Miss("stall", case.name, f"{figure}; limit {_ms(limit_s)} ms"))

    def _note_memory(self, batch: Sequence[Case], result: Result) -> None:
        peak = self._server.peak_bytes()
        result.hostile_bytes = max(result.hostile_bytes, peak)
        if peak > result.harmless_bytes + MEMORY_BYTES:
            names = ", ".join(case.name for case in batch)
            over = f"{(peak - result.harmless_bytes) // 2**20} MiB over the harmless"
            result.misses.append(Miss("memory", names, over))

    async def _compare_answers(self, kind: Kind, result: Result) -> None:
        """The good client's p99; where it is worse than it may be, both are measured again."""
        for _ in range(TRIES):
            over_ms = p99(result.hostile_ms) - p99(result.harmless_ms)
            if over_ms <= ANSWER_MS or len(result.misses) >= MISSES:
                return
            harmless_ms: list[float] = []
            hostile_ms: list[float] = []
            sample = kind.hostile[: 4 * TOGETHER]
            for cases, answers_ms in (([*kind.harmless] * 3, harmless_ms), (sample, hostile_ms)):
                with self._watched(answers_ms):
                    await self._all(cases)
            if p99(hostile_ms) - p99(harmless_ms) < over_ms:
                result.harmless_ms, result.hostile_ms = harmless_ms, hostile_ms
        over_ms = p99(result.hostile_ms) - p99(result.harmless_ms)
        if over_ms > ANSWER_MS:
            result.misses.append(Miss("good client", kind.name, f"p99 {over_ms:.0f} ms over"))

    async def _all(self, cases: Sequence[Case]) -> None:
        for batch in _batches(cases):
            with contextlib.suppress(Unanswered):
                await self._stalled(batch)

    async def _stalled(self, batch: Sequence[Case]) -> Stall:
        """How long the loop was held while these were done, together."""
        self._server.probe.take()
        done = await asyncio.gather(*(self._done(case) for case in batch), return_exceptions=True)
        for fault in done:
            if isinstance(fault, BaseException):
                raise fault
        return self._server.probe.take()

    async def _done(self, case: Case) -> None:
        async with guest(self._server) as one:
            await case.act(one)

    async def _begin_anew(self) -> None:
        self.restarts += 1
        await asyncio.to_thread(self._server.begin_anew)
        await self._warm_up()

    @contextlib.contextmanager
    def _watched(self, answers_ms: list[float]) -> Iterator[None]:
        """Add what the good client waited for meanwhile."""
        since = time.monotonic()
        yield
        answers_ms += self._good.answers_ms(since, time.monotonic())


def _batches(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """So many of one size at once."""
    by_size: dict[str, list[Case]] = {}
    for case in cases:
        by_size.setdefault(case.size, []).append(case)
    for ones in by_size.values():
        for at in range(0, len(ones), TOGETHER):
            yield ones[at : at + TOGETHER]


def some(cases: Iterable[Case], most: int | None) -> list[Case]:
    """So many of each size, always the same; None is all of them."""
    by_size: dict[str, list[Case]] = {}
    for case in cases:
        by_size.setdefault(case.size, []).append(case)
    if most is None:
        return [case for ones in by_size.values() for case in ones]
    chance = random.Random(1)
    return [
        case
        for ones in by_size.values()
        for case in (ones if len(ones) <= most else [*ones[:3], *chance.sample(ones[3:], most - 3)])
    ]


def p99(answers_ms: Sequence[float]) -> float:
    """The 99th percentile; 0 of none."""
    return sorted(answers_ms)[int(0.99 * (len(answers_ms) - 1))] if answers_ms else 0.0


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
