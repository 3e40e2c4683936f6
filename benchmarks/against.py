"""Two versions of the server side by side: rounds of both by turns, with the same client.

``python -m benchmarks --against COMMIT turns paced acks sockets start`` makes a work tree of that
commit with an environment of its own, and measures it and this check-out in alternating order.
On two shared cores less than 5 % is noise: the spread stands beside each median.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.client import joined
from benchmarks.lines.connections import Audience, come_back
from benchmarks.load import ACKED, closed_loop, open_loop
from benchmarks.servers import ROOT, THIS_TREE, Server, Tree, chatstream
from benchmarks.store import PRODUCERS
from benchmarks.table import Scale, machine, median, percentile, shown

ROUNDS_AT_LEAST = 9
LEAST_SECONDS = 1.0

Figures = dict[str, float]
Part = Callable[[Tree, Scale], Awaitable[Figures]]


@dataclass(frozen=True)
class Figure:
    """What a figure is of, and how its ratio to the other version may be at most or at least."""

    unit: str
    at_most: float | None = None


@dataclass
class Compared:
    """One figure of both versions: a value a round, in the order of the rounds."""

    name: str
    unit: str
    at_most: float | None
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return median(self.ours) / median(self.theirs) if median(self.theirs) else float("nan")

    @property
    def ratios(self) -> list[float]:
        """Of each round's pair, smallest first."""
        return sorted(a / b for a, b in zip(self.ours, self.theirs, strict=True) if b)

    @property
    def verdict(self) -> str:
        if self.at_most is None:
            return ""
        return "yes" if self.ratio <= self.at_most else "NO"


async def compare(commit: str, parts: list[str], scale: Scale) -> list[Compared]:
    """Measure the ``parts`` of this check-out and of ``commit``."""
    lines: dict[str, Compared] = {}
    rounds = max(ROUNDS_AT_LEAST, scale.rounds)
    with tree_of(commit) as theirs:
        for name in parts:
            measure, figures = PARTS[name]
            for number in range(rounds + 1):
                print(f"{name}: round {number} of {rounds}", file=sys.stderr)
                order = [(THIS_TREE, "ours"), (theirs, "theirs")]
                for tree, side in order if number % 2 == 0 else reversed(order):
                    for figure, value in (await measure(tree, scale)).items():
                        if number == 0:
                            continue  # the first one warms up: byte code, the disk's cache
                        about = figures[figure.split(", ")[0]]
                        line = lines.setdefault(figure, Compared(figure, about.unit, about.at_most))
                        getattr(line, side).append(value)
    return list(lines.values())


@contextmanager
def tree_of(commit: str) -> Iterator[Tree]:
    """A work tree of ``commit`` with what its own lock names installed."""
    home = Path(tempfile.mkdtemp(prefix="bench-against-"))
    tree = home / "tree"
    _run("git", "worktree", "add", "--detach", str(tree), commit, cwd=ROOT)
    try:
        print(f"installing {commit} ...", file=sys.stderr)
        _run("make", "--no-print-directory", ".venv/.installed-dev", cwd=tree)
        yield Tree(commit[:9], tree / ".venv/bin/python", tree / "src")
    finally:
        _run("git", "worktree", "remove", "--force", str(tree), cwd=ROOT)
        shutil.rmtree(home, ignore_errors=True)


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


# -- the parts: one round of one version ------------------------------------------------------


async def _turns(tree: Tree, scale: Scale) -> Figures:
    figures: Figures = {}
    seconds = max(LEAST_SECONDS, scale.seconds)
    server = chatstream(tree=tree).start()
    try:
        for chats in (1, 16, 64):
            sample = await closed_loop(server, chats, seconds)
            where = f", {chats} chats"
            figures["turns a second" + where] = sample.rate
            figures["CPU a turn" + where] = sample.cpu_ms_a_turn
            figures["written a turn" + where] = sample.written_kib_a_turn
            figures["first thinking step" + where] = median(sample.thinking_ms)
    finally:
        server.remove()
    return figures


async def _paced(tree: Tree, scale: Scale) -> Figures:
    server = chatstream(tree=tree).start()
    try:
        sample = await closed_loop(
            server, scale.paced_chats, 2 * scale.seconds, content="paced", warm_up=1.0
        )
    finally:
        server.remove()
    return {
        "CPU a paced turn": sample.cpu_ms_a_turn,
        "lag of a piece p99": percentile(sample.lag_ms, 0.99),
    }


