"""Under uvloop, as the server runs: its timers are not quite asyncio's."""

from __future__ import annotations

import time

import pytest
from tests.ws.fakes import Peer, until

uvloop = pytest.importorskip("uvloop")


async def a_timer_that_is_due_at_once() -> Peer:
    """uvloop makes a handle of it that cannot say when it will be called."""
    peer = Peer(heartbeat_s=0.001)
    await peer.hello()
    time.sleep(0.005)  # noqa: ASYNC251 - the loop was busy: the heartbeat is overdue
    peer.connection._timer = None
    peer.connection._arm_timer()
    peer.connection._arm_timer()
    await until(lambda: peer.heard("heartbeat"))
    peer.connection.ended()
    return peer


def test_a_deadline_that_has_come_already_closes_nothing():
    peer = uvloop.run(a_timer_that_is_due_at_once())
    assert peer.close_code is None
