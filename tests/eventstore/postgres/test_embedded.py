"""A PostgreSQL of one's own: started with its engine, stopped with it, its data kept."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.eventstore.contract import STORED, TABLES, A, append, bodies, write
from tests.kit.postgres import embedded
from tests.kit.server import Server

from chatstream.errors import ConfigurationError
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.postgres import embedded as postgres_embedded
from chatstream.eventstore.postgres.embedded import EmbeddedEngine, EmbeddedPostgres
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.projections.models import all_tables

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A folder with data; making one takes a second, and much more on a slow disk."""
    embedded()
    above = Path(tempfile.mkdtemp(prefix="chatstream-pg-"))
    above.chmod(0o755)  # the server's own user goes there too
    opened(above / "data").close()
    empty(above / "data")
    yield above / "data"
    shutil.rmtree(above)


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """``made``, with nothing in it and no server on it."""
    yield made
    empty(made)


def empty(folder: Path) -> None:
    """Leave nothing in it: whichever test comes first must find it as the others do."""
    server = EmbeddedPostgres(folder)
    server.start()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    server.stop()


def opened(folder: Path) -> EmbeddedEngine:
    engine = EmbeddedEngine(folder, TABLES)
    engine.open()
    return engine


def test_its_folder_and_the_lock_beside_it_are_their_owners_alone(folder):
    folder.chmod(0o750)
    opened(folder).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(f"{folder}.lock").stat().st_mode) == 0o600


def test_it_runs_while_its_engine_is_open_and_keeps_its_data(folder):
    engine = opened(folder)
    assert write(engine, append(A, 0, "one")) == [STORED]
    assert EmbeddedPostgres(folder).is_running()
    engine.close()
    assert not EmbeddedPostgres(folder).is_running()
    again = opened(folder)
    assert bodies(again, A) == ["one"]
    again.close()


def test_the_second_on_a_folder_uses_the_first_ones_server_and_leaves_it_running(folder):
    first = opened(folder)
    second = opened(folder)
    assert write(second, append(A, 0, "one")) == [STORED]
    second.close()
    assert bodies(first, A) == ["one"]
    first.close()


def test_a_server_that_its_process_left_behind_is_taken_over(folder):
    EmbeddedPostgres(folder).start()
    engine = opened(folder)
    assert write(engine, append(A, 0, "one")) == [STORED]
    engine.close()
    assert not EmbeddedPostgres(folder).is_running()


def test_a_crash_loses_nothing(folder):
    engine = opened(folder)
    write(engine, append(A, 0, "one"))
    EmbeddedPostgres(folder).stop("immediate")
    engine.close()
    again = opened(folder)
    assert bodies(again, A) == ["one"]
    again.close()


def test_only_its_own_user_reaches_it(folder):
    engine = opened(folder)
    with psycopg.connect(engine.dsn) as connection:
        (addresses,) = connection.execute("SHOW listen_addresses").fetchone()
    assert addresses == ""
    assert folder.stat().st_mode & 0o077 == 0
    engine.close()


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit"])
def test_a_server_that_acknowledges_too_early_is_refused(folder, setting):
    server = EmbeddedPostgres(folder)
    server.start(f"-c {setting}=off")
    with pytest.raises(ConfigurationError, match=f"{setting} = off"):
        PostgresEngine(server.dsn, TABLES).open()
    server.stop()


def test_what_cannot_start_says_why_and_is_no_longer_held(folder):
    engine = opened(folder)
    engine.close()
    (folder / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(ConfigurationError, match="no_such_setting"):
        opened(folder)
    (folder / "postgresql.conf").write_text("")
    opened(folder).close()


def test_where_there_is_none_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_embedded, "_installations", lambda: iter(()))
    with pytest.raises(ConfigurationError, match=r"chatstream-server\[postgres-embedded\]"):
        opened(tmp_path / "data")


def test_programs_that_cannot_be_run_are_passed_over_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_embedded, "_installations", lambda: iter([Path("/nowhere")]))
    with pytest.raises(ConfigurationError, match=r"/nowhere \(cannot be run\)"):
        opened(tmp_path / "data")


def test_the_data_of_another_version_are_left_alone(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("9\n")
    with pytest.raises(ConfigurationError, match="needs PostgreSQL 9"):
        opened(tmp_path / "data")


def test_a_path_that_is_too_long_for_a_socket_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="too long"):
        opened(tmp_path / ("long" * 30))


def test_root_without_another_user_is_refused(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(postgres_embedded, "_OTHER_USERS", ())
    with pytest.raises(ConfigurationError, match="root"):
        EmbeddedPostgres(Path("data"))


def test_the_setting_names_the_folder(tmp_path):
    named = engine_of(f"postgres-embedded:///{tmp_path}/data", all_tables)
    assert isinstance(named, EmbeddedEngine)
    assert str(tmp_path).replace("/", "%2F") in named.dsn
    unnamed = engine_of("postgres-embedded", all_tables)
    assert isinstance(unnamed, EmbeddedEngine)
    assert "chatstream-postgres" in unnamed.dsn


def test_serve_starts_it_and_ends_it(folder, tmp_path):
    server = Server(tmp_path, measured=True)
    server.database = f"postgres-embedded:///{folder}"
    server.start()
    assert EmbeddedPostgres(folder).is_running()
    server.terminate()
    assert server.exit_code() == 0
    assert not EmbeddedPostgres(folder).is_running()
