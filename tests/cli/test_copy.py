"""Moving house: one database into another, whatever engine each is on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from tests.cli.test_commands import DIALOGUES
from tests.kit.postgres import drop_database, new_database
from tests.kit.server import SECRET, Server
from tests.kit.tokens import token_for

from chatstream.cli.main import main
from chatstream.client import ChatClient
from chatstream.config import Settings
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.mapper import erase
from chatstream.eventstore.store import Append, Failed, RowChange, Stored
from chatstream.maintenance import copy as copying
from chatstream.maintenance.reader import reading
from chatstream.projections.models import all_tables

pytestmark = pytest.mark.postgres
TABLES = ("server_values", "user_values", "remembered_commands", "timers", "turn_work", "intents")


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A file with chats, and rows that no event stands behind."""
    source = tmp_path / "dialogues.jsonl"
    source.write_text("".join(json.dumps(one) + "\n" for one in DIALOGUES))
    url = f"sqlite:///{tmp_path / 'old.db'}"
    assert run("import", str(source), "--database", url).exit_code == 0
    store_rows(
        url,
        RowChange("server_values", ("secret",), ("secret", "of the visitors")),
        RowChange("user_values", ("ada", "list"), ("ada", "list", '["milk"]')),
        RowChange("remembered_commands", ("done-1", "c9"), ("done-1", "c9", 7, "abc")),
        RowChange("turn_work", ("left-1",), ("left-1", "msg_1", 2, "local", 1)),
    )
    return url


@pytest.fixture
def new() -> Iterator[str]:
    dsn = new_database()
    yield dsn
    drop_database(dsn)


def store_rows(url: str, *changes: RowChange) -> None:
    store(url, Append("", 0, (), changes))


def store(url: str, append: Append) -> None:
    engine = engine_of(url, all_tables)
    engine.open()
    assert engine.write([append]) == [Stored()]
    engine.close()


def rows_of(url: str) -> dict[str, list]:
    with reading(Settings(database=url)) as reader:
        return {table: sorted(reader.fetch(f"SELECT * FROM {table}")) for table in TABLES}


def exported(url: str) -> list[str]:
    return sorted(run("export", "--database", url).output.splitlines())


def test_everything_moves_there_and_back_byte_for_byte(old, new, tmp_path):
    there = run("copy", old, new)
    assert there.exit_code == 0, there.output
    assert there.output.startswith("3 chats, ")
    back = f"sqlite:///{tmp_path / 'back.db'}"
    assert run("copy", new, back).exit_code == 0
    assert exported(old) == exported(new) == exported(back)
    assert rows_of(old) == rows_of(new) == rows_of(back)
    assert all(len(rows) > 0 for rows in rows_of(new).values())


def test_a_second_copy_writes_only_what_is_new(old, new):
    run("copy", old, new)
    again = run("copy", old, new)
    assert "(0 copied now): equal" in again.output
    store_rows(old, RowChange("user_values", ("ada", "list"), None))
    assert run("copy", old, new).exit_code == 0
    assert rows_of(old) == rows_of(new)


def test_rows_are_paired_a_page_at_a_time_whatever_their_keys(old, new, monkeypatch):
    monkeypatch.setattr(copying, "_ROWS_AT_ONCE", 2)
    users = ("b", "B", "a", "a b", "a-b", "ä", "é", "z", "ß", "😀", "\uffee", "_")
    store_rows(old, *(RowChange("user_values", (one, "n"), (one, "n", "1")) for one in users))
    run("migrate", "--database", new)
    stale = ("A", "b", "ä", "zz", "😁")
    store_rows(new, *(RowChange("user_values", (one, "n"), (one, "n", "0")) for one in stale))
    said = run("copy", old, new)
    assert said.exit_code == 0, said.output
    assert rows_of(old) == rows_of(new)
    assert len(rows_of(new)["user_values"]) == len(users) + 1


