"""Peers that break HTTP are answered or cut off, without a 5xx and without a line in the log."""

from __future__ import annotations

from tests.badinput.raw_bytes import send_broken
from tests.kit.server import SECRET, Server


async def test_requests_that_break_off_or_go_on_as_rubbish_leave_no_trace(tmp_path):
    with Server(tmp_path, SECRET=SECRET, RATE_LIMIT=0) as server:
        outcome = await send_broken(server, cases=500, seed=3)
        log = server.log_path.read_text(errors="replace")
    assert outcome.cases >= 500
    assert not outcome.failures
    told = [line for line in log.splitlines() if not line.startswith(("INFO", "chatstream on"))]
    assert not [line for line in told if " refused " not in line]
