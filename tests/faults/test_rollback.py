"""A database that went back in time: who is ahead of it is told so, and never shown another
history as if it were the same."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import pytest
from tests.faults.checker import check
from tests.faults.held import CHAT, first_of_a_stream, log_of, opened_after, say, verified
from tests.faults.history import CaughtUp, History, Reading, Saw
from tests.faults.line import decode
from tests.faults.process import FaultyServer
from tests.kit.server import SECRET
from tests.kit.tokens import token_for

from chatstream.client import ChatClient

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.glob("chatstream.db*") if not path.name.endswith(".lock")]


def put_back(copy: Path, folder: Path) -> None:
    for path in files_of(folder):
        path.unlink()
    for path in files_of(copy):
        shutil.copy(path, folder)


def page_frames(wal: bytes) -> tuple[int, int]:
    """The size of a frame of the write-ahead log, and how many it has."""
    frame = int.from_bytes(wal[8:12], "big") + 24
    return frame, (len(wal) - 32) // frame


async def test_after_a_restore_clients_that_are_ahead_start_anew(tmp_path):
    server, copy = FaultyServer(tmp_path / "live"), tmp_path / "copy"
    copy.mkdir()
    await server.up()
    try:
        await say(server, "one", "two")
        kept = await log_of(server)
        server.kill()
        for path in files_of(server.folder):
            shutil.copy(path, copy)
        await server.up()
        await say(server, "three")
        lost = await log_of(server)
        server.kill()
        put_back(copy, server.folder)
        await server.up()
        resync, events = await opened_after(server, lost[-1])
        assert (resync.reason, events) == ("unknown_position", kept)
        assert await first_of_a_stream(server, len(lost)) == "resync"
        await say(server, "other three", "other four")
        now = await log_of(server)
        resync, events = await opened_after(server, lost[-1])
        assert (resync.reason, events) == ("event_mismatch", now)
        resync, events = await opened_after(server, kept[-1])
        assert (resync, events) == (None, now[len(kept) :])
        server.kill()
        assert verified(server).returncode == 0
    finally:
        server.kill()


async def test_the_python_client_drops_what_a_restore_took(tmp_path):
    server, copy = FaultyServer(tmp_path / "live"), tmp_path / "copy"
    copy.mkdir()
    await server.up()
    token = token_for("worker", secret=SECRET)
    try:
        await say(server, "one")
        server.kill()
        for path in files_of(server.folder):
            shutil.copy(path, copy)
        await server.up()
        async with ChatClient(server.socket_url, token=token) as client:
            chat = await client.open(CHAT)
            await chat.answer_to(await chat.send("quick lost"))
            server.kill()
            put_back(copy, server.folder)
            await server.up()
            client.retry_now()
            answer = await chat.answer_to(await chat.send("quick kept"))
            assert answer.content.endswith("quick kept")
            text = b"".join(await log_of(server))
            assert b"quick kept" in text
            assert b"quick lost" not in text
            assert "quick lost" not in repr(chat.view)
    finally:
        server.kill()


async def test_a_flipped_bit_in_the_log_never_changes_history_silently(tmp_path):
    server = FaultyServer(tmp_path)
    await server.up()
    try:
        await say(server, *(f"message {number}" for number in range(12)))
        held = await log_of(server)
        server.kill()
        wal_path = tmp_path / "chatstream.db-wal"
        wal = bytearray(wal_path.read_bytes())
        frame_bytes, frames = page_frames(wal)
        wal[32 + frame_bytes * (frames // 2) + 600] ^= 1
        wal_path.write_bytes(wal)
        with closing(sqlite3.connect(f"file:{tmp_path}/chatstream.db?mode=ro", uri=True)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        await server.up()
        # What is left may end within a turn, which then goes on.
        kept = list(takewhile(lambda event: b'"restarted"' not in event, await log_of(server)))
        assert len(kept) < len(held)
        assert kept == held[: len(kept)]
        resync, events = await opened_after(server, held[-1])
        assert resync.reason == "unknown_position"
        assert events[: len(kept)] == kept
        await say(server, *(f"another {number}" for number in range(12)))
        now = await log_of(server)
        assert len(now) >= len(held)
        resync, events = await opened_after(server, held[-1])
        assert (resync.reason, events) == ("event_mismatch", now)
        items = [*(Saw(decode(data).position, data) for data in events), CaughtUp(len(now))]
        assert not check(History(log={CHAT: now}, readings=[Reading("r", CHAT, items)]))
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("DELETE FROM stored_events WHERE originator_version = 4", "position 5 follows 3"),
        ("DELETE FROM chats", "table chats"),
        ("UPDATE intents SET name = 'other'", "table intents"),
    ],
)
async def test_verify_finds_what_is_wrong(tmp_path, harm, found):
    server = FaultyServer(tmp_path)
    await server.up()
    try:
        await say(server, "one", "two!")
    finally:
        server.kill()
    assert verified(server).returncode == 0
    with closing(sqlite3.connect(tmp_path / "chatstream.db", isolation_level=None)) as raw:
        raw.execute(harm)
    result = verified(server)
    assert result.returncode != 0
    assert found in result.stdout + result.stderr


async def test_verify_finds_a_flipped_bit_in_the_file(tmp_path):
    server = FaultyServer(tmp_path)
    await server.up()
    try:
        await say(server, *(f"message {number}" for number in range(5)))
    finally:
        server.kill()
    with closing(sqlite3.connect(tmp_path / "chatstream.db", isolation_level=None)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "chatstream.db"
    stored = bytearray(path.read_bytes())
    at = stored.index(b'"evt_')
    page = at - at % 4096
    stored[page] ^= 0x08  # the kind of the page
    path.write_bytes(stored)
    result = verified(server)
    assert result.returncode != 0
    assert "cannot be read" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
