"""A tool may raise whatever it likes: the tool fails, and nothing else does."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.agents.misbehaviour import RAISED, await_cancelled_child, parse_wrongly, raise_
from tests.assistant.dialogue import Dialogue

from chatstream.assistant.orchestrator import assistant_from_tools
from chatstream.assistant.tools import tool
from chatstream.testing import TestChat


async def fails(function) -> None:
    talk = Dialogue(assistant_from_tools([tool(function)]))
    assert "words" not in await talk.say("break it")
    assert (talk.ended, talk.errors) == ("failed", ["tool_failed"])


@pytest.mark.parametrize("name", RAISED)
async def test_an_async_tool_that_raises_fails(name: str):
    async def break_it() -> None:
        """Break it."""
        await asyncio.sleep(0)
        raise_(name)

    await fails(break_it)


@pytest.mark.parametrize("name", RAISED)
async def test_a_sync_tool_that_raises_fails(name: str):
    def break_it() -> None:
        """Break it."""
        raise_(name)

    await fails(break_it)


async def test_a_sync_tool_that_gives_what_raises_when_it_is_awaited_fails():
    def break_it() -> object:
        """Break it."""
        return await_cancelled_child()

    await fails(break_it)


async def test_a_command_line_in_a_tool_does_not_end_the_process():
    def break_it() -> None:
        """Break it."""
        parse_wrongly()

    await fails(break_it)


async def test_a_cancellation_that_nobody_asked_for_fails_the_tool():
    async def break_it() -> None:
        """Break it."""
        await await_cancelled_child()

    await fails(break_it)


async def test_the_log_names_the_kind_and_the_line(caplog: pytest.LogCaptureFixture):
    def break_it() -> None:
        """Break it."""
        parse_wrongly()

    await fails(break_it)
    assert "SystemExit" in caplog.text
    assert "misbehaviour.py" in caplog.text


async def test_a_turn_that_is_cancelled_in_a_tool_is_cancelled():
    begun = asyncio.Event()

    @tool
    async def wait_for_ever() -> None:
        """Wait for ever."""
        begun.set()
        await asyncio.Event().wait()

    async with TestChat([wait_for_ever]) as chat:
        turn = asyncio.create_task(chat.send("wait for ever"))
        await begun.wait()
        await chat.cancel()
        assert (await turn).end == "cancelled"


async def test_tools_that_hang_do_not_take_the_threads_of_others():
    goes_on = threading.Event()

    @tool(timeout_s=0.01)
    def hang() -> None:
        """Hang about."""
        goes_on.wait(20)

    async with TestChat([hang]) as chat:
        for _ in range(8):  # more than the threads of the loop's own pool on a small machine
            assert (await chat.send("hang about", new_intent=True)).end == "failed"
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 5) == "free"
    goes_on.set()
