from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from tests.eventstore.contract import (
    CONFLICT,
    STORED,
    TABLES,
    A,
    B,
    EngineContract,
    append,
    bodies,
    everything,
    work,
    work_rows,
    write,
)
from tests.eventstore.pages import leaves, ruin, top_of

from chatstream.errors import ConfigurationError
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.eventstore.store import Engine, Failed, Outcome


@contextmanager
def opened(path: Path, **options) -> Iterator[SqliteEngine]:
    engine = SqliteEngine(path, TABLES, **options)
    engine.open()
    try:
        yield engine
    finally:
        engine.close()


class TestSqliteEngine(EngineContract):
    @contextmanager
    def fresh_engine(self) -> Iterator[Engine]:
        with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "x.db") as engine:
            yield engine

    @pytest.fixture
    def engine(self, tmp_path) -> Iterator[Engine]:
        with opened(tmp_path / "chat.db") as engine:
            yield engine


def test_a_damaged_page_fails_those_who_need_it_and_no_other_of_the_batch(tmp_path):
    chats = [f"chat_{number:04}" for number in range(6000)]
    with opened(tmp_path / "chat.db") as engine:
        write(engine, *(append(chat, 0, "one", changes=[work(chat, 1, "x")]) for chat in chats))
    pages = list(leaves(tmp_path / "chat.db", top_of(tmp_path / "chat.db", "work")))
    assert len(pages) > 2
    ruin(tmp_path / "chat.db", pages[0])  # new rows go to the last one
    with opened(tmp_path / "chat.db") as engine:
        chats = chats[:5] + chats[-5:]
        batch = [append(chat, 1, "two", changes=[work(chat, 1, "y")]) for chat in chats]
        stored, failed = outcomes_of(chats, write(engine, *batch))
        assert (stored, failed.keys()) == (set(chats[5:]), set(chats[:5]))
        assert all(
            (one.code, one.doubtful, one.spreads) == ("unavailable", False, False)
            for one in failed.values()
        )
        for chat in (chats[0], chats[-1]):
            assert bodies(engine, chat) == (["one", "two"] if chat in stored else ["one"])


def outcomes_of(chats: list[str], outcomes: list[Outcome]) -> tuple[set[str], dict[str, Failed]]:
    pairs = list(zip(chats, outcomes, strict=True))
    stored = {chat for chat, outcome in pairs if outcome == STORED}
    return stored, {chat: one for chat, one in pairs if isinstance(one, Failed)}


def test_what_was_stored_is_there_after_reopening(tmp_path):
    with opened(tmp_path / "chat.db") as engine:
        write(engine, append(A, 0, "one", "two", changes=[work(A, 1, "running")]))
    with opened(tmp_path / "chat.db") as engine:
        assert bodies(engine, A) == ["one", "two"]
        assert work_rows(engine) == [(A, 1, "running")]
        assert write(engine, append(A, 0, "x"), append(A, 2, "three")) == [CONFLICT, STORED]


def test_log_ids_are_never_handed_out_again(tmp_path):
    path = tmp_path / "chat.db"
    with opened(path) as engine:
        write(engine, append(A, 0, "one", "two"))
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM stored_events WHERE originator_version = 2")
    connection.close()
    with opened(path) as engine:
        write(engine, append(A, 1, "other"))
        assert [row.log_id for row in everything(engine, A)] == [1, 3]


def test_a_version_that_another_program_took_is_a_conflict_and_then_seen(tmp_path):
    path = tmp_path / "chat.db"
    with opened(path) as engine:
        write(engine, append(A, 0, "one"))
        with sqlite3.connect(path) as connection:
            connection.execute(
                "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
                " VALUES (?, 2, 'user.1', ?)",
                (A, b"from outside"),
            )
        connection.close()
        assert write(engine, append(A, 1, "two"), append(B, 0, "one")) == [CONFLICT, STORED]
        assert write(engine, append(A, 2, "three")) == [STORED]
        assert bodies(engine, A) == ["one", "from outside", "three"]


def test_a_second_server_is_refused_and_told_the_file(tmp_path):
    path = tmp_path / "chat.db"
    refused = pytest.raises(ConfigurationError, match=r"chat\.db.*another server process")
    with opened(path), refused:
        SqliteEngine(path, TABLES).open()
    with opened(path) as engine:
        assert write(engine, append(A, 0, "one")) == [STORED]


