"""How a server process ends: with exit code 0 and in time, whatever hangs in it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

REPOSITORY = Path(__file__).resolve().parents[2]
HELLO = '{"type":"hello","protocol":"chatstream.v1","token":"alice"}'


class Process:
    """The server process under test."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 30)).decode().strip()

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self.process.wait(), 20)


@asynccontextmanager
async def running(ending: str, drain_s: float) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.ws.process",
        ending,
        str(drain_s),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        server = Process(process, 0)
        server.port = int((await server.line()).removeprefix("port "))
        yield server
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_well(number: signal.Signals):
    async with running("well", 5) as server:
        async with connect(f"ws://127.0.0.1:{server.port}/ws/chat", proxy=None) as socket:
            await socket.send(HELLO)
            await socket.recv()
            server.signal(number)
            assert json.loads(await socket.recv())["type"] == "drain"
            await socket.wait_closed()
            assert socket.close_code == 1012
        assert await server.exit_code() == 0


@pytest.mark.parametrize("ending", ["hangs", "blocks", "thread"])
async def test_what_hangs_does_not_keep_it_beyond_its_time(ending: str):
    async with running(ending, 2) as server:
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        assert await server.exit_code() == 0
        assert time.monotonic() - started <= 10  # not the minute, or for ever, that it hangs


async def test_a_second_signal_ends_it_at_once():
    async with running("hangs", 30) as server:
        server.signal(signal.SIGTERM)
        assert await server.line() == "ending"
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        assert await server.exit_code() == 1
        assert time.monotonic() - started < 5
