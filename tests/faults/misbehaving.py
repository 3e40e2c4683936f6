"""Agents that misbehave beside chats that do not, on a real server: nobody of them may notice.

`campaign` tries the kinds of `misbehaving_agents.KINDS` while innocent chats talk without a pause.
`deaths` lets one agent end the process again and again, as a supervisor starts it anew.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
from tests.faults import misbehaving_agents
from tests.faults.misbehaving_agents import KINDS, TURN_TIMEOUT_S, WORDS, Kind
from tests.kit.server import SECRET, Server
from tests.kit.tokens import new_id
from tests.kit.wire import TURN_ENDS, Frame, Person, Talk, http_client

INNOCENTS: Final = 20
CULPRITS: Final = 4
PAUSE_S: Final = 0.3
"""Between two messages of an innocent chat."""
SOON_S: Final = 6.0
"""A turn has failed after that, and an innocent one is answered: a second, on a busy machine."""
PATIENCE_S: Final = 20.0
MAX_ATTEMPTS: Final = 3
SHARED_FATE: Final = {"a_cancellation_of_all_tasks"}
"""Who is cancelled with the culprit may fail with it; each turn ends once, all the same."""
TURNS_A_CHAT: Final = 20
FILE: Final = Path(misbehaving_agents.__file__).name


class MisbehavingServer(Server):
    """A server with the agent that misbehaves."""

    def __init__(self, folder: Path, **settings: object) -> None:
        given = {"SECRET": SECRET, "RATE_LIMIT": 0, "LOG": "json", "MAX_ATTEMPTS": MAX_ATTEMPTS}
        super().__init__(folder, **{**given, "TURN_TIMEOUT": TURN_TIMEOUT_S, **settings})

    def _command(self) -> list[str]:
        command = super()._command()
        command[command.index("tests.kit.agents:agent")] = f"{misbehaving_agents.__name__}:agent"
        return command

    def records(self) -> list[dict[str, Any]]:
        """What it has logged."""
        lines = self.log_path.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


class Somebody(Person):
    """A person whose requests never meet a connection that the server is just closing."""

    @property
    def http(self) -> httpx.AsyncClient:
        """Its HTTP client."""
        if self._http is None:
            headers = {"Authorization": f"Bearer {self.token}"}
            limits = httpx.Limits(max_keepalive_connections=0)
            self._http = http_client(self.server, headers=headers, limits=limits)
        return self._http


class Outcome(NamedTuple):
    """What a campaign has seen."""

    violations: list[str]
    tried: int = 0
    answered: int = 0
    slowest_s: float = 0.0
    """Of the innocent answers, while nothing blocked."""
    slowest_blocked_s: float = 0.0
    deaths: int = 0


# -- beside others ---------------------------------------------------------------------------


async def campaign(
    folder: Path, kinds: Iterable[str] = tuple(KINDS), *, rounds: int = 1, seed: int = 1
) -> Outcome:
    """Try each kind so many times beside innocent chats."""
    names = [*kinds] * rounds
    random.Random(seed).shuffle(names)
    server = MisbehavingServer(folder)
    await asyncio.to_thread(server.start)
    try:
        outcome = await _beside_innocents(server, names)
        alive = [] if server.running else ["the process has ended"]
        return outcome._replace(violations=[*alive, *outcome.violations, *_words(server)])
    finally:
        server.kill()


async def _beside_innocents(server: MisbehavingServer, names: Sequence[str]) -> Outcome:
    violations: list[str] = []
    quick = [name for name in names if not KINDS[name].blocks]
    blocking = [name for name in names if KINDS[name].blocks]
    async with _people(server) as (people, culprits), _talking(people, violations) as chats:
        await _try_all(culprits, quick, violations)
        slowest_s = max((chat.slowest_s for chat in chats), default=0.0)
        if slowest_s > SOON_S:
            violations.append(f"an innocent answer took {slowest_s:.1f} s")
        await _try_all(culprits[:1], blocking, violations)
    return Outcome(
        violations,
        tried=len(names),
        answered=sum(chat.answered for chat in chats),
        slowest_s=slowest_s,
        slowest_blocked_s=max(chat.slowest_s for chat in chats),
    )


@asynccontextmanager
async def _people(server: MisbehavingServer):
    async with AsyncExitStack() as stack:
        people = [Somebody(server) for _ in range(INNOCENTS)]
        culprits = [Somebody(server) for _ in range(CULPRITS)]
        for one in (*people, *culprits):
            stack.push_async_callback(one.aclose)
        yield people, culprits


@asynccontextmanager
async def _talking(people: Sequence[Person], violations: list[str]):
    """Innocent chats that talk until the end of the block, and are looked at then."""
    chats = [_Innocent(one, violations) for one in people]
    tasks = [asyncio.create_task(chat.talk()) for chat in chats]
    try:
        yield chats
    finally:
        for chat in chats:
            chat.is_over = True
        await asyncio.wait(tasks, timeout=PATIENCE_S)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        violations += [f"an innocent chat noticed: {one!r}"[:500] for one in ends if one]


class _Innocent:
    """One person who asks and is answered, in one chat after the other."""

    def __init__(self, person: Person, violations: list[str]) -> None:
        self.is_over = False
        self.answered = 0
        self.slowest_s = 0.0
        self._person = person
        self._violations = violations

    async def talk(self) -> None:
        """Until it is over."""
        while not self.is_over:
            talk = await self._person.talk()
            said: list[str] = []
            while not self.is_over and len(said) < TURNS_A_CHAT:
                said.append(await self._ask(talk))
                await asyncio.sleep(PAUSE_S)
            self._violations += _wrong(await talk.stored(), said)
            await talk.socket.close()

    async def _ask(self, talk: Talk) -> str:
        content = f"innocent {new_id('n')}"
        began = time.monotonic()
        await talk.say(content)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.answered += 1
        return content


def _wrong(events: Sequence[Frame], said: Sequence[str]) -> list[str]:
    """What is wrong with a chat in which that was said, each to be answered, in order."""
    questions = [one["content"] for one in events if one["type"] == "user"]
    answers = [one["content"] for one in events if one["type"] == "response"]
    turns = [one["status"] for one in events if one["type"] == "turn"]
    expected = [f"this is the answer to {content}" for content in said]
    chat = events[0]["user_chat_id"]
    return [
        f"{chat}: {what}"
        for what, right in (
            ("not what was said", questions == list(said)),
            ("wrong answers", answers == expected),
            (f"turns {turns}", turns == ["started", "finished"] * len(said)),
        )
        if not right
    ]


async def _try_all(culprits: Sequence[Person], names: Sequence[str], violations: list[str]) -> None:
    left = list(names)

    async def work(person: Person) -> None:
        socket = await person.join()
        while left:
            name = left.pop()
            try:
                violations.extend(await _try(person, await person.talk(socket=socket), name))
            except (AssertionError, OSError) as error:
                violations.append(f"{name}: {str(error)[:300]}")
                socket = await person.join()

    async with asyncio.TaskGroup() as tasks:
        for person in culprits:
            tasks.create_task(work(person))


async def _try(person: Person, talk: Talk, name: str) -> list[str]:
    """What is wrong with a turn that misbehaves, and with its chat afterwards."""
    kind = KINDS[name]
    began = time.monotonic()
    ack = await talk.send(f"bad {name}")
    await talk.end(ack["id"])
    seconds = time.monotonic() - began
    await talk.say("innocent after it")
    events = await talk.stored()
    found = _judged(kind, [one for one in events if one.get("caused_by") == ack["id"]])
    if seconds > (TURN_TIMEOUT_S if kind.is_slow else 0) + SOON_S:
        found.append(f"ended after {seconds:.1f} s")
    if events[-1].get("status") != "finished":
        found.append("its chat is not answered afterwards")
    assert isinstance(person.server, MisbehavingServer)
    found += _told(person.server, kind, talk.chat)
    return [f"{name}: {one}" for one in found]


def _judged(kind: Kind, events: Sequence[Frame]) -> list[str]:
    turns = [one["status"] for one in events if one["type"] == "turn"]
    answers = [one["content"] for one in events if one["type"] == "response"]
    found = [] if turns == ["started", kind.end] else [f"turns {turns}"]
    if kind.answer is not None and answers != [kind.answer]:
        found.append(f"answers {answers}")
    return found


def _told(server: MisbehavingServer, kind: Kind, chat: str) -> list[str]:
    """Whether the log has what an operator looks for."""
    told = [one for one in server.records() if one.get("user_chat_id") == chat]
    if kind.blocks:
        named = any(re.search(rf"{FILE}:\d+ ", one["message"]) for one in told)
        return [] if named else ["the line that blocks is not named"]
    return [] if told or not kind.is_told else ["the log does not tell of it"]


def _words(server: Server) -> list[str]:
    log = server.log_path.read_text(errors="replace")
    return [f"the log has the words: {line[:200]}" for line in log.splitlines() if WORDS in line]


# -- deaths ------------------------------------------------------------------------------------


async def deaths(folder: Path, name: str, innocents: int = 5) -> Outcome:
    """Let ``name`` end the process until it is given up. Who talks meanwhile loses nothing: each
    message is answered once, however often the process had to be started again."""
    server = MisbehavingServer(folder, TURN_TIMEOUT=60)
    await asyncio.to_thread(server.start)
    supervisor = _Supervisor(server)
    supervising = asyncio.create_task(supervisor.run())
    people = [Somebody(server) for _ in range(innocents + 1)]
    try:
        culprit, *others = [_Caller(one) for one in people]
        async with asyncio.timeout(120):
            for one in others:
                await one.send("slow question")
            await culprit.send(f"deadly {name}")
            violations = await culprit.judged("culprit", "failed")
            ends = ("finished", "failed") if name in SHARED_FATE else ("finished",)
            for one in others:
                violations += await one.judged("innocent", *ends)
            for one in (culprit, *others):
                await one.send("innocent question")
                violations += await one.judged("afterwards", "finished")
        # Of others that were cut off as well, two more may be needed to see who it is.
        if not 1 <= supervisor.deaths <= MAX_ATTEMPTS + 2:
            violations.append(f"{supervisor.deaths} deaths")
    except TimeoutError:
        violations = ["it does not come to an end"]
    finally:
        supervising.cancel()
        await asyncio.wait({supervising})
        server.kill()
        for person in people:
            await person.aclose()
    violations = [f"{name}: {one}" for one in violations]
    return Outcome([*violations, *_words(server)], tried=1, deaths=supervisor.deaths)


class _Supervisor:
    """Starts the process again whenever it ends."""

    def __init__(self, server: Server) -> None:
        self.deaths = 0
        self._server = server

    async def run(self) -> None:
        while True:
            if not self._server.running:
                self.deaths += 1
                with suppress(RuntimeError):  # it died again before it was ready
                    await asyncio.to_thread(self._server.start)
            await asyncio.sleep(0.05)


class _Caller:
    """One chat over HTTP, by someone who asks again until there is an answer."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._chat: str | None = None
        self._message = ""

    async def send(self, content: str) -> None:
        """Say it, under the same id until it is acknowledged."""
        if self._chat is None:
            self._chat = (await self._until("POST", "/chats", 201))["user_chat_id"]
        self._message = new_id("msg")
        body = {"id": self._message, "content": content}
        await self._until("POST", f"/chats/{self._chat}/messages", 202, json=body)

    async def judged(self, who: str, *right: str) -> list[str]:
        """Wait for the end of the turn; what is wrong with it."""
        while not (ends := [one for one in await self._turns() if one in TURN_ENDS]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        if len(ends) == 1 and ends[0] in right:
            return []
        return [f"{who}: turns {await self._turns()}"]

    async def _turns(self) -> list[str]:
        page = await self._until("GET", f"/chats/{self._chat}/events?limit=200", 200)
        items = [one for one in page["items"] if one.get("caused_by") == self._message]
        return [one["status"] for one in items if one["type"] == "turn"]

    async def _until(self, method: str, path: str, status: int, **more: Any) -> Any:
        while True:
            with suppress(httpx.TransportError):
                answer = await self._person.http.request(method, path, **more)
                if answer.status_code == status:
                    return answer.json()
            await asyncio.sleep(0.05)
