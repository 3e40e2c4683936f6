"""The command line over real files: what it prints, and that it says what is wrong."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatstream.cli.main import main
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.projections.models import all_tables

DIALOGUES = [
    {
        "id": "done-1",
        "outcome": "completed",
        "turns": [
            {"speaker": "user", "text": "Wake me at 7", "ts": 1_600_000_000},
            {"speaker": "thinking", "text": "an alarm", "ts": 1_600_000_001},
            {"speaker": "tool", "event": "call", "intent": "add_alarm", "slots": {"time": "7:00"}},
            {"speaker": "tool", "event": "result", "result": {"ok": True}},
            {"speaker": "ai", "text": "Done é 😀", "ts": 1_600_000_002},
            {"speaker": "user", "event": "complete", "ts": 1_600_000_003},
        ],
    },
    {
        "id": "left-1",
        "outcome": "abandoned",
        "turns": [
            {"speaker": "user", "text": "Book a table", "ts": 1_600_000_000},
            {"speaker": "ai", "text": "For when?", "ts": 1_600_000_002},
        ],
    },
    {"id": "empty-1", "outcome": "abandoned", "turns": []},
]


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A file with three imported dialogues."""
    source = tmp_path / "dialogues.jsonl"
    source.write_text("".join(json.dumps(one) + "\n" for one in DIALOGUES))
    url = f"sqlite:///{tmp_path / 'chat.db'}"
    result = run("import", str(source), "--database", url)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("3 chats, ")
    return url


def lines(*arguments: str) -> list[dict]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_history_gives_the_imported_words_with_their_own_times(database):
    rows = lines("history", "done-1", "--database", database)
    assert [(row["message_type"], row["content"]) for row in rows] == [
        ("user", "Wake me at 7"),
        ("thinking", "an alarm"),
        ("ai", "Done é 😀"),
    ]
    assert rows[0]["timestamp"] == "2020-09-13T12:26:40.000Z"
    assert all(row["is_complete"] and not row["abandoned"] for row in rows)


def test_intents_are_found_by_status_over_all_chats(database):
    (left,) = lines("intents", "--status", "abandoned", "--database", database)
    assert (left["user_chat_id"], left["reason"], left["title"]) == (
        "left-1",
        "idle",
        "Book a table",
    )
    assert lines("intents", "--status", "active", "--database", database) == []
    assert len(lines("intents", "--user", "imported", "--database", database)) == 2
    assert lines("intents", "--user", "nobody", "--database", database) == []


def test_an_empty_dialogue_makes_a_chat_without_an_intent(database):
    assert lines("history", "empty-1", "--database", database) == []


def test_replay_shows_the_conversation_at_any_position(database):
    whole = run("replay", "done-1", "--database", database).output.splitlines()
    assert "Done é 😀" in "\n".join(whole)
    for position in (1, 3, len(whole)):
        part = run("replay", "done-1", "--at", str(position), "--database", database)
        assert part.output.splitlines() == whole[:position]
    frames = lines("replay", "done-1", "--json", "--database", database)
    assert [frame["position"] for frame in frames] == list(range(1, len(whole) + 1))


def test_an_export_can_be_imported_and_exports_the_same_bytes(database, tmp_path):
    first = run("export", "--database", database).output
    moved = tmp_path / "moved.jsonl"
    moved.write_text(first)
    other = f"sqlite:///{tmp_path / 'other.db'}"
    assert run("import", str(moved), "--database", other).exit_code == 0
    assert run("export", "--database", other).output == first
    assert run("verify", "--database", other).output == "whole\n"
    again = run("import", str(moved), "--database", other)
    assert again.exit_code == 2
    assert "is there already" in again.output


def test_importing_the_same_dialogues_twice_is_refused_and_harms_nothing(database, tmp_path):
    before = run("export", "--database", database).output
    again = run("import", str(tmp_path / "dialogues.jsonl"), "--database", database)
    assert again.exit_code == 2
    assert run("export", "--database", database).output == before


