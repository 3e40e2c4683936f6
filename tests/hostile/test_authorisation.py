"""Every path and method of the server's own OpenAPI document, asked by everybody for everybody's
things under every way to write an id: nobody reads or writes for another, and what is another's
cannot be told from what is missing."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import pytest
from tests.conformance.test_access import things_of
from tests.kit.access import VERBS, Things
from tests.kit.server import SECRET, Server
from tests.kit.tokens import new_id, token_for
from tests.kit.wire import Person, Talk, http_client

CANARY: Final = b"a word of the owner alone"
METHODS: Final = ("get", "head", "post", "put", "patch", "delete")
AT_ONCE: Final = 4
FOR_EVERYBODY: Final = re.compile(r"/(health|metrics|schema)(/|$)|/visitors$")
THINGS: Final = {
    "chat_id": "chat",
    "user_intent_id": "intent",
    "session_id": "session",
    "component_id": "component",
    "user_id": "user_id",
    "user_chat_id": "chat",
}
WAYS: Final[dict[str, Callable[[str], str]]] = {
    "as it is": lambda text: quote(text, safe=""),
    "every letter encoded": lambda text: "".join(f"%{ord(one):02x}" for one in text),
    "encoded twice": lambda text: quote("".join(f"%{ord(one):02x}" for one in text), safe=""),
    "behind a slash": lambda text: f"%2f{text}",
    "before a slash": lambda text: f"{text}/",
    "below a way up": lambda text: f"x/../{text}",
    "below an encoded way up": lambda text: f"x%2f%2e%2e%2f{text}",
    "with a parameter": lambda text: f"{text};v=1",
    "with NUL": lambda text: f"{text}%00",
    "with a blank": lambda text: f"%20{text}",
    "with a line end": lambda text: f"{text}%0a",
    "in wide letters": lambda text: quote("".join(chr(ord(one) + 0xFEE0) for one in text)),
    "in capitals": lambda text: text.upper(),
    "with an override": lambda text: f"%e2%80%ae{text}",
    "in no UTF-8": lambda text: f"%ff{text}",
    "with a broken escape": lambda text: f"%{text}%zz",
}


FEW_WAYS: Final = ("as it is", "every letter encoded", "behind a slash", "with NUL")
"""For HEAD, which is as GET."""


class Operation(NamedTuple):
    """A method and a path, with the names of its parameters that are ids."""

    method: str
    path: str
    query: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def names_things(self) -> bool:
        """Whether it can be asked for somebody's things."""
        return "{" in self.path or bool(self.query)

    def requests(self, things: Things, way: Callable[[str], str]) -> Iterator[str]:
        """The paths by which it can be asked for these things."""
        ids = {name: way(getattr(things, field)) for name, field in THINGS.items()}
        path = self.path.format_map(ids)
        if "{" in self.path:
            yield path
        yield from (f"{path}?{name}={ids[name]}" for name in self.query)

    def body(self, things: Things) -> dict[str, Any] | None:
        """What it takes, as the matrix has it."""
        template = re.sub(r"\{\w+\}", "{}", self.path.removeprefix("/api/v1"))
        for verb in VERBS:
            _, body = verb.of(things)
            method, _, path = verb.ask.partition(" ")
            if (method.lower(), re.sub(r"\{\w+\}", "{}", path)) == (self.method, template):
                return body
        return {} if self.method == "post" else None


class Caller(NamedTuple):
    """Who asks, and what is its own."""

    name: str
    token: str
    things: Things


class Answer(NamedTuple):
    """All that tells one answer from another."""

    status: int
    head: bytes
    body: bytes


