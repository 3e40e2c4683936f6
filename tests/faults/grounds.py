"""What a server's data lie on, and the harm that can be done to it from outside while it serves.

`CHATSTREAM_TEST_ENGINE` says which; `python -m tests.faults --engine` sets it.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import psycopg
from tests.faults.disks import locked
from tests.kit.postgres import own_server

from chatstream.eventstore.postgres.embedded import EmbeddedPostgres

LEASE_S: Final = 1.5
"""The turns of a dead server wait for its lease, and a campaign has many deaths."""


class Ground(Protocol):
    """A database for one campaign."""

    url: str
    settings: dict[str, object]

    async def harm(self, chance: random.Random) -> str:
        """Harm it for a while, in a way that it must survive; what was done."""
        ...


class SqliteGround:
    """A file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "chatstream.db"
        self.url = f"sqlite:///{self._path}"
        self.settings: dict[str, object] = {}

    async def harm(self, chance: random.Random) -> str:
        with locked(self._path):
            await asyncio.sleep(chance.uniform(0.2, 2.0))
        return "locked database"


class PostgresGround:
    """A PostgreSQL of the campaign's own."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self.url = server.dsn
        self.settings: dict[str, object] = {"NODE_LEASE": LEASE_S}

    async def harm(self, chance: random.Random) -> str:
        match chance.randrange(3):
            case 0:
                await asyncio.to_thread(self._server.stop, "immediate")
                await asyncio.to_thread(self._server.start)
                return "crashed database"
            case 1:
                end_connections(self.url)
                return "terminated connections"
            case _:
                await _lock_the_log(self.url, chance.uniform(0.2, 2.5))
                return "locked log"


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """A new, empty one of the engine that is tested."""
    if not is_postgres():
        yield SqliteGround(folder)
    else:
        with own_server() as server:
            yield PostgresGround(server)


def is_postgres() -> bool:
    """Whether PostgreSQL is the engine that is tested."""
    return os.environ.get("CHATSTREAM_TEST_ENGINE") == "postgres"


def end_connections(url: str) -> None:
    """Terminate every connection that a server of ours has to the database."""
    with psycopg.connect(url, autocommit=True) as outside:
        outside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND application_name = 'chatstream'"
        )


async def _lock_the_log(url: str, seconds: float) -> None:
    with psycopg.connect(url) as outside:
        # As a tool of its operator might; one that waits for us here would wait with the loop.
        outside.execute("SET lock_timeout = '1s'")
        with outside.transaction():
            outside.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
            await asyncio.sleep(seconds)
