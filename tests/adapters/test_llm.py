"""A language model with the assistant's tools, over a real connection to one that misbehaves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import pytest

pytest.importorskip("pydantic_ai", reason="the extra chatstream-server[llm] is not installed")

from tests.adapters.openai_server import (
    OpenAIServer,
    broken,
    call,
    hangs,
    openai_server,
    refused,
    text,
)
from tests.assistant.dialogue import Dialogue

from chatstream.adapters.llm import llm_agent, schema_of
from chatstream.agent_loading import as_agent, load_agent
from chatstream.assistant.tools import Money, ToolContext, ToolFailed, tool
from chatstream.domain.events import ErrorRaised, ThinkingAdded, ToolCalled, ToolReturned
from chatstream.domain.steps import SlotsSet, ToolCall
from chatstream.errors import ConfigurationError
from chatstream.testing import FakeClock, TestChat

MODEL = "openai-chat:test"
MONDAY_MS = 1_795_429_800_000  # 2026-11-23, 10:30 UTC
ALARM = '{"when": "2026-11-24T07:00:00"}'


class Shop:
    """Tools, and what they have done."""

    def __init__(self) -> None:
        self.done: list[tuple] = []

    def tools(self) -> list:
        @tool(idempotent=True)
        async def create_alarm(when: datetime, context: ToolContext, name: str = "Alarm") -> str:
            """Set an alarm."""
            self.done.append((when.isoformat(), name, context.call_id))
            context.remind(when, f"⏰ {name}")
            return "The alarm is set."

        @tool(confirm="Shall I really delete {what}?", visible=True)
        def delete(what: Literal["alarms", "todos"]) -> str:
            """Delete everything."""
            self.done.append(("deleted", what))
            return "Gone."

        @tool
        def pay(amount: Money, on: date, after: timedelta) -> str:
            """Pay.

            Args:
                amount: how much
            """
            self.done.append(("paid", amount.amount, on, after))
            return "Paid."

        @tool
        def break_down() -> str:
            """Break."""
            raise RuntimeError("secret-detail")

        @tool
        def be_full() -> str:
            """Be full."""
            raise ToolFailed("There is no room.")

        return [create_alarm, delete, pay, break_down, be_full]


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    async with openai_server() as (server, url):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        yield server
        server.hanging.set()


@pytest.fixture
def shop() -> Shop:
    return Shop()


def talking(shop: Shop, **options) -> TestChat:
    agent = llm_agent(shop.tools(), model=MODEL, zone=UTC, **options)
    return TestChat(agent, clock=FakeClock(MONDAY_MS))


def of(kind, turn) -> list:
    return [fact for fact in turn.facts if isinstance(fact, kind)]


async def test_an_answer_is_streamed_and_its_reasoning_and_usage_are_steps(server, shop):
    server.will(text("Hel", "lo", reasoning="The user greets."))
    async with talking(shop) as chat:
        turn = await chat.send("Hi")
    assert (turn.answer, turn.end) == ("Hello", "finished")
    steps = {step.step: step for step in of(ThinkingAdded, turn)}
    assert steps["reasoning"].content == "The user greets."
    usage = steps["response_generation"].data["usage"]
    assert (usage["requests"], usage["input_tokens"], usage["output_tokens"]) == (1, 11, 7)


async def test_the_model_knows_the_time_the_history_and_the_slots(server, shop):
    async def knowing(turn):
        yield SlotsSet({"city": "Oslo", "_own": 1})
        async for step in llm_agent(shop.tools(), model=MODEL, zone=UTC)(turn):
            yield step

    server.will(text("one"), text("two"))
    async with TestChat(knowing, clock=FakeClock(MONDAY_MS)) as chat:
        await chat.send("first")
        await chat.send("second")
    assert server.said() == [("user", "first"), ("assistant", "one"), ("user", "second")]
    assert "It is Monday, 2026-11-23T10:30+00:00 (UTC)." in server.instructions()
    assert '{"city":"Oslo"}' in server.instructions()


async def test_what_the_context_manager_brought_is_told(server, shop):
    server.will(text("Hi"))
    async with TestChat(llm_agent(shop.tools(), model=MODEL), context=Recalling()) as chat:
        await chat.send("Hello")
    assert 'From earlier tasks: {"last":"tea"}' in server.instructions()


async def test_a_tool_gets_checked_values_and_may_speak_up_later(server, shop):
    server.will(call("create_alarm", ALARM), text("Done"))
    async with talking(shop) as chat:
        turn = await chat.send("Wake me at seven")
        assert [one.content for one in (await chat.state()).reminders.values()] == ["⏰ Alarm"]
    [called] = of(ToolCalled, turn)
    assert shop.done == [("2026-11-24T07:00:00+00:00", "Alarm", called.call_id)]
    assert called.idempotent
    assert turn.answer == "Done"
    assert server.said()[-1] == ("tool", "The alarm is set.")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"when": "2026-11', "JSON"),
        ('{"when": "tomorrow"}', "Invalid RFC3339"),
        ("{}", "'when' is missing"),
        ('{"when": "2026-11-24T07:00:00", "colour": "red"}', "no parameter 'colour'"),
        ("[1]", ""),
    ],
)
async def test_malformed_arguments_go_back_to_the_model(server, shop, arguments, told):
    server.will(call("create_alarm", arguments), call("create_alarm", ALARM), text("Done"))
    async with talking(shop) as chat:
        turn = await chat.send("Wake me at seven")
    assert turn.answer == "Done"
    assert len(shop.done) == 1
    assert len(of(ToolCalled, turn)) == 1
    assert told in json.dumps(server.requests[1]["messages"])


async def test_every_kind_of_value_is_read_in_the_form_that_the_schema_names(server, shop):
    schema = schema_of(shop.tools()[2])
    assert schema["properties"]["after"] == {"type": "string", "format": "duration"}
    assert schema["properties"]["amount"]["description"]
    assert "Money" in schema["$defs"]
    arguments = {"amount": {"amount": 3.5, "currency": "EUR"}, "on": "2026-11-24", "after": "PT5M"}
    server.will(call("pay", json.dumps(arguments)), text("Done"))
    async with talking(shop) as chat:
        await chat.send("Pay")
    assert shop.done == [("paid", 3.5, date(2026, 11, 24), timedelta(minutes=5))]


async def test_the_user_is_asked_before_a_tool_that_must_be_confirmed(server, shop):
    server.will(call("delete", '{"what": "alarms"}'), text("They are gone."))
    async with talking(shop) as chat:
        asked = await chat.send("Delete my alarms")
        assert (asked.answer, asked.end) == ("Shall I really delete alarms?", "needs_input")
        assert shop.done == []
        done = await chat.send("Yes, please")
        assert (done.answer, shop.done) == ("They are gone.", [("deleted", "alarms")])
        assert [fact.arguments for fact in of(ToolCalled, done)] == [{"what": "alarms"}]
        assert (await chat.intents())[0].slots is None
    assert server.said()[-2:] == [("assistant", None), ("tool", "Gone.")]


async def test_anything_but_a_yes_is_told_to_the_model_instead(server, shop):
    server.will(
        call("delete", '{"what": "alarms"}'),
        call("delete", '{"what": "todos"}'),
        text("As you wish."),
    )
    async with talking(shop) as chat:
        await chat.send("Delete my alarms")
        again = await chat.send("no, the todos")
        assert again.answer == "Shall I really delete todos?"
        assert ("user", "no, the todos") in server.said()
        done = await chat.answer({"value": "no"})
        assert (done.answer, done.end) == ("As you wish.", "finished")
    assert shop.done == []


async def test_a_crash_in_a_confirmed_call_asks_and_makes_it_again_under_its_id(server, shop):
    server.will(call("delete", '{"what": "alarms"}'), text("They are gone."))
    talk = Dialogue(llm_agent(shop.tools(), model=MODEL, zone=UTC))
    await talk.say("Delete my alarms")
    await talk.killed("yes", lambda step: isinstance(step, ToolCall))
    assert "cannot tell" in await talk.recover()
    assert await talk.say("yes") == "They are gone."
    assert [step.call_id for step in talk.calls] == [talk.calls[0].call_id] * 2
    assert shop.done == [("deleted", "alarms")]
    assert talk.intent.slots == {}


async def test_a_tool_that_fails_is_told_to_the_model_with_its_reason_only(server, shop):
    server.will(call("break_down", "{}"), call("be_full", "{}"), text("Sorry."))
    async with talking(shop) as chat:
        turn = await chat.send("Go")
    assert (turn.answer, turn.end) == ("Sorry.", "finished")
    assert [fact.ok for fact in of(ToolReturned, turn)] == [False, False]
    assert "There is no room." in json.dumps(server.requests[2]["messages"])
    assert "secret-detail" not in json.dumps(server.requests)


async def test_a_model_that_breaks_off_half_way_fails_the_turn_and_can_be_retried(server, shop):
    server.will(broken("Half"), text("Whole"))
    async with talking(shop) as chat:
        turn = await chat.send("Hi", id="m1")
        [error] = of(ErrorRaised, turn)
        assert (error.code, error.retryable, turn.end) == ("model_failed", True, "failed")
        assert (await chat.retry("m1")).answer == "Whole"


async def test_a_model_that_breaks_off_before_its_first_word_is_asked_again(server, shop):
    server.will(broken(), text("Here"))
    async with talking(shop) as chat:
        turn = await chat.send("Hi")
    assert turn.answer == "Here"
    assert [(s.attempt, s.of) for s in of(ThinkingAdded, turn) if s.status == "failed"] == [(1, 2)]


async def test_a_model_that_does_not_answer_is_a_time_out(server, shop):
    server.will(hangs(server), hangs(server))
    async with talking(shop, timeout_s=0.2) as chat:
        turn = await chat.send("Hi")
    assert [error.code for error in of(ErrorRaised, turn)] == ["model_timeout"]
    assert len(server.requests) == 2


async def test_a_rate_limit_is_waited_for_and_a_refusal_is_told_safely(server, shop):
    limit = refused("429 Too Many Requests", "Retry-After-Ms: 1")
    server.will(limit, limit, text("Now"), refused("400 Bad Request"), refused("400 Bad Request"))
    async with talking(shop) as chat:
        assert (await chat.send("Hi")).answer == "Now"
        turn = await chat.send("again")
    [error] = of(ErrorRaised, turn)
    assert error.code == "model_failed"
    assert "secret-detail" not in error.message


# -- as the assistant's last resort, by its name ----------------------------------------------


async def test_the_assistant_turns_to_the_model_that_the_settings_name(server, shop):
    server.will(text("Paris."), call("delete", '{"what": "todos"}'), text("Gone, then."))
    async with TestChat(as_agent(shop.tools(), MODEL), clock=FakeClock(MONDAY_MS)) as chat:
        turn = await chat.send("qqq what is the capital of france zzz")
        assert turn.answer == "Paris."
        asked = await chat.send("qqq zzz vanish")
        assert asked.answer == "Shall I really delete todos?"
        done = await chat.answer({"value": "yes"})
        assert (done.answer, shop.done) == ("Gone, then.", [("deleted", "todos")])


def test_a_model_that_cannot_be_had_is_told_at_the_start(monkeypatch, shop):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for name in ("nobody:knows", "unknown", "openai:gpt-5", "anthropic:claude-sonnet-4-5"):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            as_agent(shop.tools(), name)


def test_without_the_extra_the_error_names_it(monkeypatch, shop):
    import sys

    monkeypatch.setitem(sys.modules, "chatstream.adapters.llm", None)
    with pytest.raises(ConfigurationError, match=r"chatstream-server\[llm\]"):
        as_agent(shop.tools(), MODEL)


def test_an_agent_that_has_its_own_model_needs_none():
    assert load_agent("tests.kit.agents:agent", "nobody:knows")


class Recalling:
    """A context manager that recalls one thing."""

    async def context(self, chat_id, chat, intent):
        from chatstream.agents.context import Context

        return Context("memory", {"last": "tea"})
