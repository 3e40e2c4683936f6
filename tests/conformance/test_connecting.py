"""Section 3: where the socket is, who may connect from where, what ids and times look like."""

from __future__ import annotations

import asyncio
import datetime as dt

import httpx
import pytest
from tests.conformance.conftest import MakePerson
from tests.kit.laws import ID, TIMESTAMP
from tests.kit.server import Server
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Socket, Talk, http_client, of_type
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus


async def refusal(server: Server, **options) -> httpx.Response:
    """The HTTP answer to an upgrade that must fail."""
    with pytest.raises(InvalidStatus) as caught:
        await Socket.connect(server.socket_url, **options)
    return caught.value.response


async def welcome_from(person: Person, **options) -> str:
    socket = await person.connect(**options)
    return (await socket.hello(token=person.token))["user_id"]


async def test_the_socket_is_below_the_prefix(person: Person):
    assert await welcome_from(person) == person.user_id


async def test_the_socket_is_also_at_the_short_path(server: Server, person: Person):
    socket = await Socket.connect(f"ws://{server.host}/ws/chat")
    person.sockets.append(socket)
    welcome = await socket.hello(token=person.token)
    assert welcome["user_id"] == person.user_id


async def test_the_prefix_is_configurable(brisk: Server, people: MakePerson):
    server = brisk
    person = people(server)
    talk = await person.talk()
    assert (await person.get("/chats"))["items"][0]["user_chat_id"] == talk.chat
    async with http_client(server) as http:
        assert (await http.get(f"{server.url}/health/ready")).status_code == 200
        assert (await http.get(f"{server.url}/metrics")).status_code == 200
        assert (await http.get(f"{server.url}/api/v1/chats")).status_code == 404


async def test_compression_is_off_even_when_the_client_offers_it(server: Server):
    async with connect(server.socket_url, compression="deflate", proxy=None) as connection:
        assert connection.protocol.extensions == []


async def test_an_upgrade_without_an_origin_is_taken(person: Person):
    assert await welcome_from(person) == person.user_id


async def test_the_servers_own_origin_is_taken(server: Server, person: Person):
    assert await welcome_from(person, origin=f"http://{server.host}") == person.user_id


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "http://{host}.evil.example",
        "http://evil.example/{host}",
    ],
)
async def test_a_foreign_origin_is_refused_with_403(server: Server, origin: str):
    answer = await refusal(server, origin=origin.format(host=server.host))
    assert answer.status_code == 403


async def test_a_doubled_origin_is_refused_even_when_both_are_the_servers_own(server: Server):
    own = ("Origin", f"http://{server.host}")
    answer = await refusal(server, additional_headers=[own, own])
    assert answer.status_code == 403


async def test_an_own_origin_beside_a_foreign_one_is_refused(server: Server):
    headers = [("Origin", f"http://{server.host}"), ("Origin", "http://evil.example")]
    assert (await refusal(server, additional_headers=headers)).status_code == 403


async def test_the_allow_list_lets_its_origins_in_and_no_others(brisk: Server, people: MakePerson):
    server = brisk
    for origin in ("https://shop.example", "https://help.example", f"http://{server.host}"):
        person = people(server)
        assert await welcome_from(person, origin=origin) == person.user_id
    for origin in ("https://evil.example", "https://shop.example.evil.example", "null"):
        assert (await refusal(server, origin=origin)).status_code == 403


async def test_what_a_peer_does_wrong_is_no_error_in_the_log(server: Server, person: Person):
    logged = server.log_path.stat().st_size
    await refusal(server, origin="http://evil.example")
    host, _, port = server.host.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {server.prefix}/chats HTTP/1.1\r\nHost: {server.host}\r\n"
    credentials = f"Authorization: Bearer {person.token}\r\nContent-Length: 100\r\n\r\n"
    writer.write((head + credentials + "{").encode())
    writer.write_eof()
    await reader.read()  # it has seen that there is no more
    writer.close()
    await person.get("/chats")
    assert "ERROR" not in server.log_path.read_text()[logged:]


