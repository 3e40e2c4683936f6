"""Whatever people write as an agent is one, and none of it holds the loop up."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Callable

import pytest

from chatstream import Response, Settings, Thinking, ToolCall, ToolResult, Turn
from chatstream.agent_loading import as_agent
from chatstream.agents.contract import recalls_tasks, suggestions_of, warm_up
from chatstream.agents.kinds import agent_of
from chatstream.agents.threads import ThreadPool
from chatstream.errors import ConfigurationError
from chatstream.testing import TestChat

WHO = contextvars.ContextVar("WHO", default="nobody")


async def generator(turn: Turn, greeting: str = "You said"):
    yield Response(f"{greeting} {turn.content}")


async def function(turn: Turn) -> str:
    return f"You said {turn.content}"


def plain(turn: Turn) -> str:
    return f"You said {turn.content}"


def plain_generator(turn: Turn):
    yield "You said"
    yield f" {turn.content}"


def decorated(agent: Callable[[Turn], object]) -> Callable[[Turn], object]:
    @functools.wraps(agent)
    def wrapper(turn: Turn) -> object:
        asyncio.get_running_loop()  # it is called where its agent runs
        return agent(turn)

    return wrapper


def decorated_silently(agent: Callable[[Turn], object]) -> Callable[[Turn], object]:
    return lambda turn: agent(turn)  # noqa: PLW0108 - its kind is not to be seen


class Remembering:
    """A decorator that is an object."""

    def __init__(self, agent: Callable[[Turn], object]) -> None:
        functools.update_wrapper(self, agent)
        self._agent = agent

    def __call__(self, turn: Turn) -> object:
        return self._agent(turn)


class Methods:
    async def generator(self, turn: Turn):
        yield Response(f"You said {turn.content}")

    async def function(self, turn: Turn) -> str:
        return f"You said {turn.content}"

    def plain(self, turn: Turn) -> str:
        return f"You said {turn.content}"

    @classmethod
    def of_class(cls, turn: Turn) -> str:
        return f"You said {turn.content}"

    @staticmethod
    async def static(turn: Turn):
        yield f"You said {turn.content}"


class GeneratorObject(Methods):
    async def __call__(self, turn: Turn):
        yield Response(f"You said {turn.content}")


class FunctionObject(Methods):
    suggestions = ("Hello",)

    async def __call__(self, turn: Turn) -> str:
        return f"You said {turn.content}"


class PlainObject(Methods):
    recalls_tasks = True

    def __call__(self, turn: Turn) -> str:
        return f"You said {turn.content}"


class PlainGeneratorObject:
    def __call__(self, turn: Turn):
        yield f"You said {turn.content}"


async def later(turn: Turn):
    return generator(turn)


KINDS = {
    "async generator function": generator,
    "async function": function,
    "function": plain,
    "generator function": plain_generator,
    "partial of an async generator function": functools.partial(generator, greeting="You said"),
    "partial of a partial": functools.partial(functools.partial(generator), greeting="You said"),
    "partial of an async function": functools.partial(function),
    "partial of a function": functools.partial(plain),
    "partial of a generator function": functools.partial(plain_generator),
    "decorated async generator function": decorated(generator),
    "decorated async function": decorated(function),
    "decorated twice": decorated(decorated(generator)),
    "decorated partial": decorated(functools.partial(generator)),
    "decorated object": decorated(FunctionObject()),
    "decorator that is an object": Remembering(generator),
    "decorator without functools.wraps": decorated_silently(generator),
    "the same of an async function": decorated_silently(function),
    "the same of a generator function": decorated_silently(plain_generator),
    "lambda that gives an async generator": lambda turn: generator(turn),  # noqa: PLW0108
    "lambda that gives a text": lambda turn: f"You said {turn.content}",
    "async method": Methods().generator,
    "async method that returns": Methods().function,
    "method": Methods().plain,
    "class method": Methods.of_class,
    "static method": Methods.static,
    "object, async generator": GeneratorObject(),
    "object, async function": FunctionObject(),
    "object, function": PlainObject(),
    "object, generator": PlainGeneratorObject(),
    "partial of an object": functools.partial(GeneratorObject()),
    "async function that gives an async generator": later,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_an_agent(kind: str):
    async with TestChat(KINDS[kind]) as chat:
        turn = await chat.send("hello")
        assert (turn.end, turn.answer) == ("finished", "You said hello")


@pytest.mark.parametrize("candidate", [None, 3, "agent", object(), GeneratorObject, dict])
def test_it_is_none(candidate: object):
    with pytest.raises(ConfigurationError, match="is no agent: an agent returns its answer"):
        as_agent(candidate)


def test_what_an_object_offers_is_kept():
    assert suggestions_of(as_agent(FunctionObject())) == ("Hello",)
    assert recalls_tasks(as_agent(PlainObject()))
    assert suggestions_of(as_agent(functools.partial(FunctionObject()))) == ("Hello",)
    warmed: list[str] = []
    candidate = PlainObject()
    candidate.warm_up = lambda: warmed.append("up")  # pyright: ignore[reportAttributeAccessIssue]
    warm_up(as_agent(candidate))
    assert warmed == ["up"]


def test_it_is_shown_as_what_was_written():
    assert repr(as_agent(plain)) == repr(plain)


@pytest.mark.parametrize(
    "given", [None, 3, b"bytes", ["a", "list"], Response("a step"), object], ids=repr
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_what_else_it_returns_fails_its_turn_with_words_that_say_what_is_allowed(
    given: object, is_async: bool, caplog: pytest.LogCaptureFixture
):
    async def agent(_: Turn) -> object:
        return given

    async with TestChat(agent if is_async else lambda _: given) as chat:
        assert (await chat.send("hello")).end == "failed"
    (told,) = [one for one in caplog.records if one.exc_info]
    assert told.exc_info
    words = str(told.exc_info[1])
    assert f"the agent returned {type(given).__name__}; an agent returns its answer as" in words


# -- in threads ----------------------------------------------------------------------------


async def test_a_function_that_blocks_holds_nobody_up():
    begun, goes_on = threading.Event(), threading.Event()

    def blocks(turn: Turn) -> str:
        begun.set()
        assert goes_on.wait(10)
        return f"You said {turn.content}"

    async with TestChat(blocks) as chat:
        turn = asyncio.create_task(chat.send("hello"))
        assert await asyncio.to_thread(begun.wait, 10)
        goes_on.set()  # by the loop, which is free
        assert (await turn).answer == "You said hello"


async def test_a_generator_stays_in_one_thread_and_one_context():
    seen: list[tuple[int, str]] = []

    def agent(_: Turn):
        WHO.set("me")
        for _ in range(3):
            seen.append((threading.get_ident(), WHO.get()))
            yield Thinking("plan")

    async with TestChat(agent) as chat:
        assert (await chat.send("hello")).end == "finished"
    assert len(set(seen)) == 1
    assert seen[0][0] != threading.get_ident()
    assert seen[0][1] == "me"
    assert WHO.get() == "nobody"


async def test_the_context_of_the_run_is_seen_in_the_thread():
    seen: list[str] = []

    def agent(_: Turn) -> str:
        seen.append(WHO.get())
        return "done"

    WHO.set("outside")
    async with TestChat(agent) as chat:
        await chat.send("hello")
    assert seen == ["outside"]


async def test_a_generator_hears_what_an_earlier_attempt_had():
    heard: list[object] = []

    def agent(turn: Turn):
        for _ in range(2):
            heard.append((yield ToolCall("look", {}, "call_1")))
            if heard[-1] is None:
                yield ToolResult("call_1", ok=True, result=turn.content)
        yield Response("done")

    async with TestChat(agent) as chat:
        await chat.send("hello")
    assert heard == [None, ToolResult("call_1", ok=True, result="hello")]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a"),
        StopIteration("a"),
        StopAsyncIteration(),
        SystemExit(2),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError(),
        BaseExceptionGroup("a", [SystemExit(2)]),
        ExceptionGroup("a", [ValueError("b")]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("steps", [0, 1, None])
async def test_whatever_it_raises_in_its_thread_fails_its_turn(
    error: BaseException, steps: int | None
):
    def returns(_: Turn) -> str:
        raise error

    def yields(_: Turn):
        for _ in range(steps or 0):
            yield Thinking("plan")
        raise error

    async with TestChat(returns if steps is None else yields) as chat:
        assert (await chat.send("hello")).end == "failed"
        assert (await chat.send("again")).end == "failed"


async def test_a_generator_of_a_cancelled_turn_is_closed_at_its_next_yield():
    closed, goes_on, begun = threading.Event(), threading.Event(), threading.Event()
    closed_in: list[int] = []

    def agent(_: Turn):
        here = threading.get_ident()
        try:
            begun.set()
            assert goes_on.wait(10)
            yield Thinking("never told")
            raise AssertionError("it went on")
        finally:
            closed_in.extend((here, threading.get_ident()))
            closed.set()

    async with TestChat(agent) as chat:
        turn = asyncio.create_task(chat.send("hello"))
        assert await asyncio.to_thread(begun.wait, 10)
        await chat.cancel()
        assert (await turn).end == "cancelled"
        goes_on.set()
        assert await asyncio.to_thread(closed.wait, 10)
        assert closed_in[0] == closed_in[1]
        assert (await turn).thinking == []


async def test_a_generator_that_is_between_two_steps_is_closed_when_the_turn_is_cancelled():
    begun, closed = threading.Event(), threading.Event()

    def agent(_: Turn):
        try:
            while True:
                yield "and "
                begun.set()
        finally:
            closed.set()

    async with TestChat(agent) as chat:
        turn = asyncio.create_task(chat.send("hello"))
        assert await asyncio.to_thread(begun.wait, 10)
        await chat.cancel()
        assert (await turn).end == "cancelled"
        assert await asyncio.to_thread(closed.wait, 10)


async def test_a_generator_that_ends_badly_when_it_is_closed_harms_nobody():
    closed = threading.Event()

    def agent(_: Turn):
        try:
            yield Response("bye", is_complete=True)
            yield Thinking("never")
        finally:
            closed.set()
            raise SystemExit(1)

    async with TestChat(agent) as chat:
        assert (await chat.send("hello")).answer == "bye"
        assert await asyncio.to_thread(closed.wait, 10)
        assert (await chat.send("again")).answer == "bye"


async def test_a_coroutine_that_comes_after_the_turn_is_over_is_dropped():
    begun, goes_on, gone = threading.Event(), threading.Event(), threading.Event()

    async def answer() -> str:
        return "too late"

    def agent(_: Turn) -> object:
        begun.set()
        assert goes_on.wait(10)
        gone.set()
        return answer()

    async with TestChat(agent) as chat:
        turn = asyncio.create_task(chat.send("hello"))
        assert await asyncio.to_thread(begun.wait, 10)
        await chat.cancel()
        assert (await turn).end == "cancelled"
        goes_on.set()
        await asyncio.to_thread(gone.wait, 10)
        await asyncio.sleep(0.05)  # a coroutine that nobody awaited would be warned of


async def test_turns_beyond_the_number_of_threads_wait_and_a_cancelled_one_never_begins(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("chatstream.agents.kinds.ThreadPool", lambda: ThreadPool(1))
    begun: list[str] = []
    has_begun, goes_on = threading.Event(), threading.Event()

    def agent(turn: Turn) -> str:
        begun.append(turn.user_id)
        has_begun.set()
        assert goes_on.wait(10)
        return "done"

    shared = agent_of(agent)
    async with TestChat(shared, user_id="a") as one, TestChat(shared, user_id="b") as other:
        first = asyncio.create_task(one.send("hello"))
        assert await asyncio.to_thread(has_begun.wait, 10)
        second = asyncio.create_task(other.send("hello"))
        while not (await other.state()).turn:  # noqa: ASYNC110 - another task begins it
            await asyncio.sleep(0.001)
        await other.cancel()
        assert (await second).end == "cancelled"
        goes_on.set()
        assert (await first).end == "finished"
        assert (await other.send("again")).end == "finished"
    assert begun == ["a", "b"]


async def test_the_time_limit_holds_for_a_thread_that_hangs():
    goes_on = threading.Event()

    def agent(_: Turn) -> str:
        goes_on.wait(10)
        return "too late"

    async with TestChat(agent, settings=Settings(turn_timeout_s=0.1)) as chat:
        began = time.monotonic()
        assert (await chat.send("hello")).end == "failed"
        assert time.monotonic() - began < 5
        goes_on.set()
