"""Agents that misbehave, beside chats that do not and must not notice: the short form.
`make faults` runs the long one."""

from __future__ import annotations

import pytest
from tests.faults.misbehaving import campaign, deaths
from tests.faults.misbehaving_agents import DEADLY, KINDS

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


async def test_nobody_notices_an_agent_that_misbehaves(tmp_path):
    outcome = await campaign(tmp_path)
    assert outcome.violations == []
    assert outcome.tried == len(KINDS) >= 30
    assert outcome.answered > 50


@pytest.mark.slow
@pytest.mark.parametrize("name", DEADLY)
async def test_an_agent_that_ends_the_process_is_given_up_and_nobody_loses_a_turn(tmp_path, name):
    outcome = await deaths(tmp_path, name)
    assert outcome.violations == []
    assert outcome.deaths > 0
