"""The fault suite in its short form: real servers that die, connections that break, planted bugs
that must be caught. `make faults` runs the long form."""

from __future__ import annotations

import pytest
from tests.faults.campaign import campaign, caught, scenario
from tests.faults.fsync_order import may_trace, traced
from tests.faults.mutants import BUGS
from tests.faults.process import FaultyServer

# What is not slow is part of ``make test``; ``make faults`` and ``pytest -m faults`` run it all.
pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
QUICK = ("no_dedupe", "reordered_sends")
needs_trace = pytest.mark.skipif(not may_trace(), reason="processes may not be traced here")


async def test_nothing_is_violated_by_kills_and_cuts(tmp_path):
    outcome = await campaign(tmp_path, seed=31, kills=3, cuts=8)
    assert outcome.violations == []
    assert outcome.acked > 50
    assert sum(outcome.kills.values()) == 3
    assert sum(outcome.cuts.values()) == 8


async def test_commits_whose_report_is_lost_violate_nothing(tmp_path):
    assert (await scenario(tmp_path, ("doubt=25:4",), seed=32)).violations == []


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in BUGS]
)
async def test_a_planted_bug_is_caught(tmp_path, name):
    if BUGS[name].by_trace and not may_trace():
        pytest.skip("processes may not be traced here")
    assert await caught(tmp_path, name, seed=33)


@needs_trace
async def test_every_ack_leaves_after_the_sync_that_covers_it(tmp_path):
    order = await traced(tmp_path)
    assert (order.early, order.acks) == ([], 60)


@needs_trace
async def test_without_a_sync_every_ack_is_early(tmp_path):
    assert len((await traced(tmp_path, "synchronous_normal", sends=3)).early) == 12


@needs_trace
@pytest.mark.parametrize("nth", [30, pytest.param(60, marks=pytest.mark.slow)])
async def test_a_kill_inside_the_sync_violates_nothing(tmp_path, monkeypatch, nth):
    first = ("strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync")
    die = ("-e", f"inject=fdatasync:signal=SIGKILL:when={nth}")
    up = FaultyServer.up
    starts: list[str] = []

    async def up_traced_at_first(self: FaultyServer, seams: str | None = None) -> None:
        self.prefix_command = () if starts else (*first, *die)
        starts.append(self.seams)
        await up(self, seams)

    monkeypatch.setattr(FaultyServer, "up", up_traced_at_first)
    outcome = await scenario(tmp_path, ("", ""), seed=34)
    assert outcome.violations == []
    assert len(starts) == 2
