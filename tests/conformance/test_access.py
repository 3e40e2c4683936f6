"""The authorisation matrix, cell by cell: roles × verbs × own, another's and missing things.

`docs/explanation/security.md` shows the same table.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import httpx
import pytest
from tests.conformance.conftest import MakePerson
from tests.kit.access import VERBS, Things, Verb, table
from tests.kit.server import REPOSITORY, Server
from tests.kit.tokens import new_id, token_for
from tests.kit.wire import Person, http_client, only

PAGE = REPOSITORY / "docs/explanation/security.md"


def unsigned(user_id: str) -> str:
    """`alg: none`."""
    header, claims = {"alg": "none", "typ": "JWT"}, {"sub": user_id, "exp": 2**33, "scope": "admin"}
    parts = (base64.urlsafe_b64encode(json.dumps(one).encode()) for one in (header, claims))
    return b".".join([*(part.rstrip(b"=") for part in parts), b""]).decode()


NOBODIES = {
    "no token": lambda _: None,
    "expired": lambda user: token_for(user, seconds=-60),
    "forged": lambda user: token_for(user, secret="x" * 40, scope="admin"),
    "unsigned": unsigned,
}
# They reach the caller's own things, or what is everybody's.
NAMES_NOBODY = {
    "POST /visitors",
    "DELETE /sessions",
    "DELETE /users/me",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /schema/frames.json",
}
verbs = pytest.mark.parametrize("verb", [pytest.param(one, id=one.shown) for one in VERBS])


async def things_of(person: Person) -> Things:
    """A chat with an open component, its intent and its session."""
    talk = await person.talk()
    turn = await talk.say("buttons Which?")
    component = only(turn, "component")
    return Things(
        user_id=person.user_id,
        chat=talk.chat,
        intent=component["user_intent_id"],
        session=component["session_id"],
        component=component["component_id"],
        message=turn[0]["message_id"],
    )


async def asked(person: Person, verb: Verb, things: Things) -> tuple[str, bytes]:
    """`yes`, or the code that keeps the caller out; and all that came, but for the ids that the
    request itself named. What is refused for another reason got past the guard."""
    code, answer = await (by_http if verb.transport == "HTTP" else by_socket)(person, verb, things)
    return f"`{code}`" if code in {"not_found", "unauthenticated"} else "yes", answer


async def by_http(person: Person, verb: Verb, things: Things) -> tuple[str, bytes]:
    ask, body = verb.of(things)
    method, path = ask.split(" ", 1)
    request = person.http.build_request(
        method, path, json=body, headers={"Accept": verb.accept}, timeout=20
    )
    answer = await person.http.send(request, stream=True)
    try:
        everything = await head_and_body(answer)
        return "" if answer.is_success else answer.json()["code"], everything
    finally:
        await answer.aclose()


async def head_and_body(answer: httpx.Response) -> bytes:
    """All that tells one answer from another; of a stream its first piece."""
    head = [f"{name}: {value}" for name, value in answer.headers.items() if name != "date"]
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        return await anext(answer.aiter_bytes())
    body = await answer.aread()
    return body if answer.is_success else "\n".join(head).encode() + body


async def by_socket(person: Person, verb: Verb, things: Things) -> tuple[str, bytes]:
    socket, frame = await person.join(), frame_of(verb, things)
    before = len(socket.frames)
    await socket.post(frame)
    answer = await socket.until(
        lambda f: f["type"] in ("ack", "rejected", "opened") and f.get("id") == "the-id", before
    )
    return answer.get("code", ""), answer.text.replace(things.chat, "CHAT").encode()


def frame_of(verb: Verb, things: Things) -> dict[str, Any]:
    kind, body = verb.of(things)
    return {"type": kind, "id": "the-id", **(body or {})}


@verbs
async def test_another_user_cannot_tell_what_is_anothers_from_what_is_missing(
    verb: Verb, server: Server, people: MakePerson
):
    owner, another = people(server), people(server)
    things = await things_of(owner)
    before = await owner.stored(things.chat)
    got, answer = await asked(another, verb, things)
    of_missing, answer_of_missing = await asked(another, verb, Things.missing())
    assert got == verb.gets("another")
    if verb.effect != "make":
        assert (of_missing, answer_of_missing) == (got, answer)
    assert await owner.stored(things.chat) == before


@verbs
async def test_an_admin_reads_and_erases_and_writes_for_nobody(
    verb: Verb, server: Server, people: MakePerson
):
    owner, user = people(server), new_id("user")
    admin = people(server, user, token_for(user, scope="admin"))
    things = await things_of(owner)
    before = await owner.stored(things.chat)
    got, answer = await asked(admin, verb, things)
    assert got == verb.gets("admin")
    if verb.effect == "write":
        assert await asked(admin, verb, Things.missing()) == (got, answer)
    if verb.effect != "erase":
        assert await owner.stored(things.chat) == before


@verbs
async def test_the_owner_may(verb: Verb, server: Server, people: MakePerson):
    owner = people(server)
    got, _ = await asked(owner, verb, await things_of(owner))
    assert got == verb.gets("owner")


@pytest.mark.parametrize("name", NOBODIES)
async def test_who_is_nobody_gets_the_same_for_everything(
    name: str, server: Server, people: MakePerson
):
    owner = people(server)
    things = await things_of(owner)
    before = await owner.stored(things.chat)
    nobody = people(server, owner.user_id, NOBODIES[name](owner.user_id))
    for verb in VERBS:
        if verb.transport == "socket":
            assert await told_before_the_welcome(nobody, verb, things) == 4401
            continue
        got, answer = await asked(nobody, verb, things)
        assert got == verb.gets("nobody"), verb.shown
        assert await asked(nobody, verb, Things.missing()) == (got, answer), verb.shown
    assert await owner.stored(things.chat) == before


async def told_before_the_welcome(nobody: Person, verb: Verb, things: Things) -> int:
    """The close code for a verb that comes right behind a bad `hello`; nothing else may come."""
    socket = await nobody.connect()
    token = {} if nobody.token is None else {"token": nobody.token}
    await socket.post({"type": "hello", "protocol": "chatstream.v1", **token})
    await socket.post(frame_of(verb, things))
    code = await socket.closed()
    assert socket.frames == []
    return code


def test_the_page_shows_the_table_that_is_tested():
    assert table() in PAGE.read_text()


async def test_every_verb_of_the_api_is_in_the_table(server: Server):
    async with http_client(server) as http:
        paths = (await http.get(f"{server.url}/schema/openapi.json")).json()["paths"]
    served = {
        f"{method.upper()} {without_names(path.removeprefix(server.prefix))}"
        for path, item in paths.items()
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}
    }
    tabled = {without_names(verb.ask.partition("?")[0]) for verb in VERBS}
    assert served - tabled == NAMES_NOBODY


def without_names(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)
