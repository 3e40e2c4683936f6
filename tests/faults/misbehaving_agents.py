"""The agent of the misbehaviour campaign: `innocent N` is answered, `bad KIND` misbehaves.

Each kind says how its turn has to end. What an error says is `WORDS`, which no log may hold.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import os
import re
import signal
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final, Literal, NamedTuple

from chatstream import Component, Remind, Response, Thinking, Turn

Steps = AsyncGenerator[Any, Any]
WORDS: Final = "said-in-confidence"
INNOCENT_PAUSE_S: Final = 0.01
SLOW_PAUSE_S: Final = 0.25
BLOCKS_S: Final = 0.9
LONG_ENOUGH_S: Final = 0.65
"""The watchdog tells of half a second."""
TURN_TIMEOUT_S: Final = 4.0
"""Innocent turns that wait behind those who hold the loop up stay below it."""
_FULL: Final = 4 * 1024 * 1024


class Kind(NamedTuple):
    """One way to misbehave, and what has to become of its turn."""

    run: Callable[[Turn], Steps]
    end: Literal["finished", "failed"]
    answer: str | None = None
    is_slow: bool = False
    """It ends at its time limit."""
    blocks: bool = False
    """It holds everybody up, and must be named for it."""
    is_told: bool = True
    """The log has a line with the chat's id."""


KINDS: dict[str, Kind] = {}
DEADLY: dict[str, Callable[[Turn], Steps]] = {}


async def agent(turn: Turn) -> Steps:
    """Do what the message says."""
    verb, _, rest = turn.content.partition(" ")
    if verb == "bad":
        steps = KINDS[rest].run(turn)
    elif verb == "deadly":
        steps = DEADLY[rest](turn)
    else:
        steps = innocent(turn, SLOW_PAUSE_S if verb == "slow" else INNOCENT_PAUSE_S)
    answer: Any = None
    try:
        while True:
            try:
                step = await steps.asend(answer)
            except StopAsyncIteration:
                return
            answer = yield step
    finally:
        await steps.aclose()


async def innocent(turn: Turn, pause_s: float) -> Steps:
    yield Thinking("plan")
    for piece in ("this is ", "the answer ", "to "):
        yield piece
        await asyncio.sleep(pause_s)
    yield turn.content
    await asyncio.sleep(pause_s)
    yield Response()


def fails(run: Callable[[Turn], Steps]) -> Callable[[Turn], Steps]:
    KINDS[run.__name__] = Kind(run, "failed")
    return run


def answers(
    answer: str = "done", *, is_told: bool = False
) -> Callable[[Callable[[Turn], Steps]], Callable[[Turn], Steps]]:
    def added(run: Callable[[Turn], Steps]) -> Callable[[Turn], Steps]:
        KINDS[run.__name__] = Kind(run, "finished", answer, is_told=is_told)
        return run

    return added


def also(**more: Any) -> Callable[[Callable[[Turn], Steps]], Callable[[Turn], Steps]]:
    """Of the kind that was added just before."""

    def changed(run: Callable[[Turn], Steps]) -> Callable[[Turn], Steps]:
        KINDS[run.__name__] = KINDS[run.__name__]._replace(**more)
        return run

    return changed


def deadly(run: Callable[[Turn], Steps]) -> Callable[[Turn], Steps]:
    DEADLY[run.__name__] = run
    return run


# -- it raises -------------------------------------------------------------------------------


async def raising(error: BaseException) -> Steps:
    yield Thinking("plan")
    raise error


@fails
def an_error(_: Turn) -> Steps:
    return raising(RuntimeError(WORDS))


@fails
def a_cancellation(_: Turn) -> Steps:
    return raising(asyncio.CancelledError(WORDS))


@fails
def an_exit(_: Turn) -> Steps:
    return raising(SystemExit(WORDS))


@fails
def an_interrupt(_: Turn) -> Steps:
    return raising(KeyboardInterrupt(WORDS))


@fails
def a_generators_end(_: Turn) -> Steps:
    return raising(GeneratorExit(WORDS))


