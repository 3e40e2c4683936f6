"""What code that is not ours raises leaves as an ordinary error; being asked to end stays that."""

from __future__ import annotations

import asyncio

import pytest
from tests.agents.misbehaviour import RAISED, await_cancelled_child

from chatstream.agents.containment import contain, contained
from chatstream.errors import AgentError


async def raising(name: str) -> None:
    await asyncio.sleep(0)
    error = RAISED[name]()
    raise error


@pytest.mark.parametrize("name", RAISED)
async def test_whatever_is_raised_leaves_as_an_exception(name: str):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        await contain(raising(name))
    error = caught.value
    assert name in {type(error).__name__, type(error.__cause__).__name__}


async def test_a_cancellation_that_nobody_asked_for_is_an_error():
    with pytest.raises(AgentError, match="it raised CancelledError") as caught:
        await contain(await_cancelled_child())
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert not asyncio.current_task().cancelling()


async def test_who_is_asked_to_end_is_cancelled():
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(contain(work()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_time_limit_around_it_is_a_time_limit():
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await contain(asyncio.Event().wait())


async def test_what_is_raised_after_an_earlier_request_is_an_error():
    async def work() -> None:
        task = asyncio.current_task()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        with pytest.raises(AgentError):
            await contain(await_cancelled_child())
        task.uncancel()

    await asyncio.create_task(work())


async def test_a_value_comes_through():
    assert await contain(asyncio.sleep(0, "value")) == "value"


async def test_a_coroutine_that_waits_can_be_closed():
    waits = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await waits

    coroutine = contain(work())
    coroutine.send(None)
    coroutine.close()  # raises nothing


def test_an_exception_is_itself():
    error = ValueError("words")
    assert contained(error) is error
