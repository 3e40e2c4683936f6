"""What a person agreed to once is done once: a model's tools over failures, stops and crashes."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("pydantic_ai", reason="the extra chatstream-server[llm] is not installed")

from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from tests.assistant.dialogue import Dialogue

from chatstream.agent_loading import as_agent
from chatstream.domain.events import ToolCalled
from chatstream.domain.steps import ToolCall
from chatstream.testing import TestChat

YES_ID = "00000000-0000-7000-8000-000000000002"


class Rockets:
    """A model that launches when it is told to, and a tool that remembers each launch."""

    def __init__(self, *, approval: bool = True, idempotent: bool = False) -> None:
        self.launched: list[str] = []
        self.seen: list[list[tuple[str, str]]] = []
        self.fails = self.breaks = False
        self.writes_first = ""
        self.is_writing, self.may_write = asyncio.Event(), asyncio.Event()
        self.may_write.set()
        self.is_launching, self.may_launch = asyncio.Event(), asyncio.Event()
        self.may_launch.set()
        output = [str, DeferredToolRequests] if approval else str
        self.agent = Agent(FunctionModel(stream_function=self._stream), output_type=output)

        @self.agent.tool_plain(requires_approval=approval, metadata={"idempotent": idempotent})
        async def launch(site: str) -> str:
            self.launched.append(site)
            self.is_launching.set()
            await self.may_launch.wait()
            if self.breaks:
                raise RuntimeError
            return "launched"

    async def _stream(self, messages, _):
        parts = [part for message in messages for part in message.parts]
        self.seen.append(
            [(type(part).__name__, str(part.content)) for part in parts if _has_text(part)]
        )
        returned = [part for part in parts if isinstance(part, ToolReturnPart)]
        if not returned:
            yield {0: DeltaToolCall(name="launch", json_args='{"site": "Kourou"}')}
            return
        if self.writes_first:
            yield self.writes_first
        self.is_writing.set()
        await self.may_write.wait()
        if self.fails:
            raise ModelHTTPError(503, "model")
        yield f"It said {returned[-1].content}"

    async def fail(self, chat: TestChat, said: str) -> None:
        """The turn of ``said`` fails when the tool has run."""
        self.fails = True
        turn = await chat.send(said, id=YES_ID)
        assert turn.end == "failed"
        self.fails = False

    async def stop(self, chat: TestChat, said: str) -> None:
        """The user stops the turn of ``said`` when the tool has run."""
        self.may_write.clear()
        await self._stopped(chat, said, self.is_writing)
        self.may_write.set()

    async def stop_the_tool(self, chat: TestChat, said: str) -> None:
        """The user stops the turn of ``said`` while the tool runs."""
        self.may_launch.clear()
        await self._stopped(chat, said, self.is_launching)
        self.may_launch.set()

    async def _stopped(self, chat: TestChat, said: str, when: asyncio.Event) -> None:
        when.clear()
        sending = asyncio.create_task(chat.send(said, id=YES_ID))
        async with asyncio.timeout(5):
            await when.wait()
        await chat.cancel()
        assert (await sending).end == "cancelled"


def _has_text(part) -> bool:
    return isinstance(part, UserPromptPart | ToolReturnPart)


async def retry(chat: TestChat):
    return await chat.retry(YES_ID)


async def yes_again(chat: TestChat):
    return await chat.send("yes")


BROKEN_OFF = [Rockets.fail, Rockets.stop]
AGAIN = [retry, yes_again]


@pytest.mark.parametrize("again", AGAIN)
@pytest.mark.parametrize("broken_off", BROKEN_OFF)
async def test_one_yes_launches_once_whatever_comes_before_the_answer(broken_off, again):
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        assert (await chat.send("Launch it")).end == "needs_input"
        await broken_off(rockets, chat, "yes")
        turn = await again(chat)
    assert rockets.launched == ["Kourou"]
    assert (turn.answer, turn.end) == ("It said launched", "finished")


@pytest.mark.parametrize("again", AGAIN)
@pytest.mark.parametrize("broken_off", BROKEN_OFF)
async def test_the_same_for_a_tool_that_needs_no_approval(broken_off, again):
    rockets = Rockets(approval=False)
    async with TestChat(rockets.agent) as chat:
        await broken_off(rockets, chat, "Launch it")
        turn = await again(chat)
    assert rockets.launched == ["Kourou"]
    assert turn.answer == "It said launched"


async def test_it_stays_once_over_any_number_of_failures():
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        await rockets.fail(chat, "yes")
        rockets.fails = True
        for again in (retry, retry, yes_again, yes_again):
            assert (await again(chat)).end == "failed"
        rockets.fails = False
        assert (await chat.send("well?")).answer == "It said launched"
    assert rockets.launched == ["Kourou"]


async def test_it_stays_once_when_the_answer_is_asked_for_again():
    rockets = Rockets(approval=False)
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it", id=YES_ID)
        for _ in range(3):
            assert (await retry(chat)).answer == "It said launched"
    assert rockets.launched == ["Kourou"]


async def test_a_stop_after_the_first_words_leaves_the_call_as_done():
    rockets = Rockets()
    rockets.writes_first = "I have"
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        await rockets.stop(chat, "yes")
        turn = await chat.send("yes")
    assert rockets.launched == ["Kourou"]
    assert "It said launched" in turn.answer


async def test_the_yes_counts_no_more_from_the_append_of_the_call_on():
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        [intent] = (await chat.state()).unfinished.values()
        assert "_calls" in intent.slots
        await rockets.stop_the_tool(chat, "yes")
        [intent] = (await chat.state()).unfinished.values()
        assert "_calls" not in intent.slots
        rows = [row async for row in _appends(chat)]
    assert any({"intent", "tool_call"} <= kinds for kinds in rows)


async def _appends(chat: TestChat):
    """The kinds of events that have one time and one nonce: one append each."""
    groups: dict[str, set[str]] = {}
    for fact in await chat.facts():
        kind = fact.__struct_config__.tag
        groups.setdefault(fact.event_id.rstrip("0123456789"), set()).add(str(kind))
    for kinds in groups.values():
        yield kinds


@pytest.mark.parametrize("again", AGAIN)
async def test_a_stop_while_the_tool_runs_is_asked_about_before_it_runs_again(again):
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        await rockets.stop_the_tool(chat, "yes")
        asked = await again(chat)
        assert asked.end == "needs_input"
        assert "cannot tell whether it was carried out" in asked.answer
        assert rockets.launched == ["Kourou"]
        done = await chat.send("yes")
        calls = [fact for fact in await chat.facts() if isinstance(fact, ToolCalled)]
    assert done.answer == "It said launched"
    assert rockets.launched == ["Kourou", "Kourou"]
    assert len({call.call_id for call in calls}) == 1


async def test_each_stop_is_asked_about_anew():
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        await rockets.stop_the_tool(chat, "yes")
        assert (await chat.send("yes")).end == "needs_input"
        rockets.may_launch.clear()
        rockets.is_launching.clear()
        sending = asyncio.create_task(chat.send("yes"))
        await asyncio.wait_for(rockets.is_launching.wait(), 5)
        await chat.cancel()
        await sending
        rockets.may_launch.set()
        again = await chat.send("yes")
    assert again.end == "needs_input"
    assert len(rockets.launched) == 2


async def test_a_no_to_that_question_leaves_it_undone():
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        await rockets.stop_the_tool(chat, "yes")
        await chat.send("yes")
        turn = await chat.send("no")
        assert (turn.answer, turn.end) == (
            "It said The user was asked and did not agree.",
            "finished",
        )
        assert (await chat.send("yes")).end != "failed"
    assert rockets.launched == ["Kourou"]


async def test_who_talks_of_something_else_is_not_asked_and_the_model_knows_of_the_call():
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        await rockets.stop_the_tool(chat, "yes")
        turn = await chat.send("what is the time?")
    assert "nobody knows whether it was carried out" in turn.answer
    assert rockets.launched == ["Kourou"]


@pytest.mark.parametrize("again", AGAIN)
async def test_an_idempotent_call_runs_again_under_its_id(again):
    rockets = Rockets(idempotent=True)
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        await rockets.stop_the_tool(chat, "yes")
        done = await again(chat)
        calls = [fact for fact in await chat.facts() if isinstance(fact, ToolCalled)]
    assert done.answer == "It said launched"
    assert rockets.launched == ["Kourou", "Kourou"]
    assert len({call.call_id for call in calls}) == 1


@pytest.mark.parametrize("said", ["yes", "no"])
async def test_a_crash_between_call_and_result_is_asked_about(said):
    rockets = Rockets()
    talk = Dialogue(as_agent(rockets.agent))
    await talk.say("Launch it")
    await talk.killed("yes", lambda step: isinstance(step, ToolCall))
    assert "cannot tell" in await talk.recover()
    assert rockets.launched == []  # killed before the first line of the tool
    await talk.say(said)
    assert rockets.launched == (["Kourou"] if said == "yes" else [])
    await talk.say("yes")
    assert len(rockets.launched) == (1 if said == "yes" else 0)


async def test_a_restart_after_the_result_goes_on_with_it():
    rockets = Rockets()
    rockets.may_write.clear()
    talk = Dialogue(as_agent(rockets.agent))
    await talk.say("Launch it")
    await talk.killed("yes", lambda step: getattr(step, "ok", False))
    rockets.may_write.set()
    assert await talk.recover() == "It said launched"
    assert rockets.launched == ["Kourou"]


async def test_the_model_is_told_what_was_said_and_done_in_its_order():
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        await rockets.fail(chat, "yes")
        await chat.send("and now?")
    assert rockets.seen[-1] == [
        ("UserPromptPart", "Launch it"),
        ("UserPromptPart", "yes"),
        ("ToolReturnPart", "launched"),
        ("UserPromptPart", "and now?"),
    ]


@pytest.mark.parametrize("broken_off", BROKEN_OFF)
async def test_one_press_of_yes_launches_once(broken_off):
    rockets = Rockets()
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        rockets.fails = broken_off is Rockets.fail
        if rockets.fails:
            assert (await chat.answer({"value": "yes"})).end == "failed"
        else:
            rockets.may_write.clear()
            sending = asyncio.create_task(chat.answer({"value": "yes"}))
            await asyncio.wait_for(rockets.is_writing.wait(), 5)
            await chat.cancel()
            assert (await sending).end == "cancelled"
            rockets.may_write.set()
        rockets.fails = False
        assert (await chat.send("yes")).answer == "It said launched"
    assert rockets.launched == ["Kourou"]


async def test_two_calls_that_one_yes_was_for_are_each_made_once():
    launched: list[str] = []
    fails = True

    async def stream(messages, _):
        nonlocal fails
        parts = [part for message in messages for part in message.parts]
        if not any(isinstance(part, ToolReturnPart) for part in parts):
            for at, site in enumerate(("Kourou", "Baikonur")):
                yield {at: DeltaToolCall(name="launch", json_args=f'{{"site": "{site}"}}')}
            return
        if fails:
            raise ModelHTTPError(503, "model")
        yield " ".join(str(part.content) for part in parts if isinstance(part, ToolReturnPart))

    agent = Agent(FunctionModel(stream_function=stream), output_type=[str, DeferredToolRequests])

    @agent.tool_plain(requires_approval=True)
    def launch(site: str) -> str:
        launched.append(site)
        return f"{site} up"

    async with TestChat(agent) as chat:
        assert (await chat.send("Launch both")).end == "needs_input"
        assert (await chat.send("yes", id=YES_ID)).end == "failed"
        [intent] = (await chat.state()).unfinished.values()
        assert "_calls" not in intent.slots
        fails = False
        turn = await retry(chat)
    assert sorted(launched) == ["Baikonur", "Kourou"]
    assert sorted(turn.answer.split()) == ["Baikonur", "Kourou", "up", "up"]


async def test_a_tool_that_broke_after_a_yes_is_told_to_the_model_and_not_run_again():
    rockets = Rockets()
    rockets.breaks = True
    async with TestChat(rockets.agent) as chat:
        await chat.send("Launch it")
        assert (await chat.send("yes", id=YES_ID)).end == "failed"
        turn = await retry(chat)
    assert turn.answer == "It said the tool failed"
    assert rockets.launched == ["Kourou"]
