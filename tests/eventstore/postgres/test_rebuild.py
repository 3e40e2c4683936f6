"""Tables are made anew while servers write: nothing goes back, nobody waits."""

from __future__ import annotations

import threading

import psycopg
import pytest
from click.testing import CliRunner
from tests.projections.test_projections import Recorded

from chatstream.cli.main import main
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.maintenance import rebuild as rebuilding
from chatstream.maintenance.reader import Reader
from chatstream.maintenance.verify import problems
from chatstream.projections.models import all_tables

pytestmark = pytest.mark.postgres


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


def test_rows_are_mended_beside_a_server_that_writes(database):
    chat = Recorded(PostgresEngine(database, all_tables("postgresql")))
    stop = threading.Event()

    def live() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            for action in ("send", "slots", "done", "new", "idle", "resume", "finish"):
                chat.act(action, number)
            stop.wait(0.1)

    writing = threading.Thread(target=live)
    writing.start()
    try:
        with psycopg.connect(database, autocommit=True) as connection:
            for _ in range(5):
                connection.execute("UPDATE intents SET title = 'wrong'")
                connection.execute("DELETE FROM sessions")
                connection.execute("INSERT INTO timers VALUES ('nobody', 'i', 'idle', '2026')")
                mended = run("rebuild", "--database", database)
                assert mended.exit_code == 0, mended.output
                orphans = "SELECT 1 FROM timers WHERE user_chat_id = 'nobody'"
                assert connection.execute(orphans).fetchall() == []
    finally:
        stop.set()
        writing.join()
    assert run("rebuild", "--database", database).output == "0 rows mended\n"
    assert list(problems(Reader(chat.engine))) == []
    chat.engine.close()


def test_a_chat_that_moves_meanwhile_is_looked_at_again(database, monkeypatch):
    chat = Recorded(PostgresEngine(database, all_tables("postgresql")))
    chat.send()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE intents SET title = 'wrong'")
    look_at, looks = rebuilding.look_at, []

    def look_and_move(reader, chat_id):
        look = look_at(reader, chat_id)
        looks.append(look.position)
        if len(looks) == 1:
            chat.finish("meanwhile")
        return look

    monkeypatch.setattr(rebuilding, "look_at", look_and_move)
    assert run("rebuild", "--database", database).exit_code == 0
    assert looks[1] > looks[0]
    assert list(problems(Reader(chat.engine))) == []
    chat.engine.close()


def test_a_chat_with_a_gap_is_named_and_left_alone(database):
    chat = Recorded(PostgresEngine(database, all_tables("postgresql")))
    chat.send()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM stored_events WHERE originator_version = 2")
    said = run("rebuild", "--database", database)
    assert said.exit_code == 2
    assert "position 3 follows 1" in said.output
    chat.engine.close()
