"""What falls due by itself, and what an erasure takes with it."""

from __future__ import annotations

import asyncio

import pytest

from chatstream.config import Settings
from chatstream.domain.commands import SendMessage
from chatstream.domain.steps import FollowUp, Response
from chatstream.errors import Refused
from chatstream.testing import FakeClock, TestChat, memory_engine, scripted
from chatstream.turns.timers import TimerSweeper

ASK = scripted([FollowUp("for when?")])
SETTINGS = Settings(abandon_after_s=300, session_ttl_s=1800)


async def statuses(chat: TestChat) -> list[str]:
    return [intent.status for intent in await chat.intents()]


async def test_an_intent_is_abandoned_after_its_time_and_its_session_expires_later():
    async with TestChat(ASK, settings=SETTINGS) as chat:
        await chat.send("hello")
        await chat.pass_time(299)
        assert await statuses(chat) == ["active"]
        await chat.pass_time(2)
        assert await statuses(chat) == ["abandoned"]
        assert len((await chat.state()).sessions) == 1
        await chat.pass_time(1498)
        assert (await chat.state()).sessions
        await chat.pass_time(1)
        assert (await chat.state()).sessions == {}
        assert await chat.node.store.fetch("SELECT * FROM timers", ()) == []


async def test_activity_sets_a_timer_forward():
    async with TestChat(ASK, settings=SETTINGS) as chat:
        await chat.send("hello")
        await chat.pass_time(200)
        await chat.send("still here")
        await chat.pass_time(200)
        assert await statuses(chat) == ["active"]
        await chat.pass_time(101)
        assert await statuses(chat) == ["abandoned"]


async def test_a_running_turn_keeps_its_intent():
    release = asyncio.Event()

    async def agent(turn):
        await release.wait()
        yield Response("done")

    async with TestChat(agent, settings=SETTINGS) as chat:
        # Stored, with the turn's start: the agent is begun before that.
        await chat.submit(SendMessage(**chat._base(), id="m1", content="hello"))
        await chat.pass_time(1000)
        assert await statuses(chat) == ["active"]
        release.set()
        await chat.send("hello", id="m1")
        await chat.pass_time(299)
        assert await statuses(chat) == ["active"]
        await chat.pass_time(2)
        assert await statuses(chat) == ["abandoned"]


async def test_timers_fall_due_while_the_server_is_down():
    engine, clock = memory_engine(), FakeClock()
    first = TestChat(ASK, settings=SETTINGS, engine=KeptOpen(engine), clock=clock)
    async with first:
        await first.send("hello")
    clock.advance(400)
    again = TestChat(ASK, settings=SETTINGS, engine=KeptOpen(engine), clock=clock)
    again.chat_id = first.chat_id
    async with again:
        await again.node.timers.sweep()
        assert await statuses(again) == ["abandoned"]


async def test_a_changed_limit_counts_at_once():
    engine, clock = memory_engine(), FakeClock()
    first = TestChat(ASK, settings=SETTINGS, engine=KeptOpen(engine), clock=clock)
    async with first:
        await first.send("hello")
    shorter = Settings(abandon_after_s=10, session_ttl_s=20)
    clock.advance(11)
    again = TestChat(ASK, settings=shorter, engine=KeptOpen(engine), clock=clock)
    again.chat_id = first.chat_id
    async with again:
        await again.node.timers.sweep()
        assert await statuses(again) == ["abandoned"]


async def test_an_erasure_forgets_the_digests_of_commands_that_stored_nothing():
    async with TestChat(ASK) as chat:
        await chat.cancel()
        digests = "SELECT digest FROM remembered_commands"
        assert await chat.node.store.fetch(digests, ()) != [("",)]
        await chat.erase()
        assert await chat.node.store.fetch(digests, ()) == [("",)]


async def test_a_chat_that_cannot_be_read_keeps_no_reminder_waiting(monkeypatch):
    asked = []

    async def unreadable(*_):
        raise Refused("unavailable")

    async def due(*_):
        asked.append(True)
        return []

    async with TestChat(ASK, settings=SETTINGS) as chat:
        await chat.send("hello")
        monkeypatch.setattr(chat.node.service, "load", unreadable)
        monkeypatch.setattr(chat.node.timers._reminders, "chats_due", due)
        with pytest.raises(Refused):
            await chat.pass_time(301)
        assert asked


async def test_a_fault_does_not_stop_the_timers(monkeypatch):
    monkeypatch.setattr("chatstream.turns.timers.SWEEP_EVERY_S", 0)
    faults = [ValueError("what no sweep can carry out")]
    done = asyncio.Event()

    async def fetch(sql, parameters):
        if faults:
            raise faults.pop()
        done.set()
        return []

    async with TestChat(ASK) as chat:
        sweeper = TimerSweeper(
            chat.node.service,
            fetch,
            chat.node.write_row,
            abandon_after_s=1,
            session_ttl_s=1,
            now_ms=chat.clock,
        )
        sweeping = asyncio.create_task(sweeper.run())
        await done.wait()
        assert not sweeping.done()
        sweeping.cancel()


class KeptOpen:
    """An engine that outlives the server that closes it."""

    def __init__(self, engine) -> None:
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def open(self) -> None:
        if not getattr(self._engine, "was_opened", False):
            self._engine.open()
            self._engine.was_opened = True

    def close(self) -> None:
        """Not yet."""
