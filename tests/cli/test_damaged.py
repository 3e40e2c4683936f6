"""A SQLite file with broken pages: what the server and the tools say of it, and what they give."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner, Result
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.eventstore.pages import leaves, ruin, top_of

from chatstream import Response, Settings, create_app
from chatstream.cli.main import main

HEALTHY, ILL, LATER = "chat_a", "chat_m", "chat_z"
TURNS = 60
SECRET = "a secret that only these tests know, 0123456789"
EVENTS_INDEX = "sqlite_autoindex_stored_events_1"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with three chats, each on pages of its own."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "x.jsonl").write_text("".join(map(dialogue, (HEALTHY, ILL, LATER))))
    result = run("import", str(folder / "x.jsonl"), "--user", "ada", "--database", url(folder))
    assert result.exit_code == 0, result.output
    return folder / "chat.db"


@pytest.fixture
def database(whole: Path, tmp_path: Path) -> Path:
    shutil.copy(whole, tmp_path / "chat.db")
    return tmp_path / "chat.db"


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'chat.db'}"


def dialogue(name: str) -> str:
    said = [
        {"speaker": speaker, "text": f"{number} {'x' * 300}", "ts": 1_600_000_000 + number}
        for number in range(TURNS)
        for speaker in ("user", "ai")
    ]
    return json.dumps({"id": name, "outcome": "abandoned", "turns": said}) + "\n"


def ruin_one_chat(file: Path) -> None:
    """A page in the middle of the log: that of the second chat of three."""
    pages = list(leaves(file, top_of(file, "stored_events")))
    ruin(file, pages[len(pages) // 2])


def lose_an_event(file: Path) -> None:
    """Of the second chat, as pages of another age do that fit together by chance."""
    with closing(sqlite3.connect(file)) as connection, connection:
        lost = "DELETE FROM stored_events WHERE originator_id = ? AND originator_version = 50"
        connection.execute(lost, (ILL,))


async def agent(_: object):
    yield Response("hi")


def server(file: Path) -> Litestar:
    return create_app(Settings(database=f"sqlite:///{file}", rate_limit=0, secret=SECRET), agent)


def token() -> dict[str, str]:
    return {"Authorization": f"Bearer {jwt.encode({'sub': 'ada', 'exp': 4_000_000_000}, SECRET)}"}


async def events(http: AsyncTestClient[Litestar], chat: str) -> tuple[int, list[int]]:
    answer = await http.get(f"/api/v1/chats/{chat}/events", params={"limit": 200})
    found = answer.json().get("items", [])
    return answer.status_code, [event["position"] for event in found]


@pytest.mark.parametrize("ruined", [ruin_one_chat, lose_an_event])
async def test_a_chat_on_a_broken_page_is_unavailable_and_the_others_go_on(
    database, ruined, caplog
):
    ruined(database)
    async with AsyncTestClient(server(database)) as http:
        http.headers.update(token())
        status, found = await events(http, ILL)
        assert (status, found) == (503, []), "no shorter history"
        for chat in (HEALTHY, LATER):
            status, found = await events(http, chat)
            assert status == 200
            assert found == list(range(1, len(found) + 1))
            sent = await http.post(f"/api/v1/chats/{chat}/messages", json={"content": "on"})
            assert sent.status_code == 202
        ready = await http.get("/health/ready")
        assert ready.status_code == 200
        assert "damaged" in ready.json()["warning"]
        assert "chatstream_damaged_reads 0.0" not in (await http.get("/metrics")).text
    told = [one for one in caplog.records if "`chatstream verify` tells" in one.getMessage()]
    assert len(told) == 1, "once a minute"
    assert told[0].exc_info is None


@pytest.mark.parametrize(
    "name",
    ["sqlite_sequence", "server_values", "turn_work", "timers", "chats_of_user", EVENTS_INDEX],
)
def test_damage_that_would_hit_everybody_is_said_at_the_start_with_what_to_do(database, name):
    ruin(database, top_of(database, name))
    result = run("serve", "--port", "0", "--database", f"sqlite:///{database}")
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert "database disk image is malformed; put a back-up in its place" in line
    doctor = run("doctor", "--database", f"sqlite:///{database}")
    assert doctor.exit_code == 1
    assert "BAD" in doctor.output


def test_an_index_of_the_operators_own_keeps_no_server_from_starting(database):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("create index mine on chats (title) where title is not null")
    assert run("rebuild", "--database", f"sqlite:///{database}").exit_code == 0


@pytest.mark.parametrize("ruined", [ruin_one_chat, lose_an_event])
def test_verify_names_the_chat_and_no_row_of_it(database, ruined):
    ruined(database)
    result = run("verify", "--database", f"sqlite:///{database}")
    assert result.exit_code == 1
    assert f"chat {ILL}" in result.output
    for name in (HEALTHY, LATER):
        assert name not in result.output
    assert "the log says" not in result.output, "nobody knows what the log said"


@pytest.mark.parametrize("ruined", [ruin_one_chat, lose_an_event])
def test_what_can_be_read_is_exported_and_makes_a_whole_database(database, ruined, tmp_path):
    ruined(database)
    exported = run("export", "--database", f"sqlite:///{database}")
    assert exported.exit_code == 1
    assert exported.stderr.startswith(f"chatstream: chat {ILL} is left out: ")
    (tmp_path / "saved.jsonl").write_text(exported.stdout)
    target = f"sqlite:///{tmp_path / 'new.db'}"
    assert run("import", str(tmp_path / "saved.jsonl"), "--database", target).exit_code == 0
    assert run("verify", "--database", target).output == "whole\n"
    saved = [json.loads(line)["user_chat_id"] for line in exported.stdout.splitlines()]
    assert saved == [HEALTHY, LATER]


def test_chats_can_be_exported_when_their_table_is_gone(database):
    ruin(database, top_of(database, "chats"))
    exported = run("export", "--database", f"sqlite:///{database}")
    assert len(exported.stdout.splitlines()) == 3


@pytest.mark.parametrize("ruined", [ruin_one_chat, lose_an_event])
@pytest.mark.parametrize("command", ["replay", "history"])
def test_a_chat_that_is_damaged_is_said_in_one_line(database, ruined, command):
    ruined(database)
    result = run(command, ILL, "--database", f"sqlite:///{database}")
    assert result.exit_code == 2
    assert "the database is damaged" in result.stderr
    assert result.stderr.count("\n") == 1
