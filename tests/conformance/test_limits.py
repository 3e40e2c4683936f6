"""Sections 7 and 11: rates, readers that do not read, sockets that do nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from socket import SO_RCVBUF, SOL_SOCKET

import pytest
from tests.conformance.conftest import Launch, MakePerson
from tests.conformance.test_http_chats import problem
from tests.kit.server import SECRET, Server
from tests.kit.tokens import new_id
from tests.kit.wire import Talk, answer_to, of_type

RATE = 5


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("strict"), RATE_LIMIT=RATE, SECRET=SECRET) as server:
        yield server


@pytest.fixture
async def talk(strict: Server, people: MakePerson) -> Talk:
    return await people(strict).talk()


async def spend(talk: Talk) -> None:
    """Use up what may be sent in 10 s."""
    for _ in range(RATE):
        await talk.do("cancel")


async def test_more_commands_than_the_rate_are_rate_limited(talk: Talk):
    await spend(talk)
    rejected = await talk.refused("send", content="echo a")
    assert rejected["code"] == "rate_limited"
    assert 0 < rejected["retry_after"] <= 10
    assert len(await talk.stored()) == 1


async def test_after_waiting_as_told_it_goes_on(talk: Talk):
    await spend(talk)
    rejected = await talk.refused("cancel", id="again")
    await asyncio.sleep(rejected["retry_after"])
    assert "duplicate" not in await talk.do("cancel", id="again")


async def test_the_rate_is_the_users_over_all_sockets_and_http(talk: Talk):
    other = await talk.person.talk(talk.chat)
    for number in range(RATE):
        await (talk if number % 2 else other).do("cancel")
    assert (await other.refused("cancel"))["code"] == "rate_limited"
    answer = await talk.person.http.post(f"{talk.path}/messages", json={"content": "echo a"})
    problem(answer, 429, "rate_limited")
    assert 0 < float(answer.headers["retry-after"]) <= 10


async def test_one_users_rate_is_not_anothers(talk: Talk, strict: Server, people: MakePerson):
    await spend(talk)
    await talk.refused("cancel")
    other = await people(strict).talk()
    await other.do("cancel")


async def test_opens_pings_leaves_auths_and_reads_do_not_count(talk: Talk):
    for _ in range(RATE * 2):
        await talk.socket.settle()
        await talk.socket.opened(user_chat_id=talk.chat, last=0)
        await talk.socket.post({"type": "leave", "user_chat_id": new_id("never")})
        await talk.socket.post({"type": "auth", "token": talk.person.token})
        await talk.state()
    await spend(talk)


async def test_20_more_commands_close_with_4429(talk: Talk):
    await spend(talk)
    await talk.refused("cancel")
    for number in range(20):
        await talk.socket.post({"type": "cancel", "id": f"x{number}", "user_chat_id": talk.chat})
    assert await talk.socket.closed() == 4429


async def test_a_few_more_commands_do_not_close(talk: Talk):
    await spend(talk)
    for _ in range(10):
        await talk.refused("cancel")
    await talk.socket.settle()


async def test_rate_0_is_no_rate(brisk: Server, people: MakePerson):
    talk = await people(brisk).talk()
    for number in range(300):
        await talk.socket.post({"type": "cancel", "id": f"c{number}", "user_chat_id": talk.chat})
    await talk.socket.until(of_type("ack", id="c299"))
    assert not [f for f in talk.socket.frames if f["type"] == "rejected"]


async def test_the_default_rate_is_100_in_10_seconds(server: Server, people: MakePerson):
    talk = await people(server).talk()
    for number in range(101):
        await talk.socket.post({"type": "cancel", "id": f"c{number}", "user_chat_id": talk.chat})
    for number in range(101):
        await talk.socket.until(answer_to(f"c{number}"))
    answers = [f for f in talk.socket.frames if f["type"] in ("ack", "rejected")]
    assert sum(f["type"] == "ack" for f in answers) == 100
    assert next(f for f in answers if f["type"] == "rejected")["code"] == "rate_limited"


async def test_content_and_frame_limits_are_settings(brisk: Server, people: MakePerson):
    server = brisk
    talk = await people(server).talk()
    await talk.say("echo " + "x" * 95)
    assert (await talk.refused("send", content="x" * 101))["code"] == "too_large"
    answer = await talk.person.http.post(f"{talk.path}/messages", json={"content": "x" * 101})
    problem(answer, 413, "too_large")
    await talk.socket.post({"type": "ping", "x": "x" * 2000})
    assert await talk.socket.closed() == 1009


async def test_a_socket_that_does_not_read_is_closed_with_4408_and_harms_no_other(
    launch: Launch, people: MakePerson
):
    server = launch(SLOW_READER=1, RATE_LIMIT=0)
    talk = await people(server).talk()
    stalled = await people(server, talk.person.user_id).join()
    await stalled.read_chat(user_chat_id=talk.chat)
    transport = stalled.connection.transport
    raw = transport.get_extra_info("socket")
    raw.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
    transport.pause_reading()
    mine = [talk.socket.frames[0]["socket_connection_id"]]
    for _ in range(60):
        await talk.say("big 200000 ; sleep 0.1")
        connections = (await talk.person.get("/connections"))["items"]
        if [c["socket_connection_id"] for c in connections] == mine:
            break
    else:
        pytest.fail("a socket that did not read is still connected")
    await talk.say("echo unharmed")
    transport.resume_reading()
    assert await stalled.closed() in (4408, 1006), "4408, or cut where it could not be said"
    again = await people(server, talk.person.user_id).join()
    _, events, _ = await again.read_chat(user_chat_id=talk.chat)
    assert [f["position"] for f in events] == list(range(1, len(events) + 1))


async def test_a_reader_that_falls_behind_for_a_moment_misses_nothing(
    launch: Launch, people: MakePerson
):
    server = launch(SLOW_READER=20)
    talk = await people(server).talk()
    slow = await people(server, talk.person.user_id).join()
    await slow.read_chat(user_chat_id=talk.chat)
    slow.connection.transport.pause_reading()
    for _ in range(30):
        await talk.say("big 200000")
    slow.connection.transport.resume_reading()
    newest = talk.log()[-1]["position"]
    await slow.until(lambda f: f.is_event and f["position"] == newest)


async def test_an_idle_socket_is_closed_with_4410(launch: Launch, people: MakePerson):
    server = launch(IDLE_DISCONNECT=1, HEARTBEAT=0.3)
    person = people(server)
    silent, chatty = await person.join(), await person.talk()
    started = time.monotonic()
    closing = asyncio.create_task(silent.closed())
    while not closing.done():
        await silent.post({"type": "ping"})
        await silent.post({"type": "auth", "token": person.token})
        await chatty.do("cancel")
        await asyncio.wait([closing], timeout=0.2)
    assert closing.result() == 4410
    assert 0.9 <= time.monotonic() - started <= 6
    assert chatty.socket.close_code is None


async def test_a_socket_with_a_running_turn_is_not_idle(launch: Launch, people: MakePerson):
    server = launch(IDLE_DISCONNECT=0.7)
    talk = await people(server).talk()
    gate = new_id("gate")
    sent = await talk.send(f"wait {gate} ; echo a")
    await asyncio.sleep(2)
    assert talk.socket.close_code is None
    server.open_gate(gate)
    await talk.end(sent["id"])
    assert await talk.socket.closed() == 4410


async def test_by_default_a_silent_socket_is_kept(talk: Talk):
    await asyncio.sleep(2)
    await talk.socket.settle()


async def test_a_ping_flood_does_not_slow_others(talk: Talk):
    flood = await talk.person.join()
    ping = json.dumps({"type": "ping"})
    for _ in range(2000):
        await flood.post_text(ping)
    await talk.say("echo unharmed")
    await flood.settle()
    assert sum(f["type"] == "pong" for f in flood.frames) == 2001
