"""What falls due by itself, and what an erasure takes with it."""

from __future__ import annotations

import asyncio

import pytest

from chatstream.config import Settings
from chatstream.domain.commands import OpenChat, SendMessage
from chatstream.domain.steps import FollowUp, Response
from chatstream.errors import Refused
from chatstream.ids import new_chat_id
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


SHORT_SESSIONS = Settings(abandon_after_s=300, session_ttl_s=100)


async def test_a_session_that_lives_shorter_than_its_intent_expires_and_the_intent_goes_on():
    async with TestChat(ASK, settings=SHORT_SESSIONS) as chat:
        await chat.send("hello")
        (first,) = (await chat.state()).sessions
        await chat.pass_time(99)
        assert list((await chat.state()).sessions) == [first]
        await chat.pass_time(1)
        assert (await chat.state()).sessions == {}
        assert await statuses(chat) == ["active"]
        await chat.send("still here")
        (second,) = (await chat.state()).sessions
        assert second != first
        assert await statuses(chat) == ["active"], "the same intent"
        await chat.pass_time(100)
        await chat.pass_time(199)
        assert await statuses(chat) == ["active"]
        await chat.pass_time(1)
        assert await statuses(chat) == ["abandoned"]
        assert await chat.node.store.fetch("SELECT * FROM timers", ()) == []


async def test_activity_keeps_a_short_session():
    async with TestChat(ASK, settings=SHORT_SESSIONS) as chat:
        await chat.send("hello")
        (session,) = (await chat.state()).sessions
        for _ in range(4):
            await chat.pass_time(60)
            await chat.send("still here")
        assert list((await chat.state()).sessions) == [session]


async def test_a_session_used_recently_does_not_expire_however_old_its_intent_is():
    async with TestChat(ASK, settings=SETTINGS) as chat:
        await chat.send("hello")
        for _ in range(10):
            await chat.pass_time(250)
            await chat.send("still here")
        await chat.abandon((await chat.intents())[0].user_intent_id)
        await chat.pass_time(1799)
        assert (await chat.state()).sessions
        await chat.pass_time(1)
        assert (await chat.state()).sessions == {}


async def test_more_than_the_limit_is_taken_oldest_first_and_the_rest_stays(monkeypatch):
    monkeypatch.setattr("chatstream.turns.timers.DUE_AT_ONCE", 2)
    engine, clock = memory_engine(), FakeClock()
    async with TestChat(ASK, settings=SETTINGS, engine=engine, clock=clock) as first:
        chats = [first.chat_id, *(new_chat_id() for _ in range(2))]
        for chat_id in chats:
            first.chat_id = chat_id
            await first.submit(OpenChat(**first._base()))
            await first.send("hello")
            clock.advance(1)
        clock.advance(300)
        found = []
        for _ in range(2):
            await first.node.timers.sweep()
            rows = await first.node.store.fetch("SELECT user_chat_id, status FROM intents", ())
            found.append({str(chat_id) for chat_id, status in rows if status == "abandoned"})
        assert found == [set(chats[:2]), set(chats)]


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
