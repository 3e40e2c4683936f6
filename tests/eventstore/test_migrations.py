"""The schema moves from version to version: beside old servers, never past them, never back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from tests.eventstore.contract import STORED, TABLES, A, append, bodies, write
from tests.kit.postgres import drop_database, faults_of_starting_together, new_database

from chatstream.errors import ConfigurationError
from chatstream.eventstore.migrations import MIGRATIONS, Migration, newest
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.eventstore.store import Failed, SchemaState, StoredEngine

OLD: tuple[Migration, ...] = ()
NEW = (
    Migration(
        2,
        before=(
            "ALTER TABLE titles ADD COLUMN note TEXT",
            "CREATE TABLE extra (chat_id TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL)",
        ),
        after=("DROP TABLE seen",),
    ),
)
NEWER = (*NEW, Migration(3, before=("CREATE TABLE more (id TEXT NOT NULL PRIMARY KEY)",)))
FAILING = (Migration(2, before=("CREATE TABLE extra (id TEXT)", "ALTER TABLE none ADD x TEXT")),)


class Database:
    """One database, opened by servers of different versions."""

    def __init__(self, kind: str, url: object) -> None:
        self.kind = kind
        self.url = url

    def engine(self, migrations: Sequence[Migration]) -> StoredEngine:
        make = SqliteEngine if self.kind == "sqlite" else PostgresEngine
        return make(self.url, TABLES, migrations=migrations)

    @contextmanager
    def opened(self, migrations: Sequence[Migration]) -> Iterator[StoredEngine]:
        engine = self.engine(migrations)
        engine.open()
        try:
            yield engine
        finally:
            engine.close()


@pytest.fixture
def on_postgres() -> Iterator[Database]:
    dsn = new_database()
    yield Database("postgres", dsn)
    drop_database(dsn)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request, tmp_path) -> Database:
    if request.param == "sqlite":
        return Database("sqlite", tmp_path / "chat.db")
    return request.getfixturevalue("on_postgres")


def test_the_steps_have_one_version_each_without_a_gap():
    assert [step.version for step in MIGRATIONS] == list(range(2, newest(MIGRATIONS) + 1))


def test_a_new_database_has_the_newest_schema(database):
    engine = database.engine(NEW)
    assert engine.schema() == SchemaState(0, 0)
    engine.close()
    with database.opened(NEW) as engine:
        assert engine.schema() == SchemaState(2, 2)


def test_new_code_moves_an_old_schema_on_and_keeps_what_is_stored(database):
    with database.opened(OLD) as engine:
        write(engine, append(A, 0, "one"))
        assert engine.schema() == SchemaState(1, 1)
    with database.opened(NEW) as engine:
        assert engine.schema().version == 2
        assert engine.fetch("SELECT chat_id, count FROM extra", ()) == []
        assert engine.fetch("SELECT note FROM titles", ()) == []
        assert write(engine, append(A, 1, "two")) == [STORED]
        assert bodies(engine, A) == ["one", "two"]


def test_a_finished_migration_is_complete(database):
    with database.opened(OLD):
        pass
    with database.opened(NEWER) as engine:
        engine.finish_migration()
        assert engine.schema() == SchemaState(3, 3)
        with pytest.raises(Exception, match="seen"):
            engine.fetch("SELECT id FROM seen", ())


def test_old_code_does_not_start_on_what_it_may_not_write_to(database):
    with database.opened(NEW):
        pass
    with pytest.raises(ConfigurationError, match="newer version"), database.opened(OLD):
        pass
    with database.opened(NEW):  # nothing is held by who was refused
        pass


def test_a_step_that_fails_leaves_everything_as_it_was(database):
    with database.opened(OLD) as engine:
        write(engine, append(A, 0, "one"))
    with pytest.raises(ConfigurationError), database.opened(FAILING):
        pass
    with database.opened(OLD) as engine:
        assert engine.schema() == SchemaState(1, 1)
        assert bodies(engine, A) == ["one"]
    with database.opened(NEW):
        pass


@pytest.mark.postgres
def test_old_servers_go_on_beside_new_ones_until_the_end_and_not_beyond(on_postgres):
    with on_postgres.opened(OLD) as old, on_postgres.opened(NEW) as new:
        assert new.schema() == SchemaState(2, 1)
        assert write(old, append(A, 0, "one")) == [STORED]
        assert write(new, append(A, 1, "two")) == [STORED]
        with on_postgres.opened(OLD) as restarted:
            assert write(restarted, append(A, 2, "three")) == [STORED]
        new.finish_migration()
        assert write(old, append(A, 3, "four")) == [
            Failed("unavailable", doubtful=False, reason="OutdatedError")
        ]
        with pytest.raises(Exception, match="needs version 2"):
            old.probe()
        assert write(new, append(A, 3, "four")) == [STORED]
        assert bodies(new, A) == ["one", "two", "three", "four"]


@pytest.mark.postgres
def test_new_servers_may_start_together(on_postgres):
    with on_postgres.opened(OLD):
        pass
    assert faults_of_starting_together(lambda: on_postgres.opened(NEW)) == []


@pytest.mark.postgres
def test_finishing_twice_changes_nothing(on_postgres):
    with on_postgres.opened(OLD):
        pass
    with on_postgres.opened(NEW) as engine:
        engine.finish_migration()
        engine.finish_migration()
        assert engine.schema() == SchemaState(2, 2)
