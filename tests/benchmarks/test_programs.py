"""The benchmarks run to their end, in a size that measures nothing."""

from __future__ import annotations

import math
import os
from contextlib import nullcontext

import pytest
from benchmarks.__main__ import PARTS
from benchmarks.peers.environments import is_installed
from benchmarks.servers import THIS_TREE
from benchmarks.table import Scale, text_of

from benchmarks import against

TINY = Scale(
    name="tiny",
    rounds=1,
    seconds=0.05,
    paced_chats=4,
    long_events=60,
    short_events=20,
    missed_events=100,
    connections=10,
    observers=5,
    stalled_observers=10,
    storm=5,
    starts=1,
)


@pytest.fixture(autouse=True)
def _lines_of_the_servers_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are killed before they could tell, and counting takes half as long again."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", PARTS)
async def test_each_part_gives_its_lines(part):
    if part == "peers" and not is_installed():
        pytest.skip("the peers' environments are not installed: `make bench ARGS=peers` does it")
    lines = await PARTS[part](TINY)
    assert lines
    assert all(math.isfinite(line.ours) for line in lines)
    assert text_of(lines).count("\n") == len(lines) + 1


@pytest.mark.timeout(300)
async def test_two_versions_are_measured_by_turns_and_compared(monkeypatch):
    monkeypatch.setattr(against, "ROUNDS_AT_LEAST", 1)
    monkeypatch.setattr(against, "LEAST_SECONDS", 0.05)
    # The same version twice: another one's environment takes a minute to install.
    monkeypatch.setattr(against, "tree_of", lambda _: nullcontext(THIS_TREE))
    lines = await against.compare("eea0346", ["turns", "start"], TINY)
    assert [len(line.ours) for line in lines] == [len(line.theirs) for line in lines]
    assert {line.name for line in lines if line.at_most} >= {
        "CPU a turn, 16 chats",
        "CPU a turn, 64 chats",
        "exec to ready, assistant",
    }
    assert all(math.isfinite(line.ratio) for line in lines if line.theirs[0])
    assert against.text_of("eea0346", lines).count("\n") == len(lines) + 1
