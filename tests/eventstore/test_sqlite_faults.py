"""The SQLite engine on disks that fail, in processes that die."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from tests.eventstore.contract import STORED, TABLES, A, append, bodies, work, write
from tests.faults.disks import failing, fill, needs_strace
from tests.faults.disks import small_disk as mounted

from chatstream.errors import ConfigurationError
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.ids import ChatId

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]


class WritingProcess:
    def __init__(self, path: Path, *prefix: str) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.eventstore.writing_process", path],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        assert self._process.stdout.readline() == "ready\n"

    @property
    def pid(self) -> int:
        return self._process.pid

    def store(self, text: str) -> str:
        self.send(text)
        return self.answer()

    def send(self, text: str) -> None:
        self._process.stdin.write(f"{text}\n")

    def answer(self) -> str:
        return self._process.stdout.readline().rstrip("\n")

    def bodies(self) -> list[str]:
        return json.loads(self.store("-"))

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        self._process.stdout.close()
        with suppress(BrokenPipeError):
            self._process.stdin.close()


@contextmanager
def writing(path: Path, *prefix: str) -> Iterator[WritingProcess]:
    process = WritingProcess(path, *prefix)
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path) as disk:
        yield disk


def test_a_full_disk_is_unavailable_until_there_is_room(small_disk):
    engine = SqliteEngine(small_disk / "chat.db", TABLES)
    engine.open()
    stored = ["one"]
    assert write(engine, append(A, 0, "one")) == [STORED]
    filler = fill(small_disk)
    failures = 0
    for number in range(50):
        text = f"{number} {'x' * 50_000}"
        (outcome,) = write(engine, append(A, len(stored), text))
        if outcome == STORED:
            stored.append(text)
        else:
            assert (outcome.code, outcome.doubtful) == ("unavailable", False)
            failures += 1
    assert failures > 40
    assert bodies(engine, A) == stored
    with pytest.raises(sqlite3.OperationalError, match="full"):
        engine.probe()
    filler.unlink()
    engine.probe()
    assert write(engine, append(A, len(stored), "there is room")) == [STORED]
    assert bodies(engine, A) == [*stored, "there is room"]
    engine.close()


def test_a_full_disk_lets_an_erasure_fail_whole(small_disk):
    engine = SqliteEngine(small_disk / "chat.db", TABLES)
    engine.open()
    texts = [f"{number} {'x' * 5_000}" for number in range(60)]
    write(engine, append(A, 0, *texts))
    filler = fill(small_disk)
    longer = append(A, 60, "erased", rewrite=lambda _, body: body + bytes(100_000))
    (outcome,) = write(engine, longer)
    assert outcome.code == "unavailable"
    assert bodies(engine, A) == texts
    filler.unlink()
    assert write(engine, append(A, 60, "erased", rewrite=lambda _, __: b"gone")) == [STORED]
    engine.close()


def test_a_read_only_disk_is_refused_at_the_start_and_can_be_read(small_disk):
    path = small_disk / "chat.db"
    engine = SqliteEngine(path, TABLES)
    engine.open()
    write(engine, append(A, 0, "one"))
    engine.close()
    path.with_name("chat.db.lock").unlink()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True, timeout=30)
    with pytest.raises(ConfigurationError, match=r"chat\.db.*Read-only"):
        SqliteEngine(path, TABLES).open()


@needs_strace
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EROFS"])
def test_a_write_that_fails_is_unavailable_until_it_works_again(tmp_path, error):
    with writing(tmp_path / "chat.db") as process:
        assert process.store("one") == "stored"
        with failing(process.pid, "pwrite64", error):
            assert {process.store(f"bad {number}") for number in range(3)} <= {
                "unavailable",
                "unavailable in doubt",
            }
        assert process.store("two") == "stored"
        assert process.bodies() == ["one", "two"]
        process.end()
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@needs_strace
def test_a_sync_that_fails_leaves_its_commit_in_doubt_and_acks_nothing(tmp_path):
    with writing(tmp_path / "chat.db") as process:
        assert process.store("one") == "stored"
        with failing(process.pid, "fdatasync", "EIO"):
            assert process.store("bad 0") == "unavailable in doubt"
            assert process.store("bad 1").startswith("unavailable")
            assert process.bodies() == ["one"]
        assert process.store("two") == "stored"
        assert process.bodies() == ["one", "two"]


@needs_strace
def test_after_a_failed_sync_all_that_was_acked_is_written_again_before_the_next_ack(tmp_path):
    path = tmp_path / "chat.db"
    with writing(path) as process:
        acked = [str(number) for number in range(20)]
        assert {process.store(text) for text in acked} == {"stored"}
        with failing(process.pid, "fdatasync", "EIO", when="1"):
            assert process.store("bad") == "unavailable in doubt"
        assert process.store("after") == "stored"
        # The file without its log: what was only in the log before the failure.
        shutil.copy(path, tmp_path / "alone.db")
        assert process.bodies() == [*acked, "after"]
    with closing(sqlite3.connect(tmp_path / "alone.db")) as connection:
        rows = connection.execute("SELECT state FROM stored_events ORDER BY rowid").fetchall()
    assert [row[0].decode() for row in rows][:20] == acked


@needs_strace
def test_what_was_in_doubt_is_the_same_after_a_crash(tmp_path):
    path = tmp_path / "chat.db"
    with writing(path) as process:
        process.store("one")
        with failing(process.pid, "fdatasync", "EIO", when="1"):
            assert process.store("doubtful") == "unavailable in doubt"
        seen = process.bodies()
        process.kill()
    with writing(path) as process:
        assert process.bodies() == seen
        assert process.store("two") == "stored"


@needs_strace
def test_an_ack_leaves_after_the_sync_of_what_it_acks(tmp_path):
    trace = tmp_path / "trace"
    calls = ("strace", "-f", "-o", str(trace), "-e", "trace=pwrite64,fdatasync,fsync,write")
    with writing(tmp_path / "chat.db", *calls) as process:
        assert {process.store(str(number)) for number in range(200)} == {"stored"}
        process.end()
    unsynced, acks = False, 0
    for line in trace.read_text().splitlines():
        if re.search(r"\bpwrite64\(", line):
            unsynced = True
        elif re.search(r"\bf(data)?sync\(.*= 0", line):
            unsynced = False
        elif 'write(1, "stored' in line:
            acks += 1
            assert not unsynced, f"ack {acks} left before the sync"
    assert acks == 200


def test_kill_9_loses_nothing_that_was_acked(tmp_path):
    path = tmp_path / "chat.db"
    chance = random.Random(9)
    acked: list[str] = []
    for cycle in range(8):
        with writing(path) as process:
            timer = threading.Timer(chance.uniform(0.005, 0.1), process.kill)
            timer.start()
            sent: list[str] = []
            try:
                for number in range(100_000):
                    sent.append(f"{cycle}.{number}")
                    if process.store(sent[-1]) != "stored":
                        break
                    acked.append(sent[-1])
            except (BrokenPipeError, ValueError):
                pass
            timer.join()
        with closing(sqlite3.connect(path)) as connection:
            stored = [
                row[0].decode()
                for row in connection.execute("SELECT state FROM stored_events ORDER BY rowid")
            ]
        # Stored without an ack is legal for the one that was on the way.
        assert stored[: len(acked)] == acked
        assert stored[len(acked) :] in ([], sent[-1:])
        acked = stored
    assert len(acked) > 8


def test_a_crashed_file_is_read_by_a_tool_without_a_server(tmp_path):
    path = tmp_path / "chat.db"
    with writing(path) as process:
        process.store("one")
        process.kill()
    tool = SqliteEngine(path, TABLES, read_only=True)
    tool.open()
    assert bodies(tool, A) == ["one"]
    tool.close()


def files_hold(folder: Path, text: bytes) -> list[str]:
    return [path.name for path in folder.iterdir() if text in path.read_bytes()]


SECRET = b"the password is swordfish"


def test_an_erasure_leaves_no_copy_in_any_file(tmp_path):
    engine = SqliteEngine(tmp_path / "chat.db", TABLES)
    engine.open()
    write(engine, append(A, 0, *[f"{SECRET.decode()} {number}" for number in range(300)]))
    assert files_hold(tmp_path, SECRET)
    write(engine, append(A, 300, "erased", rewrite=lambda _, __: b"{}"))
    assert files_hold(tmp_path, SECRET) == []
    engine.close()


def test_an_erasure_beside_a_long_reader_is_finished_later(tmp_path, monkeypatch):
    monkeypatch.setattr("chatstream.eventstore.sqlite.engine._SCRUB_AGAIN_SECONDS", 0.0)
    engine = SqliteEngine(tmp_path / "chat.db", TABLES)
    engine.open()
    write(engine, append(A, 0, SECRET.decode()))
    tool = sqlite3.connect(tmp_path / "chat.db", isolation_level=None)
    tool.execute("BEGIN")
    tool.execute("SELECT * FROM stored_events").fetchone()
    began = time.monotonic()
    assert write(engine, append(A, 1, "erased", rewrite=lambda _, __: b"{}")) == [STORED]
    assert time.monotonic() - began < 2.5
    tool.execute("ROLLBACK")
    tool.close()
    write(engine, append(A, 2, "later"))
    assert files_hold(tmp_path, SECRET) == []
    engine.close()


def test_an_erasure_that_a_crash_left_unfinished_is_finished_on_opening(tmp_path):
    path = tmp_path / "chat.db"
    with writing(path) as process:
        process.store(SECRET.decode())
        process.kill()
    # As a crash leaves it between the commit and the scrub: both forms are in the log.
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("UPDATE stored_events SET state = ?", (b"{}",))
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", tmp_path / f"crashed.db{suffix}")
    path.unlink()
    engine = SqliteEngine(tmp_path / "crashed.db", TABLES)
    engine.open()
    assert files_hold(tmp_path, SECRET) == []
    engine.close()


def test_no_page_keeps_a_copy_of_a_row_that_once_moved(tmp_path):
    chance = random.Random(1)
    chats = [ChatId(f"chat_{number:02d}") for number in range(60)]
    heads = dict.fromkeys(chats, 0)
    engine = SqliteEngine(tmp_path / "chat.db", TABLES)
    engine.open()
    for _ in range(600):
        chat_id = chance.choice(chats)
        slots = f"secret of {chat_id} {'x' * chance.randint(0, 300)}"
        change = work(chat_id, chance.randint(0, 3), chance.choice([slots, None]))
        text = f"secret of {chat_id} {'x' * chance.randint(300, 2500)}"
        write(engine, append(chat_id, heads[chat_id], text, changes=[change]))
        heads[chat_id] += 1
    chance.shuffle(chats)
    for chat_id in chats:
        gone = [work(chat_id, turn, None) for turn in range(4)]
        erasure = append(chat_id, heads[chat_id], "e", changes=gone, rewrite=lambda _, __: b"{}")
        assert write(engine, erasure) == [STORED]
        assert files_hold(tmp_path, f"secret of {chat_id}".encode()) == []
    engine.close()