@fails
def a_base_error(_: Turn) -> Steps:
    return raising(BaseException(WORDS))


@fails
def a_stop_of_iteration(_: Turn) -> Steps:
    return raising(StopIteration(WORDS))


@fails
def a_group_of_exits(_: Turn) -> Steps:
    return raising(BaseExceptionGroup(WORDS, [SystemExit(WORDS), ValueError(WORDS)]))


@fails
def no_memory(_: Turn) -> Steps:
    return raising(MemoryError(WORDS))


@fails
async def before_its_first_step(turn: Turn) -> Steps:
    sys.exit(turn.content)
    yield


@fails
async def a_command_line(_: Turn) -> Steps:
    yield Thinking("plan")
    argparse.ArgumentParser().parse_args(["--no-such-option"])  # it prints that


@fails
async def a_cancelled_child(_: Turn) -> Steps:
    child = asyncio.create_task(asyncio.Event().wait())
    asyncio.get_running_loop().call_soon(child.cancel)
    yield Thinking("plan")
    await child


@fails
async def a_task_group(_: Turn) -> Steps:
    async def fail() -> None:
        raise ValueError(WORDS)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fail())
        tasks.create_task(asyncio.sleep(60))
        yield Thinking("plan")
        await asyncio.sleep(60)


@fails
async def endless_recursion(turn: Turn) -> Steps:
    async for step in endless_recursion(turn):
        yield step


@fails
async def itself_cancelled(_: Turn) -> Steps:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)
    yield "never"


@fails
async def a_loop_in_the_loop(_: Turn) -> Steps:
    yield Thinking("plan")
    work = asyncio.sleep(0)
    try:
        asyncio.run(work)
    finally:
        work.close()


@fails
async def a_closed_loop(_: Turn) -> Steps:
    yield Thinking("plan")
    asyncio.get_running_loop().close()


# -- what it has started raises ----------------------------------------------------------------


async def leave() -> None:
    sys.exit(WORDS)


@fails
async def a_child_that_exits(_: Turn) -> Steps:
    yield Thinking("plan")
    await asyncio.create_task(leave())


@answers()
async def a_child_that_exits_alone(_: Turn) -> Steps:
    task = asyncio.create_task(leave())
    await asyncio.sleep(0.01)
    assert task.done()
    yield Response("done")


@answers()
async def a_callback_that_exits(_: Turn) -> Steps:
    asyncio.get_running_loop().call_soon(sys.exit, WORDS)
    await asyncio.sleep(0.01)
    yield Response("done")


@answers()
async def a_stopped_loop(_: Turn) -> Steps:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)
    yield Response("done")


@answers()
async def a_child_that_nobody_awaits(_: Turn) -> Steps:
    async def fail() -> None:
        raise ValueError(WORDS)

    tasks = {asyncio.create_task(fail())}
    await asyncio.sleep(0.01)
    tasks.clear()
    gc.collect()
    yield Response("done")


@answers()
async def a_generator_left_open_that_exits(_: Turn) -> Steps:
    async def two() -> Steps:
        try:
            yield 1
            yield 2
        finally:
            sys.exit(WORDS)

    async for _number in two():
        break
    gc.collect()
    await asyncio.sleep(0.05)
    yield Response("done")


@answers()
async def threads_that_raise(_: Turn) -> Steps:
    def fail() -> None:
        raise RuntimeError(WORDS)

    for target in (fail, sys.exit):
        thread = threading.Thread(target=target)
        thread.start()
        await asyncio.to_thread(thread.join)
    yield Response("done")


@fails
async def a_thread_that_exits(_: Turn) -> Steps:
    yield Thinking("plan")
    await asyncio.to_thread(sys.exit, WORDS)


# -- it holds on -------------------------------------------------------------------------------


@also(blocks=True, is_told=True)
@answers()
async def a_sleep_that_blocks(_: Turn) -> Steps:
    time.sleep(BLOCKS_S)  # noqa: ASYNC251
    yield Response("done")


