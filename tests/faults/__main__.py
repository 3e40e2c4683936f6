"""`python -m tests.faults`: kill, cut, misbehave and plant, and print what came of it.

Exit code 0 where nothing was violated or noticed and every planted bug was caught.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults import misbehaving
from tests.faults.campaign import Outcome, campaign, caught
from tests.faults.fsync_order import Order, may_trace, traced
from tests.faults.grounds import is_postgres
from tests.faults.misbehaving_agents import DEADLY, KINDS
from tests.faults.mutants import BUGS


def main() -> int:
    """The long form."""
    options = _options()
    os.environ["CHATSTREAM_TEST_ENGINE"] = options.engine
    with tempfile.TemporaryDirectory(prefix="chatstream-faults-") as folder:
        return asyncio.run(_run(Path(folder), options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    engine = os.environ.get("CHATSTREAM_TEST_ENGINE", "sqlite")
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default=engine)
    parser.add_argument("--cycles", type=int, default=100, help="how often the server is killed")
    parser.add_argument("--cuts", type=int, default=300, help="how many connections are harmed")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10_000)
    parser.add_argument(
        "--misbehaviours", type=int, default=3, help="how often each kind of misbehaviour is tried"
    )
    parser.add_argument("--bugs", default="all", help="planted bugs: all, none, or names")
    return parser.parse_args()


async def _run(folder: Path, options: argparse.Namespace) -> int:
    harm = f"{options.cycles} kills, {options.cuts} cuts"
    print(f"seed {options.seed} on {options.engine}: {harm}", flush=True)
    (folder / "campaign").mkdir()
    outcome = await campaign(
        folder / "campaign", seed=options.seed, kills=options.cycles, cuts=options.cuts
    )
    _print_outcome(outcome)
    noticed = await _misbehave(folder, options)
    order = await _fsync_order(folder)
    missed = await _plant(folder, options)
    return int(bool(outcome.violations or noticed or missed or (order and order.early)))


def _print_outcome(outcome: Outcome) -> None:
    rows = {
        "kill -9 cycles": f"{sum(outcome.kills.values())}  ({_counted(outcome.kills)})",
        "connection faults": f"{sum(outcome.cuts.values())}  ({_counted(outcome.cuts)})",
        "other troubles": f"{sum(outcome.troubles.values())}  ({_counted(outcome.troubles)})",
        "commands acked": outcome.acked,
        "sent again": outcome.resent,
        "events observed": outcome.observed,
        "violations": len(outcome.violations),
        "recovery, kill to next ack": _spread(outcome.recoveries_s),
        "start, exec to ready": _spread(outcome.starts_s),
    }
    for name, value in rows.items():
        print(f"{name:28} {value}", flush=True)
    for one in outcome.violations[:20]:
        print(f"  {one.kind}: {one.chat}: {one.what}")


def _spread(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds):.1f} s, max {max(seconds):.1f} s" if seconds else ""


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{times} {kind}" for kind, times in kinds.most_common())


async def _misbehave(folder: Path, options: argparse.Namespace) -> list[str]:
    """What anybody noticed of agents that misbehave."""
    beside = await misbehaving.campaign(
        folder / "misbehaving", rounds=options.misbehaviours, seed=options.seed
    )
    fatal = [await misbehaving.deaths(folder / name, name) for name in DEADLY]
    noticed = [*beside.violations, *(one for death in fatal for one in death.violations)]
    rows = {
        "agents that misbehaved": f"{beside.tried} ({len(KINDS)} kinds)",
        "innocent turns beside them": f"{beside.answered}, slowest {beside.slowest_s:.2f} s,"
        f" while one blocked {beside.slowest_blocked_s:.2f} s",
        "ends of the process": f"{sum(one.deaths for one in fatal)} by {len(DEADLY)} kinds",
        "that anybody noticed": len(noticed),
    }
    for name, value in rows.items():
        print(f"{name:28} {value}", flush=True)
    for one in noticed:
        print(f"  {one}")
    return noticed


async def _fsync_order(folder: Path) -> Order | None:
    if is_postgres() or not may_trace():
        why = "PostgreSQL syncs itself" if is_postgres() else "processes may not be traced here"
        print(f"{'acks before their fsync':28} SKIPPED: {why}")
        return None
    (folder / "trace").mkdir()
    order = await traced(folder / "trace")
    print(f"{'acks before their fsync':28} {len(order.early)} of {order.acks}", flush=True)
    return order


async def _plant(folder: Path, options: argparse.Namespace) -> list[str]:
    """The names of the planted bugs that nothing showed."""
    names = {"all": list(BUGS), "none": []}.get(options.bugs, options.bugs.split(","))
    missed: list[str] = []
    skipped = 0
    for name in names:
        if BUGS[name].by_trace and (is_postgres() or not may_trace()):
            skipped += 1
            continue
        (folder / name).mkdir()
        shown = await caught(folder / name, name, options.seed)
        print(f"  {name:26} {BUGS[name].what}: {f'caught, {shown[0]}' if shown else 'MISSED'}")
        sys.stdout.flush()
        missed += [] if shown else [name]
    tried = len(names) - skipped
    print(f"{'planted bugs caught':28} {tried - len(missed)} of {tried}, {skipped} not tried")
    return missed


if __name__ == "__main__":
    sys.exit(main())
