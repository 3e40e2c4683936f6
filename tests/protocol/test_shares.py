"""What one user and one address may have of a server, where its operator sets a limit."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.protocol.conftest import MakePerson
from tests.protocol.server import SECRET, Server
from tests.protocol.sse import follow
from tests.protocol.test_http_chats import problem
from tests.protocol.wire import Person, http_client, of_type
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
