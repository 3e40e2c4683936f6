"""Turns a second, what a turn costs, and answers at the pace of a model."""

from __future__ import annotations

from collections import defaultdict

from benchmarks.load import Sample, closed_loop, interleaved
from benchmarks.servers import Server, chatstream, floor
from benchmarks.table import Line, Scale, median, percentile

# At so many chats: of B with batch, of A with batch, of B without.
_TARGETS = {1: (1.0, 0.0, 0.9), 16: (1.1, 0.65, 0.9), 64: (1.1, 0.65, 0.9)}
Samples = dict[tuple[str, int], list[Sample]]


async def measure(scale: Scale) -> list[Line]:
    servers = {
        "A": floor("bare").start(),
        "B": floor("committed").start(),
        "C": floor("merged").start(),
        "batch": chatstream().start(),
    }
    servers["plain"] = servers["batch"]
    try:
        samples = await _samples(servers, scale)
    finally:
        for server in servers.values():
            server.remove()
    return [line for chats in _TARGETS for line in _lines(samples, chats)]


async def _samples(servers: dict[str, Server], scale: Scale) -> Samples:
    samples: Samples = defaultdict(list)
    for _ in range(scale.rounds):
        for chats in _TARGETS:
            for name, server in servers.items():
                sample = await closed_loop(server, chats, scale.seconds, batch=name == "batch")
                samples[name, chats].append(sample)
    return samples


def _lines(samples: Samples, chats: int) -> list[Line]:
    def rate(name: str) -> float:
        return median(sample.rate for sample in samples[name, chats])

    def cpu(name: str) -> float:
        return median(sample.cpu_ms_a_turn for sample in samples[name, chats])

    def thinking(name: str) -> float:
        return median(median(sample.thinking_ms) for sample in samples[name, chats])

    def written(name: str) -> float:
        return median(sample.written_kib_a_turn for sample in samples[name, chats])

    of_b, of_a, plain_of_b = _TARGETS[chats]
    where = f"{chats} chats" if chats > 1 else "1 chat"
    lines = [
        Line(f"turns, {where}, batch", rate("batch"), rate("B"), "/s", "B", ">=", of_b),
        Line(
            f"turns, {where}, batch",
            rate("batch"),
            rate("A"),
            "/s",
            "A",
            ">=" if of_a else "",
            of_a,
        ),
        Line(f"turns, {where}, batch", rate("batch"), rate("C"), "/s", "C"),
        Line(f"turns, {where}, no batch", rate("plain"), rate("B"), "/s", "B", ">=", plain_of_b),
        Line(f"CPU a turn, {where}", cpu("batch"), cpu("B"), "ms", "B", "<=", 0.8),
        Line(f"written a turn, {where}", written("batch"), 50.0, "KiB", "bound", "<=", 1.0),
    ]
    if chats == 64:
        lines.append(
            Line(
                "first thinking step, 64 chats",
                thinking("batch"),
                thinking("B"),
                "ms",
                "B",
                "<=",
                2,
            )
        )
    return lines


async def measure_paced(scale: Scale) -> list[Line]:
    """A piece every 20 ms in each of many chats."""
    servers = {"A": floor("bare").start(), "batch": chatstream().start()}

    async def load(name: str, server: Server) -> Sample:
        return await closed_loop(
            server,
            scale.paced_chats,
            2 * scale.seconds,
            batch=name == "batch",
            content="paced",
            warm_up=1.0,
        )

    samples = await interleaved(servers, max(1, scale.rounds - 2), load)
    ours, bare = samples["batch"], samples["A"]
    where = f"{scale.paced_chats} paced chats"
    return [
        Line(
            f"CPU a turn, {where}",
            median(sample.cpu_ms_a_turn for sample in ours),
            median(sample.cpu_ms_a_turn for sample in bare),
            "ms",
            "A",
            "<=",
            1.2,
        ),
        Line(
            f"lag of a piece p99, {where}",
            median(percentile(sample.lag_ms, 0.99) for sample in ours),
            median(percentile(sample.lag_ms, 0.99) for sample in bare),
            "ms",
            "A",
            "<=",
            3,
        ),
    ]