def test_what_is_no_dialogue_is_refused_by_name(database, tmp_path):
    for bad in ("{", '{"id": 1}', '{"chatstream_export": 1}', "[]"):
        path = tmp_path / "bad.jsonl"
        path.write_text(bad + "\n")
        result = run("import", str(path), "--database", database)
        assert result.exit_code == 2
        assert result.output.startswith("chatstream: not a")
        assert result.output.endswith(f"(line 1 of {path})\n")


@pytest.mark.parametrize("command", ["replay", "history", "export"])
def test_a_missing_chat_is_said_in_one_line(command, database):
    result = run(command, "chat_x", "--database", database)
    assert (result.exit_code, result.output) == (2, "chatstream: there is no chat 'chat_x'\n")


def test_a_missing_database_is_said_in_one_line(tmp_path):
    result = run("verify", "--database", f"sqlite:///{tmp_path / 'none.db'}")
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify"],
        ["intents"],
        ["export"],
        ["replay", "chat_x"],
        ["history", "chat_x"],
        ["rebuild"],
        ["doctor"],
    ],
)
def test_nothing_is_made_where_there_is_no_database(arguments, tmp_path):
    result = run(*arguments, "--database", f"sqlite:///{tmp_path / 'none.db'}")
    assert result.exit_code == (0 if arguments == ["doctor"] else 2)
    assert "there is no database" in result.output or "there are no chats" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_nothing_makes_nothing(tmp_path):
    result = run("copy", f"sqlite:///{tmp_path / 'none.db'}", f"sqlite:///{tmp_path / 'new.db'}")
    assert result.exit_code == 2
    assert "there is no database" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["serve", "verify", "rebuild", "migrate", "intents"])
def test_a_folder_in_the_place_of_a_file_is_said(command, tmp_path):
    result = run(command, "--database", f"sqlite:///{tmp_path}")
    assert result.exit_code == 2
    assert result.output == f"chatstream: the database '{tmp_path}' is a folder, not a file\n"


@pytest.mark.parametrize("command", ["verify", "intents", "rebuild"])
def test_a_file_that_is_empty_holds_no_chats(command, tmp_path):
    (tmp_path / "chat.db").touch()
    result = run(command, "--database", f"sqlite:///{tmp_path / 'chat.db'}")
    assert result.exit_code == 2
    assert "there are no chats" in result.output


def test_verify_finds_a_changed_row(database, tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "chat.db") as connection:
        connection.execute("UPDATE intents SET status = 'active' WHERE user_chat_id = 'left-1'")
    connection.close()
    result = run("verify", "--database", database)
    assert result.exit_code == 1
    assert "table intents" in result.output
    assert result.output.endswith("1 problems\n")
    assert run("rebuild", "--database", database).output == "1 rows mended\n"
    assert run("verify", "--database", database).output == "whole\n"
    assert run("rebuild", "--database", database).output == "0 rows mended\n"


