"""Tasks that an agent makes cannot end the process; other tasks are as they were."""

from __future__ import annotations

import asyncio
import sys

import pytest

from chatstream.agents.containment import AgentExitError, contain_agents, enter_agent


async def in_agent(work) -> object:
    async def agent() -> object:
        enter_agent()
        return await asyncio.create_task(work)

    contain_agents(asyncio.get_running_loop())
    return await asyncio.create_task(agent())


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
async def test_the_wish_to_end_the_process_is_an_error_like_any_other(kind):
    async def exits() -> None:
        await asyncio.sleep(0)
        raise kind

    with pytest.raises(AgentExitError, match=kind.__name__) as error:
        await in_agent(exits())
    assert isinstance(error.value.__cause__, kind)


async def test_so_it_is_on_the_way_out():
    async def exits_when_cancelled() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            sys.exit(3)

    async def agent() -> None:
        enter_agent()
        child = asyncio.create_task(exits_when_cancelled())
        await asyncio.sleep(0)
        child.cancel()
        with pytest.raises(AgentExitError):
            await child

    contain_agents(asyncio.get_running_loop())
    await asyncio.create_task(agent())


async def test_everything_else_of_a_task_is_as_it_was():
    async def fine() -> str:
        await asyncio.sleep(0)
        return "done"

    async def raises() -> None:
        raise ValueError("words")

    assert await in_agent(fine()) == "done"
    with pytest.raises(ValueError, match="words"):
        await in_agent(raises())

    async def agent() -> str:
        enter_agent()
        task = asyncio.create_task(fine(), name="mine")
        assert task.get_name() == "mine"
        assert "fine" in repr(task)
        never_begun = asyncio.create_task(fine())
        never_begun.cancel()
        gathered = asyncio.ensure_future(task)
        assert gathered is task
        return await task

    assert await asyncio.create_task(agent()) == "done"


async def test_it_is_set_up_once_and_keeps_what_was_there():
    loop = asyncio.get_running_loop()
    made = []

    def factory(loop, work, **options):
        made.append(work)
        return asyncio.Task(work, loop=loop, **options)

    async def fine() -> None:
        pass

    loop.set_task_factory(factory)
    contain_agents(loop)
    once = loop.get_task_factory()
    contain_agents(loop)
    assert loop.get_task_factory() is once
    await asyncio.create_task(fine())
    assert len(made) == 1
