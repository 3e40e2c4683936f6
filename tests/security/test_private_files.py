"""Files with what people said, or with a secret, are their owner's alone, whatever the umask is."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from chatstream.errors import ConfigurationError
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.eventstore.store import Append, Stored
from chatstream.projections.models import all_tables
from chatstream.projections.remembered import SERVER_VALUES
from chatstream.security import private_files
from chatstream.security.local_key import local_key, local_key_path
from chatstream.security.private_files import keep_private, make_private, open_private

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes")


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: mode(path) for path in folder.iterdir()}


def opened(path: Path) -> SqliteEngine:
    """A database that is written to, so that it has everything that goes with it."""
    engine = SqliteEngine(path, all_tables())
    engine.open()
    assert engine.write([Append("", 0, (), (SERVER_VALUES.row("a", "b"),))]) == [Stored()]
    return engine


def test_a_new_database_and_all_that_lies_beside_it_are_their_owners(tmp_path):
    engine = opened(tmp_path / "chat.db")
    names = {"chat.db", "chat.db-wal", "chat.db-shm", "chat.db.lock"}
    assert modes(tmp_path) == dict.fromkeys(names, 0o600)
    engine.close()
    assert set(modes(tmp_path).values()) == {0o600}


def test_a_database_that_is_open_to_others_is_tightened_with_a_line_in_the_log(tmp_path, caplog):
    path = tmp_path / "chat.db"
    opened(path).close()
    reader = sqlite3.connect(path)  # keeps -wal and -shm over the next start
    reader.execute("SELECT * FROM server_values").fetchall()
    for one in tmp_path.iterdir():
        one.chmod(0o664)
    engine = opened(path)
    assert modes(tmp_path) == dict.fromkeys(modes(tmp_path), 0o600)
    assert "'-rw" not in caplog.text
    assert f"{str(path)!r} was open to other users" in caplog.text
    assert f"{str(path) + '-wal'!r} was open" in caplog.text
    engine.close()
    reader.close()


def test_a_database_that_vanished_is_made_anew_for_its_owner(tmp_path):
    path = tmp_path / "chat.db"
    engine = opened(path)
    engine._drop_writer()
    for one in tmp_path.glob("chat.db*"):
        one.unlink()
    engine._write_connection()
    assert mode(path) == 0o600
    engine.close()


def test_a_tool_that_reads_changes_no_mode(tmp_path):
    path = tmp_path / "chat.db"
    opened(path).close()
    path.chmod(0o640)
    reader = SqliteEngine(path, all_tables(), read_only=True)
    reader.open()
    reader.close()
    assert mode(path) == 0o640


def test_what_cannot_be_tightened_is_said_and_used(tmp_path, caplog, monkeypatch):
    def not_ours(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "file"
    path.touch(0o644)
    monkeypatch.setattr(Path, "chmod", not_ours)
    keep_private(path)
    assert "is open to other users of this machine: Operation not permitted" in caplog.text


def test_what_is_private_or_missing_is_left_alone(tmp_path, caplog):
    keep_private(tmp_path / "none")
    make_private(tmp_path / "file")
    keep_private(tmp_path / "file")
    assert not caplog.messages
    assert mode(tmp_path / "file") == 0o600


def test_nothing_is_done_where_modes_say_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch(0o644)
    monkeypatch.setattr(private_files.sys, "platform", "win32")
    keep_private(tmp_path / "file")
    assert mode(tmp_path / "file") == 0o644


def test_a_file_that_is_written_over_is_the_owners_from_then_on(tmp_path):
    path = tmp_path / "export.jsonl"
    path.write_text("what was there before, longer")
    path.chmod(0o644)
    with open_private(path) as file:
        file.write("é")
    assert (mode(path), path.read_text("utf-8")) == (0o600, "é")


def test_the_key_of_the_machine_is_made_once_for_its_owner(tmp_path):
    path = local_key_path(f"sqlite:///{tmp_path / 'chat.db'}")
    assert path == tmp_path / "chat.db.key"
    key = local_key(path)
    assert len(key) >= 32
    assert local_key(path) == key
    assert modes(tmp_path) == {"chat.db.key": 0o600}


def test_of_two_processes_that_make_the_key_both_take_the_first_ones(tmp_path, monkeypatch):
    path = tmp_path / "key"
    first = local_key(path)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # as it was a moment before
    assert local_key(path) == first
    assert modes(tmp_path) == {"key": 0o600}


def test_a_key_that_is_open_to_others_is_tightened(tmp_path, caplog):
    path = tmp_path / "key"
    local_key(path)
    path.chmod(0o644)
    local_key(path)
    assert mode(path) == 0o600
    assert "was open to other users" in caplog.text


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40])
def test_a_key_file_that_holds_no_key_is_said(tmp_path, content):
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="key"):
        local_key(path)


def test_a_key_that_cannot_be_made_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be used"):
        local_key(tmp_path / "none" / "key")


@pytest.mark.parametrize("database", ["postgresql://host/name", "postgres-embedded"])
def test_nodes_that_share_a_database_have_no_key_in_a_file(database):
    assert local_key_path(database) is None