def test_verify_finds_a_damaged_page_that_no_query_of_ours_reads(database, tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "chat.db") as connection:
        connection.execute("CREATE TABLE unread (words)")
        connection.executemany("INSERT INTO unread VALUES (?)", [("x" * 1000,)] * 50)
        where = "SELECT rootpage FROM sqlite_master WHERE name = 'unread'"
        ((page,),) = connection.execute(where)
        ((size,),) = connection.execute("PRAGMA page_size")
    connection.close()
    with (tmp_path / "chat.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    result = run("verify", "--database", database)
    assert result.exit_code == 1, result.output


def test_doctor_says_what_is_well_and_what_is_not(database, tmp_path):
    well = run("doctor", "--database", database)
    assert well.exit_code == 0, well.output
    bad = run("doctor", "--database", f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    assert bad.exit_code == 1
    assert "BAD" in bad.output


def test_schema_prints_the_frames(tmp_path):
    schema = json.loads(run("schema").output)
    assert {"ClientFrame", "ControlFrame", "EventFrame"} <= set(schema["$defs"])


def test_a_bad_setting_is_named(monkeypatch):
    monkeypatch.setenv("CHATSTREAM_HEARTBEAT", "soon")
    result = run("doctor")
    assert result.exit_code == 2
    assert "CHATSTREAM_HEARTBEAT" in result.output


def test_a_misspelt_variable_is_told_once_by_every_tool(monkeypatch, database):
    monkeypatch.setenv("CHATSTREAM_ORIGNS", "https://shop.example")
    for command in (["verify", "--database", database], ["copy", database, f"{database}.copy"]):
        result = run(*command)
        assert result.exit_code == 0, result.output
        said = "CHATSTREAM_ORIGNS is no setting and has no effect; did you mean CHATSTREAM_ORIGINS?"
        assert result.stderr == f"chatstream: {said}\n"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_misspelt_variable_is_logged_once_when_a_server_starts(form, monkeypatch, tmp_path):
    monkeypatch.setenv("CHATSTREAM_RATELIMIT", "7")
    monkeypatch.setenv("CHATSTREAM_LOG", form)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "chatstream", "serve", "--port", str(port)],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    first, *others = ended.stderr.splitlines()
    assert "CHATSTREAM_RATELIMIT is no setting and has no effect" in first
    assert "WARNING" in first
    assert first.startswith("{") is (form == "json")
    assert not any("RATELIMIT" in line for line in others)


def test_an_agent_that_is_not_there_is_named():
    result = run("serve", "--agent", "no_such_module:agent", "--port", "0")
    assert result.exit_code == 2
    assert "no_such_module:agent" in result.output


def test_the_path_of_an_agents_file_is_answered_with_what_is_needed():
    result = run("serve", "--agent", "./my_agent.py:agent", "--port", "0")
    assert result.exit_code == 2
    assert "its module is needed, as in my_agent:agent" in result.output


@pytest.mark.parametrize("url", ["foo", "ftp://host", "http://"])
def test_what_is_no_address_is_said_and_not_tried_for_ever(url):
    result = run("chat", "--url", url)
    assert result.exit_code == 2
    assert result.output.startswith(f"chatstream: {url!r} is no address of a server")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = (", "'(' was never closed (broken_agent.py, line 1)"),
        ("y = 1\n1 / 0", "ZeroDivisionError: division by zero (broken_agent.py, line 2)"),
        ("import no_such_package", "No module named 'no_such_package'"),
    ],
)
def test_an_agent_whose_module_fails_is_named_with_the_reason(tmp_path, monkeypatch, source, said):
    (tmp_path / "broken_agent.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run("serve", "--agent", "broken_agent:agent", "--database", f"sqlite:///{tmp_path}/c")
    assert result.exit_code == 2
    assert result.output == f"chatstream: the agent 'broken_agent:agent' cannot be loaded: {said}\n"


def test_a_busy_port_is_said_with_what_to_do(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        result = run("serve", "--port", str(port), "--database", f"sqlite:///{tmp_path / 'c'}")
    assert result.exit_code == 2
    assert "Address already in use; stop what listens there, or take another" in result.output


def test_a_file_that_is_no_database_is_said_with_what_to_do(tmp_path):
    (tmp_path / "chat.db").write_text("no database at all")
    result = run("serve", "--port", "0", "--database", f"sqlite:///{tmp_path / 'chat.db'}")
    assert result.exit_code == 2
    assert "file is not a database; put a back-up in its place" in result.output


@pytest.mark.parametrize("url", ["chat.db", "mysql://x/y", "sqlite:///:memory:", "sqlite:///"])
def test_another_kind_of_database_is_answered_with_those_there_are(url):
    result = run("serve", "--port", "0", "--database", url)
    assert result.exit_code == 2
    assert "expected sqlite:///FILE, postgresql://… or postgres-embedded" in result.output


def test_a_replay_beyond_the_newest_event_is_refused(database):
    chat = lines("intents", "--database", database)[0]["user_chat_id"]
    result = run("replay", chat, "--at", "999", "--database", database)
    assert result.exit_code == 2
    assert "has only" in result.output


def test_a_second_server_on_one_file_is_refused_in_one_line(database, tmp_path):
    engine = SqliteEngine(tmp_path / "chat.db", all_tables())
    engine.open()
    try:
        result = run("serve", "--database", database, "--port", "0")
        assert result.exit_code == 2
        assert "is in use by another server process" in result.output
        assert result.output.count("\n") == 1
        assert run("verify", "--database", database).output == "whole\n"  # readers may look
    finally:
        engine.close()