async def _acks(tree: Tree, scale: Scale) -> Figures:
    server = chatstream(tree=tree).start()
    try:
        most = (await closed_loop(server, 64, scale.seconds)).rate
        calm = await open_loop(server, 64, most / 2, scale.seconds)
        acked = await closed_loop(server, PRODUCERS, scale.seconds, content="quiet", end_mark=ACKED)
    finally:
        server.remove()
    return {
        "ack p50 at half load": median(calm.ack_ms),
        "ack p99 at half load": percentile(calm.ack_ms, 0.99),
        "acked messages a second": acked.rate,
    }


async def _sockets(tree: Tree, scale: Scale) -> Figures:
    server = chatstream(tree=tree).start()
    try:
        return {
            "memory of an idle socket": await _kib_a_socket(server, scale),
            "turns seen a second": await _turns_seen(server, scale),
            f"back after kill -9, {scale.storm} clients": await _seconds_to_be_back(server, scale),
        }
    finally:
        server.remove()


async def _kib_a_socket(server: Server, scale: Scale) -> float:
    warm = await joined(server.port, 20, batch=True)
    before = server.usage().resident_bytes
    chats = await joined(server.port, scale.connections // 2, batch=True)
    await asyncio.sleep(0.5)
    kib = (server.usage().resident_bytes - before) / 1024 / len(chats)
    for chat in (*warm, *chats):
        chat.close()
    return kib


async def _turns_seen(server: Server, scale: Scale) -> float:
    audience = await Audience.of(server, scale.observers // 2, batch=True)
    await audience.turn()
    loop = asyncio.get_running_loop()
    began, turns = loop.time(), 4 * scale.rounds
    for _ in range(turns):
        await audience.turn()
    rate = turns * len(audience.chats) / (loop.time() - began)
    audience.close()
    return rate


async def _seconds_to_be_back(server: Server, scale: Scale) -> float:
    chats = await joined(server.port, scale.storm, batch=True)
    await asyncio.gather(*(chat.ask("instant") for chat in chats))
    return await come_back(server, chats)


async def _start(tree: Tree, _: Scale) -> Figures:
    figures: Figures = {}
    for name, agent in (("own agent", ("--agent", "benchmarks.agent:agent")), ("assistant", ())):
        server = chatstream(tree=tree, agent=agent)
        try:
            await asyncio.to_thread(server.start)
            figures[f"exec to ready, {name}"] = server.ready_seconds
        finally:
            server.remove()
    return figures


PARTS: dict[str, tuple[Part, dict[str, Figure]]] = {
    "turns": (
        _turns,
        {
            "turns a second": Figure("/s"),
            "CPU a turn": Figure("ms", 1.05),
            "written a turn": Figure("KiB"),
            "first thinking step": Figure("ms"),
        },
    ),
    "paced": (_paced, {"CPU a paced turn": Figure("ms", 1.05), "lag of a piece p99": Figure("ms")}),
    "acks": (
        _acks,
        {
            "ack p50 at half load": Figure("ms"),
            "ack p99 at half load": Figure("ms"),
            "acked messages a second": Figure("/s"),
        },
    ),
    "sockets": (
        _sockets,
        {
            "memory of an idle socket": Figure("KiB", 1.1),
            "turns seen a second": Figure("/s"),
            "back after kill -9": Figure("s", 1.1),
        },
    ),
    "start": (_start, {"exec to ready": Figure("s", 1.1)}),
}


# -- how it is told ---------------------------------------------------------------------------


def text_of(commit: str, lines: list[Compared]) -> str:
    """The table, as Markdown: medians, smallest and largest of the rounds, ratios of the pairs."""
    rows = [
        f"| what | now | {commit[:9]} | ratio of medians | pairs: least, middle, most | at most | |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for line in lines:
        ratios = line.ratios or [float("nan")]
        bound = "" if line.at_most is None else f"{line.at_most:g}"
        rows.append(
            f"| {line.name} | {_spread(line.ours)} {line.unit} | {_spread(line.theirs)} {line.unit}"
            f" | {line.ratio:.2f} | {ratios[0]:.2f}, {median(ratios):.2f}, {ratios[-1]:.2f}"
            f" | {bound} | {line.verdict} |"
        )
    return "\n".join(rows)


def _spread(values: list[float]) -> str:
    return f"{shown(median(values))} ({shown(min(values))} to {shown(max(values))})"


def write_json(path: Path, commit: str, lines: list[Compared]) -> None:
    """Every round of every figure."""
    rows = [{**asdict(line), "ratio": line.ratio, "verdict": line.verdict} for line in lines]
    path.write_text(json.dumps({"machine": machine(), "against": commit, "lines": rows}, indent=1))