class Line:
    """A connection that is kept, for thousands of requests whose paths go out as they are."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, caller: Caller, operation: Operation, path: str, things: Things) -> Answer:
        """One request of a caller, for these things."""
        body = operation.body(things)
        content = b"" if body is None else json.dumps(body).encode()
        kind = "Content-Type: application/json\r\n" if body is not None else ""
        head = (
            f"{operation.method.upper()} {path} HTTP/1.1\r\nHost: {self._server.host}\r\n"
            f"Authorization: Bearer {caller.token}\r\n{kind}Content-Length: {len(content)}\r\n\r\n"
        )
        async with asyncio.timeout(20):
            return await self._answer(head.encode() + content, operation.method)

    async def _answer(self, request: bytes, method: str) -> Answer:
        if self._wire is None:
            self._wire = await asyncio.open_connection("127.0.0.1", self._server.port)
        reader, writer = self._wire
        writer.write(request)
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        head = b"\n".join(sorted(one for one in lines if not one.lower().startswith(b"date:")))
        told = re.search(rb"(?i)content-length: (\d+)", head)
        size = int(told[1]) if told and method != "head" else 0
        body = await reader.readexactly(size)
        if b"connection: close" in head.lower():
            self.close()
        return Answer(int(lines[0].split()[1]), head, body)

    def close(self) -> None:
        """Let the connection go."""
        if self._wire is not None:
            self._wire[1].close()
            self._wire = None


async def operations(server: Server) -> list[Operation]:
    """All that the document has."""
    async with http_client(server) as http:
        paths = (await http.get(f"{server.url}/schema/openapi.json")).json()["paths"]
    return [
        Operation(method, path, tuple(sorted(_query_ids(item[method]))))
        for path, item in paths.items()
        for method in METHODS
        if method in item
    ]


def _query_ids(operation: dict[str, Any]) -> set[str]:
    named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
    return named & THINGS.keys()


async def callers(server: Server, people: list[Person]) -> list[Caller]:
    """A visitor, another one, a signed-in user, an admin, somebody with scopes of another API;
    and nobody, whose own things are those of somebody who left."""
    user, admin, foreign = new_id("user"), new_id("admin"), new_id("foreign")
    scopes = "administrator other:admin Admin admin:read"
    tokens = {
        "a visitor": (None, await _visitor(server)),
        "another visitor": (None, await _visitor(server)),
        "a signed-in user": (user, token_for(user)),
        "an admin": (admin, token_for(admin, scope="admin")),
        "one with foreign scopes": (foreign, token_for(foreign, scope=scopes)),
    }
    made = []
    for name, (user_id, token) in tokens.items():
        people.append(Person(server, user_id, token))
        made.append(Caller(name, token, await things_of(people[-1])))
    forged = token_for(user, secret="x" * 40, scope="admin")
    return [*made, Caller("nobody", forged, made[2].things)]


async def _visitor(server: Server) -> str:
    async with http_client(server) as http:
        return str((await http.post("/visitors")).json()["token"])


class Case(NamedTuple):
    """One caller that asks one thing in one way."""

    caller: Caller
    operation: Operation
    way: str

    def __str__(self) -> str:
        return f"{self.caller.name}, {self.operation.name}, ids {self.way}"

    async def faults(self, line: Line, others: Things, missing: Things) -> list[str]:
        """What the server does wrong."""
        found = []
        way = WAYS[self.way]
        ways = zip(
            self.operation.requests(others, way), self.operation.requests(missing, way), strict=True
        )
        for of_other, of_missing in ways:
            told = await line.ask(self.caller, self.operation, of_other, others)
            same = await line.ask(self.caller, self.operation, of_missing, missing)
            found += self._wrong(told, same, of_other)
        return [f"{self}: {fault}" for fault in found]

    def _wrong(self, told: Answer, same: Answer, path: str) -> Iterator[str]:
        if max(told.status, same.status) >= 500:
            yield f"{told.status} and {same.status}"
        if self.caller.name == "nobody" and told.status not in {401, 400, 404, 405}:
            yield f"nobody gets {told.status}"
        if self.caller.name == "an admin" and self.operation.method in {"get", "head"}:
            return  # it reads everybody's
        if told != same:
            yield f"another's is told from a missing one: {told} and {same}"
        # A filter by a chat that is not one's own leaves nothing of one's own.
        if self.way == "as it is" and told.status not in {404, 401} and "?user_chat_id" not in path:
            yield f"another's gives {told.status}"
        if CANARY in told.body:
            yield "it reads the owner's words"


async def all_faults(
    server: Server, cases: list[Case], others: Things, missing: Things
) -> list[str]:
    """Of all cases, some at once."""
    rest, found = iter(cases), []

    async def work() -> None:
        line = Line(server)
        for case in rest:
            found.extend(await case.faults(line, others, missing))
        line.close()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, SECRET=SECRET, ANONYMOUS="on", RATE_LIMIT=0) as running:
        yield running


@pytest.fixture
async def people():
    made: list[Person] = []
    yield made
    for one in made:
        await one.aclose()


def erases(operation: Operation) -> bool:
    """What an admin may do to others."""
    paths = ("/api/v1/chats/{chat_id}", "/api/v1/users/{user_id}")
    return operation.method == "delete" and operation.path in paths


async def test_nobody_reads_or_writes_for_another_however_ids_are_written(server, people):
    owner = Person(server)
    people.append(owner)
    talk = await owner.talk()
    await talk.say(f"echo {CANARY.decode()}")
    others, missing = await things_with(talk), Things.missing()
    every = [one for one in await operations(server) if one.names_things]
    cases = [
        Case(caller, operation, way)
        for caller in await callers(server, people)
        for operation in every
        for way in (FEW_WAYS if operation.method == "head" else WAYS)
        if not (caller.name == "an admin" and erases(operation))
    ]
    before = [frame.text for frame in await talk.stored()]
    assert len(cases) > 1_200
    assert await all_faults(server, cases, others, missing) == []
    assert [frame.text for frame in await talk.stored()] == before
    assert (await owner.get("/intents", user_id=owner.user_id))["items"]
    assert server.running
    assert "Traceback" not in server.log_path.read_text()


async def things_with(talk: Talk) -> Things:
    """Those of a chat that is there already."""
    turn = await talk.say("buttons Which?")
    (component,) = (frame for frame in turn if frame["type"] == "component")
    return Things(
        user_id=talk.person.user_id,
        chat=talk.chat,
        intent=component["user_intent_id"],
        session=component["session_id"],
        component=component["component_id"],
        message=turn[0]["message_id"],
    )


async def test_what_names_nobody_asks_who_is_there_and_reaches_the_callers_own(server, people):
    owner = Person(server)
    people.append(owner)
    talk = await owner.talk()
    await talk.say(f"echo {CANARY.decode()}")
    before = [frame.text for frame in await talk.stored()]
    line = Line(server)
    for caller in await callers(server, people):
        for operation in await operations(server):
            if "{" in operation.path:
                continue
            answer = await line.ask(caller, operation, operation.path, caller.things)
            assert answer.status < 500, (caller.name, operation.name, answer)
            if caller.name == "nobody" and not FOR_EVERYBODY.search(operation.path):
                assert answer.status == 401, (operation.name, answer)
            may_read = caller.name == "an admin"
            assert may_read or CANARY not in answer.body, (caller.name, operation.name)
    line.close()
    assert [frame.text for frame in await talk.stored()] == before
    assert "Traceback" not in server.log_path.read_text()
