"""PostgreSQL: acked messages and turns a second, and the way of a message between two nodes."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.client import Chat
from benchmarks.floors.bare_psycopg import batches, news
from benchmarks.lines.acks import acked_beside_each
from benchmarks.load import Sample, closed_loop, interleaved
from benchmarks.servers import Server, chatstream, chatstream_on, floor_on, on_every_core
from benchmarks.store import APPENDS, appended
from benchmarks.table import Line, Scale, median
from chatstream.eventstore.postgres.embedded import EmbeddedPostgres
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.projections.models import all_tables


async def measure(scale: Scale) -> list[Line]:
    with _postgres() as dsn:
        lines = await _store(scale, dsn)
        lines += await _producers(scale, dsn)
        lines += await _turns(scale, dsn)
        lines += await _between_nodes(scale, dsn)
    return lines


@contextmanager
def _postgres() -> Iterator[str]:
    above = Path(tempfile.mkdtemp(prefix="bench-postgres-"))
    above.chmod(0o755)
    server = EmbeddedPostgres(above / "data")
    with on_every_core():
        server.start()
    try:
        yield server.dsn
    finally:
        server.stop()
        shutil.rmtree(above)


def _new(dsn: str, name: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return dsn.replace("///postgres?", f"///{name}?")


async def _store(scale: Scale, dsn: str) -> list[Line]:
    """The store alone, in this process like its floors: what grouping commits gains, and what
    of a bare program's rate is left."""
    database, bare = _new(dsn, "store"), _new(dsn, "bare")
    ours: list[float] = []
    same: list[float] = []
    each: list[float] = []
    for number in range(scale.rounds):
        engine = PostgresEngine(database, all_tables("postgresql"))
        done, rows = await appended(engine, number, scale.seconds)
        ours.append(done / scale.seconds)
        same.append(await asyncio.to_thread(batches, bare, rows, scale.seconds))
        each.append(await asyncio.to_thread(batches, bare, 1, scale.seconds))
    return [
        Line(APPENDS, median(ours), median(each), "/s", "a commit each", ">=", 10, "PostgreSQL"),
        Line(
            APPENDS,
            median(ours),
            median(same),
            "/s",
            "bare psycopg",
            ">=",
            0.6,
            f"PostgreSQL; {rows} rows a batch",
        ),
    ]


async def _producers(scale: Scale, dsn: str) -> list[Line]:
    """As people see it, through sockets; each message starts and ends a turn."""
    servers = {
        "ours": chatstream_on(_new(dsn, "producers")).start(),
        "each": floor_on("each_commit_postgres", _new(dsn, "each")).start(),
    }
    note = "PostgreSQL; each starts and ends a turn"
    return [await acked_beside_each(servers, scale, note)]


async def _turns(scale: Scale, dsn: str) -> list[Line]:
    servers = {
        "postgres": chatstream_on(_new(dsn, "turns")).start(),
        "sqlite": chatstream().start(),
    }

    async def load(_: str, server: Server) -> Sample:
        return await closed_loop(server, 64, scale.seconds)

    samples = await interleaved(servers, scale.rounds, load)
    ours, floor = (median(sample.rate for sample in samples[name]) for name in servers)
    return [Line("turns, 64 chats, batch", ours, floor, "/s", "SQLite", "", 0, "PostgreSQL")]


async def _between_nodes(scale: Scale, dsn: str) -> list[Line]:
    database = _new(dsn, "nodes")
    nodes = [chatstream_on(database).start() for _ in range(2)]
    taken: list[float] = []
    try:
        one = await Chat(nodes[0].port).join()
        other = Chat(nodes[1].port, token=one.token)
        await other.join(one.chat_id)
        for _ in range(100 * scale.rounds):
            ended = one.until(b'"status":"finished"')
            seen = other.until(b'"type":"user"')
            began = time.perf_counter()
            one.say("quiet")
            await asyncio.wait_for(seen, 10)
            taken.append(1000 * (time.perf_counter() - began))
            await asyncio.wait_for(ended, 10)
    finally:
        for node in nodes:
            node.remove()
    bare = await asyncio.to_thread(news, database, 100 * scale.rounds)
    name = "sent to one node, seen by another's socket"
    return [Line(name, median(taken), bare, "ms", "LISTEN/NOTIFY", "<=", 3, "commits included")]
