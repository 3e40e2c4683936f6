"""Turns whose runner is gone: all of them go on, and what kills the process is found among them."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.turns.test_always_ends import until

from chatstream import Response, Thinking
from chatstream.domain.commands import OpenChat, SendMessage
from chatstream.errors import Refused
from chatstream.eventstore.store import Work
from chatstream.ids import ChatId, new_chat_id
from chatstream.testing import TestChat
from chatstream.timestamps import now_ms
from chatstream.turns import runner as runner_module

ALONE_S = 0.25  # longer than what counts as at once


class Desk:
    """A server with several chats whose turns run until the test lets them go on."""

    def __init__(self) -> None:
        self.chat = TestChat(self._agent, clock=now_ms)
        self.chats = [self.chat.chat_id, *(new_chat_id() for _ in range(2))]
        self.started: list[tuple[ChatId, int]] = []
        self.go_on = asyncio.Event()

    async def _agent(self, turn):
        self.started.append((turn.user_chat_id, turn.attempt))
        yield Thinking("plan")
        await self.go_on.wait()
        yield Response("done", is_complete=True)

    async def begin(self) -> None:
        for chat_id in self.chats:
            base = {**self.chat._base(), "user_chat_id": chat_id}
            await self.chat.submit(OpenChat(**base))
            await self.chat.submit(SendMessage(**base, id="m1", content="hello"))
        await self.has_started(1)

    async def has_started(self, attempt: int, chats: list[ChatId] | None = None) -> None:
        wanted = {(chat_id, attempt) for chat_id in chats or self.chats}
        await until(lambda: wanted <= set(self.started))

    async def die(self) -> None:
        """As a process does: what runs is gone, and nobody says so."""
        runner = self.chat.node.runner
        await asyncio.sleep(0.01)  # the steps are stored
        for run in runner.stop_runs():
            await asyncio.wait({run.task})
        for task in tuple(runner._tasks):
            task.cancel()

    async def restart(self, *ended: Work) -> None:
        rows = await self.chat.node.store.fetch(
            "SELECT user_chat_id, caused_by, attempt, released FROM turn_work", ()
        )
        work = [Work(ChatId(row[0]), row[1], row[2], bool(row[3])) for row in rows]
        self.chat.node.runner.recover([*work, *ended])

    async def crashes(self) -> dict[ChatId, int]:
        states = [await self.chat.node.service.load(chat_id) for chat_id in self.chats]
        pairs = zip(self.chats, states, strict=True)
        return {chat_id: state.turn.crashes for chat_id, state in pairs if state.turn is not None}


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    for name in ("SUSPECTS_AFTER_S", "SUSPECT_AT_LEAST_S", "SUSPECT_AT_MOST_S"):
        monkeypatch.setattr(runner_module, name, ALONE_S)
    monkeypatch.setattr(runner_module, "KNOWN_WITHIN_S", 0.1)


async def test_all_go_on_at_once_where_nobody_can_be_blamed():
    desk = Desk()
    async with desk.chat:
        await desk.begin()
        await desk.die()
        await desk.restart()
        await desk.has_started(2)
        assert set((await desk.crashes()).values()) == {0}


async def test_a_turn_that_ran_alone_is_blamed_until_its_attempts_are_used_up():
    desk = Desk()
    desk.chats = desk.chats[:1]
    async with desk.chat:
        await desk.begin()
        for attempt in (2, 3):
            await desk.die()
            await desk.restart()
            await desk.has_started(attempt)
            assert await desk.crashes() == {desk.chat.chat_id: attempt - 1}
        await desk.die()
        await desk.restart()
        turn = await desk.chat.send("hello", id="m1")
        assert (turn.end, len(desk.started)) == ("failed", 3)


async def test_who_is_alone_when_the_process_dies_again_is_found_out(caplog):
    desk = Desk()
    async with desk.chat:
        await desk.begin()
        await desk.die()
        await desk.restart()
        await desk.has_started(2)
        await desk.die()
        await desk.restart()
        await until(lambda: [attempt for _, attempt in desk.started].count(3) == 2)
        (*_, (first, _), (second, _)) = desk.started
        assert "one by one" in caplog.text
        await desk.die()  # with the second one of three
        await desk.restart()
        others = [chat_id for chat_id in desk.chats if chat_id != second]
        await until(lambda: (first, 4) in desk.started)
        assert all(chat_id != second for chat_id, attempt in desk.started if attempt == 4)
        await desk.has_started(4, [second])
        assert await desk.crashes() == {second: 1, **dict.fromkeys(others, 0)}
        desk.go_on.set()
        await until(lambda: not len(desk.chat.node.runs))


async def test_the_next_suspect_need_not_wait_where_the_one_before_has_ended():
    desk = Desk()
    async with desk.chat:
        await desk.begin()
        await desk.die()
        await desk.restart()
        await desk.has_started(2)
        await desk.die()
        desk.go_on.set()
        began = asyncio.get_running_loop().time()
        await desk.restart()
        await desk.has_started(3)
        assert asyncio.get_running_loop().time() - began < 3 * ALONE_S


async def test_a_turn_that_has_ended_or_runs_again_is_left_alone():
    desk = Desk()
    async with desk.chat:
        await desk.begin()
        await desk.restart(Work(desk.chats[0], "other", 1, handed_over=False))
        await desk.restart(Work(ChatId("chat_missing"), "m1", 1, handed_over=False))
        await asyncio.sleep(0.05)
        assert [attempt for _, attempt in desk.started] == [1, 1, 1]
        desk.go_on.set()
        await until(lambda: not len(desk.chat.node.runs))


async def test_a_chat_that_cannot_be_read_keeps_no_other_from_going_on(monkeypatch, caplog):
    desk = Desk()
    async with desk.chat:
        await desk.begin()
        await desk.die()
        service, late, broken = desk.chat.node.service, desk.chats[0], desk.chats[1]
        load, is_away = service.load, [True]

        async def load_or_not(chat_id, user_id=None):
            if chat_id == late and is_away:
                raise Refused("unavailable")
            if chat_id == broken:
                raise ValueError("words")
            return await load(chat_id, user_id)

        monkeypatch.setattr(service, "load", load_or_not)
        await desk.restart()
        await desk.has_started(2, [desk.chats[2]])
        assert (late, 2) not in desk.started
        is_away.clear()
        await desk.has_started(2, [late])
        (line,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
        assert "cannot be restarted" in line.getMessage()
        assert "ValueError: words" not in caplog.text


async def test_a_task_of_the_runner_that_fails_is_told(caplog):
    desk = Desk()
    async with desk.chat:

        async def fails() -> None:
            raise ValueError("words")

        await asyncio.wait({desk.chat.node.runner._spawn(fails())})
        await asyncio.sleep(0)
        assert "a task of the runner failed" in caplog.text
        assert "ValueError: words" not in caplog.text


async def test_closing_ends_what_is_being_restarted():
    desk = Desk()
    async with desk.chat:
        await desk.begin()
        await desk.die()
        desk.chat.node.service.load = lambda *_: asyncio.Event().wait()
        await desk.restart()
        await asyncio.sleep(0.01)
    assert desk.chat.node.runner._tasks == set()
