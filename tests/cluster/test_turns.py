"""A turn runs on one node. When that goes, dies or stands still, another one ends it, once."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.cluster.conftest import LEASE_S
from tests.kit.laws import check_log
from tests.kit.wire import Talk, of_type

pytestmark = [pytest.mark.postgres, pytest.mark.faults]


async def running_turn(nodes, people, script: str) -> tuple[Talk, Talk, str]:
    """A turn that runs on the first node, watched through the first and the second."""
    one, other = nodes.all[:2]
    here = await people(one).talk()
    there = await people(other, here.person.user_id).talk(here.chat)
    sent = await here.send(script)
    await there.event("turn", status="started")
    return here, there, sent["id"]


def ends(talk: Talk, cause: str) -> list[dict]:
    return [f for f in talk.log() if talk.ending(cause)(f)]


def attempts(talk: Talk) -> list[int]:
    return [f["attempt"] for f in talk.log() if f["type"] == "turn" and "restart" in f["status"]]


async def test_the_turn_of_a_killed_node_is_ended_by_another_one_within_its_lease(launch, people):
    nodes = launch()
    script = "think plan ; mark ran ; first hang ; later echo done"
    _, there, cause = await running_turn(nodes, people, script)
    await nodes.all[0].marked("ran")
    nodes.all[0].kill()
    began = time.monotonic()
    end = await there.end(cause)
    assert time.monotonic() - began < LEASE_S + 2
    assert (end["status"], attempts(there), len(ends(there, cause))) == ("finished", [2], 1)
    check_log(there.log())


async def test_a_node_that_goes_leaves_its_turns_to_another_one_at_once(launch, people):
    nodes = launch(2, NODE_LEASE=30, measured=True)
    script = "think plan ; mark ran ; first hang ; later echo done"
    here, there, cause = await running_turn(nodes, people, script)
    await nodes.all[0].marked("ran")
    began = time.monotonic()
    nodes.all[0].terminate()
    end = await there.end(cause)
    assert time.monotonic() - began < 5  # not a lease; under a second on a quiet machine
    assert (end["status"], attempts(there)) == ("finished", [2])
    assert await here.socket.closed() == 1012
    assert await asyncio.to_thread(nodes.all[0].exit_code) == 0


async def test_hand_overs_are_no_attempts_that_crashed(launch, people):
    nodes = launch(1, NODE_LEASE=30, MAX_ATTEMPTS=2)
    here = await people(nodes.all[0]).talk()
    sent = await here.send("mark ran ; wait go ; echo done")
    await nodes.all[0].marked("ran")
    for attempt in (2, 3):
        leaving = nodes.all[-1]
        newer = await asyncio.to_thread(nodes.add)
        watcher = await people(newer, here.person.user_id).talk(here.chat)
        leaving.terminate()
        await watcher.event("turn", status="restarted", attempt=attempt)
        assert await asyncio.to_thread(leaving.exit_code) == 0
    newer.open_gate("go")
    assert (await watcher.end(sent["id"]))["status"] == "finished"


async def test_a_node_that_stood_still_stores_nothing_of_a_turn_that_was_taken_over(launch, people):
    nodes = launch()
    script = "stream 100000 0.02"
    here, there, cause = await running_turn(
        nodes, people, f"first {script} ; later wait go ; echo a"
    )
    await here.socket.until(of_type("delta"))
    nodes.all[0].stop()
    restarted = await there.event("turn", status="restarted")
    nodes.all[0].go_on()
    watcher = await people(nodes.all[0], here.person.user_id).talk(here.chat)
    await watcher.send("echo next")  # the node stores and serves as before
    await asyncio.sleep(LEASE_S)  # what the zombie might do it has done by then
    nodes.all[0].open_gate("go")
    assert (await there.end(cause))["status"] == "finished"
    later = [f for f in there.log() if f["position"] > restarted["position"]]
    assert [f["type"] for f in later if f.get("caused_by") == cause] == ["response", "turn"]
    assert len(ends(there, cause)) == 1
    assert await people(nodes.all[0], here.person.user_id).get(here.path)


async def test_a_blocked_loop_does_not_cost_a_node_its_lease(launch, people):
    nodes = launch()
    _, there, cause = await running_turn(nodes, people, f"block {3 * LEASE_S} ; echo done")
    assert (await there.end(cause))["status"] == "finished"
    assert attempts(there) == []


async def test_a_turn_that_kills_its_nodes_fails_after_its_attempts(launch, people):
    nodes = launch(3, MAX_ATTEMPTS=2)
    here = await people(nodes.all[0]).talk()
    await here.send("think plan ; sleep 0.3 ; crash", id="deadly")
    async with asyncio.timeout(4 * LEASE_S + 10):
        while len(alive := [node for node in nodes.all if node.running]) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    there = await people(alive[0], here.person.user_id).talk(here.chat)
    assert (await there.end("deadly"))["status"] == "failed"
    assert (attempts(there), len(ends(there, "deadly"))) == ([2], 1)
