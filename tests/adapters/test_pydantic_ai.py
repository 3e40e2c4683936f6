"""A user's own pydantic-ai agent, on a whole server in memory."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("pydantic_ai", reason="the extra chatstream-server[llm] is not installed")

from msgspec.structs import replace
from pydantic import BaseModel
from pydantic_ai import Agent, DeferredToolRequests, ModelRetry, RunContext
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ToolReturnPart
from pydantic_ai.models.function import DeltaThinkingPart, DeltaToolCall, FunctionModel
from pydantic_ai.models.test import TestModel
from tests.agents.misbehaviour import RAISED, raise_

from chatstream.adapters.past_calls import MOST_MESSAGES
from chatstream.adapters.pydantic_ai import agent_from_pydantic_ai
from chatstream.agent_loading import as_agent
from chatstream.agents.turn import Turn
from chatstream.domain.events import ErrorRaised, ThinkingAdded, ToolCalled, ToolReturned
from chatstream.domain.steps import Delta, ToolCall, ToolResult
from chatstream.domain.user_chat.state import HistoryItem, PastCall
from chatstream.testing import TestChat


class Alarm(BaseModel):
    hour: int


def returns(messages) -> list[ToolReturnPart]:
    return [p for m in messages for p in m.parts if isinstance(p, ToolReturnPart)]


def calling(name: str, arguments: str):
    """A model that calls a tool under a new random id each time, and then tells its result."""

    async def stream(messages, _):
        done = returns(messages)
        if done:
            yield f"It said {done[-1].content}"
        else:
            yield {0: DeltaToolCall(name=name, json_args=arguments)}

    return FunctionModel(stream_function=stream)


def of(kind, turn):
    return [fact for fact in turn.facts if isinstance(fact, kind)]


async def test_the_answer_of_a_pydantic_ai_agent_is_the_response():
    async with TestChat(Agent(TestModel(custom_output_text="Hello there"))) as chat:
        turn = await chat.send("Hi")
    assert (turn.answer, turn.end) == ("Hello there", "finished")


async def test_reasoning_is_a_thinking_step_and_usage_is_stored():
    async def stream(_, __):
        yield {0: DeltaThinkingPart(content="Let me see")}
        yield "Yes"

    async with TestChat(Agent(FunctionModel(stream_function=stream))) as chat:
        turn = await chat.send("Hi")
    steps = of(ThinkingAdded, turn)
    assert [step.content for step in steps if step.step == "reasoning"] == ["Let me see"]
    [wrote] = [s for s in steps if s.step == "response_generation" and s.status == "completed"]
    assert wrote.data["usage"]["requests"] == 1
    assert wrote.data["usage"]["output_tokens"] > 0


async def test_a_tool_call_is_stored_before_and_its_result_after():
    agent = Agent(calling("ring", '{"hour": 7}'), deps_type=Turn)

    @agent.tool(metadata={"idempotent": True})
    async def ring(ctx: RunContext[Turn], hour: int) -> str:
        stored = [fact for fact in await chat.facts() if isinstance(fact, ToolCalled)]
        assert [fact.call_id for fact in stored] == [ctx.tool_call_id]
        return f"{hour} for {ctx.deps.user_id}"

    async with TestChat(agent) as chat:
        turn = await chat.send("Wake me")
    assert turn.answer == "It said 7 for user"
    [call], [result] = of(ToolCalled, turn), of(ToolReturned, turn)
    assert call.call_id == result.call_id
    assert result.ok


async def test_earlier_messages_of_the_intent_are_the_models_history():
    async def stream(messages, _):
        yield " | ".join(str(part.content) for message in messages for part in message.parts)

    async with TestChat(Agent(FunctionModel(stream_function=stream))) as chat:
        await chat.send("one")
        turn = await chat.send("two")
    assert turn.answer == "one | one | two"


async def test_a_failed_model_is_asked_again_and_the_tool_is_not_run_twice():
    ran, failures = [], 0

    async def stream(messages, _):
        nonlocal failures
        if not returns(messages):
            yield {0: DeltaToolCall(name="ring", json_args='{"hour": 7}')}
        elif failures < 2:
            failures += 1
            raise ModelHTTPError(503, "model")
        else:
            yield "Done"

    agent = Agent(FunctionModel(stream_function=stream))

    @agent.tool_plain
    def ring(hour: int) -> str:
        ran.append(hour)
        return "set"

    async with TestChat(agent) as chat:
        turn = await chat.send("Wake me")
    assert (turn.answer, ran) == ("Done", [7])
    assert [s.attempt for s in of(ThinkingAdded, turn) if s.status == "failed"] == [1, 2]


async def test_a_model_that_fails_half_way_fails_the_turn_with_a_safe_text():
    async def stream(_, __):
        yield "Half"
        raise ModelHTTPError(500, "model", "secret-detail")

    async with TestChat(Agent(FunctionModel(stream_function=stream))) as chat:
        turn = await chat.send("Hi")
    [error] = of(ErrorRaised, turn)
    assert (error.code, error.retryable, turn.end) == ("model_failed", True, "failed")
    assert "secret-detail" not in error.message


async def test_a_model_that_does_not_answer_is_a_time_out():
    async def stream(_, __):
        await asyncio.Event().wait()
        yield "never"

    agent = agent_from_pydantic_ai(
        Agent(FunctionModel(stream_function=stream)), tries=1, timeout_s=0.05
    )
    async with TestChat(agent) as chat:
        turn = await chat.send("Hi")
    assert of(ErrorRaised, turn)[0].code == "model_timeout"


async def test_malformed_arguments_go_back_to_the_model_and_never_to_the_tool():
    ran, asked = [], 0

    async def stream(_, __):
        nonlocal asked
        asked += 1
        if asked == 1:
            yield {0: DeltaToolCall(name="ring", json_args='{"hour": "seve')}
        elif asked == 2:
            yield {0: DeltaToolCall(name="ring", json_args='{"hour": 7}')}
        else:
            yield "Done"

    agent = Agent(FunctionModel(stream_function=stream))

    @agent.tool_plain
    def ring(hour: int) -> str:
        ran.append(hour)
        return "set"

    async with TestChat(agent) as chat:
        turn = await chat.send("Wake me")
    assert (turn.answer, ran) == ("Done", [7])
    assert len(of(ToolCalled, turn)) == 1


async def test_a_tool_that_asks_the_model_to_retry_has_both_calls_stored():
    tries = []

    async def stream(_, __):
        if len(tries) < 2:
            yield {0: DeltaToolCall(name="ring", json_args="{}")}
        else:
            yield "Done"

    agent = Agent(FunctionModel(stream_function=stream))

    @agent.tool_plain
    def ring() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ModelRetry("not yet")
        return "set"

    async with TestChat(agent) as chat:
        turn = await chat.send("Wake me")
    assert [fact.ok for fact in of(ToolReturned, turn)] == [False, True]
    assert len({fact.call_id for fact in of(ToolCalled, turn)}) == 2


async def test_cancel_stops_the_model():
    started, stopped = asyncio.Event(), asyncio.Event()

    async def stream(_, __):
        try:
            started.set()
            await asyncio.Event().wait()
            yield "never"
        finally:
            stopped.set()

    async with TestChat(Agent(FunctionModel(stream_function=stream))) as chat:
        sending = asyncio.create_task(chat.send("Hi", id="00000000-0000-7000-8000-000000000001"))
        await asyncio.wait_for(started.wait(), 5)
        await chat.cancel()
        assert (await sending).end == "cancelled"
        await asyncio.wait_for(stopped.wait(), 5)


def a_turn(**more) -> Turn:
    return Turn(
        content="Wake me",
        user_id="user",
        user_chat_id="chat",
        user_intent_id="intent",
        session_id=None,
        now_ms=0,
        **{"attempt": 1, "message_id": "message", **more},
    )


async def steps_of(agent, turn: Turn, answer: ToolResult | None = None) -> list[object]:
    """What a run yields, where each tool call is answered with ``answer``."""
    run, seen, sent = as_agent(agent)(turn), [], None
    while True:
        try:
            step = await run.asend(sent)
        except StopAsyncIteration:
            return seen
        seen.append(step)
        sent = answer if isinstance(step, ToolCall) else None


def ringing(ran: list[int]) -> Agent:
    agent = Agent(calling("ring", '{"hour": 7}'))

    @agent.tool_plain
    def ring(hour: int) -> str:
        ran.append(hour)
        return "set"

    return agent


async def test_a_call_has_the_same_id_in_every_attempt_and_its_earlier_result_is_used():
    ran: list[int] = []
    [first] = [s for s in await steps_of(ringing(ran), a_turn()) if isinstance(s, ToolCall)]
    earlier = ToolResult(first.call_id, ok=True, result="set before")
    again = await steps_of(ringing(ran), a_turn(attempt=2), earlier)
    assert [step.call_id for step in again if isinstance(step, ToolCall)] == [first.call_id]
    assert "It said set before" in [step.text for step in again if isinstance(step, Delta)]
    assert ran == [7]


def unknown_call(ran: list[int], call_id: str, **more) -> Turn:
    """The turn after one that a crash in a call has ended with a question."""
    unknown = PastCall(call_id, "ring", {"hour": 7}, idempotent=False)
    return a_turn(tool_calls=(unknown,), question="Was interrupted. Shall I try again?", **more)


async def test_a_call_that_a_crash_left_unknown_is_made_again_under_its_id_if_the_user_says_so():
    ran: list[int] = []
    steps = await steps_of(ringing(ran), replace(unknown_call(ran, "call_1"), content="Yes."))
    assert [step.call_id for step in steps if isinstance(step, ToolCall)] == ["call_1"]
    assert ran == [7]


@pytest.mark.parametrize("said", ["no", "yes, but at eight", "what is the time"])
async def test_it_is_not_made_again_for_anything_but_a_plain_yes(said):
    ran: list[int] = []
    steps = await steps_of(ringing(ran), replace(unknown_call(ran, "call_1"), content=said))
    assert not any(isinstance(step, ToolCall) for step in steps)
    assert any("did not agree" in step.text for step in steps if isinstance(step, Delta))
    assert ran == []


async def test_a_cancelled_call_that_nobody_asked_about_is_not_made_again():
    ran: list[int] = []
    turn = replace(unknown_call(ran, "call_1"), content="ok", question=None)
    await steps_of(ringing(ran), turn)
    assert ran == []


async def test_a_call_has_the_id_that_it_had_when_its_message_is_run_again():
    [first] = [s for s in await steps_of(ringing([]), a_turn()) if isinstance(s, ToolCall)]
    retried = a_turn(message_id="retry-1", retry_of="message")
    [again] = [s for s in await steps_of(ringing([]), retried) if isinstance(s, ToolCall)]
    assert again.call_id == first.call_id


async def test_the_user_is_asked_before_a_tool_of_ones_own_that_requires_approval():
    ran: list[int] = []
    agent = Agent(calling("ring", '{"hour": 7}'), output_type=[str, DeferredToolRequests])

    @agent.tool_plain(requires_approval=True)
    def ring(hour: int) -> str:
        ran.append(hour)
        return "set"

    async with TestChat(agent) as chat:
        asked = await chat.send("Wake me")
        assert (asked.answer, asked.end) == ("Ring (hour: 7): shall I do that?", "needs_input")
        assert ran == []
        done = await chat.answer({"value": "yes"})
        assert (done.answer, ran) == ("It said set", [7])
        assert (await chat.state()).unfinished.popitem()[1].slots == {}


async def test_a_structured_output_is_answered_as_json():
    async with TestChat(
        Agent(TestModel(custom_output_args={"hour": 7}), output_type=Alarm)
    ) as chat:
        turn = await chat.send("Wake me")
    assert turn.answer == '{"hour":7}'


async def test_a_tool_that_breaks_fails_the_turn_and_its_call():
    agent = Agent(calling("ring", "{}"))

    @agent.tool_plain
    def ring() -> str:
        raise RuntimeError("secret-detail")

    async with TestChat(agent) as chat:
        turn = await chat.send("Wake me")
    assert turn.end == "failed"
    assert [fact.ok for fact in of(ToolReturned, turn)] == [False]


async def test_an_earlier_refusal_of_a_call_is_told_again():
    ran: list[int] = []
    [first] = [s for s in await steps_of(ringing(ran), a_turn()) if isinstance(s, ToolCall)]
    for retry in (True, False):
        refused = ToolResult(first.call_id, ok=False, result={"reason": "full", "retry": retry})
        steps = await steps_of(ringing(ran), a_turn(attempt=2), refused)
        assert any(isinstance(step, ToolCall) for step in steps)
    assert ran == [7]


async def test_what_another_agent_kept_is_not_mistaken_for_calls():
    steps = await steps_of(Agent(TestModel(custom_output_text="Hi")), a_turn(slots={"_calls": 7}))
    assert [step.text for step in steps if isinstance(step, Delta)] == ["Hi"]


def test_the_import_of_the_server_brings_no_pydantic_ai():
    import subprocess
    import sys

    code = "import sys, chatstream.app; sys.exit('pydantic_ai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def raising(name: str, *, is_async: bool) -> Agent:
    agent = Agent(calling("break_it", "{}"))

    async def later() -> None:
        await asyncio.sleep(0)
        raise_(name)

    def now() -> None:
        raise_(name)

    agent.tool_plain(later if is_async else now, name="break_it")
    return agent


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("name", RAISED)
async def test_whatever_a_tool_raises_fails_its_turn_alone(name, is_async):
    async with TestChat(raising(name, is_async=is_async)) as chat:
        turn = await chat.send("Break it")
        assert turn.end == "failed"
        [returned] = of(ToolReturned, turn)
        assert not returned.ok
        assert (await chat.send("Again", new_intent=True)).end == "failed"


# A model runs in a task of its library's: what would end the process is the server's to contain.
@pytest.mark.parametrize("name", sorted(RAISED.keys() - {"SystemExit", "KeyboardInterrupt"}))
async def test_whatever_a_model_raises_fails_its_turn_alone(name):
    async def stream(_, __):
        if name:
            raise_(name)
        yield "never"

    async with TestChat(Agent(FunctionModel(stream_function=stream))) as chat:
        assert (await chat.send("Hi")).end == "failed"


async def test_a_model_whose_task_somebody_cancels_fails_its_turn():
    async def stream(_, __):
        asyncio.current_task().cancel()
        await asyncio.sleep(0)
        yield "never"

    async with TestChat(Agent(FunctionModel(stream_function=stream))) as chat:
        assert (await chat.send("Hi")).end == "failed"


@pytest.mark.parametrize(
    ("given", "stored"), [(b"\xff\x00", "_wA="), ({"at": object()}, {"at": "<object>"})]
)
async def test_a_result_that_is_no_json_is_stored_as_the_tool_has_run(given, stored):
    agent = Agent(calling("look", "{}"))
    agent.tool_plain(lambda: given, name="look")
    async with TestChat(agent) as chat:
        [returned] = of(ToolReturned, await chat.send("Look"))
    result = returned.result if returned.hidden is None else returned.hidden.result
    assert (returned.ok, result) == (True, stored)


async def test_a_model_is_given_the_newest_messages_of_a_long_history():
    seen = []

    async def stream(messages, _):
        seen.append([str(part.content) for message in messages for part in message.parts])
        yield "ok"

    agent = Agent(FunctionModel(stream_function=stream))
    for count, size, given in ((1_000, 1, MOST_MESSAGES), (20, 100_000, 5)):
        history = tuple(
            HistoryItem(("user", "ai")[n % 2], str(n % 10) * size, n + 1, "") for n in range(count)
        )
        now = HistoryItem("user", "Wake me", count + 1, "")
        await steps_of(agent, a_turn(history=(*history, now)))
        assert seen[-1][-1] == "Wake me"
        assert len(seen[-1]) == given


async def test_a_yes_with_a_thousand_blanks_is_a_yes():
    ran: list[int] = []
    await steps_of(ringing(ran), replace(unknown_call(ran, "c"), content="yes" + " " * 30_000))
    assert ran == [7]
