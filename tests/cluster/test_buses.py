"""What carries hints between nodes: the same promises of NOTIFY and of NATS."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from tests.kit.server import free_port
from tests.kit.wire import of_type

from chatstream.cluster.bus import Bus, wake_text
from chatstream.cluster.bus_nats import NatsBus
from chatstream.cluster.bus_postgres import PostgresBus

pytestmark = pytest.mark.postgres


class Heard:
    """Writes down what is heard."""

    def __init__(self) -> None:
        self.wakes: list[str] = []
        self.messages: list[str] = []
        self.gaps = 0

    def on_wake(self, text: str) -> None:
        self.wakes.append(text)

    def on_message(self, text: str) -> None:
        if text == "not a word":
            raise ValueError(text)
        self.messages.append(text)

    def on_gap(self) -> None:
        self.gaps += 1


async def until(condition, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another process answers
            await asyncio.sleep(0.01)


class NatsServer:
    """A ``nats-server`` process, to be ended and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = Path(sys.executable).with_name("nats-server")
        found = str(program) if program.exists() else shutil.which("nats-server")
        if found is None:
            pytest.skip("no nats-server here")
        command = [found, "-a", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def nats_server() -> Iterator[NatsServer]:
    server = NatsServer()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def database() -> Iterator[str]:
    from tests.kit.postgres import drop_database, new_database

    dsn = new_database()
    yield dsn
    drop_database(dsn)


@pytest.fixture(params=["notify", "nats"])
def make_bus(request, database, nats_server):
    if request.param == "notify":
        return lambda: PostgresBus(database)
    url = f"nats://127.0.0.1:{nats_server.port}/{time.time_ns()}"
    return lambda: NatsBus(url)


@asynccontextmanager
async def listening(bus: Bus, ears: Heard):
    task = asyncio.create_task(bus.run(ears))
    try:
        await until(lambda: ears.gaps)
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await bus.close()


async def test_words_reach_everybody_in_order(make_bus):
    ears = [Heard(), Heard()]
    one, other = make_bus(), make_bus()
    async with listening(one, ears[0]), listening(other, ears[1]):
        words = [f"{number} é🙂 {'x' * 7_000}" for number in range(20)]
        await one.publish(words)
        await until(lambda: len(ears[1].messages) == 20)
        assert ears[1].messages == words


async def test_a_word_that_nobody_understands_harms_no_other(make_bus):
    ears = Heard()
    bus = make_bus()
    async with listening(bus, ears):
        await bus.publish(["not a word", "a word"])
        await until(lambda: ears.messages)
        assert ears.messages == ["a word"]


async def test_a_killed_listener_comes_back_and_says_that_it_may_have_missed_something(database):
    ears = Heard()
    bus = PostgresBus(database)
    async with listening(bus, ears):
        with psycopg.connect(database, autocommit=True) as outside:
            outside.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND application_name = 'chatstream'"
            )
        await until(lambda: ears.gaps == 2)
        await bus.publish(["still there"])
        await until(lambda: ears.messages)


async def test_words_are_lost_and_not_raised_where_nobody_carries_them():
    await PostgresBus("postgresql://127.0.0.1:1/nothing").publish(["lost"])
    await NatsBus("nats://127.0.0.1:1").publish(["lost"])


async def test_a_restart_of_nats_is_survived():
    server, ears = NatsServer(), Heard()
    bus = NatsBus(f"nats://127.0.0.1:{server.port}")
    task = asyncio.create_task(bus.run(ears))
    server.start()
    try:
        await until(lambda: ears.gaps)
        server.kill()
        server.start()
        await until(lambda: ears.gaps == 2)
        await bus.wake(wake_text("node", {"chat_a": 3, "chat_b": 1}))
        await until(lambda: ears.wakes)
        assert ears.wakes == ["node chat_a:3 chat_b:1"]
    finally:
        task.cancel()
        await asyncio.wait([task])
        await bus.close()
        server.kill()


async def test_two_nodes_serve_one_chat_by_nats(launch, people, nats_server):
    nodes = launch(2, NATS=f"nats://127.0.0.1:{nats_server.port}/pair")
    here = await people(nodes.all[0]).talk()
    there = await people(nodes.all[1], here.person.user_id).talk(here.chat)
    sent = await here.send("stream 40 0.03 ; answer")
    await there.socket.until(of_type("delta"))
    await there.end(sent["id"])
    assert [f.text for f in there.log()] == [f.text for f in await here.stored()]
    assert len((await there.person.get("/connections"))["items"]) == 2
