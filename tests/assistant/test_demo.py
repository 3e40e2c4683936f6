"""The assistant of `make serve`: what it does for a user, and that it speaks up when it is time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from chatstream.agent_loading import as_agent
from chatstream.agents.turn import Turn
from chatstream.app import app_of
from chatstream.assistant import repair
from chatstream.assistant.demo import SUGGESTIONS, demo_tools, pacing, todo
from chatstream.assistant.demo.pacing import Paced
from chatstream.assistant.demo.units import converted
from chatstream.assistant.recognise import Recogniser
from chatstream.assistant.slots import times
from chatstream.assistant.tools import ToolFailed
from chatstream.config import Settings
from chatstream.domain.commands import OpenChat
from chatstream.domain.events import ComponentShown, ContextBrought, ErrorRaised, ResponseGiven
from chatstream.domain.form_schema import patterns
from chatstream.domain.steps import Response
from chatstream.ids import ChatId, new_chat_id
from chatstream.plugin import ChatStreamPlugin
from chatstream.testing import FakeClock, TestChat, memory_engine

MONDAY_MS = 1_795_429_800_000  # 2026-11-23, 10:30 UTC


class Demo(TestChat):
    """A chat with the demo assistant on a server in memory."""

    def __init__(self) -> None:
        async def fetch(sql, parameters):
            return await self.node.store.fetch(sql, parameters)

        async def write(change):
            await self.node.write_row(ChatId(""), change)

        super().__init__(demo_tools(fetch, write), clock=FakeClock(MONDAY_MS))

    async def says(self, content: str) -> str:
        """What is answered to ``content``."""
        return (await self.send(content)).answer or ""

    async def answers(self, **values) -> str:
        """What is answered to a submitted form."""
        return (await self.answer(values)).answer or ""

    async def other_chat(self) -> ChatId:
        """Go on in another chat of the same user; gives the one before."""
        before, self.chat_id = self.chat_id, new_chat_id()
        await self.submit(OpenChat(**self._base()))
        return before

    async def said(self) -> list[str]:
        """Everything that was said in the chat."""
        return [fact.content for fact in await self.facts() if isinstance(fact, ResponseGiven)]


@pytest.fixture
async def chat() -> AsyncIterator[Demo]:
    async with Demo() as demo:
        yield demo


async def test_an_alarm_that_is_due_speaks_up(chat):
    assert "Your alarm is set for" in await chat.says("set an alarm in 20 minutes")
    assert "Your alarm rings, today at" in await chat.says("what alarms do I have")
    await chat.pass_time(20 * 60)
    assert (await chat.said())[-1] == "Your alarm rings"
    assert "no alarms" in await chat.says("what alarms do I have")


async def test_the_seed_flow(chat):
    assert await chat.says("Create alarm") == "When shall it ring?"
    assert "set for tomorrow at 7:00 am" in await chat.says("7 am tomorrow")
    assert await chat.says("Create another alarm") == "When shall it ring?"


async def test_a_reminder_and_a_timer(chat):
    assert "“call mum”" in await chat.says("remind me to call mum at 5 pm tomorrow")
    assert "runs for 5 minutes" in await chat.says("set a timer for 5 minutes")
    await chat.pass_time(300)
    assert (await chat.said())[-1] == "Your timer of 5 minutes is up"
    await chat.pass_time(86_400 * 2)
    assert (await chat.said())[-1] == "Don’t forget: call mum"


@pytest.mark.parametrize(
    ("words", "thing"),
    [
        ("remind me in 10 minutes to check the oven", "check the oven"),
        ("remind me tomorrow at 5 pm to call mum", "call mum"),
        ("remind me on friday at noon to pay the rent", "pay the rent"),
    ],
)
async def test_the_time_of_a_reminder_may_come_first(chat, words, thing):
    assert f"remind you of “{thing}”" in await chat.says(words)


@pytest.mark.parametrize("words", ["I don't want an alarm", "Don't remind me of anything."])
async def test_who_asks_for_nothing_is_asked_nothing(chat, words):
    assert await chat.says(words) == "There is nothing open that I could stop."


async def test_who_does_not_want_the_open_task_gives_it_up(chat):
    await chat.says("set an alarm")
    assert await chat.says("I don't want an alarm") == "All right, I have dropped that."


async def test_who_does_not_want_another_task_is_asked_for_the_open_one(chat):
    await chat.says("set an alarm")
    assert await chat.says("don't remind me of anything") == "When shall it ring?"


async def test_words_that_are_asked_for_may_begin_with_a_no(chat):
    await chat.says("remind me tomorrow at 5 pm")
    assert "“don't call Ann”" in await chat.says("don't call Ann")


async def test_a_negated_wish_is_still_a_wish(chat):
    assert "pay the rent" in await chat.says("don't let me forget to pay the rent at 5 pm tomorrow")


@pytest.mark.parametrize("words", ["I want to speak to a human", "can I talk to someone?", "human"])
async def test_who_asks_for_people_is_told_that_there_are_none(chat, words):
    assert (await chat.says(words)).startswith("I'm a program, and there is nobody here")


async def test_a_rude_word_starts_no_task_and_leaves_an_open_one_as_it_is(chat):
    assert (await chat.says("fuck off")).startswith("I'm sorry that this is not going well.")
    assert await chat.says("set an alarm") == "When shall it ring?"
    assert "When shall it ring?" in await chat.says("you are stupid")


async def test_what_cannot_be_set_is_told(chat):
    assert "a week at most" in await chat.says("set a timer for 9 days")
    await chat.says("forget it")
    assert "is past" in await chat.says("set an alarm for 23 November 2020 at 7 am")


async def test_alarms_of_every_chat_are_listed_and_deleted(chat):
    await chat.says("set an alarm in 20 minutes called Tea")
    first = await chat.other_chat()
    assert "Tea" in await chat.says("what alarms do I have")
    assert "Shall I delete" in await chat.says("delete my alarms")
    assert await chat.answers(value="yes") == "Deleted: 1."
    chat.chat_id = first
    await chat.pass_time(3600)
    assert "Your alarm “Tea” rings" not in await chat.said()


async def test_the_list_is_kept_for_the_user(chat):
    assert await chat.says("show my list") == "Your list is empty."
    await chat.says("add milk to my list")
    chat.clock.advance(1)
    await chat.says("put eggs on my to-do list")
    await chat.other_chat()
    assert await chat.says("what is on my to-do list") == "On your list:\n\n- milk\n- eggs"
    assert await chat.says("tick off milk") == "“milk” is done."
    assert "do not find" in await chat.says("tick off bread")
    await chat.says("forget it")
    await chat.says("clear my list")
    assert await chat.answers(value="yes") == "Your list is empty now."
    assert await chat.says("show my list") == "Your list is empty."


async def test_units_are_converted(chat):
    assert "8.04672 kilometres" in await chat.says("convert 5 miles to kilometres")
    assert "21.1111 celsius" in await chat.says("what is 70 fahrenheit in celsius")


def test_what_measures_different_things_cannot_be_converted():
    assert converted(1, "celsius", "kelvin") == 274.15
    for source, target in [("mile", "litre"), ("celsius", "gram"), ("pound", "kelvin")]:
        with pytest.raises(ToolFailed, match="cannot be converted"):
            converted(1, source, target)


async def test_it_tells_of_chatstream(chat):
    assert "durable" in await chat.says("what is chatstream")
    assert "SQLite" in await chat.says("which database does chatstream use")


async def test_a_form_is_shown_and_checked(chat):
    turn = await chat.send("show me a form")
    assert [fact.kind for fact in turn.facts if isinstance(fact, ComponentShown)] == ["form"]
    done = await chat.answers(name="Ann", email="ann@example.org", guests=2)
    assert "**Name**: Ann" in done


async def test_an_error_is_shown_and_can_be_retried(chat):
    turn = await chat.send("show me an error", id="m1")
    assert turn.end == "failed"
    assert [fact.retryable for fact in turn.facts if isinstance(fact, ErrorRaised)] == [True]
    assert (await chat.retry("m1")).end == "failed"


def test_every_example_leads_to_its_own_tool():
    tools = demo_tools(None, None)  # type: ignore[arg-type]
    recogniser = Recogniser({tool.name: tool.utterances for tool in tools})
    wrong = [
        (example.text, found.name)
        for tool in tools
        for example in tool.examples
        if (found := recogniser.recognise(example.text)).name != tool.name or not found.is_sure
    ]
    assert wrong == []


async def test_every_suggestion_leads_somewhere(chat):
    said = [await chat.says(words) for words in SUGGESTIONS]
    assert [answer[:17] for answer in said] == [
        "Your alarm is set",
        "When shall I remi",
        "“milk” is on your",
        "5 miles = 8.04672",
        "chatstream is the",
    ]


async def test_after_an_error_another_task_can_be_asked_for(chat):
    await chat.send("show me an error")
    assert await chat.says("show me a form") == "What is your name?"
    await chat.says("forget it")
    await chat.send("show me an error")
    assert (await chat.send("try again")).end == "failed"


async def test_what_was_done_last_is_recalled_for_the_next_task():
    plugin = ChatStreamPlugin(Settings(), engine=memory_engine())
    chat = Demo()
    chat.node = plugin.node
    async with chat:
        await chat.says("add milk to my list")
        turn = await chat.send("create alarm")
        [brought] = [fact for fact in turn.facts if isinstance(fact, ContextBrought)]
        assert brought.hidden.context["completed"][0]["name"] == "add_todo"
        assert (await chat.send("forget it")).end == "finished"


def test_another_agent_recalls_nothing_of_itself():
    async def agent(turn):
        yield Response("Done.")

    plugin = ChatStreamPlugin(Settings(), agent, engine=memory_engine())
    assert plugin.node.runner._context is None


def test_a_server_of_ones_own_agent_knows_nothing_of_the_assistant():
    code = (
        "import sys; from chatstream import ChatStreamPlugin, Settings;"
        "ChatStreamPlugin(Settings(agent='tests.faults.agents:agent', database='sqlite:///no.db'));"
        "sys.exit(any(name.startswith('chatstream.assistant') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_the_first_message_would_wait_for_is_compiled_beforehand():
    patterns = [pattern for _, pattern in (*repair._PATTERNS, *repair._LED)]
    for pattern in (*patterns, times._TIME):
        vars(pattern).pop("compiled", None)
    ChatStreamPlugin(Settings(), engine=memory_engine())._agent.warm_up()
    assert all("compiled" in vars(pattern) for pattern in (*patterns, times._TIME))


async def test_an_agent_and_forms_warm_up_beside_the_loop():
    loop = asyncio.get_running_loop()
    warmed_by = loop.create_future()

    class Agent:
        async def __call__(self, _):
            yield Response("Done.")

        def warm_up(self):
            loop.call_soon_threadsafe(warmed_by.set_result, threading.current_thread())

    patterns._compiled.cache_clear()
    plugin = ChatStreamPlugin(Settings(), Agent(), engine=memory_engine())
    async with app_of(plugin).lifespan():
        assert await warmed_by is not threading.current_thread()
    assert patterns._compiled.cache_info().currsize == 1


async def test_a_longer_answer_comes_word_by_word(monkeypatch):
    monkeypatch.setattr(pacing, "PIECE_EVERY_S", 0)

    async def agent(turn):
        yield Response(f"{turn.content} " * 30, is_complete=True)

    steps = [step async for step in Paced(as_agent(agent))(_turn("word"))]
    assert steps[:2] == ["word", " word"]
    assert len(steps) == 31
    assert steps[-1] == Response("word " * 30, is_complete=True)


async def test_a_short_answer_comes_at_once():
    async def agent(_):
        yield Response("Done.")

    assert [step async for step in Paced(as_agent(agent))(_turn("a"))] == [Response("Done.")]


def _turn(content: str) -> Turn:
    ids = {"user_id": "ada", "user_chat_id": "chat_1", "user_intent_id": "intent_1"}
    return Turn(content, **ids, session_id=None, message_id="m1", attempt=1, now_ms=MONDAY_MS)


async def test_a_list_is_full_at_its_largest_and_an_entry_has_a_length(chat, monkeypatch):
    monkeypatch.setattr(todo, "MOST_TODOS", 2)
    await chat.says("add milk to my list")
    await chat.says("add eggs to my list")
    assert "Your list is full" in await chat.says("add tea to my list")
    await chat.says("forget it")
    await chat.says("new todo")
    assert "500 characters" in await chat.says("x" * 501)
