"""What one user and one address may have of a server, by default and where a limit is set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.conformance.conftest import MakePerson
from tests.conformance.test_http_chats import problem
from tests.kit.server import SECRET, Server
from tests.kit.sse import follow
from tests.kit.wire import Frame, Person, Socket, http_client, of_type
from websockets.exceptions import InvalidStatus


def served(tmp_path_factory: pytest.TempPathFactory, **settings: object) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("shared"), SECRET=SECRET, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def of_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from served(tmp_path_factory, CONNECTIONS_PER_USER=2, CHATS_PER_SOCKET=2)


@pytest.fixture(scope="module")
def of_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from served(tmp_path_factory, CONNECTIONS_PER_ADDRESS=3)


@pytest.fixture(scope="module")
def unlimited_commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from served(tmp_path_factory, RATE_LIMIT=0, REMINDERS_PER_USER=2)


@pytest.fixture
def of_new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from served(tmp_path_factory, NEW_PER_ADDRESS=4, ANONYMOUS="on")


async def turned_away(person: Person) -> int:
    """The code with which a socket too many is closed, once it heard why."""
    socket = await person.connect()
    await socket.post({"type": "hello", "protocol": "chatstream.v1", "token": person.token})
    rejected = await socket.until(of_type("rejected"))
    assert (rejected["id"], rejected["code"], rejected["retry_after"]) == (None, "rate_limited", 60)
    return await socket.closed()


async def test_a_user_has_so_many_connections_and_another_user_too(
    of_user: Server, people: MakePerson
):
    person = people(of_user)
    talk = await person.talk()
    async with follow(person, talk.chat) as stream:
        await stream.until(lambda event: event.frame["type"] == "caught_up")
        assert await turned_away(person) == 4429
        problem(await stream_of(person, talk.chat), 429, "rate_limited")
        await people(of_user).join()
    await person.join()


async def stream_of(person: Person, chat: str) -> httpx.Response:
    headers = {"Accept": "text/event-stream"}
    answer = await person.http.get(f"/chats/{chat}/events", headers=headers)
    assert answer.headers["retry-after"] == "60"
    return answer


async def test_a_connection_that_ends_makes_room(of_user: Server, people: MakePerson):
    person = people(of_user)
    first = await person.join()
    await person.join()
    assert await turned_away(person) == 4429
    await first.close()
    socket = await person.connect()
    await socket.hello(token=person.token)


async def test_an_address_has_so_many_connections(of_address: Server, people: MakePerson):
    mine = [await people(of_address).join() for _ in range(3)]
    with pytest.raises(InvalidStatus) as refused:
        await people(of_address).connect()
    answer = refused.value.response
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert b'"rate_limited"' in answer.body
    await mine[0].close()
    await people(of_address).join()


async def test_a_socket_follows_so_many_chats_and_goes_on(of_user: Server, people: MakePerson):
    person = people(of_user)
    talk = await person.talk()
    other = await person.talk(socket=talk.socket)
    rejected = await asked_to_open(talk.socket)
    assert (rejected["code"], rejected["retry_after"]) == ("rate_limited", 60)
    await talk.socket.opened(user_chat_id=talk.chat, last=0)
    await talk.say("echo on")
    await talk.socket.post({"type": "leave", "user_chat_id": other.chat})
    assert (await asked_to_open(talk.socket))["type"] == "opened"


async def asked_to_open(socket, **fields: object):
    before = len(socket.frames)
    await socket.post({"type": "open", "id": "o", **fields})
    return await socket.until(
        lambda f: f["type"] in ("opened", "rejected") and f.get("id") == "o", before
    )


async def test_an_address_makes_so_many_chats_and_opens_what_is_there(
    of_new: Server, people: MakePerson
):
    person = people(of_new)
    talks = [await person.talk() for _ in range(2)]
    for _ in range(2):
        assert (await person.http.post("/chats")).status_code == 201
    rejected = await asked_to_open(talks[0].socket)
    assert rejected["code"] == "rate_limited"
    assert 0 < rejected["retry_after"] <= 10
    problem(await person.http.post("/chats"), 429, "rate_limited")
    for _ in range(5):
        await talks[1].socket.opened(user_chat_id=talks[0].chat)
        mine = await person.http.post("/chats", json={"user_chat_id": talks[0].chat})
        assert mine.status_code == 200
    assert len((await person.get("/chats"))["items"]) == 4


async def test_what_was_there_does_not_count_as_new(of_new: Server, people: MakePerson):
    person = people(of_new)
    talk = await person.talk()
    for _ in range(10):
        await talk.socket.opened(user_chat_id=talk.chat)
        await person.http.post("/chats", json={"user_chat_id": talk.chat})
    await person.talk()


async def test_an_address_makes_so_many_visitors(of_new: Server, people: MakePerson):
    async with http_client(of_new) as http:
        for _ in range(2):
            assert (await http.post("/visitors")).status_code == 201
            http.cookies.clear()
        for _ in range(2):
            await people(of_new, token=None).join()
        answer = await http.post("/visitors")
        problem(answer, 429, "rate_limited")
        assert 0 < int(answer.headers["retry-after"]) <= 10
    socket = await people(of_new, token=None).connect()
    await socket.post({"type": "hello", "protocol": "chatstream.v1"})
    assert (await socket.until(of_type("rejected")))["code"] == "rate_limited"
    assert await socket.closed() == 4429
    await people(of_new).join()


async def test_a_request_that_waits_for_a_turn_is_a_connection(of_user: Server, people: MakePerson):
    person = people(of_user)
    talk = await person.talk()
    path, message = f"/chats/{talk.chat}/messages", {"content": "wait waits_are_counted"}
    patient = {"Prefer": "wait=20"}
    waiting = asyncio.create_task(person.http.post(path, json=message, headers=patient))
    await talk.socket.until(lambda frame: frame["type"] == "user")
    answer = await person.http.post(path, json={"id": "next", "content": "x"}, headers=patient)
    problem(answer, 429, "rate_limited")
    assert answer.headers["retry-after"] == "60"
    assert "x" not in [frame.text for frame in await talk.stored()]
    assert (await person.http.post(path, json={"id": "next", "content": "x"})).status_code == 202
    of_user.open_gate("waits_are_counted")
    assert (await waiting).status_code == 200
    answer = await person.http.post(path, json={"content": "hello"}, headers=patient)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("addresses", "other"),
    [
        ([f"2a00:1450:4001:81b::{number}" for number in (1, 2, 3)], "2a00:1450:4001:81c::1"),
        (["::ffff:8.8.8.8", "8.8.8.8", "::ffff:808:808"], "8.8.8.9"),
    ],
)
async def test_addresses_that_cost_nothing_are_one(
    of_address: Server, people: MakePerson, addresses: list[str], other: str
):
    person = people(of_address)
    for address in addresses:
        await person.connect(additional_headers={"X-Forwarded-For": address})
    with pytest.raises(InvalidStatus) as refused:
        await person.connect(additional_headers={"X-Forwarded-For": addresses[0]})
    assert refused.value.response.status_code == 429
    await person.connect(additional_headers={"X-Forwarded-For": other})


async def test_by_default_a_user_has_a_hundred_connections(server: Server, people: MakePerson):
    person = people(server)
    await asyncio.gather(*(person.join() for _ in range(100)))
    assert await turned_away(person) == 4429
    await people(server).join()


async def test_by_default_a_socket_follows_two_hundred_chats(
    unlimited_commands: Server, people: MakePerson
):
    socket = await people(unlimited_commands).join()
    for _ in range(200):
        assert (await asked_to_open(socket))["type"] == "opened"
    assert (await asked_to_open(socket))["code"] == "rate_limited"


async def test_by_default_a_user_makes_a_thousand_chats_in_an_hour(
    unlimited_commands: Server, people: MakePerson
):
    person = people(unlimited_commands)
    talk = await person.talk()
    sockets = [await person.join() for _ in range(6)]
    began = time.monotonic()
    answers = [one for each in await asyncio.gather(*map(many_opens, sockets)) for one in each]
    made = [one["type"] for one in answers].count("opened")
    assert 999 <= made <= 1_000 + (time.monotonic() - began) / 3.6
    assert {one["code"] for one in answers if one["type"] == "rejected"} == {"rate_limited"}
    mine = await person.http.post("/chats", json={"user_chat_id": talk.chat})
    assert mine.status_code == 200
    await people(unlimited_commands).talk()


async def many_opens(socket: Socket) -> list[Frame]:
    """The answers to 200 opens of new chats, sent in a row."""
    for _ in range(200):
        await socket.post({"type": "open", "id": "many"})

    def answers() -> list[Frame]:
        return [one for one in socket.frames if one.get("id") == "many"]

    await socket.until(lambda _: len(answers()) == 200, seconds=30)
    return answers()


async def test_by_default_loopback_is_no_address_that_is_limited(visitors: Server):
    async with http_client(visitors) as http:
        for _ in range(300):
            assert (await http.post("/visitors")).status_code == 201
            http.cookies.clear()
    told = [line for line in visitors.log_tail().splitlines() if "FORWARDED_ALLOW_IPS" in line]
    assert len(told) == 1


async def test_by_default_a_public_address_makes_two_hundred_visitors_at_once(visitors: Server):
    async with http_client(visitors, headers={"X-Forwarded-For": "9.9.9.9"}) as http:
        statuses = []
        while 429 not in statuses:  # a slow machine gets some of them back meanwhile
            statuses.append((await http.post("/visitors")).status_code)
            http.cookies.clear()
    assert statuses[:200] == [201] * 200


async def test_agents_set_so_many_reminders_for_a_user(
    unlimited_commands: Server, people: MakePerson
):
    talk = await people(unlimited_commands).talk()
    for number in range(3):
        await talk.say(f"remind 600 Later {number}. ; complete Set.")
    assert reminders_in(await talk.stored()) == ["Later 0.", "Later 1."]
    other = await people(unlimited_commands).talk()
    await other.say("remind 600 Later. ; complete Set.")
    assert reminders_in(await other.stored()) == ["Later."]


def reminders_in(frames) -> list[str]:
    noted = [frame for frame in frames if frame.get("step") == "reminder"]
    return [frame["content"] for frame in noted]
