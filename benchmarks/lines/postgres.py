"""PostgreSQL: acked messages and turns a second, and the way of a message between two nodes."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.client import Chat
from benchmarks.load import ACKED, Sample, closed_loop
from benchmarks.servers import ROOT, Server, chatstream, chatstream_on, floor_on, on_first_core
from benchmarks.table import Line, Scale, median
from chatstream.eventstore.postgres_embedded import EmbeddedPostgres

_PRODUCERS = 100


async def measure(scale: Scale) -> list[Line]:
    with _postgres() as dsn:
        lines = await _producers(scale, dsn)
        lines += await _turns(scale, dsn)
        lines += await _between_nodes(scale, dsn)
    return lines


@contextmanager
def _postgres() -> Iterator[str]:
    above = Path(tempfile.mkdtemp(prefix="bench-postgres-"))
    above.chmod(0o755)
    server = EmbeddedPostgres(above / "data")
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


async def _producers(scale: Scale, dsn: str) -> list[Line]:
    ours, each = _new(dsn, "producers"), _new(dsn, "each")
    servers = {
        "ours": chatstream_on(ours).start(),
        "each": floor_on("each_commit_postgres", each).start(),
    }
    samples: dict[str, list[Sample]] = {"ours": [], "each": []}
    events: list[float] = []
    bare: list[float] = []
    try:
        for _ in range(scale.rounds):
            for name, server in servers.items():
                before, began = _counted(server) if name == "ours" else (0, 0), time.perf_counter()
                sample = await closed_loop(
                    server, _PRODUCERS, scale.seconds, content="quiet", end_mark=ACKED
                )
                samples[name].append(sample)
                if name == "ours":
                    seconds = time.perf_counter() - began
                    stored, batches = (
                        after - old for after, old in zip(_counted(server), before, strict=True)
                    )
                    events.append(stored / seconds)
                    rows = max(1, round(stored / max(1, batches)))
                    bare.append(_bare(scale, "batches", each, str(rows), str(scale.seconds)))
    finally:
        for server in servers.values():
            server.remove()
    note = f"PostgreSQL; {rows} rows a batch"
    return [
        Line(
            f"acked messages, {_PRODUCERS} producers",
            median(sample.rate for sample in samples["ours"]),
            median(sample.rate for sample in samples["each"]),
            "/s",
            "a commit each",
            ">=",
            10,
            "PostgreSQL; each starts and ends a turn",
        ),
        Line("events stored", median(events), median(bare), "/s", "bare psycopg", ">=", 0.6, note),
    ]


def _counted(server: Server) -> tuple[float, float]:
    """Events and transactions so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        text = answer.read().decode()
    names = ("chatstream_events_total", "chatstream_batch_size_count")
    found = [re.search(rf"^{name} (\S+)$", text, re.MULTILINE) for name in names]
    return tuple(float(one[1]) if one else 0.0 for one in found)


def _bare(scale: Scale, *arguments: str) -> float:
    """What the bare program prints; it runs on the server's core."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.floors.bare_psycopg", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=on_first_core,
    )
    return float(done.stdout)


async def _turns(scale: Scale, dsn: str) -> list[Line]:
    servers = {
        "postgres": chatstream_on(_new(dsn, "turns")).start(),
        "sqlite": chatstream().start(),
    }
    samples: dict[str, list[Sample]] = {"postgres": [], "sqlite": []}
    try:
        for _ in range(scale.rounds):
            for name, server in servers.items():
                samples[name].append(await closed_loop(server, 64, scale.seconds))
    finally:
        for server in servers.values():
            server.remove()
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
    bare = _bare(scale, "news", database, str(100 * scale.rounds))
    name = "sent to one node, seen by another's socket"
    return [Line(name, median(taken), bare, "ms", "LISTEN/NOTIFY", "<=", 3, "commits included")]
