"""Section 7: on SIGTERM every socket gets `drain` and 1012, and the process exits 0 in time."""

from __future__ import annotations

import asyncio
import time

from tests.conformance.conftest import Launch, MakePerson
from tests.kit.wire import of_type


async def test_every_socket_gets_drain_and_1012_and_the_process_exits_0(
    launch: Launch, people: MakePerson
):
    server = launch(DRAIN=5, measured=True)
    sockets = [await people(server).join() for _ in range(10)]
    started = time.monotonic()
    server.terminate()
    for socket in sockets:
        assert await socket.closed() == 1012
        assert socket.frames[-1]["type"] == "drain"
        retry_after = socket.frames[-1]["retry_after_ms"]
        assert isinstance(retry_after, int)
        assert retry_after >= 0
    assert await asyncio.to_thread(server.exit_code) == 0
    assert time.monotonic() - started < 5 + 2


async def test_a_turn_that_does_not_end_does_not_hold_the_server(
    launch: Launch, people: MakePerson
):
    server = launch(DRAIN=1)
    talk = await people(server).talk()
    await talk.send("think a ; hang")
    await talk.event("thinking")
    started = time.monotonic()
    server.terminate()
    assert await talk.socket.closed() == 1012
    assert await asyncio.to_thread(server.exit_code) == 0
    assert time.monotonic() - started < 1 + 2


async def test_an_agent_that_holds_the_loop_up_does_not_hold_the_server(
    launch: Launch, people: MakePerson
):
    server = launch(DRAIN=2)
    talk = await people(server).talk()
    held = {"type": "send", "id": "m", "user_chat_id": talk.chat, "content": "mark held ; block 60"}
    await talk.socket.post(held)  # not even its ack can be sent
    await server.marked("held")
    started = time.monotonic()
    server.terminate()
    assert await asyncio.to_thread(server.exit_code) == 0
    assert time.monotonic() - started < 2 + 2


async def test_nothing_acked_is_lost_in_the_drain(launch: Launch, people: MakePerson):
    server = launch(DRAIN=3)
    talk = await people(server).talk()
    for number in range(40):
        await talk.socket.post(
            {"type": "send", "id": f"m{number}", "user_chat_id": talk.chat, "content": "echo a"}
        )
    await talk.socket.until(of_type("ack", id="m0"))
    server.terminate()
    await talk.socket.closed()
    await asyncio.to_thread(server.exit_code)
    acked = {f["id"]: f["position"] for f in talk.socket.frames if f["type"] == "ack"}
    await asyncio.to_thread(server.start)
    again = await talk.person.talk(talk.chat)
    stored = {f["message_id"]: f["position"] for f in again.log() if f["type"] == "user"}
    assert acked.items() <= stored.items()


async def test_a_new_server_takes_up_where_the_old_one_stopped(launch: Launch, people: MakePerson):
    server = launch(DRAIN=1)
    talk = await people(server).talk()
    await talk.say("echo a")
    held = [f.text for f in talk.log()]
    server.terminate()
    await asyncio.to_thread(server.exit_code)
    await asyncio.to_thread(server.start)
    again = await talk.person.talk(talk.chat)
    assert [f.text for f in again.log()] == held
    await again.say("echo b")
