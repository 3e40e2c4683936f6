"""Nothing that was said, and no token, reaches a log: a whole conversation with a canary in it, at
the most talkative level, and every line that the process wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.faults.process import SEAMS_PATH
from tests.kit.postgres import new_database
from tests.kit.server import SECRET, Server, new_database_for
from tests.kit.tokens import token_for
from tests.kit.wire import Person, Talk, http_client, only
from websockets.exceptions import InvalidStatus

CANARY = "canary-4711"
SCRIPTS = (
    f"think {CANARY} ; piece {CANARY} ; answer complete",
    f'recognise trip 0.9 ; slots {{"city": "{CANARY}"}} ; complete {CANARY}',
    f"tool {CANARY} once hidden ; complete {CANARY}",
    f"fail no_seats final {CANARY}",
    f"raise_error {CANARY}",
    f"piece {CANARY} ; raise_error {CANARY}",
    f"garbage {CANARY}",
    f"echo {CANARY} ; nul",
    f"surrogate_piece {CANARY}",
    f"remind 1e15 {CANARY} ; complete {CANARY}",
    f"stubborn {CANARY}",
)
# What each of them must have left behind, or the test would see nothing.
TOLD = (
    "agent raised",
    "RuntimeError",
    "agent step refused: Remind",
    "agent broke its contract",
    "was mended",
)


class Talkative(Server):
    """It logs whatever anybody in it has to say."""

    def _environment(self) -> dict[str, str]:
        environment = super()._environment()
        paths = (str(SEAMS_PATH), environment["PYTHONPATH"])
        return {**environment, "FAULTS_SEAMS": "log=all", "PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.parametrize(
    ("form", "database"),
    [
        ("text", new_database_for),
        ("json", new_database_for),
        pytest.param("json", lambda _: new_database(), marks=pytest.mark.postgres),
    ],
)
async def test_no_log_holds_what_was_said_or_who_may_say_it(
    tmp_path: Path, form: str, database: Callable[[Path], str]
):
    settings = {"SECRET": SECRET, "LOG": form, "TURN_TIMEOUT": 3, "ANONYMOUS": "on"}
    server = Talkative(tmp_path, database=database(tmp_path), measured=True, **settings).start()
    person = Person(server, "worker")
    try:
        secrets = [CANARY, person.token, await converse(person)]
        await misbehave(person)
        await fill_a_form(await person.talk())
        await go_wrong_over_http(person)
    finally:
        await person.aclose()
        server.terminate()
        assert server.exit_code() == 0
    log = server.log_path.read_text()
    for secret in secrets:
        assert secret not in log, [line for line in log.splitlines() if secret in line][:3]
    for told in TOLD:
        assert told in log
    if form == "json":
        assert {"DEBUG", "ERROR"} <= {json.loads(one)["level"] for one in lines_of_json(log)}


def lines_of_json(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith("{")]


async def converse(person: Person) -> str:
    """Say everything, by socket and by HTTP; a visitor's token, from its cookie."""
    talk = await person.talk()
    for script in SCRIPTS:
        await talk.say(script)
    await talk.send(f"sleep 60 {CANARY}")
    await talk.do("cancel")
    await talk.socket.post({"type": "auth", "token": person.token})
    body = {"content": f"echo {CANARY}"}
    (await person.http.post(f"{talk.path}/messages", json=body)).raise_for_status()
    async with http_client(person.server) as http:
        visitor = (await http.post("/visitors")).json()["token"]
        assert http.cookies["chatstream_visitor"] == visitor
        (await http.get("/chats")).raise_for_status()
    await person.http.delete(talk.path)
    return visitor


async def misbehave(person: Person) -> None:
    """Frames, tokens and paths that are wrong, with the canary in them."""
    socket = await person.join()
    for text in (
        CANARY,
        f'{{"type": "{CANARY}"}}',
        f'{{"type": "send", "id": 1, "content": "{CANARY}"}}',
        f'{{"type": "auth", "token": "{CANARY}"}}',
        CANARY.encode(),
    ):
        await socket.post_text(text)
    await socket.settle()
    other = await person.connect()
    await other.post({"type": "hello", "protocol": "chatstream.v1", "token": CANARY})
    assert await other.closed() == 4401
    with pytest.raises(InvalidStatus):
        # The origin of a page that was refused is told to the operator; this is none.
        await person.connect(origin=f"https://evil.example/{CANARY}?{CANARY}")


async def fill_a_form(talk: Talk) -> None:
    """Wrong values, then right ones that make the agent fail."""
    form = only(await talk.say(f"form {CANARY}"), "component")
    await talk.refused("submit", component_id=form["component_id"], values={"city": [CANARY]})
    buttons = only(await talk.say(f"buttons {CANARY}"), "component")
    await talk.refused("submit", component_id=buttons["component_id"], values={"value": CANARY})


async def go_wrong_over_http(person: Person) -> None:
    for path in (
        f"/chats/{CANARY}",
        f"/{CANARY}",
        f"/chats?cursor={CANARY}",
        f"/chats?limit={CANARY}",
    ):
        answer: httpx.Response = await person.http.get(path)
        assert 400 <= answer.status_code < 500
    forged = {"Authorization": f"Bearer {token_for('x', secret=CANARY * 4)}", "Cookie": CANARY}
    assert (await person.http.get("/chats", headers=forged)).status_code == 401
    bad = await person.http.post("/chats", content=CANARY, headers={"Content-Type": "text/plain"})
    assert bad.status_code >= 400
