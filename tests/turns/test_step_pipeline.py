"""Steps on their way to the log: pipelined, and never one without those before it."""

from __future__ import annotations

import asyncio

import pytest

from chatstream import Thinking
from chatstream.errors import Refused, StaleTurn
from chatstream.turns.step_pipeline import APPENDS_AT_MOST, StepPipeline


class Owner:
    """A run that notes what it is told, on a service that answers when the test says so."""

    def __init__(self) -> None:
        self.pipeline = StepPipeline(self.submit, self)
        self.sent: list[str] = []
        self.futures: list[asyncio.Future[str]] = []
        self.faults: list[Exception] = []
        self.went_on_times = 0
        self.decides = True

    def submit(self, command: str) -> asyncio.Future[str]:
        self.sent.append(command)
        self.futures.append(asyncio.get_running_loop().create_future())
        if self.decides:
            self.pipeline.decided()
        return self.futures[-1]

    def faulted(self, fault: Exception) -> None:
        self.faults.append(fault)

    def went_on(self) -> None:
        self.went_on_times += 1


@pytest.fixture
async def owner() -> Owner:
    return Owner()


async def test_what_is_decided_does_not_wait_for_the_disk(owner):
    for command in "abc":
        owner.pipeline.store(command)
    assert owner.sent == ["a", "b", "c"]
    assert not owner.pipeline.is_held_back
    owner.futures[0].set_result("a")
    await asyncio.sleep(0)
    assert owner.went_on_times == 0, "nothing was held back"


async def test_what_is_not_decided_holds_back_what_comes_after_it(owner):
    owner.decides = False
    for command in "abc":
        owner.pipeline.store(command)
    assert (owner.sent, owner.pipeline.is_held_back) == (["a"], True)
    owner.decides = True
    owner.futures[0].set_result("a")
    await asyncio.sleep(0)
    assert (owner.sent, owner.pipeline.is_held_back) == (["a", "b", "c"], False)
    assert owner.went_on_times == 1


async def test_each_that_is_not_decided_holds_back_the_next(owner):
    owner.decides = False
    for command in "ab":
        owner.pipeline.store(command)
    owner.futures[0].set_result("a")
    await asyncio.sleep(0)
    assert owner.sent == ["a", "b"]
    assert (owner.pipeline.is_held_back, owner.went_on_times) == (True, 0)


@pytest.mark.parametrize("fault", [Refused("too_large"), StaleTurn(), ValueError()])
async def test_nothing_is_stored_after_what_was_refused(owner, fault):
    owner.pipeline.store("a")
    owner.decides = False
    owner.pipeline.store("b")
    owner.pipeline.add(Thinking("x"))
    owner.pipeline.store("c")
    owner.futures[1].set_exception(fault)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (owner.faults, owner.sent) == ([fault], ["a", "b"])
    assert owner.futures[0].cancelled(), "taken back, unless it is decided"
    owner.pipeline.store("d")
    assert await owner.pipeline.stored("e") is None
    assert owner.sent == ["a", "b"]
    assert not owner.pipeline.has_unrecorded


async def test_who_waits_for_the_disk_waits_for_what_comes_before(owner):
    owner.decides = False
    owner.pipeline.store("a")
    owner.pipeline.store("b")
    waiting = asyncio.ensure_future(owner.pipeline.stored("c"))
    await asyncio.sleep(0)
    owner.decides = True
    owner.futures[0].set_result("a")
    for _ in range(5):
        await asyncio.sleep(0)
    assert owner.sent == ["a", "b", "c"]
    owner.futures[2].set_result("receipt")
    assert await waiting == "receipt"


async def test_who_waits_for_the_disk_learns_of_a_fault_after_the_owner(owner):
    owner.decides = False
    waiting = asyncio.ensure_future(owner.pipeline.stored("a"))
    await asyncio.sleep(0)
    owner.futures[0].set_exception(Refused("unavailable"))
    assert await waiting is None
    assert len(owner.faults) == 1


async def test_steps_that_come_right_after_one_another_are_taken_as_one(owner):
    steps = Thinking("a"), Thinking("b")
    for step in steps:
        owner.pipeline.add(step)
    assert owner.pipeline.has_unrecorded
    assert owner.pipeline.take() == steps
    assert not owner.pipeline.has_unrecorded


async def test_there_is_a_bound_to_what_is_under_way(owner):
    await owner.pipeline.room()
    for number in range(APPENDS_AT_MOST + 1):
        owner.pipeline.store(str(number))
    assert owner.pipeline.is_full
    waiting = asyncio.ensure_future(owner.pipeline.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    owner.futures[0].set_result("")
    await waiting
    assert not owner.pipeline.is_full


async def test_what_was_decided_is_stored_though_the_run_is_over(owner):
    owner.pipeline.store("a")
    owner.pipeline.close()
    assert not owner.futures[0].cancelled()
    owner.pipeline.store("b")
    assert owner.sent == ["a"]
    owner.pipeline.withdraw()
    assert owner.futures[0].cancelled()
