"""The database goes away under a running server: nothing is lost, no socket closes, no reader
misses an event. `make faults` kills the server itself, on either engine."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from tests.faults.checker import check
from tests.faults.disks import fill, small_disk
from tests.faults.grounds import end_connections
from tests.faults.held import log_of, opened_after, say
from tests.faults.history import Lost
from tests.faults.process import FaultyServer
from tests.faults.workload import Cast, World
from tests.kit.postgres import own_server

from chatstream.eventstore.postgres.embedded import EmbeddedPostgres
from chatstream.eventstore.postgres.engine import EXIT_REWOUND

pytestmark = [pytest.mark.faults, pytest.mark.postgres, pytest.mark.timeout(300)]

# Nobody stalls and nobody's line is cut: every socket must last.
CAST = Cast(chats=2, writers=3, sockets=2, streams=1, pollers=1, lurkers=1, stalled=False)
Harm = Callable[[], Awaitable[None]]


@pytest.fixture(scope="module")
def database() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, to be killed."""
    with own_server() as server:
        yield server


@asynccontextmanager
async def chat_server(database: EmbeddedPostgres, folder: Path) -> AsyncIterator[FaultyServer]:
    """A chat server on an empty database of ``database``."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    server = FaultyServer(folder, database=database.dsn)
    await server.up()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
async def server(database: EmbeddedPostgres, tmp_path) -> AsyncIterator[FaultyServer]:
    async with chat_server(database, tmp_path) as server:
        yield server


def sockets_lost(world: World) -> int:
    """How many of those who follow by WebSocket lost their line."""
    readings = [one for one in world.history.readings if one.reader.startswith("socket")]
    assert len(readings) == CAST.chats * CAST.sockets
    return sum(isinstance(item, Lost) for reading in readings for item in reading.items)


async def under_load(server: FaultyServer, harm: Harm, *, times: int, seed: int) -> World:
    """Do harm so often while people write and read; nothing may come of it."""
    chance = random.Random(seed)
    world = World(server.port, server.port, seed, CAST)
    await world.begin()
    for _ in range(times):
        await asyncio.sleep(chance.uniform(0.3, 0.9))
        await harm()
    await asyncio.sleep(1)
    lost = sockets_lost(world)
    history = await world.end()
    assert check(history) == []
    assert lost == 0
    assert world.acked > 20 * CAST.chats
    return world


@pytest.mark.parametrize("times", [3, pytest.param(10, marks=pytest.mark.slow)])
async def test_crashes_of_the_database_lose_nothing_and_close_no_socket(database, server, times):
    async def crash() -> None:
        await asyncio.to_thread(database.stop, "immediate")
        await asyncio.to_thread(database.start)

    await under_load(server, crash, times=times, seed=41)


@pytest.mark.parametrize("times", [5, pytest.param(20, marks=pytest.mark.slow)])
async def test_terminated_backends_lose_nothing_and_close_no_socket(database, server, times):
    async def terminate() -> None:
        end_connections(database.dsn)

    await under_load(server, terminate, times=times, seed=42)


async def test_who_locks_the_log_for_too_long_delays_and_loses_nothing(database, server):
    with psycopg.connect(database.dsn) as outside:

        async def lock() -> None:
            outside.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
            await asyncio.sleep(4)  # longer than a lock is waited for
            outside.rollback()

        world = await under_load(server, lock, times=2, seed=43)
    assert world.resent > 0


async def test_a_server_whose_database_went_back_in_time_ends_and_clients_start_anew(
    database, server
):
    """A failover to a standby that lacks the newest commits, or a restore beneath a server."""
    folder, earlier = database.folder, database.folder.with_name("earlier")
    await say(server, "one", "two")
    kept = await log_of(server)
    database.stop()
    await asyncio.to_thread(subprocess.run, ["cp", "-a", folder, earlier], check=True)
    database.start()
    await until_ready(server)
    await say(server, "three")
    lost = await log_of(server)
    database.stop("immediate")
    shutil.rmtree(folder)
    earlier.rename(folder)
    database.start()
    assert await asyncio.to_thread(server.exit_code) == EXIT_REWOUND
    assert "this server ends" in server.log_path.read_text()
    await server.up()
    resync, events = await opened_after(server, lost[-1])
    assert (resync.reason, events) == ("unknown_position", kept)
    assert (await opened_after(server, kept[-1])) == (None, [])


async def until_ready(server: FaultyServer) -> None:
    async with asyncio.timeout(20):
        while not await server.is_ready():  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.02)


@pytest.fixture
def small_database() -> Iterator[EmbeddedPostgres]:
    """A server whose disk is soon full."""
    above = Path(tempfile.mkdtemp(prefix="chatstream-disk-"))
    above.chmod(0o755)  # the server's own user goes there too
    with small_disk(above, megabytes=160) as disk, own_server(disk) as server:
        yield server
    shutil.rmtree(above)


async def test_a_full_disk_stores_nothing_and_harms_nothing_that_is_stored(
    small_database, tmp_path
):
    async def fill_for_a_while() -> None:
        filler = fill(small_database.folder.parent)
        await asyncio.sleep(3)
        filler.unlink()

    async with chat_server(small_database, tmp_path) as server:
        world = await under_load(server, fill_for_a_while, times=3, seed=44)
        assert world.resent > 0
        assert "DiskFull" in server.log_path.read_text()
