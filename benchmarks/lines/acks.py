"""How soon an ack comes, and how many a second."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import closing

from benchmarks.floors.storing import INSERT, connect
from benchmarks.load import ACKED, Sample, closed_loop, interleaved, open_loop
from benchmarks.servers import Server, chatstream, floor
from benchmarks.store import APPENDS, BODY, PRODUCERS, appended
from benchmarks.table import Line, Scale, median, percentile
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.projections.models import all_tables


async def measure(scale: Scale) -> list[Line]:
    return [await _at_half_load(scale), await _store(scale), await _producers(scale)]


async def _store(scale: Scale) -> Line:
    ours: list[float] = []
    each: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        for number in range(scale.rounds):
            engine = SqliteEngine(f"{home}/ours.db", all_tables("sqlite"))
            done, _ = await appended(engine, number, scale.seconds)
            ours.append(done / scale.seconds)
            each.append(await asyncio.to_thread(_committed_each, home, scale.seconds))
    return Line(APPENDS, median(ours), median(each), "/s", "a commit each", ">=", 10)


def _committed_each(home: str, seconds: float) -> float:
    with closing(connect(home)) as connection:
        done, until = 0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            connection.execute(INSERT, ("chat", done, "user", BODY))
            done += 1
    return done / seconds


async def _at_half_load(scale: Scale) -> Line:
    server = chatstream().start()
    slowest, syncs = list[float](), list[float]()
    try:
        most = (await closed_loop(server, 64, scale.seconds)).rate
        for _ in range(scale.rounds):
            syncs += _sync_ms()
            sample = await open_loop(server, 64, most / 2, scale.seconds)
            slowest.append(percentile(sample.ack_ms, 0.99))
    finally:
        server.remove()
    # Five times the disk's own, or 50 ms, whichever is more.
    bound_ms = max(5 * percentile(syncs, 0.99), 50.0)
    note = f"fdatasync p99 {percentile(syncs, 0.99):.1f} ms"
    name = "ack p99, 64 chats, half load"
    return Line(name, median(slowest), bound_ms, "ms", "bound", "<=", 1.0, note)


def _sync_ms(number: int = 200) -> list[float]:
    """What this disk takes to sync 8 KiB that were appended."""
    taken: list[float] = []
    with tempfile.TemporaryFile() as file:
        for _ in range(number):
            began = time.perf_counter()
            file.write(b"x" * 8192)
            file.flush()
            os.fdatasync(file.fileno())
            taken.append(1000 * (time.perf_counter() - began))
    return taken


async def _producers(scale: Scale) -> Line:
    servers = {"ours": chatstream().start(), "each": floor("each_commit").start()}
    note = "each starts and ends a turn: 3 to 5 events"
    return await acked_beside_each(servers, scale, note)


async def acked_beside_each(servers: dict[str, Server], scale: Scale, note: str) -> Line:
    """Messages acked by ``ours`` beside ``each``, interleaved; the servers are removed."""

    async def load(_: str, server: Server) -> Sample:
        return await closed_loop(server, PRODUCERS, scale.seconds, content="quiet", end_mark=ACKED)

    samples = await interleaved(servers, scale.rounds, load)
    ours, each = (median(one.rate for one in samples[name]) for name in ("ours", "each"))
    name = f"acked messages, {PRODUCERS} producers"
    return Line(name, ours, each, "/s", "a commit each", ">=", 10, note)
