"""The short form: every fixed case and 500 generated ones; `test_fuzzed_frames` makes others."""

from __future__ import annotations

import pytest
from tests.badinput.run import run
from tests.kit.server import SECRET, Server


@pytest.mark.slow
async def test_bad_input_is_answered_and_harms_nobody(tmp_path, capsys):
    with Server(tmp_path, SECRET=SECRET, RATE_LIMIT=0) as server:
        tally = await run(server, generated=500, seed=1)
    with capsys.disabled():
        print(f"\n{tally.table()}")
    assert tally.cases >= 3000
    assert not tally.crashes
    assert not tally.tracebacks
    assert not tally.unanswered
