"""Sections 4, 5 and 7: the first frame, its answer, and what happens without one."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.conformance.conftest import BRISK, MakePerson
from tests.kit.laws import TIMESTAMP
from tests.kit.server import Server
from tests.kit.tokens import token_for
from tests.kit.wire import PROTOCOL, Person, Talk, of_type


async def test_welcome_says_who_i_am_and_what_the_limits_are(person: Person):
    socket = await person.connect()
    welcome = await socket.hello(token=person.token)
    assert welcome["user_id"] == person.user_id
    assert welcome["heartbeat_seconds"] == 20
    assert welcome["limits"]["max_frame_bytes"] == 262144
    assert welcome["limits"]["max_content_bytes"] == 32768
    assert TIMESTAMP.fullmatch(welcome["server_time"])


async def test_welcome_is_the_first_frame(person: Person):
    socket = await person.join()
    assert socket.frames[0]["type"] == "welcome"


async def test_welcome_does_not_hand_back_a_token_that_is_not_a_visitors(person: Person):
    socket = await person.connect()
    assert "token" not in await socket.hello(token=person.token)


async def test_the_settings_show_in_welcome(brisk: Server, people: MakePerson):
    server = brisk
    socket = await people(server).join()
    welcome = socket.frames[0]
    assert welcome["heartbeat_seconds"] == BRISK["HEARTBEAT"]
    assert welcome["limits"]["max_content_bytes"] == BRISK["MAX_CONTENT_BYTES"]
    assert welcome["limits"]["max_frame_bytes"] == BRISK["MAX_FRAME_BYTES"]


async def test_every_connection_has_an_id_of_its_own(person: Person):
    ids = {(await person.join()).frames[0]["socket_connection_id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "first",
    [
        {"type": "open"},
        {"type": "ping"},
        {"type": "auth", "token": "x"},
        {"type": "hello"},
        {"type": "hello", "protocol": "chatstream.v999"},
        {"type": "hello", "protocol": 1},
        {"type": "hello", "protocol": PROTOCOL, "token": 7},
        {"type": "hello", "protocol": PROTOCOL, "batch": "yes"},
        {"protocol": PROTOCOL},
        [],
        7,
        None,
        "hello",
    ],
    ids=str,
)
async def test_a_first_frame_that_is_no_valid_hello_closes_with_4400(person: Person, first: object):
    socket = await person.connect()
    await socket.post_text(json.dumps(first))
    assert await socket.closed() == 4400


@pytest.mark.parametrize("first", ["", "hello", "{", '{"type":"hello"', b"\x00\x01"])
async def test_a_first_message_that_is_no_json_closes_with_4400(person: Person, first: str | bytes):
    socket = await person.connect()
    await socket.post_text(first)
    assert await socket.closed() == 4400


async def test_a_binary_hello_closes_with_4400(person: Person):
    socket = await person.connect()
    hello = {"type": "hello", "protocol": PROTOCOL, "token": person.token}
    await socket.post_text(json.dumps(hello).encode())
    assert await socket.closed() == 4400


async def test_no_hello_in_time_closes_with_4400(brisk: Server, people: MakePerson):
    server = brisk
    silent = await people(server).connect()
    prompt = await people(server).join()
    assert await silent.closed() == 4400
    await prompt.settle()


async def test_no_identity_closes_with_4401(person: Person):
    socket = await person.connect()
    await socket.post({"type": "hello", "protocol": PROTOCOL})
    assert await socket.closed() == 4401


@pytest.mark.parametrize(
    "token", ["", " ", "garbage", "a.b.c", pytest.param("x" * 100_000, id="long")]
)
async def test_a_bad_token_closes_with_4401(person: Person, token: str):
    socket = await person.connect()
    await socket.post({"type": "hello", "protocol": PROTOCOL, "token": token})
    assert await socket.closed() == 4401


async def test_an_expired_token_closes_with_4401(person: Person):
    socket = await person.connect()
    stale = token_for(person.user_id, seconds=-60)
    await socket.post({"type": "hello", "protocol": PROTOCOL, "token": stale})
    assert await socket.closed() == 4401


async def test_a_bad_header_token_closes_with_4401_after_the_upgrade(person: Person):
    socket = await person.connect(additional_headers={"Authorization": "Bearer nonsense"})
    await socket.post({"type": "hello", "protocol": PROTOCOL})
    assert await socket.closed() == 4401


async def test_a_second_hello_is_rejected_and_harms_nothing(talk: Talk):
    before = len(talk.socket.frames)
    await talk.socket.post({"type": "hello", "protocol": PROTOCOL, "token": talk.person.token})
    rejected = await talk.socket.until(of_type("rejected"), before)
    assert rejected["code"] == "invalid_frame"
    assert rejected["id"] is None
    await talk.say("echo still here")


async def test_without_batch_every_message_is_one_frame(server: Server, talk: Talk):
    await asyncio.gather(*(talk.send(f"echo {n}") for n in range(20)))
    await talk.socket.settle()
    assert all(message.startswith("{") for message in talk.socket.messages)


async def test_with_batch_a_message_may_be_an_array_of_frames_in_order(person: Person, talk: Talk):
    for number in range(10):
        await talk.say(f"think a ; think b ; echo {number}")
    socket = await person.join(batch=True)
    _, events, _ = await socket.read_chat(user_chat_id=talk.chat)
    assert [f.text for f in events] == [f.text for f in talk.log()]


async def test_a_batch_is_at_most_64_kib_and_a_larger_frame_travels_alone(
    person: Person, talk: Talk
):
    for size in (70_000, 30_000, 30_000, 30_000, 10):
        await talk.say(f"big {size}")
    socket = await person.join(batch=True)
    _, events, _ = await socket.read_chat(user_chat_id=talk.chat)
    assert [f.text for f in events] == [f.text for f in talk.log()]
    for message in socket.messages:
        if len(message) > 65_536:
            frames = json.loads(message)
            assert isinstance(frames, dict) or len(frames) == 1
