"""Two nodes under load, on a database of their own, while one thing after another goes wrong."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from tests.cluster.conftest import LEASE_S
from tests.faults.checker import check
from tests.faults.grounds import end_connections
from tests.faults.history import Lost
from tests.faults.process import FaultyServer
from tests.faults.proxy import FaultProxy
from tests.faults.workload import Cast, World
from tests.kit.postgres import own_server

from chatstream.eventstore.postgres.embedded import EmbeddedPostgres

pytestmark = [pytest.mark.faults, pytest.mark.postgres, pytest.mark.timeout(580)]

CAST = Cast(chats=1, writers=4, sockets=2, streams=1, pollers=1, lurkers=1, stalled=False)
ALL_TURNS_END_S = 180.0  # 64 writers leave many turns behind, which run one after the other
Harm = Callable[[], Awaitable[None]]


def lost_lines(world: World) -> int:
    """So far."""
    readings = [one for one in world.history.readings if one.reader.startswith("socket")]
    assert readings
    return sum(isinstance(item, Lost) for reading in readings for item in reading.items)


class Site:
    """Nodes on one database behind one address, and who uses them."""

    def __init__(self, database: EmbeddedPostgres, folder: Path) -> None:
        self.database = database
        self.nodes: list[FaultyServer] = []
        self.proxy = FaultProxy()
        self._folder = folder
        self._started = 0
        self.lines_lost = 0
        """How often somebody who follows by WebSocket lost the line, in the last load."""

    async def add(self) -> None:
        """One more node, taking connections once it is ready."""
        self._started += 1
        folder = self._folder / str(self._started)
        node = FaultyServer(folder, database=self.database.dsn, NODE_LEASE=LEASE_S, DRAIN=4)
        await node.up()
        self.nodes.append(node)
        self.proxy.targets.append(node.port)

    def remove(self, node: FaultyServer) -> None:
        """It gets no new connections."""
        self.nodes.remove(node)
        self.proxy.targets.remove(node.port)

    async def live(
        self, harm: Harm, *, times: int, seed: int, cast: Cast = CAST, pause_s: float = 0.6
    ) -> World:
        """Do harm so often while people write and read; nothing may come of it."""
        chance = random.Random(seed)
        world = World(self.proxy.port, self.nodes[0].port, seed, cast)
        await world.begin()
        for _ in range(times):
            await asyncio.sleep(chance.uniform(pause_s / 2, pause_s * 3 / 2))
            await harm()
        await asyncio.sleep(1)
        self.lines_lost = lost_lines(world)
        world.direct_port = self.nodes[0].port
        history = await world.end(ALL_TURNS_END_S)
        print(f"\n{times} times: {world.acked} acked, {world.observed} observed")  # for pytest -s
        assert check(history) == []
        return world


@pytest.fixture(scope="module")
def database() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, to be killed."""
    with own_server() as server:
        yield server


@asynccontextmanager
async def two_nodes(database: EmbeddedPostgres, folder: Path) -> AsyncIterator[Site]:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    site = Site(database, folder)
    try:
        async with site.proxy:
            await asyncio.gather(site.add(), site.add())
            yield site
    finally:
        for node in site.nodes:
            node.kill()


@pytest.fixture
async def site(database: EmbeddedPostgres, tmp_path) -> AsyncIterator[Site]:
    async with two_nodes(database, tmp_path) as site:
        yield site


async def nothing() -> None:
    pass


@pytest.mark.parametrize("seconds", [2, pytest.param(20, marks=pytest.mark.slow)])
async def test_64_writers_on_one_chat_through_both_nodes_lose_and_see_nothing_of_conflicts(
    site, seconds
):
    cast = Cast(chats=1, writers=64, sockets=2, pollers=0, lurkers=0, stalled=False, pause_s=1.0)
    world = await site.live(nothing, times=1, seed=61, cast=cast, pause_s=seconds)
    refusals = [one for one in world.history.answered if one.position is None]
    assert refusals == []
    assert world.acked > 64


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.slow)])
async def test_a_rolling_restart_shows_nobody_an_error(site, times):
    async def roll() -> None:
        for old in list(site.nodes):
            await site.add()
            site.remove(old)
            old.terminate()
            assert await asyncio.to_thread(old.exit_code) == 0

    world = await site.live(roll, times=times, seed=62)
    assert [one for one in world.history.answered if one.position is None] == []


@pytest.mark.slow
@pytest.mark.parametrize("times", [20])
async def test_a_killed_node_is_replaced_and_nothing_is_lost(site, times):
    async def kill() -> None:
        victim = site.nodes[0]
        victim.kill()
        site.remove(victim)
        await asyncio.sleep(LEASE_S + 1)
        await site.add()

    await site.live(kill, times=times, seed=63)


@pytest.mark.slow
@pytest.mark.parametrize("times", [10])
async def test_a_node_that_stands_still_for_longer_than_its_lease_does_no_harm(site, times):
    chance = random.Random(64)

    async def pause() -> None:
        sleeper = chance.choice(site.nodes)
        sleeper.stop()
        await asyncio.sleep(LEASE_S + 1)
        sleeper.go_on()

    await site.live(pause, times=times, seed=64)


@pytest.mark.parametrize("times", [2, pytest.param(10, marks=pytest.mark.slow)])
async def test_crashes_of_the_database_lose_nothing_and_close_no_socket(site, times):
    async def crash() -> None:
        await asyncio.to_thread(site.database.stop, "immediate")
        await asyncio.to_thread(site.database.start)

    await site.live(crash, times=times, seed=65)
    assert site.lines_lost == 0


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.slow)])
async def test_terminated_backends_lose_nothing_and_close_no_socket(site, times):
    """Those that listen and those that hold a lease among them."""

    async def terminate() -> None:
        end_connections(site.database.dsn)

    await site.live(terminate, times=times, seed=66)
    assert site.lines_lost == 0
