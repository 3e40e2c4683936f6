"""A campaign: a world, a server that dies and comes back under it, and connections that break.

Everything that is needed to see what happened comes back as an `Outcome`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

from msgspec import Struct
from tests.faults.checker import Violation, check
from tests.faults.fsync_order import traced
from tests.faults.grounds import Ground, ground
from tests.faults.history import History
from tests.faults.mutants import BUGS
from tests.faults.process import FaultyServer
from tests.faults.proxy import FAULTS, FaultProxy
from tests.faults.seams import POINTS
from tests.faults.workload import DRAIN_S, Cast, World

JUMPS_S: Final = (-3600.0, 0.0, 3600.0)
LIFE_S: Final = 6.0
"""How long a server may live before it must reach the point where it dies."""
QUIET_S: Final = 1.2
CUTS: Final = 6
BUGGY_DRAIN_S: Final = 3.0
"""A server with a planted bug may never come to rest; a right one needs about a second."""


class Outcome(Struct):
    """What a campaign did and saw."""

    history: History
    violations: list[Violation]
    acked: int
    resent: int
    observed: int
    kills: Counter[str]
    cuts: Counter[str]
    troubles: Counter[str]
    recoveries_s: list[float]
    starts_s: list[float]


class Nemesis:
    """Does harm to one server and its connections, by a seed of its own."""

    def __init__(
        self, server: FaultyServer, on: Ground, proxy: FaultProxy, world: World, seed: int
    ) -> None:
        self.kills: Counter[str] = Counter()
        self.cuts: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.deaths: list[float] = []
        self._server = server
        self._ground = on
        self._proxy = proxy
        self._world = world
        self._chance = random.Random(seed)

    async def kill_once(self, always: str = "") -> None:
        """Let the server die, by itself at a point or by our hand, and start it again with a
        point to die at (or none) and the seams that it has `always`."""
        await self._trouble()
        planned = self._server.seams.partition("die=")[2].partition(":")[0]
        if planned:
            died = await self._server.died(LIFE_S)
            self.kills[planned if died else "at random"] += 1
        else:
            await asyncio.sleep(self._chance.uniform(0.3, 1.5))
            self.kills[await self._pause_maybe()] += 1
        self._server.kill()
        self.deaths.append(time.monotonic())
        await self.revive(always)

    async def revive(self, always: str = "", *, safely: bool = False) -> None:
        """Start the server again; it may die while it starts, at the point it was given."""
        seams = always if safely or self._chance.random() < 0.3 else f"{always} {self._death()}"
        await self._server.up(seams.strip())

    async def _trouble(self) -> None:
        """Now and then the clock jumps, or something happens to the database."""
        if self._chance.random() < 0.3:
            self._server.set_clock(self._chance.choice(JUMPS_S))
            self.troubles["clock jump"] += 1
        if self._chance.random() < 0.4:
            self.troubles[await self._ground.harm(self._chance)] += 1

    async def _pause_maybe(self) -> str:
        if self._chance.random() < 0.4:
            self._server.stop()
            await asyncio.sleep(self._chance.uniform(0.2, 2.5))
            self._server.go_on()
            await asyncio.sleep(self._chance.uniform(0.0, 0.5))
            return "after a stop"
        return "at random"

    def _death(self) -> str:
        return f"die={self._chance.choice(POINTS)}:{self._chance.randint(3, 120)}"

    async def cut(self, times: int, seconds: float) -> None:
        """Harm so many connections, spread over about so long."""
        for _ in range(times):
            await asyncio.sleep(self._chance.uniform(0, 2 * seconds / times))
            while not self._proxy.links:  # noqa: ASYNC110 (another process connects)
                await asyncio.sleep(0.05)
            fault = self._chance.choice(FAULTS)
            self._chance.choice(self._proxy.links).harm(fault)
            self.cuts[fault] += 1

    def heal(self) -> None:
        """No connection is slow or deaf any more: those that were are gone."""
        for link in list(self._proxy.links):
            if link.fault is not None:
                link.harm("cut")

    def recoveries_s(self) -> list[float]:
        """How long it took from a death until somebody had an ack again; from the last one
        where the server died again before that."""
        acks = [one.at for one in self._world.history.answered if one.position is not None]
        spans: list[float] = []
        for death, next_death in pairwise([*self.deaths, float("inf")]):
            # Answers that had left before the death are read a moment after it.
            back = min((at for at in acks if at > death + 0.05), default=float("inf"))
            spans += [back - death] if back < next_death else []
        return spans


async def campaign(
    folder: Path, *, seed: int, kills: int, cuts: int, cast: Cast | None = None
) -> Outcome:
    """Kill and cut so often under a full cast."""
    async with _site(folder, seed, cast or Cast()) as (server, world, nemesis):
        always = server.clock_seam
        await server.up(always)
        await world.begin()
        cutting = asyncio.create_task(nemesis.cut(cuts, seconds=3.0 * max(kills, 1)))
        for _ in range(kills):
            await nemesis.kill_once(always)
        server.kill()
        await nemesis.revive(always, safely=True)
        await cutting
        await asyncio.sleep(QUIET_S)
        nemesis.heal()
        return _outcome(await world.end(), world, nemesis, server)


async def scenario(
    folder: Path,
    lives: Sequence[str],
    *,
    seed: int,
    bug: str = "",
    writers: int = 3,
    seconds: float = QUIET_S,
) -> Outcome:
    """The short form: a server with these lives (and a planted bug), some cuts."""
    always = f"bug={bug} " if bug else ""
    cast = Cast(chats=1, writers=writers, pause_s=0.05)
    async with _site(folder, seed, cast) as (server, world, nemesis):
        await server.up(always + lives[0])
        await world.begin()
        cutting = asyncio.create_task(nemesis.cut(CUTS, seconds=seconds * 0.7))
        for life in lives[1:]:
            await server.died(LIFE_S)
            server.kill()
            nemesis.deaths.append(time.monotonic())
            await server.up(always + life)
        await asyncio.sleep(seconds)
        await cutting
        nemesis.heal()
        history = await world.end(BUGGY_DRAIN_S if bug else DRAIN_S)
        return _outcome(history, world, nemesis, server)


@asynccontextmanager
async def _site(
    folder: Path, seed: int, cast: Cast
) -> AsyncIterator[tuple[FaultyServer, World, Nemesis]]:
    """A server that is not started yet, behind a proxy; who will use it and who will harm it."""
    with ground(folder) as on:
        server = FaultyServer(folder, database=on.url, **on.settings)
        try:
            async with FaultProxy(server.port) as proxy:
                world = World(proxy.port, server.port, seed, cast)
                yield server, world, Nemesis(server, on, proxy, world, seed)
        finally:
            server.kill()


def _outcome(history: History, world: World, nemesis: Nemesis, server: FaultyServer) -> Outcome:
    return Outcome(
        history,
        check(history),
        world.acked,
        world.resent,
        world.observed,
        nemesis.kills,
        nemesis.cuts,
        nemesis.troubles,
        nemesis.recoveries_s(),
        server.starts_s,
    )


async def caught(folder: Path, name: str, seed: int) -> list[str]:
    """What shows the planted bug, found by the trace or by the short form."""
    bug = BUGS[name]
    if bug.by_trace:
        return (await traced(folder, name)).early
    outcome = await scenario(folder, bug.lives, seed=seed, bug=name, writers=bug.writers)
    return [one.what for one in outcome.violations if one.kind in bug.shows]
