"""A turn ends once, within a second, whatever its agent does; and nobody else notices."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable

import pytest

from chatstream import (
    CancelReminder,
    Component,
    Delta,
    Remind,
    Response,
    SlotsSet,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatstream.config import Settings
from chatstream.domain.events import (
    AnyFact,
    ErrorRaised,
    ResponseGiven,
    ThinkingAdded,
    ToolCalled,
    TurnChanged,
)
from chatstream.domain.steps import Fail, Form
from chatstream.errors import Refused
from chatstream.protocol.content import MAX_DEPTH
from chatstream.testing import TestChat, TestTurn, scripted
from chatstream.turns import run as run_module


class Odd(BaseException):
    """No ``Exception``: nothing that catches those catches it."""


def ends_of(turn: TestTurn) -> list[str]:
    return [
        fact.status
        for fact in turn.facts
        if isinstance(fact, TurnChanged) and fact.status != "started"
    ]


def codes_of(turn: TestTurn) -> list[str]:
    return [fact.code for fact in turn.facts if isinstance(fact, ErrorRaised)]


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [one for one in caplog.records if one.levelno >= logging.ERROR]


async def cancelled_child() -> None:
    child = asyncio.ensure_future(asyncio.sleep(60))
    child.cancel()
    await child


async def itself() -> None:
    asyncio.current_task().cancel()
    await asyncio.sleep(60)


async def exiting_child() -> None:
    async def tool() -> None:
        await asyncio.sleep(0)
        sys.exit(3)

    await asyncio.gather(tool(), asyncio.sleep(0.01))


async def interrupted_child() -> None:
    async def tool() -> None:
        raise KeyboardInterrupt

    async with asyncio.TaskGroup() as group:
        group.create_task(tool())


async def exiting_thread() -> None:
    await asyncio.to_thread(sys.exit, 3)


async def group() -> None:
    raise BaseExceptionGroup("of several", [Odd(), ValueError("words")])


def raising(error: Callable[[], BaseException]) -> Callable[[], object]:
    async def do() -> None:
        raise error()

    return do


MISBEHAVIOURS = {
    "a cancelled child is awaited": cancelled_child,
    "it cancels itself": itself,
    "CancelledError": raising(asyncio.CancelledError),
    "SystemExit": raising(lambda: SystemExit(3)),
    "KeyboardInterrupt": raising(KeyboardInterrupt),
    "GeneratorExit": raising(GeneratorExit),
    "a BaseException of its own": raising(Odd),
    "an exception": raising(lambda: ValueError("words")),
    "an exception group": group,
    "a child task exits": exiting_child,
    "a child task is interrupted": interrupted_child,
    "a sync tool exits": exiting_thread,
}


@pytest.mark.parametrize("misbehaves", MISBEHAVIOURS.values(), ids=MISBEHAVIOURS.keys())
@pytest.mark.parametrize("when", ["at once", "after a step"])
async def test_whatever_an_agent_raises_fails_its_turn_once_and_soon(misbehaves, when, caplog):
    async def agent(turn):
        if turn.content == "again":
            yield Response("fine", is_complete=True)
            return
        if when == "after a step":
            yield Thinking("plan")
            await asyncio.sleep(0.01)
        await misbehaves()
        yield Response("never", is_complete=True)

    innocent = TestChat(slow_agent)
    async with innocent, TestChat(agent) as chat:
        beside = asyncio.create_task(innocent.send("hello"))
        began = time.monotonic()
        turn = await chat.send("hello", id="m1")
        assert time.monotonic() - began < 1.0
        assert (ends_of(turn), codes_of(turn)) == (["failed"], ["agent_error"])
        (line,) = lines(caplog)
        assert (line.user_chat_id, line.caused_by, line.attempt) == (chat.chat_id, "m1", 1)
        assert line.exc_info is not None
        assert (await chat.send("again")).answer == "fine"
        assert (await beside).answer == "done"
        assert len(chat.node.runs) == 0


async def slow_agent(_):
    yield "d"
    await asyncio.sleep(0.1)
    yield Response("done", is_complete=True)


async def test_an_agent_that_exits_while_it_is_called_or_closed_fails_only_its_turn():
    def agent(_):
        sys.exit(3)

    async with TestChat(scripted([])) as chat:
        chat.node.runner._agent = agent
        assert codes_of(await chat.send("hello")) == ["agent_error"]

        async def exits_when_closed(_):
            try:
                yield Response("done", is_complete=True)
                yield "more"
            finally:
                sys.exit(3)

        chat.node.runner._agent = exits_when_closed
        assert (await chat.send("again")).answer == "done"
        await asyncio.sleep(0.01)


async def test_a_task_that_its_loop_takes_down_leaves_the_turn_to_the_next_start():
    """So end servers that are not closed: their turns are not ended, they go on elsewhere."""
    stored: list[AnyFact] = []

    async def abandon() -> None:
        chat = TestChat(hanging)
        await chat.__aenter__()
        running = asyncio.ensure_future(chat.send("hello"))
        await until(lambda: any(run.task for run in chat.node.runs))
        running.cancel()
        await asyncio.sleep(0.01)
        stored.extend(await chat.facts())
        chat.node.runner._service = None  # whatever is submitted from now on is a fault

    await asyncio.to_thread(asyncio.run, abandon())
    assert not any(isinstance(fact, ErrorRaised) for fact in stored)


async def hanging(_):
    yield Thinking("plan")
    await asyncio.Event().wait()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event of its own
            await asyncio.sleep(0.002)


# -- the time limit -----------------------------------------------------------------------

SOON = Settings(turn_timeout_s=0.05)


async def test_an_agent_that_ignores_its_cancellation_for_ever_does_not_keep_its_turn():
    let_go = asyncio.Event()

    async def agent(turn):
        while turn.content == "hello" and not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        yield Response("done", is_complete=True)

    async with TestChat(agent, settings=SOON) as chat:
        assert codes_of(await chat.send("hello")) == ["agent_timeout"]
        assert (await chat.send("again")).answer == "done"
        let_go.set()


async def test_an_agent_whose_close_hangs_does_not_keep_its_turn(monkeypatch):
    monkeypatch.setattr(run_module, "CLOSE_TIMEOUT_S", 0.02)

    async def agent(turn):
        try:
            await asyncio.sleep(60 if turn.content == "hello" else 0)
            yield Response("done", is_complete=True)
        finally:
            await asyncio.sleep(60)

    async with TestChat(agent, settings=SOON) as chat:
        assert codes_of(await chat.send("hello")) == ["agent_timeout"]
        assert (await chat.send("again")).answer == "done"


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError, Odd, ValueError])
async def test_whatever_a_context_manager_raises_the_agent_runs_without(error, caplog):
    class Broken:
        async def context(self, chat_id, chat, intent):
            raise error

    async with TestChat(scripted([Response("done")]), context=Broken()) as chat:
        assert (await chat.send("hello")).answer == "done"
        assert [one.user_chat_id for one in lines(caplog)] == [chat.chat_id]


async def test_a_turn_that_is_cancelled_while_context_is_brought_never_runs_its_agent():
    asked, ran = asyncio.Event(), []

    class Silent:
        async def context(self, chat_id, chat, intent):
            asked.set()
            await asyncio.Event().wait()

    async def agent(turn):
        ran.append(turn)
        yield Response("done")

    async with TestChat(agent, context=Silent()) as chat:
        turn = asyncio.create_task(chat.send("hello"))
        await asked.wait()
        await chat.cancel()
        assert ends_of(await turn) == ["cancelled"]
        assert ran == []


# -- steps that are refused ---------------------------------------------------------------

IN_MICROSECONDS = 1_700_000_000_000_000


async def runs_once(steps: list[object], *, pause_s: float | None = None) -> TestTurn:
    runs: list[int] = []

    async def agent(turn):
        runs.append(turn.attempt)
        for step in steps:
            yield step
            if pause_s is not None:
                await asyncio.sleep(pause_s)

    async with TestChat(agent) as chat:
        turn = await chat.send("hello", id="m1")
        await asyncio.sleep(0.05)
        assert runs == [1]
        assert (await chat.state()).turn is None
        return turn


@pytest.mark.parametrize("pause_s", [None, 0, 0.01])
async def test_a_step_that_is_refused_fails_the_turn_once_with_its_reason(pause_s, caplog):
    steps = [
        Remind("call Bob", IN_MICROSECONDS, "bob"),
        Response("I will remind you.", is_complete=True),
    ]
    turn = await runs_once(steps, pause_s=pause_s)
    assert (ends_of(turn), codes_of(turn), turn.answer) == (["failed"], ["agent_error"], None)
    (line,) = lines(caplog)
    assert "Remind" in line.getMessage()
    assert "Unix milliseconds" in line.getMessage()
    assert "Bob" not in line.getMessage()
    assert line.caused_by == "m1"


async def test_what_shares_an_append_with_a_refused_step_is_not_stored_either():
    steps = [Thinking("plan"), Form("When?", {}, expires_at_ms=IN_MICROSECONDS), Thinking("more")]
    turn = await runs_once(steps)
    assert codes_of(turn) == ["agent_error"]
    assert not [fact for fact in turn.facts if isinstance(fact, ThinkingAdded)]


async def test_an_answer_is_never_lost_behind_a_step_that_is_refused():
    reminders = [Remind(f"say {n}", 1_700_000_000_000 + n, f"key-{n}") for n in range(501)]
    turn = await runs_once([*reminders, Response("All set.", is_complete=True)])
    assert (ends_of(turn), turn.answer) == (["failed"], None)
    turn = await runs_once([*reminders[:500], Response("All set.", is_complete=True)])
    assert (ends_of(turn), turn.answer) == (["finished"], "All set.")


async def test_a_refused_step_keeps_what_was_streamed_and_an_agent_that_hangs_does_not_matter():
    let_go = asyncio.Event()

    async def agent(turn):
        yield "Let me see."
        yield Remind("x", IN_MICROSECONDS, "x")
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    async with TestChat(agent) as chat:
        turn = await chat.send("hello")
        assert (ends_of(turn), turn.answer) == (["failed"], "Let me see.")
        let_go.set()


async def test_text_that_a_refused_append_would_have_stored_is_kept_as_broken_off():
    turn = await runs_once(["Let me see.", Remind("x", IN_MICROSECONDS, "x"), Response()])
    assert told(turn) == [("Let me see.", True), "agent_error"]


async def test_a_tool_is_not_run_where_its_call_could_not_be_stored():
    ran = []

    async def agent(_):
        yield Remind("x", IN_MICROSECONDS, "x")
        yield ToolCall("pay", {}, "c1")
        ran.append("pay")
        yield ToolResult("c1", ok=True)

    async with TestChat(agent) as chat:
        turn = await chat.send("hello")
        assert ends_of(turn) == ["failed"]
        assert not [fact for fact in turn.facts if isinstance(fact, ToolCalled)]
    assert ran == []


async def test_a_step_that_stores_nothing_holds_nothing_up():
    at_ms = 1_900_000_000_000
    steps = [Remind("x", at_ms, "x"), "Hel", "lo", Remind("x", at_ms, "x"), ToolCall("t", {}, "c")]
    steps += [ToolResult("c", ok=True), ToolCall("t", {}, "c"), Response()]
    turn = await runs_once(steps, pause_s=0)
    assert (ends_of(turn), turn.answer) == (["finished"], "Hello")


async def test_a_reminder_elsewhere_that_cannot_be_cancelled_fails_the_turn(monkeypatch, caplog):
    async with TestChat(scripted([CancelReminder("k", "chat_other"), Response("done")])) as chat:
        assert (await chat.send("hello")).answer == "done", "there is no such chat"
        submit = chat.node.service.submit

        def refuse(command):
            if command.user_chat_id != "chat_other":
                return submit(command)
            refused = asyncio.get_running_loop().create_future()
            refused.set_exception(Refused("chat_closed"))
            return refused

        monkeypatch.setattr(chat.node.service, "submit", refuse)
        assert codes_of(await chat.send("again")) == ["agent_error"]
        assert "CancelReminder: chat_closed" in lines(caplog)[0].getMessage()


# -- what is no step ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (3, "int is no step: a str or one of Thinking"),
        (Response({"a": 1}), "Response(content: str | None, is_complete: bool) is needed"),
        (Delta(5), "Delta(text: str) is needed"),
        (Thinking("plan", data={"x": object()}), "object is unsupported"),
        (Thinking("plan", status="SECRET"), "Invalid enum value - at `$.status`"),
    ],
)
async def test_what_is_no_step_is_told_in_words_with_the_line_of_its_yield(step, says, caplog):
    async def agent(_):
        yield "text"
        yield step  # this one

    async with TestChat(agent) as chat:
        turn = await chat.send("hello")
    assert (ends_of(turn), codes_of(turn)) == (["failed"], ["agent_error"])
    (line,) = lines(caplog)
    number = agent.__code__.co_firstlineno + 2
    assert says in line.getMessage()
    assert f"({__file__}, line {number}, in agent)" in line.getMessage()
    assert "SECRET" not in line.getMessage()
    assert line.user_chat_id == chat.chat_id


def nested(depth: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("make", [lambda data: Component("card", data=data), SlotsSet])
async def test_a_step_nested_deeper_than_a_frame_may_be_fails_its_turn_and_is_not_stored(
    make, caplog
):
    async def agent(turn):
        yield make(nested(int(turn.content)))
        yield Response("done", is_complete=True)

    async with TestChat(agent) as chat:
        assert ends_of(await chat.send(str(MAX_DEPTH - 1))) == ["finished"]
        for depth in (MAX_DEPTH, 970, 100_000):
            turn = await chat.send(str(depth))
            assert (ends_of(turn), codes_of(turn)) == (["failed"], ["agent_error"])
    assert "invalid_frame: a step is nested at most 32 deep" in lines(caplog)[0].getMessage()


# -- agents that never wait ---------------------------------------------------------------


async def test_an_agent_that_never_waits_lets_others_run_and_is_stopped_by_its_time():
    async def agent(_):
        while True:
            yield Thinking("step")

    async with TestChat(slow_agent) as innocent, TestChat(agent, settings=SOON) as chat:
        beside = asyncio.create_task(innocent.send("hello"))
        assert codes_of(await chat.send("hello")) == ["agent_timeout"]
        assert (await beside).answer == "done"


# -- text of an answer that failed --------------------------------------------------------


def told(turn: TestTurn) -> list[object]:
    kinds = (ResponseGiven, ErrorRaised)
    return [
        (fact.content, fact.stopped) if isinstance(fact, ResponseGiven) else fact.code
        for fact in turn.facts
        if isinstance(fact, kinds)
    ]


async def raises(_):
    yield "Let me "
    yield "see."
    raise ValueError


async def takes_too_long(_):
    yield "Let me see."
    await asyncio.sleep(60)


async def fails(_):
    yield "Let me see."
    yield Fail("no_seats", "There are none.")


@pytest.mark.parametrize(
    ("agent", "code"),
    [(raises, "agent_error"), (takes_too_long, "agent_timeout"), (fails, "no_seats")],
)
async def test_text_of_an_answer_that_failed_is_kept_as_stopped_before_the_error(agent, code):
    async with TestChat(agent, settings=SOON) as chat:
        turn = await chat.send("hello")
        assert told(turn) == [("Let me see.", True), code]
        state = await chat.state()
        (intent,) = state.unfinished.values()
        assert [item.content for item in intent.messages] == ["hello", "Let me see."]


async def test_where_nothing_was_streamed_the_error_stands_alone():
    async def agent(_):
        yield Response("before")
        raise ValueError

    async with TestChat(agent) as chat:
        assert told(await chat.send("hello")) == [("before", None), "agent_error"]
