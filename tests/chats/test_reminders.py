"""Reminders on a whole server: the sweeper lets them speak, over chats and restarts."""

from __future__ import annotations

import asyncio

from chatstream.domain.commands import OpenChat
from chatstream.domain.events import ResponseGiven
from chatstream.domain.steps import CancelReminder, Remind, Response, ToolCall
from chatstream.errors import Refused
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.ids import ChatId
from chatstream.projections.models import all_tables
from chatstream.projections.reminders import UserReminders
from chatstream.testing import FakeClock, TestChat

IN_A_MINUTE = 60


async def alarm_clock(turn):
    """``in N``: speak then; ``stop [CHAT]``: do not."""
    word, *rest = turn.content.split()
    if word == "in":
        yield Remind("Wake up!", turn.now_ms + int(rest[0]) * 1000, "alarm")
    elif word == "stop":
        yield CancelReminder("alarm", rest[0] if rest else None)
    yield Response("Done.", is_complete=True)


async def said(chat: TestChat) -> list[str]:
    return [fact.content for fact in await chat.facts() if isinstance(fact, ResponseGiven)]


async def rows(chat: TestChat) -> list[tuple]:
    return await chat.node.store.fetch("SELECT user_chat_id, name FROM reminders", ())


async def test_it_speaks_when_its_time_has_come_and_only_then():
    async with TestChat(alarm_clock) as chat:
        await chat.send(f"in {IN_A_MINUTE}")
        await chat.pass_time(IN_A_MINUTE - 1)
        assert await said(chat) == ["Done."]
        await chat.pass_time(1)
        await chat.pass_time(1)
        assert await said(chat) == ["Done.", "Wake up!"]
        assert await rows(chat) == []


async def test_a_reader_gets_it_live():
    async with TestChat(alarm_clock) as chat:
        done = await chat.send(f"in {IN_A_MINUTE}")
        following = chat.node.service.feed(chat.chat_id).follow(done.receipt.state.position)
        await chat.pass_time(IN_A_MINUTE)
        async with asyncio.timeout(5):
            async for frames in following:
                if any(
                    b"Wake up!" in frame.data and b'"response"' in frame.data for frame in frames
                ):
                    return


async def test_it_waits_for_the_turn_that_runs():
    stored, release = asyncio.Event(), asyncio.Event()

    async def slow(turn):
        yield Remind("Wake up!", turn.now_ms + 1000, "alarm")
        yield ToolCall("wait", {}, "call-1")  # goes on when the disk has it
        stored.set()
        await release.wait()
        yield Response("Done.")

    async with TestChat(slow) as chat:
        sending = asyncio.create_task(chat.send("hello"))
        await stored.wait()
        await chat.pass_time(10)
        assert await said(chat) == []
        release.set()
        await sending
        await chat.pass_time(0)
        assert await said(chat) == ["Done.", "Wake up!"]


async def test_one_that_fell_due_while_no_server_ran_speaks_at_the_next_start(tmp_path):
    clock, file = FakeClock(), str(tmp_path / "chat.db")
    async with TestChat(alarm_clock, clock=clock, engine=SqliteEngine(file, all_tables())) as chat:
        await chat.send(f"in {IN_A_MINUTE}")
    clock.advance(86_400)
    async with TestChat(alarm_clock, clock=clock, engine=SqliteEngine(file, all_tables())) as later:
        later.chat_id = chat.chat_id
        await later.pass_time(0)
        assert await said(later) == ["Done.", "Wake up!"]


async def test_it_is_cancelled_from_another_chat_of_its_user():
    async with TestChat(alarm_clock) as chat:
        first = chat.chat_id
        await chat.send(f"in {IN_A_MINUTE}")
        chat.chat_id = ChatId("chat_other")
        await chat.submit(OpenChat(**chat._base()))
        await chat.send(f"stop {first}")
        assert await rows(chat) == []
        await chat.pass_time(IN_A_MINUTE)
        chat.chat_id = first
        assert await said(chat) == ["Done."]


async def test_nobody_elses_chat_is_touched():
    async with TestChat(alarm_clock) as chat:
        await chat.send(f"in {IN_A_MINUTE}")
        mine, chat.chat_id, chat.user_id = chat.chat_id, ChatId("chat_other"), "mallory"
        await chat.submit(OpenChat(**chat._base()))
        assert (await chat.send(f"stop {mine}")).answer == "Done."
        assert await rows(chat) == [(mine, "alarm")]


async def test_a_closed_and_an_erased_chat_keep_no_row():
    for end in (TestChat.close, TestChat.erase):
        async with TestChat(alarm_clock) as chat:
            await chat.send(f"in {IN_A_MINUTE}")
            await end(chat)
            assert await rows(chat) == []
            await chat.pass_time(IN_A_MINUTE)
            assert "Wake up!" not in await said(chat)


async def test_a_users_reminders_are_found_over_all_chats():
    async with TestChat(alarm_clock) as chat:
        await chat.send(f"in {IN_A_MINUTE}")
        reminders = UserReminders(chat.node.store.fetch)
        (waiting,) = await reminders.of_user(chat.user_id)
        assert (waiting.user_chat_id, waiting.content) == (chat.chat_id, "Wake up!")
        assert await reminders.of_user("mallory") == []


async def test_the_storage_that_does_not_answer_fails_the_run():
    async def agent(turn):
        yield CancelReminder("alarm", "chat_other")
        yield Response("Done.")

    async with TestChat(agent) as chat:
        submit, asked = chat.node.service.submit, []

        def refusing(command):
            if command.user_chat_id == "chat_other" and not asked:
                asked.append(command)
                raise Refused("unavailable")
            return submit(command)

        chat.node.service.submit = refusing  # type: ignore[method-assign]
        turn = await chat.send("hello")
        assert turn.answer == "Done."  # the run was made again
        assert len(asked) == 1
