"""Sections 2, 4, 6 and 9: whatever people do, in any order and by any way, the laws hold.

Seeded walks: two tabs and HTTP act on one chat at once, with every command and all kinds of turns;
then all is cancelled and read, and the log, the readings and every follower must agree. A failure
names its seed; `CHATSTREAM_TEST_WALKS` says how many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random

import httpx
import pytest
from tests.conformance.conftest import Launch, MakePerson
from tests.kit.laws import check_log
from tests.kit.readings import agrees
from tests.kit.server import SECRET, Server
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk
from websockets.exceptions import ConnectionClosed

WALKS = int(os.environ.get("CHATSTREAM_TEST_WALKS", "12"))
SCRIPTS = [
    "echo a",
    "complete b",
    "ask c",
    "form",
    "buttons",
    "custom d",
    "ask_form e",
    "stream 3 0.005",
    "piece x ; sleep 0.02 ; piece y ; echo xy",
    "piece x ; hang",
    "hang",
    "think a ; sleep 0.02 ; complete b",
    "raise_error a",
    "piece x ; fail y again z",
    "switch other ; echo a",
    'switch other ; slots {"a":1} ; complete b',
    "give_up cannot",
    'recognise book 0.5 ; slots {"a":1,"b":{"c":2}} ; ask d',
    'slots {"a":null} ; nothing',
    "form ; complete b",
    "echo a ; ask b",
]
KINDS = (
    ["send"] * 8 + ["submit"] * 3 + ["cancel"] * 4 + ["abandon", "resume", "retry"] * 2 + ["clear"]
)


class Walk:
    """One person who does this and that in a chat, with what the chat showed so far."""

    def __init__(self, talk: Talk, seed: int) -> None:
        self.talk = talk
        self.random = random.Random(seed)
        self.answers: dict[str, dict] = {}
        self.sent: list[dict] = []

    def one_of(self, kind: str, name: str, newest: int = 99) -> str:
        """One of the newest ids of a kind that the chat showed."""
        seen = list(dict.fromkeys(f[name] for f in self.talk.log() if f["type"] == kind))
        return self.random.choice(seen[-newest:] or ["unknown"])

    def command(self) -> dict:
        """A command of any kind to what was seen, or a repeat of an earlier one."""
        if self.sent and self.random.random() < 0.15:
            return self.random.choice(self.sent)
        kind = self.random.choice(KINDS)
        fields: dict = {}
        if kind == "send":
            fields["content"] = self.random.choice(SCRIPTS)
            if self.random.random() < 0.2:
                fields["new_intent"] = True
            elif self.random.random() < 0.3:
                fields["user_intent_id"] = self.one_of("intent", "user_intent_id")
        if kind == "submit":
            fields["component_id"] = self.one_of("component", "component_id", 2)
            script = self.random.choice(["complete b", "ask c", "hang", "form"])
            values = [{"city": "Oslo", "script": script}, {"value": "red"}]
            fields["values"] = self.random.choice(values)
        if kind in ("abandon", "resume"):
            fields["user_intent_id"] = self.one_of("intent", "user_intent_id")
        if kind == "retry":
            fields["message_id"] = self.one_of("user", "message_id", 2)
        if kind == "clear":
            fields["session_id"] = self.one_of("session", "session_id", 3)
        command = {"type": kind, "id": new_id("w"), "user_chat_id": self.talk.chat, **fields}
        self.sent.append(command)
        return command

    async def step(self, tab: Talk) -> None:
        command = self.command()
        if command["type"] == "clear":
            await self.talk.person.http.delete(f"/sessions/{command['session_id']}")
            return
        await self.do(tab, command)

    def unanswered(self) -> list[dict]:
        """What was sent and got no answer: a client sends it again."""
        return [c for c in self.sent if c["type"] != "clear" and c["id"] not in self.answers]

    async def do(self, tab: Talk, command: dict) -> None:
        """Send a command; a repeat of one that was acked must name the same place."""
        answer = await tab.socket.ask(command)
        before = self.answers.setdefault(command["id"], answer)
        if answer["type"] == "ack" and before is not answer and before["type"] == "ack":
            assert answer["position"] == before["position"], (before, answer)

    async def run(self, tabs: list[Talk], steps: int) -> None:
        """Do so many steps, spread over tabs that act at once."""

        async def act(tab: Talk) -> None:
            for _ in range(steps // len(tabs)):
                await self.step(tab)
                await asyncio.sleep(self.random.choice([0, 0, 0.01, 0.03]))

        await asyncio.gather(*map(act, tabs))

    async def calm(self) -> None:
        """Cancel until no turn runs and none waits."""
        async with asyncio.timeout(30):
            while (await self.talk.state())["turn"] is not None:
                await self.talk.ask("cancel")


async def check_all(walk: Walk, tabs: list[Talk]) -> None:
    await walk.calm()
    stored = await walk.talk.stored()
    check_log(stored)
    await agrees(walk.talk.person, walk.talk)
    for tab in tabs:
        await tab.socket.until(lambda f: f.is_event and f["position"] == len(stored))
        assert [f.text for f in tab.log()] == [f.text for f in stored]
    for command_id, answer in walk.answers.items():
        if answer["type"] == "ack":
            assert 1 <= answer["position"] <= len(stored), command_id


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory):
    with Server(tmp_path_factory.mktemp("walks"), RATE_LIMIT=0, SECRET=SECRET) as server:
        yield server


async def tabs_of(person: Person) -> list[Talk]:
    first = await person.talk()
    return [first, await person.talk(first.chat), await person.talk(first.chat)]


@pytest.mark.parametrize("seed", range(WALKS))
async def test_a_random_walk_obeys_every_law(unlimited: Server, people: MakePerson, seed: int):
    tabs = await tabs_of(people(unlimited))
    walk = Walk(tabs[0], seed)
    await walk.run(tabs, 60)
    await check_all(walk, tabs)


@pytest.mark.parametrize("seed", range(100, 100 + max(2, WALKS // 10)))
async def test_a_random_walk_obeys_every_law_with_timers_that_fall_due(
    launch: Launch, people: MakePerson, seed: int
):
    server = launch(RATE_LIMIT=0, ABANDON_AFTER=0.1, SESSION_TTL=0.3)
    tabs = await tabs_of(people(server))
    walk = Walk(tabs[0], seed)
    for _ in range(4):
        await walk.run(tabs, 15)
        await asyncio.sleep(walk.random.choice([0.2, 0.5]))
    await walk.calm()
    check_log(await walk.talk.stored())


@pytest.mark.parametrize("seed", range(200, 200 + max(2, WALKS // 10)))
async def test_a_random_walk_obeys_every_law_through_kills_at_any_moment(
    mortal: Server, people: MakePerson, seed: int
):
    server = mortal
    person = people(server)
    tabs = await tabs_of(person)
    walk = Walk(tabs[0], seed)
    for _ in range(2):
        walking = asyncio.create_task(walk.run(tabs, 3000))
        await asyncio.sleep(walk.random.uniform(0.05, 0.8))
        server.kill()
        with contextlib.suppress(AssertionError, ConnectionClosed, httpx.TransportError):
            await walking
        await asyncio.to_thread(server.start)
        tabs = [await person.talk(walk.talk.chat) for _ in tabs]
        walk.talk = tabs[0]
        for command in walk.unanswered():
            await walk.do(tabs[1], command)
    await walk.run(tabs, 30)
    await check_all(walk, tabs)
