"""The assistant behind a real server: drops, and `kill -9` between a call and its result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kit.server import Server

from chatstream.client import ChatClient
from chatstream.client.frames import ContextEvent, ResponseEvent
from chatstream.client.state import ChatView


class AssistantServer(Server):
    """A server of the assistant that dies in its first call."""

    def _command(self) -> list[str]:
        command = super()._command()
        command[command.index("--agent") + 1] = "tests.assistant.deadly_agent:agent"
        return command

    @property
    def alarms(self) -> list[Path]:
        """What was set, one file a call id."""
        return sorted(self.gates.glob("*.alarm"))

    def survive(self) -> None:
        """Let no call kill the process."""
        (self.gates / "died").touch()

    def revive(self) -> None:
        """Wait for the process to be dead, and start it again."""
        self.exit_code()
        self.start()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AssistantServer]:
    with AssistantServer(tmp_path, RATE_LIMIT=0) as running:
        yield running  # type: ignore[misc]


async def test_the_seed_flow_over_a_dropped_connection(server: AssistantServer):
    server.survive()
    async with ChatClient(server.socket_url) as client:
        chat = await client.open()
        asked = await chat.answer_to(await chat.send("Create alarm"))
        assert (asked.status, asked.content) == ("needs_input", "When shall it ring?")
        before, token = chat.view, client.token
    async with ChatClient(server.socket_url, token=token) as client:
        chat = await client.open(before.user_chat_id)
        assert before.intent is not None
        done = await chat.answer_to(await chat.send("7 am tomorrow"))
        assert done.content == "Your alarm is set."
        intent = chat.view.intents[before.intent.user_intent_id]
        assert intent.status == "complete"
        assert {event.session_id for event in done.events} == {asked.events[0].session_id}
        again = await chat.answer_to(await chat.send("Create another alarm"))
        assert again.status == "needs_input"
        assert again.events[0].user_intent_id != intent.user_intent_id


async def test_a_kill_in_an_idempotent_call_leaves_one_alarm(server: AssistantServer):
    async with ChatClient(server.socket_url) as client:
        chat = await client.open()
        sending = asyncio.create_task(chat.send("set an alarm in 20 minutes"))
        await asyncio.to_thread(server.revive)
        answer = await chat.answer_to(await sending)
        assert (answer.status, answer.content) == ("finished", "Your alarm is set.")
        assert len(server.alarms) == 1


async def test_a_kill_in_another_call_asks_the_user(server: AssistantServer):
    async with ChatClient(server.socket_url) as client:
        chat = await client.open()
        sending = asyncio.create_task(chat.send("launch the rocket at noon"))
        await asyncio.to_thread(server.revive)
        answer = await chat.answer_to(await sending)
        assert answer.status == "needs_input"
        assert "cannot tell" in answer.content
        again = await chat.answer_to(await chat.send("yes, try again"))
        assert again.status == "finished"
        assert len(server.alarms) == 1


async def test_what_was_done_in_another_chat_is_offered_and_taken_when_asked_for(
    server: AssistantServer,
):
    server.survive()
    async with ChatClient(server.socket_url) as client:
        first, second = await client.open(), await client.open()
        await first.answer_to(await first.send("set an alarm for 6:45 am tomorrow"))
        asked = await second.answer_to(await second.send("Create alarm"))
        assert "(Last time: tomorrow at 6:45 am." in asked.content
        assert [event.source for event in asked.events if isinstance(event, ContextEvent)] == [
            "completed_tasks"
        ]
        assert len(server.alarms) == 1
        await second.answer_to(await second.send("the same time as yesterday"))
        times = [alarm.read_text()[11:16] for alarm in server.alarms]
        assert times == ["06:45", "06:45"]


class DemoServer(Server):
    """A server that was given no agent."""

    def _command(self) -> list[str]:
        command = super()._command()
        at = command.index("--agent")
        return [*command[:at], *command[at + 2 :]]


async def test_a_timer_of_the_built_in_assistant_speaks_up_once_over_a_kill(tmp_path: Path):
    with DemoServer(tmp_path, RATE_LIMIT=0) as server:
        async with ChatClient(server.socket_url) as client:
            chat = await client.open()
            done = await chat.answer_to(await chat.send("set a timer for 1 second"))
            assert "runs for 1 second" in done.content
            server.kill()
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(20):
                await chat.until(lambda view: "Your timer of 1 second is up" in said(view))
            listed = await chat.answer_to(await chat.send("list my timers"))
            assert "no alarms, reminders or timers" in listed.content
            assert said(chat.view).count("Your timer of 1 second is up") == 1


def said(view: ChatView) -> list[str]:
    """What the chat has said."""
    return [one.content for one in view.messages if isinstance(one, ResponseEvent)]
