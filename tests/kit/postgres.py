"""A PostgreSQL for tests: the one of CHATSTREAM_TEST_DSN, or one from a wheel or this machine.

Each test that asks for a database gets a new, empty one.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from chatstream.errors import ConfigurationError
from chatstream.eventstore.postgres.embedded import EmbeddedPostgres


@functools.cache
def server_dsn() -> str:
    """The URL of a running server; skips the test, aloud, where there is none."""
    return os.environ.get("CHATSTREAM_TEST_DSN") or embedded().dsn


@functools.cache
def embedded() -> EmbeddedPostgres:
    """A server of one's own, which may be stopped and killed; ends with this process. Skips
    where a server was given, or none can be had."""
    if "CHATSTREAM_TEST_DSN" in os.environ:
        pytest.skip("a server of one's own is needed, and CHATSTREAM_TEST_DSN names another")
    # Under the system's folder, which the server's own user can reach too.
    folder = Path(tempfile.mkdtemp(prefix="chatstream-pg-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "data")
    try:
        server.start()
    except ConfigurationError as error:
        pytest.skip(f"no PostgreSQL: {error}; or set CHATSTREAM_TEST_DSN")
    atexit.register(_remove, server)
    return server


@contextmanager
def own_server(above: Path | None = None) -> Iterator[EmbeddedPostgres]:
    """A server for one test or module, to be stopped, killed and set otherwise at will; its data
    lie in a folder of ``above``."""
    embedded()  # skips where none can be had
    above = above or Path(tempfile.mkdtemp(prefix="chatstream-pg-"))
    above.chmod(0o755)
    server = EmbeddedPostgres(above / "data")
    server.start()
    try:
        yield server
    finally:
        _remove(server)


def _remove(server: EmbeddedPostgres) -> None:
    if server.is_running():
        server.stop("immediate")
    shutil.rmtree(server.folder.parent, ignore_errors=True)  # a mounted one stays


def new_database() -> str:
    """The URL of a new, empty database."""
    name = f"chatstream_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_dsn(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return as_url(make_conninfo(server_dsn(), dbname=name))


def drop_database(dsn: str) -> None:
    """Drop a database of ``new_database``, whoever is connected to it."""
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(server_dsn(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def as_url(conninfo: str) -> str:
    """A connection string as the URL that the settings take."""
    from urllib.parse import urlencode

    given = psycopg.conninfo.conninfo_to_dict(conninfo)
    return f"postgresql:///{given.pop('dbname')}?{urlencode(given)}"


def faults_of_starting_together(opened: Callable[[], AbstractContextManager[object]]) -> list[str]:
    """What went wrong where five servers opened one database at once."""
    faults: list[str] = []

    def start() -> None:
        try:
            with opened():
                pass
        except Exception as error:  # noqa: BLE001
            faults.append(repr(error))

    threads = [threading.Thread(target=start) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults
