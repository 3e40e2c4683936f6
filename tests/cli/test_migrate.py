"""``chatstream migrate`` and what ``doctor`` says of a schema."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from tests.kit.postgres import drop_database, new_database

from chatstream.cli.main import main
from chatstream.eventstore import migrations
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.eventstore.sqlite.engine import SqliteEngine

NEW = (migrations.Migration(2, before=("CREATE TABLE extra (id TEXT NOT NULL PRIMARY KEY)",)),)


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'chat.db'}"
    else:
        dsn = new_database()
        yield dsn
        drop_database(dsn)


@pytest.fixture
def of_a_new_version(monkeypatch):
    """From its call on, chatstream is one version further."""

    def go_on() -> None:
        for engine in (SqliteEngine, PostgresEngine):
            monkeypatch.setitem(engine.__init__.__kwdefaults__, "migrations", NEW)

    return go_on


def test_a_new_database_is_complete_at_once(url):
    said = run("doctor", "--database", url)
    assert "a server makes the database, with schema 1" in said.output
    assert run("migrate", "--database", url).output == "schema 1, complete\n"
    assert "schema 1 is complete" in run("doctor", "--database", url).output


def test_a_schema_is_begun_beside_old_servers_and_finished_after_them(url, of_a_new_version):
    run("migrate", "--database", url)
    of_a_new_version()
    before = run("doctor", "--database", url)
    assert before.exit_code == 0
    assert "a server of this version moves it on to 2" in before.output
    begun = run("migrate", "--database", url).output
    if url.startswith("postgres"):
        assert begun.startswith("schema 2, begun: servers that know schema 1 may still run")
        assert "is begun" in run("doctor", "--database", url).output
    finished = run("migrate", "--finish", "--database", url).output
    assert finished == "schema 2, complete\n"


def test_a_newer_schema_is_bad_news_for_old_code(url, monkeypatch):
    with monkeypatch.context() as later:
        for engine in (SqliteEngine, PostgresEngine):
            later.setitem(engine.__init__.__kwdefaults__, "migrations", NEW)
        run("migrate", "--finish", "--database", url)
    said = run("doctor", "--database", url)
    assert said.exit_code == 1
    assert "of a newer chatstream" in said.output
    refused = run("migrate", "--database", url)
    assert refused.exit_code == 2
    assert "update it" in refused.output


def test_a_newer_schema_is_not_copied_by_old_code_which_does_not_know_all_of_it(
    url, monkeypatch, tmp_path
):
    with monkeypatch.context() as later:
        for engine in (SqliteEngine, PostgresEngine):
            later.setitem(engine.__init__.__kwdefaults__, "migrations", NEW)
        run("migrate", "--finish", "--database", url)
    refused = run("copy", url, f"sqlite:///{tmp_path / 'target.db'}")
    assert refused.exit_code == 2
    assert "update it" in refused.output
    assert not (tmp_path / "target.db").exists()


def test_doctor_shows_no_password():
    said = run("doctor", "--database", "postgresql://ada:hunter2@127.0.0.1:1/x")
    assert said.exit_code == 1
    assert "hunter2" not in said.output


@pytest.mark.postgres
def test_doctor_names_what_makes_acks_worthless(url):
    if not url.startswith("postgres"):
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    said = run("doctor", "--database", url)
    assert said.exit_code == 1
    assert "synchronous_commit = off" in said.output
