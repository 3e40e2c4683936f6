"""A server's loop goes on, whoever stops it: an agent's ``sys.exit`` ends nobody else's turn."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator

import pytest

from chatstream.server.uvicorn_server import run_to_the_end

try:
    import uvloop
except ImportError:
    LOOPS = [asyncio.new_event_loop]
else:
    LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"][: len(LOOPS)])
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    loop = request.param()
    yield loop
    loop.close()


def leave(kind: type[BaseException]) -> None:
    raise kind


async def exit_in_a_task(kind: type[BaseException]) -> None:
    task = asyncio.ensure_future(raising(kind))
    with pytest.raises(kind):
        await task


async def exit_in_a_group(kind: type[BaseException]) -> None:
    with pytest.raises(kind):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(raising(kind))


async def raising(kind: type[BaseException]) -> None:
    await asyncio.sleep(0)
    raise kind


async def exit_in_a_callback(kind: type[BaseException]) -> None:
    asyncio.get_running_loop().call_soon(leave, kind)
    await asyncio.sleep(0.01)


async def stop_the_loop(_: type[BaseException]) -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize(
    "misbehave", [exit_in_a_task, exit_in_a_group, exit_in_a_callback, stop_the_loop]
)
def test_nobody_else_notices_that_the_loop_was_stopped(
    loop: asyncio.AbstractEventLoop,
    misbehave: Callable[..., object],
    kind: type[BaseException],
    caplog: pytest.LogCaptureFixture,
):
    heard: list[int] = []

    async def innocent() -> None:
        for number in range(100):
            await asyncio.sleep(0)
            heard.append(number)

    async def serve() -> None:
        others = [asyncio.create_task(innocent()) for _ in range(3)]
        await misbehave(kind)
        await misbehave(kind)
        await asyncio.gather(*others)

    run_to_the_end(loop, loop.create_task(serve()))
    assert sorted(heard) == sorted([*range(100)] * 3)
    assert "the event loop was stopped; it goes on" in caplog.text


def test_the_end_of_the_server_is_the_end(loop: asyncio.AbstractEventLoop):
    async def serve() -> None:
        await asyncio.sleep(0)
        sys.exit(3)

    with pytest.raises(SystemExit) as caught:
        run_to_the_end(loop, loop.create_task(serve()))
    assert caught.value.code == 3


def test_a_server_that_is_cancelled_ends(loop: asyncio.AbstractEventLoop):
    async def serve() -> None:
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    with pytest.raises(asyncio.CancelledError):
        run_to_the_end(loop, loop.create_task(serve()))
