"""Somebody who may connect to the database, or to NATS, and has nothing else: hears nothing that
can be read, and says nothing that is believed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import nats
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.cluster.test_buses import NatsServer, until
from tests.kit.postgres import new_database
from tests.kit.server import SECRET
from tests.kit.tokens import new_id
from tests.kit.wire import of_type, only

from chatstream.security.sealing import channel_of

pytestmark = pytest.mark.postgres
ROLE = "a_stranger"
OLD_CHANNELS = ("chatstream", "chatstream_words", "chatstream_wakes")
SAID = "the words that nobody else may hear"


@pytest.fixture(scope="module")
def stranger() -> str:
    """The name of a role that may connect and nothing else."""
    with psycopg.connect(new_database(), autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"CREATE ROLE {ROLE} LOGIN")
    return ROLE


@asynccontextmanager
async def as_stranger(database: str) -> AsyncIterator[psycopg.AsyncConnection]:
    connection = await psycopg.AsyncConnection.connect(
        make_conninfo(database, user=ROLE), autocommit=True
    )
    async with connection:
        yield connection


def forged_words(chat: str, message: str) -> list[str]:
    """What the nodes would say to each other, as far as one can know it."""
    piece = {
        "type": "piece", "chat_id": chat, "caused_by": message, "attempt": 1, "message_id": "msg_x",
        "after": 1, "offset": 0, "text": "FORGED",
    }  # fmt: skip
    close = {"user_chat_id": chat, "user_id": "u", "now_ms": 1, "nonce": "n", "id": "forged"}
    do = {"type": "do", "kind": "CloseChat", "command": close}
    cancel = {"type": "do", "kind": "CancelTurn", "command": close}
    return [json.dumps(one) for one in (piece, do, cancel, {"type": "free"})]


async def ignored_by(node) -> float:
    """How many messages the node has not believed."""
    async with httpx.AsyncClient(trust_env=False) as http:
        lines = (await http.get(f"{node.url}/metrics")).text.splitlines()
    return float(
        next(line for line in lines if line.startswith("chatstream_bus_ignored ")).split()[1]
    )


async def ignores(node, count: float) -> None:
    """Wait until the node has not believed so many."""
    async with asyncio.timeout(10):
        while await ignored_by(node) < count:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.05)


async def test_a_role_without_rights_hears_nothing_and_can_change_nothing(pair, people, stranger):
    here = await people(pair[0]).talk()
    there = await people(pair[1], here.person.user_id).talk(here.chat)
    gate = new_id("gate")
    async with as_stranger(pair[0].database) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("SELECT * FROM stored_events")
        for channel in OLD_CHANNELS:
            await connection.execute(f"LISTEN {channel}")
        sent = await here.send(f"stream 40 0.03 ; wait {gate} ; answer {SAID}")
        await there.socket.until(of_type("delta"))
        for word in forged_words(here.chat, sent["id"]):
            for channel in OLD_CHANNELS:
                await connection.execute("SELECT pg_notify(%s, %s)", (channel, word))
                await connection.execute("SELECT pg_notify(%s, %s)", (channel, f"x {here.chat}:9"))
        own = [one async for one in connection.notifies(timeout=1, stop_after=24)]
        assert {one.pid for one in own} <= {connection.info.backend_pid}
        pair[0].open_gate(gate)
        await there.end(sent["id"])
    frames = there.socket.frames
    assert not [frame for frame in frames if "FORGED" in json.dumps(frame)]
    assert only(there.log(), "turn", status="finished", caused_by=sent["id"])
    assert (await there.say("echo still open"))[-1]["status"] == "finished"


async def test_whoever_knows_the_channels_hears_only_what_is_sealed(pair, people, stranger):
    """An operator of the database sees their names among its queries."""
    here = await people(pair[0]).talk()
    there = await people(pair[1], here.person.user_id).talk(here.chat)
    channels = [channel_of(SECRET, purpose).name for purpose in ("wakes", "words")]
    async with as_stranger(pair[0].database) as connection:
        for channel in channels:
            await connection.execute(f"LISTEN {channel}")
        gate = new_id("gate")
        sent = await here.send(f"stream 30 0.03 ; wait {gate} ; answer {SAID}")
        await there.socket.until(of_type("delta"))
        heard = [one async for one in connection.notifies(timeout=2, stop_after=6)]
        assert {one.channel for one in heard} == set(channels)
        for one in heard:
            for known in (here.chat, sent["id"], "word", "piece", "type"):
                assert known not in one.payload
        ignored = await ignored_by(pair[1])
        again = [one.payload for one in heard]
        for payload in [*again, *forged_words(here.chat, sent["id"]), "x" * 100]:
            for channel in channels:
                await connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))
        await ignores(pair[1], ignored + 2 * len(again) + 10)
        pair[0].open_gate(gate)
        await there.end(sent["id"])
    assert "FORGED" not in json.dumps(there.socket.frames)
    told = [line for line in pair[1].log_path.read_text().splitlines() if "ignored" in line]
    assert 0 < len(told) <= 5
    assert "Traceback" not in pair[1].log_tail()


async def test_a_command_that_was_recorded_cannot_be_said_again(pair, people, stranger):
    """Cancelled through the other node, then the recording is played into the next turn."""
    here = await people(pair[0]).talk()
    there = await people(pair[1], here.person.user_id).talk(here.chat)
    channel = channel_of(SECRET, "words").name
    async with as_stranger(pair[0].database) as connection:
        await connection.execute(f"LISTEN {channel}")
        first = await here.send("wait never")
        await there.event("turn", status="started", caused_by=first["id"])
        await there.do("cancel")
        recorded = [one.payload async for one in connection.notifies(timeout=1)]
        assert recorded
        gate = new_id("gate")
        second = await here.send(f"wait {gate} ; answer done")
        await there.event("turn", status="started", caused_by=second["id"])
        for payload in recorded:
            await connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))
        pair[0].open_gate(gate)
        end = await there.end(second["id"])
    assert end["status"] == "finished"


async def test_nats_tells_a_stranger_nothing_and_believes_nothing(launch, people):
    server = NatsServer()
    server.start()
    try:
        url = f"nats://127.0.0.1:{server.port}"
        nodes = launch(2, NATS=f"{url}/{time.time_ns()}")
        here = await people(nodes.all[0]).talk()
        there = await people(nodes.all[1], here.person.user_id).talk(here.chat)
        heard: list[tuple[str, bytes]] = []

        async def hear(message) -> None:
            heard.append((message.subject, message.data))

        client = await nats.connect(url)
        await client.subscribe(">", cb=hear)
        await client.flush()
        gate = new_id("gate")
        sent = await here.send(f"stream 30 0.03 ; wait {gate} ; answer {SAID}")
        await there.socket.until(of_type("delta"))
        await until(lambda: len({subject for subject, _ in heard}) == 2)  # wake-ups and words
        for _, data in heard:
            for known in (here.chat, sent["id"], "word", "piece", "type"):
                assert known.encode() not in data
        ignored = await ignored_by(nodes.all[1])
        recorded = list(heard)
        for subject, data in recorded:
            await client.publish(subject, data)
            for word in forged_words(here.chat, sent["id"]):
                await client.publish(subject, word.encode())
            await client.publish(subject, b"\xff\xfe")
        await ignores(nodes.all[1], ignored + 6 * len(recorded))
        nodes.all[0].open_gate(gate)
        end = await there.end(sent["id"])
        assert end["status"] == "finished"
        assert "FORGED" not in json.dumps(there.socket.frames)
        assert (await there.say("echo still open"))[-1]["status"] == "finished"
        assert "Traceback" not in nodes.all[1].log_tail()
        await client.close()
    finally:
        server.kill()