@also(blocks=True, is_told=True)
@answers()
async def native_code_that_keeps_the_lock(_: Turn) -> Steps:
    length, took_s = 18, 0.0
    while took_s < LONG_ENOUGH_S:  # each takes twice as long as the one before
        await asyncio.sleep(0)  # the shorter ones are not to add up
        length, began = length + 1, time.monotonic()
        re.match(r"(a+)+$", "a" * length + "b")
        took_s = time.monotonic() - began
    yield Response("done")


@also(is_slow=True)
@fails
async def no_cancellation(_: Turn) -> Steps:
    yield Thinking("plan")
    for _ in range(50):  # for ever, as far as one can wait
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


@also(is_slow=True)
@fails
async def a_step_after_the_end(_: Turn) -> Steps:
    try:
        await asyncio.sleep(60)
    finally:
        yield "more"


@answers()
async def a_close_that_hangs(_: Turn) -> Steps:
    try:
        yield Response("done", is_complete=True)
    finally:
        await asyncio.sleep(60)


@answers()
async def a_close_that_exits(_: Turn) -> Steps:
    try:
        yield Response("done", is_complete=True)
    finally:
        sys.exit(WORDS)


# -- it yields ---------------------------------------------------------------------------------


async def yielding(*steps: object) -> Steps:
    for step in steps:
        yield step


@fails
def a_number(_: Turn) -> Steps:
    return yielding(3)


@fails
def a_wrong_field(_: Turn) -> Steps:
    return yielding(Response({"a": WORDS}))  # type: ignore[arg-type]


@fails
def a_huge_step(_: Turn) -> Steps:
    return yielding(Response("x" * (_FULL + 1)))


@fails
async def an_endless_answer(_: Turn) -> Steps:
    while True:
        yield "word " * 200


@fails
def data_without_an_end(_: Turn) -> Steps:
    data: dict[str, Any] = {}
    data["data"] = data
    return yielding(Component("card", data=data))


@fails
def a_reminder_in_microseconds(turn: Turn) -> Steps:
    return yielding(Remind("x", turn.now_ms * 1000, "k"), Response("set", is_complete=True))


@answers("a\ufffdb")
def a_nul(_: Turn) -> Steps:
    return yielding(Response("a\x00b"))


@answers("a\ufffdb")
def half_a_pair(_: Turn) -> Steps:
    return yielding("a\ud83db")


@answers("Hi 😀")
def a_pair_in_two_pieces(_: Turn) -> Steps:
    return yielding("Hi \ud83d", "\ude00")


@answers("text")
def an_empty_response(_: Turn) -> Steps:
    return yielding("text", Response(""))


@fails
def data_too_deep(_: Turn) -> Steps:
    data: dict[str, Any] = {}
    for _level in range(970):
        data = {"data": data}
    return yielding(Component("card", data=data))


class Escaping(str):
    """Text that changes what stands before it."""

    __slots__ = ()

    def __radd__(self, _: str) -> Any:
        return 5


@answers("one two")
def text_of_another_class(_: Turn) -> Steps:
    return yielding("one ", Escaping("two"))


# -- what it changes ---------------------------------------------------------------------------


@answers()
async def what_it_reads(turn: Turn) -> Steps:
    turn.slots["when"] = object()
    yield Response("done")


@answers()
async def the_process(_: Turn) -> Steps:
    gc.disable()
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    sys.setswitchinterval(0.005)
    yield Response("done")
    gc.enable()


# -- it ends the process -------------------------------------------------------------------------


@deadly
async def an_exit_at_once(_: Turn) -> Steps:
    os._exit(3)
    yield


@deadly
async def a_kill(_: Turn) -> Steps:
    yield "not long any more"
    await asyncio.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)


@deadly
async def a_crash_in_native_code(_: Turn) -> Steps:
    yield Thinking("plan")
    ctypes.string_at(0)


@deadly
async def a_cancellation_of_all_tasks(_: Turn) -> Steps:
    yield Thinking("plan")
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(60)
