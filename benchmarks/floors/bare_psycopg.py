"""Bare psycopg on a PostgreSQL: the same batches of rows; the same news by NOTIFY."""

from __future__ import annotations

import statistics
import time

import psycopg

from benchmarks.store import BODY

TABLE = """CREATE TABLE IF NOT EXISTS floor_events (
    chat text COLLATE "C" NOT NULL, position bigint NOT NULL, topic text, state bytea,
    id bigserial, PRIMARY KEY (chat, position))"""
INSERT = """INSERT INTO floor_events (chat, position, topic, state)
    SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %b::bytea[])"""
CHATS = 100


def batches(dsn: str, rows: int, seconds: float) -> float:
    """Rows a second, one transaction for each ``rows`` of them."""
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(TABLE)
        connection.execute("CREATE INDEX IF NOT EXISTS floor_id ON floor_events (id)")
        connection.execute("TRUNCATE floor_events")
        done, until = 0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            numbers = range(done, done + rows)
            connection.execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
            connection.execute(
                INSERT,
                (
                    [f"chat_{number % CHATS}" for number in numbers],
                    list(numbers),
                    ["user.1"] * rows,
                    [BODY] * rows,
                ),
            )
            connection.execute("COMMIT")
            done += rows
    return done / seconds


def news(dsn: str, number: int) -> float:
    """The median of a row's way to another connection, its commit included."""
    with (
        psycopg.connect(dsn, autocommit=True) as listening,
        psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as writing,
    ):
        writing.execute(TABLE)
        writing.execute("TRUNCATE floor_events")
        listening.execute("LISTEN floor")
        taken: list[float] = []
        for position in range(number):
            began = time.perf_counter()
            with writing.transaction():
                writing.execute(INSERT, (["chat"], [position], ["user.1"], [BODY]))
                writing.execute("NOTIFY floor")
            next(listening.notifies(timeout=5, stop_after=1))
            taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)
