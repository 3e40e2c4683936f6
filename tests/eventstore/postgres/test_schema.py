"""The tables are made once, however many nodes start on an empty database at the same moment."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from tests.eventstore.contract import TABLES
from tests.kit.postgres import new_database

from chatstream.eventstore.migrations import MIGRATIONS, newest
from chatstream.eventstore.postgres.schema import ORDER_LOCK, begin

pytestmark = pytest.mark.postgres

WAITING = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def begin_on(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET default_transaction_isolation = 'repeatable read'")
        begin(connection, TABLES, MIGRATIONS)


async def test_nodes_that_waited_while_another_one_made_the_tables_find_them():
    dsn = new_database()
    with psycopg.connect(dsn) as first:
        # The others wait for this lock, which ``begin`` takes as well.
        first.execute("SELECT pg_advisory_xact_lock(%s)", (ORDER_LOCK,))
        others = [asyncio.create_task(asyncio.to_thread(begin_on, dsn)) for _ in range(3)]
        while first.execute(WAITING).fetchone() != (3,):  # noqa: ASYNC110 (another process waits)
            await asyncio.sleep(0.01)
        begin(first, TABLES, MIGRATIONS)
        first.commit()
        await asyncio.gather(*others)
        rows = first.execute("SELECT version, needs FROM chatstream_schema").fetchall()
    assert rows == [(newest(MIGRATIONS), newest(MIGRATIONS))]
