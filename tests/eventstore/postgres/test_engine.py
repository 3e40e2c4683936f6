from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict, make_conninfo
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
    write,
)
from tests.kit.postgres import as_url, embedded, faults_of_starting_together, new_database

from chatstream.errors import ConfigurationError
from chatstream.eventstore.log import EventStore
from chatstream.eventstore.postgres import connections as postgres_connections
from chatstream.eventstore.postgres import engine as postgres
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.eventstore.postgres.schema import ORDER_LOCK
from chatstream.eventstore.store import Append, Engine, Failed, NewEvent

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def shared_database() -> str:
    return new_database()


@contextmanager
def opened(dsn: str) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(dsn, TABLES)
    engine.open()
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def emptied(dsn: str) -> Iterator[PostgresEngine]:
    with opened(dsn) as engine:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("TRUNCATE stored_events, work, seen, titles RESTART IDENTITY")
        yield engine


class TestPostgresEngine(EngineContract):
    @pytest.fixture(autouse=True)
    def _on(self, shared_database: str) -> None:
        type(self).dsn = shared_database

    @contextmanager
    def fresh_engine(self) -> Iterator[Engine]:
        with emptied(self.dsn) as engine:
            yield engine

    @pytest.fixture
    def engine(self, _on: None) -> Iterator[Engine]:
        with self.fresh_engine() as engine:
            yield engine


def identified(chat_id, expected, event_id) -> Append:
    body = b'{"event_id":"%b"}' % event_id.encode()
    return Append(chat_id, expected, (NewEvent("user.1", body, event_id),))


class LosesTheAnswer:
    """A connection whose next COMMIT is carried out, and whose reply never comes."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, sql, *arguments):
        if sql != "COMMIT":
            return self._connection.execute(sql, *arguments)
        self._connection.execute(sql)
        self._connection.close()
        raise psycopg.OperationalError("the connection was lost")

    @property
    def broken(self) -> bool:
        return self._connection.closed

    def __getattr__(self, name: str):
        return getattr(self._connection, name)


def test_two_engines_write_one_chat_without_a_gap(database):
    with opened(database) as one, opened(database) as other:
        assert write(one, append(A, 0, "one")) == [STORED]
        assert write(other, append(A, 0, "other"), append(A, 1, "two")) == [CONFLICT, STORED]
        assert write(one, append(A, 1, "late")) == [CONFLICT]
        assert bodies(one, A) == bodies(other, A) == ["one", "two"]


def test_a_commit_whose_answer_was_lost_is_known_by_its_events(database):
    with opened(database) as engine:
        write(engine, identified(A, 0, "evt_1"))
        engine._writer = LosesTheAnswer(engine._writer)
        batch = [identified(A, 1, "evt_2"), identified(A, 0, "evt_9"), identified(B, 0, "evt_3")]
        assert engine.write(batch) == [STORED, CONFLICT, STORED]
        assert [len(everything(engine, chat)) for chat in (A, B)] == [2, 1]


def test_a_write_survives_its_terminated_backend(database):
    with opened(database) as engine, psycopg.connect(database, autocommit=True) as other:
        for position in range(20):
            assert write(engine, append(A, position, str(position))) == [STORED]
            end_backends(other)
        assert len(bodies(engine, A)) == 20


def test_who_holds_the_order_up_is_waited_for_and_then_refused(database):
    with opened(database) as engine, psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (ORDER_LOCK,))
        began = time.monotonic()
        (outcome,) = write(engine, append(A, 0, "one"))
        assert isinstance(outcome, Failed)
        assert (outcome.code, outcome.doubtful) == ("unavailable", False)
        assert time.monotonic() - began < 3
        other.rollback()
        assert write(engine, append(A, 0, "one")) == [STORED]


def test_a_read_that_waits_for_the_table_is_cancelled_and_leaves_nothing_behind(
    database, monkeypatch
):
    monkeypatch.setattr(postgres_connections, "_LONGEST_READ_SECONDS", 0.2)
    with opened(database) as engine, psycopg.connect(database) as other:
        write(engine, append(A, 0, "one"))
        assert bodies(engine, A) == ["one"]
        other.execute("LOCK TABLE stored_events IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.QueryCanceled):
            engine.read(A, 0, 10, None)
        with pytest.raises(psycopg.errors.QueryCanceled), engine._connect():
            pass
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"
        assert other.execute(waiting).fetchall() == []
        other.rollback()
        assert bodies(engine, A) == ["one"]


def test_a_statement_that_takes_too_long_stores_nothing(database):
    with opened(database) as engine, psycopg.connect(database, autocommit=True) as other:
        write(engine, append(A, 0, "one"))
        other.execute(
            """CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;
            CREATE TRIGGER slow BEFORE INSERT ON stored_events
                FOR EACH ROW EXECUTE FUNCTION slow()"""
        )
        (outcome,) = write(engine, append(A, 1, "two"))
        assert outcome == Failed("unavailable", doubtful=False, reason="QueryCanceled")
        other.execute("DROP TRIGGER slow ON stored_events")
        assert write(engine, append(A, 1, "two")) == [STORED]
        assert bodies(engine, A) == ["one", "two"]


@pytest.fixture
def poor_user(database) -> Iterator[str]:
    """The URL of ``database`` for a user who is no superuser."""
    name = f"poor_{conninfo_to_dict(database)['dbname'][-12:]}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
        connection.execute(f"GRANT ALL ON SCHEMA public TO {name}")
    yield as_url(make_conninfo(database, user=name, password="secret"))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def test_who_gets_no_connection_is_refused_and_tries_again_later(database, poor_user):
    with opened(poor_user) as engine, psycopg.connect(database, autocommit=True) as other:
        assert write(engine, append(A, 0, "one")) == [STORED]
        user = conninfo_to_dict(poor_user)["user"]
        other.execute(f"ALTER ROLE {user} CONNECTION LIMIT 0")
        end_backends(other)
        (outcome,) = write(engine, append(A, 1, "two"))
        assert isinstance(outcome, Failed)
        assert outcome.code == "unavailable"
        with pytest.raises(psycopg.OperationalError):
            engine.read(A, 0, 10, None)
        other.execute(f"ALTER ROLE {user} CONNECTION LIMIT -1")
        assert write(engine, append(A, 1, "two")) == [STORED]
        assert bodies(engine, A) == ["one", "two"]


def test_a_backend_that_stands_still_holds_nobody_up_for_long(database, monkeypatch):
    embedded()  # its processes are ours to stop
    monkeypatch.setattr(postgres, "_HANGING_SECONDS", 0.5)
    with opened(database) as engine:
        write(engine, append(A, 0, "one"))
        pid = engine._writer.info.backend_pid
        os.kill(pid, signal.SIGSTOP)
        try:
            assert write(engine, append(B, 0, "one")) == [STORED]
        finally:
            os.kill(pid, signal.SIGCONT)
        assert bodies(engine, A) == bodies(engine, B) == ["one"]


def end_backends(connection: psycopg.Connection) -> None:
    """Terminate everybody else's."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


