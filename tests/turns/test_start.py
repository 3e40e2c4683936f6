"""An agent starts once the event that began its turn is on the disk, and not for what never is."""

from __future__ import annotations

import asyncio

import pytest
from tests.chats.faulty import FaultyEngine
from tests.turns.test_always_ends import ends_of, until

from chatstream import Response, Thinking
from chatstream.domain.commands import CancelTurn, SendMessage
from chatstream.errors import Refused
from chatstream.testing import TestChat
from chatstream.turns.run import RunState


class Noted:
    """An agent that says which turns it was run for."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def __call__(self, turn):
        self.ran.append(turn.message_id)
        yield Response("done", is_complete=True)


def send(chat: TestChat, id: str = "m1"):
    return chat.node.service.submit(SendMessage(**chat._base(), id=id, content="hello"))


async def test_an_agent_starts_once_its_turn_is_stored():
    engine, agent = FaultyEngine(), Noted()
    async with TestChat(agent, engine=engine) as chat:
        engine.gate.clear()
        sent = send(chat)
        (run,) = chat.node.runs
        assert run.state is RunState.PREPARED
        await asyncio.sleep(0.02)
        assert agent.ran == []
        engine.gate.set()
        await sent
        await until(lambda: agent.ran)
        assert (await chat.send("hello", id="m1")).answer == "done"
        assert agent.ran == ["m1"]


async def test_a_turn_that_is_cancelled_before_it_is_stored_never_runs():
    engine, agent = FaultyEngine(), Noted()
    async with TestChat(agent, engine=engine) as chat:
        engine.gate.clear()
        sent = send(chat)
        cancelled = chat.node.service.submit(CancelTurn(**chat._base(), id="c1"))
        engine.gate.set()
        await asyncio.gather(sent, cancelled)
        turn = await chat.send("hello", id="m1")
        assert (ends_of(turn), agent.ran, len(chat.node.runs)) == (["cancelled"], [], 0)


async def test_a_turn_that_could_not_be_stored_never_runs():
    engine, agent = FaultyEngine(), Noted()
    async with TestChat(agent, engine=engine) as chat:
        engine.fail_writes = 1
        with pytest.raises(Refused, match=r"^unavailable"):
            await send(chat)
        await chat.state()
        assert (agent.ran, len(chat.node.runs)) == ([], 0)


async def test_a_turn_whose_commit_was_not_told_runs_once_it_is_found_in_the_log():
    engine, agent = FaultyEngine(), Noted()
    async with TestChat(agent, engine=engine) as chat:
        engine.loses_acknowledgement = True
        with pytest.raises(Refused, match=r"^unavailable"):
            await send(chat)
        assert (await chat.send("hello", id="m1")).answer == "done"
        assert agent.ran == ["m1"]


async def test_nothing_starts_while_the_runner_closes():
    engine, agent = FaultyEngine(), Noted()
    async with TestChat(agent, engine=engine) as chat:
        engine.gate.clear()
        sent = send(chat)
        chat.node.runner.stop()
        engine.gate.set()
        await sent
        await asyncio.sleep(0.01)
        assert (agent.ran, len(chat.node.runs)) == ([], 0)


async def test_the_steps_of_a_run_are_pipelined():
    """None waits for the disk: all are under way while it does not answer."""
    engine, started = FaultyEngine(), asyncio.Event()

    async def agent(_):
        engine.gate.clear()
        for number in range(5):
            yield Thinking(f"step-{number}")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        started.set()
        yield Response("done", is_complete=True)

    async with TestChat(agent, engine=engine) as chat:
        turn = asyncio.create_task(chat.send("hello"))
        await started.wait()
        assert chat.node.store.depth >= 5
        engine.gate.set()
        assert (await turn).answer == "done"
