"""The suite in its short form; and that it finds what it is there to find."""

from __future__ import annotations

import asyncio

import pytest
from tests.hostile import guest, planted, suite, words
from tests.hostile.case import Case
from tests.hostile.run import Campaign, Kind, p99
from tests.hostile.server import HostileServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def test_nothing_that_is_sent_holds_the_server_or_takes_its_memory(tmp_path, capsys):
    outcome = await suite.run(tmp_path, is_long=False)
    with capsys.disabled():
        print(f"\n{outcome.table()}")
    assert outcome.held, outcome.table()
    assert sum(result.cases for result in outcome.results) > 100


async def test_it_finds_a_stall_a_lack_of_memory_and_an_answer_that_does_not_come(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(guest, "PATIENCE_S", 2.0)
    server = HostileServer(tmp_path, suite.AGENT)
    await asyncio.to_thread(server.start)
    try:
        campaign = Campaign(server, tmp_path)
        kinds = [
            Kind(found_by, [case], planted.harmless_ones())
            for found_by, case in planted.faults().items()
        ]
        results = await campaign.run(kinds)
    finally:
        server.kill()
    for result in results:
        assert result.kind in {miss.found_by for miss in result.misses}, result
        assert "missed" in result.row()
    assert campaign.restarts == 2, "with the others, and alone"


def test_words_that_a_terminal_obeys_are_among_those_that_are_stored():
    assert any("\x1b" in text for text in words.WORDS)
    assert any("\x9b" in text for text in words.WORDS)


def test_the_99th_percentile_is_nearly_the_worst():
    assert p99([]) == 0
    assert p99([5.0] * 99 + [80.0]) == 5
    assert p99([5.0] * 95 + [80.0] * 5) == 80


def test_every_case_has_harmless_ones_of_its_size_to_be_compared_with():
    for kind in (*suite.by_default(is_long=True), *suite.by_agent(is_long=True)):
        assert sizes(kind.hostile) <= sizes(kind.harmless), kind.name


def sizes(cases: list[Case]) -> set[str]:
    return {case.size for case in cases}