async def test_identity_may_come_in_a_header(person: Person):
    header = {"Authorization": f"Bearer {person.token}"}
    socket = await person.connect(additional_headers=header)
    assert (await socket.hello())["user_id"] == person.user_id


async def test_the_token_of_hello_wins_over_the_header(person: Person, stranger: Person):
    header = {"Authorization": f"Bearer {stranger.token}"}
    socket = await person.connect(additional_headers=header)
    assert (await socket.hello(token=person.token))["user_id"] == person.user_id


async def test_unknown_fields_are_ignored(person: Person):
    socket = await person.connect()
    welcome = await socket.hello(token=person.token, colour="red", position=[1, {"a": None}])
    assert welcome["user_id"] == person.user_id
    opened = await socket.opened(mood={"deep": [1, 2, 3]})
    assert opened["created"] is True


async def test_server_made_ids_carry_their_prefix_and_enough_randomness(talk: Talk):
    frames = await talk.say("think a ; form ; complete done")
    welcome = next(f for f in talk.socket.frames if f["type"] == "welcome")
    intent = next(f for f in frames if f["type"] == "intent")
    session = next(f for f in frames if f["type"] == "session")
    component = next(f for f in frames if f["type"] == "component")
    response = next(f for f in frames if f["type"] == "response")
    made = {
        "chat_": talk.chat,
        "socket_": welcome["socket_connection_id"],
        "intent_": intent["user_intent_id"],
        "session_": session["session_id"],
        "cmp_": component["component_id"],
        "msg_": response["message_id"],
        "evt_": intent["event_id"],
    }
    for prefix, value in made.items():
        assert value.startswith(prefix), (prefix, value)
        assert ID.fullmatch(value), value
        assert len(value) - len(prefix) >= 16, f"{value} cannot hold 96 random bits"


async def test_times_are_rfc_3339_in_utc_with_milliseconds_and_now(talk: Talk):
    frames = await talk.say("echo hi")
    welcome = next(f for f in talk.socket.frames if f["type"] == "welcome")
    for text in [welcome["server_time"], *(f["timestamp"] for f in frames)]:
        assert TIMESTAMP.fullmatch(text)
        moment = dt.datetime.fromisoformat(text)
        assert abs((dt.datetime.now(dt.UTC) - moment).total_seconds()) < 60


async def test_an_id_may_have_64_characters(person: Person):
    socket = await person.join()
    chosen = f"{new_id('aZ-09')}{'x' * 64}"[:64]
    assert (await socket.opened(user_chat_id=chosen))["user_chat_id"] == chosen


async def test_an_id_may_have_one_character(talk: Talk):
    assert (await talk.send("echo hi", id="a"))["id"] == "a"


@pytest.mark.parametrize(
    "bad", ["", "x" * 65, "a b", "a/b", "ä", "a.b", "a\n", 7, ["a"], {"a": 1}, True]
)
async def test_what_is_not_an_id_is_an_invalid_frame(talk: Talk, bad: object):
    before = len(talk.socket.frames)
    await talk.socket.post(
        {"type": "send", "id": bad, "user_chat_id": talk.chat, "content": "echo hi"}
    )
    rejected = await talk.socket.until(of_type("rejected"), before)
    assert rejected["id"] is None
    assert rejected["code"] == "invalid_frame"
    assert (await talk.refused("send", content="a", user_chat_id=bad))["code"] == "invalid_frame"


LONG_HEADS = {
    "a header of 9 kB": ({"X-Long": "x" * 9_000}, ""),
    "200 headers": ({f"X-{number}": "x" for number in range(200)}, ""),
    "an address of 9 kB": ({}, "?" + "x" * 9_000),
}


@pytest.mark.parametrize("name", LONG_HEADS)
async def test_an_upgrade_with_too_long_a_head_is_refused_and_holds_no_connection(
    name: str, server: Server
):
    headers, query = LONG_HEADS[name]
    with pytest.raises(InvalidStatus) as caught:
        await Socket.connect(server.socket_url + query, additional_headers=headers)
    assert caught.value.response.status_code in {400, 414, 431}
