"""What people and agents wrote reaches no operator's terminal as a control sequence."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatstream.cli.main import main

# Every control character that can be stored, after a sequence that sets the clipboard.
CONTROLS = "".join(
    map(chr, [*range(1, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)
HOSTILE = f"\x1b]52;c;ZXZpbA==\x07{CONTROLS}\u200e\u200f\u061c\u2028end"
DIALOGUE = {
    "id": "hostile-1",
    "outcome": "abandoned",
    "turns": [
        {"speaker": "user", "text": HOSTILE},
        {"speaker": "thinking", "text": HOSTILE},
        {"speaker": "tool", "event": "call", "intent": HOSTILE, "slots": {HOSTILE: HOSTILE}},
        {"speaker": "tool", "event": "result", "result": HOSTILE},
        {"speaker": "ai", "text": HOSTILE},
    ],
}
PRINTED = "\t\n"


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A file whose one chat holds every control character, in all that can hold any."""
    source = tmp_path / "hostile.jsonl"
    source.write_text(json.dumps(DIALOGUE))
    url = f"sqlite:///{tmp_path / 'chat.db'}"
    arguments = ["import", str(source), "--user", "ann", "--database", url]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return url


def harmful(text: str) -> set[str]:
    return {one for one in text if not one.isprintable()} - set(PRINTED)


@pytest.mark.parametrize(
    "command",
    [
        ["replay", "hostile-1"],
        ["replay", "hostile-1", "--json"],
        ["history", "hostile-1"],
        ["intents"],
        ["verify"],
        ["doctor"],
        ["rebuild"],
        ["replay", HOSTILE],
        ["history", HOSTILE],
        ["export", HOSTILE],
    ],
)
def test_no_command_prints_a_control_character(command: list[str], database: str):
    result = CliRunner().invoke(main, [*command, "--database", database])
    assert result.output
    assert harmful(result.output) == set()


def test_a_transcript_has_one_line_an_event_that_no_text_can_forge(database: str):
    shown = CliRunner().invoke(main, ["replay", "hostile-1", "--database", database]).output
    positions = [line[:5] for line in shown.splitlines() if not line.startswith(" " * 28)]
    assert positions == [f"{number:>5}" for number in range(1, len(positions) + 1)]
    assert r"\x1b]52;c;ZXZpbA==\x07\x01" in shown


def test_json_lines_hold_the_same_values(database: str):
    frames = CliRunner().invoke(main, ["replay", "hostile-1", "--json", "--database", database])
    said = [json.loads(line).get("content") for line in frames.output.splitlines()]
    assert HOSTILE in said


def test_damage_is_told_without_control_characters(database: str, tmp_path: Path):
    with sqlite3.connect(tmp_path / "chat.db") as connection:
        connection.execute("UPDATE chats SET user_id = ?", (f"eve{HOSTILE}",))
    connection.close()
    result = CliRunner().invoke(main, ["verify", "--database", database])
    assert result.exit_code == 1
    assert harmful(result.output) == set()
    assert result.output.count("\n") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_an_export_has_its_stored_bytes_in_a_file_and_escapes_on_a_terminal(database: str):
    command = [sys.executable, "-m", "chatstream", "export", "--database", database]
    stored = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    assert "\x9b".encode() in stored
    shown = on_a_terminal(command)
    assert harmful(shown.replace("\r\n", "\n")) == set()
    assert json.loads(shown) == json.loads(stored)


def on_a_terminal(command: list[str]) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        read = b""
        with suppress(OSError):  # how a terminal tells that nobody writes to it any more
            while part := os.read(ours, 65536):
                read += part
        os.close(ours)
    return read.decode()