def test_log_ids_become_visible_in_order(database):
    """Without the lock a reader of ``id > last`` would miss some."""
    seen: list[int] = []
    done = threading.Event()

    def write_many(chat_id):
        with opened(database) as engine:
            for position in range(60):
                assert write(engine, append(chat_id, position, str(position))) == [STORED]

    def tail():
        with psycopg.connect(database, autocommit=True) as connection:
            last = 0
            while True:
                is_last = done.is_set()
                rows = connection.execute(
                    "SELECT notification_id FROM stored_events WHERE notification_id > %s"
                    " ORDER BY 1",
                    (last,),
                ).fetchall()
                seen.extend(row[0] for row in rows)
                last = seen[-1] if seen else 0
                if is_last:
                    return

    with opened(database):
        threads = [threading.Thread(target=write_many, args=(f"chat_{n}",)) for n in range(4)]
        reader = threading.Thread(target=tail)
        for thread in [reader, *threads]:
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        reader.join()
    assert len(seen) == 240


@pytest.mark.parametrize("setting", ["synchronous_commit"])
def test_a_server_that_acknowledges_too_early_is_refused(database, setting):
    with psycopg.connect(database, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET {setting} = off')
    with pytest.raises(ConfigurationError, match=setting):
        PostgresEngine(database, TABLES).open()


async def test_who_asks_for_the_health_is_not_told_where_the_database_is(caplog):
    store = EventStore(PostgresEngine("postgresql://somebody@127.0.0.1:1/nothing", TABLES))
    assert await store.probe() == "the database cannot be reached"
    assert "127.0.0.1" in caplog.text
    await store.close()


def test_no_server_is_a_configuration_error_that_shows_no_password():
    engine = PostgresEngine("postgresql://user:hunter2@127.0.0.1:1/nothing", TABLES)
    with pytest.raises(ConfigurationError) as caught:
        engine.open()
    assert "hunter2" not in str(caught.value)


def test_nodes_may_start_together(database):
    assert faults_of_starting_together(lambda: opened(database)) == []


def test_a_stock_recorder_of_the_library_reads_the_log(database):
    with opened(database) as engine:
        write(engine, append(A, 0, "one", "two"))
        parts = conninfo_to_dict(database)
        datastore = PostgresDatastore(
            dbname=parts["dbname"],
            host=parts["host"],
            port=parts.get("port") or "5432",
            user=parts["user"],
            password=parts.get("password") or "",
            originator_id_type="text",
        )
        recorder = PostgresApplicationRecorder(datastore)
        try:
            events = recorder.select_events(A)
            assert [(e.originator_version, e.state) for e in events] == [(1, b"one"), (2, b"two")]
            ids = [n.id for n in recorder.select_notifications(None, 10)]
            assert ids == [row.log_id for row in everything(engine, A)]
        finally:
            datastore.close()