def test_a_copy_that_was_cut_short_goes_on_where_it_stopped(old, new, monkeypatch):
    monkeypatch.setattr(copying, "_EVENTS_AT_ONCE", 2)
    write = copying._Copying._write
    calls: list[int] = []

    def fail_soon(self) -> None:
        calls.append(1)
        if len(calls) > 3:
            raise copying.CopyFailed("the connection was lost")
        write(self)

    with monkeypatch.context() as trouble:
        trouble.setattr(copying._Copying, "_write", fail_soon)
        assert run("copy", old, new).exit_code == 2
    done = copying.copy(Settings(database=old), Settings(database=new))
    assert 0 < done.written < done.events
    assert exported(old) == exported(new)


def test_a_write_that_is_refused_is_said(old, new, monkeypatch):
    from chatstream.eventstore.postgres.engine import PostgresEngine

    failed = Failed("unavailable", doubtful=False, reason="no room")
    monkeypatch.setattr(PostgresEngine, "write", lambda self, batch: [failed for _ in batch])
    said = run("copy", old, new)
    assert said.exit_code == 2
    assert "no room" in said.output


def test_what_was_erased_since_the_first_try_is_erased_there_too(old, new):
    run("copy", old, new)
    with reading(Settings(database=old)) as reader:
        head = reader.state("done-1").position
    gone = RowChange("chats", ("done-1",), ("done-1", "imported", "erased", None, "2020"))
    store(old, Append("done-1", head, (), (gone,), rewrite=erase))
    assert "Wake me" not in run("export", "--database", old).output
    assert run("copy", old, new).exit_code == 0
    assert exported(old) == exported(new)
    assert "Wake me" not in run("export", "--database", new).output


def test_a_target_that_holds_something_else_is_told_from_a_copy(old, new, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({**DIALOGUES[0], "turns": DIALOGUES[1]["turns"]}) + "\n")
    assert run("import", str(other), "--database", new).exit_code == 0
    said = run("copy", old, new)
    assert said.exit_code == 2
    assert "chat 'done-1' has other events there" in said.output


def test_a_database_that_is_served_is_refused(old, new, tmp_path):
    engine = engine_of(old, all_tables)
    engine.open()
    said = run("copy", old, new)
    engine.close()
    assert (said.exit_code, "in use by another server" in said.output) == (2, True)
    run("migrate", "--database", new)
    store_rows(new, RowChange("nodes", ("node_1",), ("node_1", 2**53)))
    for source, target in ((old, new), (new, old)):
        said = run("copy", source, target)
        assert (said.exit_code, "1 servers run on" in said.output) == (2, True)


async def test_a_client_goes_on_at_the_new_server_where_it_stood_at_the_old_one(new, tmp_path):
    server = Server(tmp_path / "server", SECRET=SECRET)
    server.database = f"sqlite:///{tmp_path / 'served.db'}"
    old = server.database
    server.start()
    try:
        async with ChatClient(server.socket_url, token=token_for("ada")) as client:
            chat = await client.open()
            await chat.answer_to(await chat.send("echo before"))
            await chat.caught_up()
            held = chat.view.position
            server.terminate()
            assert server.exit_code() == 0
            await asyncio.to_thread(run, "copy", old, new)
            server.database = new
            server.start()
            client.retry_now()
            answer = await chat.answer_to(await chat.send("echo after"))
            assert "after" in answer.content
            assert chat.view.position > held
            assert (opens(server, "resumed"), opens(server, "resync")) == (1, 0)
    finally:
        server.kill()
    (before,), (after,) = ([json.loads(line)["events"] for line in exported(u)] for u in (old, new))
    assert before == after[:held]


def opens(server: Server, kind: str) -> int:
    """How many opens of a kind there were."""
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    counted = [line for line in lines if f'opens_total{{kind="{kind}"}}' in line]
    return sum(int(float(line.rpartition(" ")[2])) for line in counted)
