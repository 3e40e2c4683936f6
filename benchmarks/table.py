"""What was measured, as lines of a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal


@dataclass
class Line:
    """One figure beside its floor. ``bound`` is what the ratio must be at least or at most."""

    name: str
    ours: float
    floor: float
    unit: str
    floor_name: str
    sense: Literal[">=", "<=", ""] = ""
    bound: float = 0.0
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.floor if self.floor else float("nan")

    @property
    def verdict(self) -> str:
        if not self.sense:
            return ""
        reached = self.ratio >= self.bound if self.sense == ">=" else self.ratio <= self.bound
        return "yes" if reached else "NO"


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    name: str
    rounds: int
    seconds: float
    paced_chats: int
    long_events: int
    short_events: int
    missed_events: int
    connections: int
    observers: int
    stalled_observers: int
    storm: int
    starts: int


FULL = Scale("full", 5, 2.0, 300, 20_000, 20, 50_000, 2_000, 500, 100, 500, 5)
QUICK = Scale("quick", 2, 0.6, 100, 4_000, 20, 8_000, 500, 100, 100, 100, 2)


def median(values: Iterable[float]) -> float:
    return statistics.median(list(values) or [float("nan")])


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def text_of(lines: list[Line]) -> str:
    """The table, as Markdown."""
    rows = [
        "| what | chatstream | floor | | ratio | target | reached |",
        "|---|--:|--:|---|--:|--:|---|",
    ]
    for line in lines:
        target = f"{line.sense} {line.bound:g}" if line.sense else ""
        name = f"{line.name} ({line.note})" if line.note else line.name
        rows.append(
            f"| {name} | {shown(line.ours)} {line.unit} | {shown(line.floor)} {line.unit} |"
            f" {line.floor_name} | {line.ratio:.2f} | {target} | {line.verdict} |"
        )
    return "\n".join(rows)


def write_json(path: Path, lines: list[Line], scale: Scale) -> None:
    """Everything, with where and when."""
    rows = [{**asdict(line), "ratio": line.ratio, "verdict": line.verdict} for line in lines]
    path.write_text(
        json.dumps({"machine": machine(), "scale": asdict(scale), "lines": rows}, indent=1)
    )


def machine() -> dict[str, object]:
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def shown(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