def test_a_second_server_is_refused_under_another_name_of_the_file(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "chat.db")
    with opened(tmp_path / "chat.db"), pytest.raises(ConfigurationError, match="another server"):
        SqliteEngine(tmp_path / "link.db", TABLES).open()


OTHER_SERVER = """
import sys
from chatstream.errors import ConfigurationError
from chatstream.eventstore.sqlite.engine import SqliteEngine
try:
    SqliteEngine(sys.argv[1], ()).open()
except ConfigurationError as error:
    print(error)
"""


def test_a_second_server_process_is_refused(tmp_path):
    path = tmp_path / "chat.db"
    with opened(path):
        answer = subprocess.run(
            [sys.executable, "-c", OTHER_SERVER, path],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    assert "in use by another server process" in answer.stdout
    assert str(path) in answer.stdout


def test_the_lock_does_not_outlive_its_process(tmp_path):
    path = tmp_path / "chat.db"
    holder = subprocess.Popen(
        [sys.executable, "-c", OTHER_SERVER + "print('held', flush=True); sys.stdin.read()", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigurationError):
            SqliteEngine(path, TABLES).open()
        holder.kill()
    with opened(path) as engine:
        assert write(engine, append(A, 0, "one")) == [STORED]


def test_a_tool_reads_beside_the_server_and_cannot_write(tmp_path):
    path = tmp_path / "chat.db"
    with opened(path) as engine:
        write(engine, append(A, 0, "one"))
        with opened(path, read_only=True) as tool:
            assert bodies(tool, A) == ["one"]
            write(engine, append(A, 1, "two"))
            assert bodies(tool, A) == ["one", "two"]
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                tool.fetch("DELETE FROM stored_events", ())
            (outcome,) = write(tool, append(A, 2, "x"))
            assert outcome.code == "unavailable"
            with pytest.raises(sqlite3.OperationalError, match="reading only"):
                tool.probe()


def test_a_tool_reads_without_a_server(tmp_path):
    path = tmp_path / "chat.db"
    with opened(path) as engine:
        write(engine, append(A, 0, "one"))
    with opened(path, read_only=True) as tool:
        assert bodies(tool, A) == ["one"]


@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_no_database_is_refused_by_name(tmp_path, read_only):
    (tmp_path / "notes.txt").write_text("buy milk\n" * 1000)
    with pytest.raises(ConfigurationError, match=r"notes\.txt.*not a database"):
        SqliteEngine(tmp_path / "notes.txt", TABLES, read_only=read_only).open()


def test_a_tool_makes_no_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"chat\.db"):
        SqliteEngine(tmp_path / "chat.db", TABLES, read_only=True).open()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere.*No such file"):
        SqliteEngine(tmp_path / "nowhere" / "chat.db", TABLES).open()


def test_a_path_may_hold_any_characters(tmp_path):
    path = tmp_path / "100% ?mode=memory #1 ż.db"
    with opened(path) as engine:
        write(engine, append(A, 0, "one"))
    assert path.exists()


def test_a_refused_start_leaves_the_lock_to_the_next(tmp_path):
    path = tmp_path / "chat.db"
    path.write_text("buy milk\n" * 1000)
    with pytest.raises(ConfigurationError):
        SqliteEngine(path, TABLES).open()
    path.unlink()
    with opened(path) as engine:
        assert write(engine, append(A, 0, "one")) == [STORED]


def test_the_engine_does_without_the_library(tmp_path):
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            OTHER_SERVER + "print([m for m in sys.modules if m.startswith('eventsourcing')])",
            tmp_path / "chat.db",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert loaded.stdout == "[]\n"


def test_a_locked_file_is_unavailable_soon_and_then_works_again(tmp_path):
    path = tmp_path / "chat.db"
    with opened(path) as engine:
        write(engine, append(A, 0, "one"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        (outcome,) = write(engine, append(A, 1, "two"))
        assert time.monotonic() - began < 2.5
        assert (outcome.code, outcome.doubtful) == ("unavailable", False)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            engine.probe()
        assert bodies(engine, A) == ["one"]
        other.execute("ROLLBACK")
        other.close()
        assert write(engine, append(A, 1, "two")) == [STORED]


def test_a_batch_waits_for_a_short_lock(tmp_path):
    path = tmp_path / "chat.db"
    with opened(path) as engine:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        Timer(0.1, other.execute, ["ROLLBACK"]).start()
        assert write(engine, append(A, 0, "one")) == [STORED]
        other.close()
