"""The commands of the guide to backing up, as they stand there, and what people see afterwards."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from tests.docs.pages import HOW_TO, blocks_below
from tests.faults.held import CHAT, first_of_a_stream, log_of, opened_after, say, verified
from tests.faults.line import Line, decode, http_client
from tests.faults.process import FaultyServer
from tests.kit.postgres import embedded

from chatstream.eventstore.postgres.embedded import EmbeddedPostgres

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

PAGE = HOW_TO / "back-up.md"
LEASE_S = 1.5
OF_THE_TEST = """
listen_addresses = ''
unix_socket_directories = '{folder}'
unix_socket_permissions = 0700
"""


def blocks_of(title: str) -> list[str]:
    """The blocks below a heading of the page."""
    return blocks_below(PAGE, f"## {title}")


class Place:
    """A PostgreSQL of the test's own and a folder for its back-ups."""

    def __init__(self, above: Path) -> None:
        self.server = EmbeddedPostgres(above / "data")
        self.backups = above / "backups"
        for folder in (above, self.backups, self.backups / "wal"):
            folder.mkdir(exist_ok=True)
            if self.server._account is not None:
                os.chown(folder, self.server._account.pw_uid, -1)

    def run(self, block: str, **names: str) -> None:
        """Carry out the words of the page, as the server's own user."""
        account = self.server._account
        done = subprocess.run(
            ["sh", "-eux", "-c", self.moved(block)],
            cwd="/",
            env={"PATH": f"{self.server._programs()}:{os.environ['PATH']}", **names},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            user=None if account is None else account.pw_uid,
            check=False,
        )
        assert done.returncode == 0, done.stderr + self.log_tail()

    def log_tail(self) -> str:
        """What PostgreSQL says of a restore."""
        path = self.server.folder / "restore.log"
        return path.read_text()[-3000:] if path.exists() else ""

    def moved(self, words: str) -> str:
        """The page's folder is ours."""
        return words.replace("/var/backups/chatstream", str(self.backups))

    def configure(self, words: str) -> None:
        """Put something into the server's settings and let them count."""
        with (self.server.folder / "postgresql.conf").open("a") as settings:
            settings.write(self.moved(words))
        self.server.stop()
        self.server.start()

    def ask(self, sql: str) -> str:
        with psycopg.connect(self.server.dsn, autocommit=True) as connection:
            answer = connection.execute(sql.encode())
            return str(answer.fetchone()[0]) if answer.description else ""


@pytest.fixture
def place() -> Iterator[Place]:
    embedded()  # skips where none can be had
    place = Place(Path(tempfile.mkdtemp(prefix="chatstream-pg-")))
    place.server.start()
    yield place
    if place.server.is_running():
        place.server.stop("immediate")
    shutil.rmtree(place.server.folder.parent)


async def leave_a_turn_running(server: FaultyServer) -> None:
    line = await Line.join(server.port)
    frame = {"type": "send", "id": "hanging", "user_chat_id": CHAT, "content": "hang on"}
    await line.send({"type": "open", "user_chat_id": CHAT})
    await line.send(frame)
    async for received, data in line.frames():
        if received.type == "thinking" and b'"caused_by":"hanging"' in data:
            break
    line.abort()


async def check_who_is_ahead(server: FaultyServer, kept: list[bytes], lost: list[bytes]) -> None:
    """The log is ``kept`` again, and goes on otherwise than it did."""
    assert (await log_of(server))[: len(kept)] == kept
    resync, events = await opened_after(server, lost[-1])
    assert resync.reason == "unknown_position"
    assert events[: len(kept)] == kept
    assert await first_of_a_stream(server, len(lost)) == "resync"
    while len(now := await log_of(server)) < len(lost):
        await say(server, "something else")
    resync, events = await opened_after(server, lost[-1])
    assert (resync.reason, events) == ("event_mismatch", now)
    assert await opened_after(server, kept[-1]) == (None, now[len(kept) :])
    assert b"of the lost time" not in b"".join(now)


@pytest.mark.postgres
async def test_a_dump_in_a_new_database_is_the_chats_of_that_moment(place, tmp_path):
    dump, restore = blocks_of("PostgreSQL: a dump")
    old = FaultyServer(tmp_path / "old", database=place.server.dsn, NODE_LEASE=LEASE_S)
    await old.up()
    try:
        await say(old, "one", "two")
        kept = await log_of(old)
        place.run(dump, DATABASE=place.server.dsn)
        await say(old, *["of the lost time"] * 2)
        lost = await log_of(old)
    finally:
        old.kill()
    place.ask("CREATE DATABASE restored")
    url = place.server.dsn.replace("/postgres?", "/restored?")
    place.run(restore, NEW_DATABASE=url)
    new = FaultyServer(tmp_path / "new", database=url, NODE_LEASE=LEASE_S)
    assert verified(new).returncode == 0
    await new.up()
    try:
        await check_who_is_ahead(new, kept, lost)
    finally:
        new.kill()
    assert verified(new).returncode == 0


@pytest.mark.postgres
async def test_a_point_in_time_has_its_chats_and_ends_its_turns(place, tmp_path):
    settings, base, go_back = blocks_of("PostgreSQL: any point in time")
    place.configure(OF_THE_TEST.format(folder=place.server.folder) + settings)
    server = FaultyServer(tmp_path, database=place.server.dsn, NODE_LEASE=LEASE_S)
    await server.up()
    try:
        await say(server, "one")
        place.run(base, DATABASE=place.server.dsn)
        # A server whose socket lies elsewhere than in its data has none there.
        (place.backups / "base" / ".s.PGSQL.5432.lock").unlink()
        await say(server, "two")
        await leave_a_turn_running(server)
        kept = await log_of(server)
        moment = place.ask("SELECT clock_timestamp()::text")
        async with http_client(server.port) as client:
            await client.post(f"/chats/{CHAT}/cancel", json={})
        await say(server, *["of the lost time"] * 3)
        lost = await log_of(server)
        server.kill()
        place.run(go_back, PGDATA=str(place.server.folder), MOMENT=moment)
        assert verified(server).returncode == 0
        await server.up()
        await check_who_is_ahead(server, kept, lost)
        turn = [data for data in await log_of(server) if b'"caused_by":"hanging"' in data]
        assert [decode(data).type for data in turn[-4:]] == ["turn", "thinking", "response", "turn"]
        assert b'"restarted"' in turn[-4]
        assert b'"finished"' in turn[-1]
    finally:
        server.kill()


async def test_a_copy_of_a_file_is_the_chats_of_that_moment(tmp_path):
    (statement,) = re.findall(r'"(VACUUM INTO .*?)"', PAGE.read_text())
    server = FaultyServer(tmp_path / "live")
    await server.up()
    try:
        await say(server, "one", "two")
        kept = await log_of(server)
        database = server.folder / "chatstream.db"
        with closing(sqlite3.connect(database)) as beside:
            beside.execute(statement.replace("copy.db", str(tmp_path / "copy.db")))
        await say(server, *["of the lost time"] * 2)
        lost = await log_of(server)
        server.kill()
        for name in ("chatstream.db-wal", "chatstream.db-shm"):
            (server.folder / name).unlink()
        shutil.move(tmp_path / "copy.db", database)
        await server.up()
        await check_who_is_ahead(server, kept, lost)
    finally:
        server.kill()
