"""What holds the event loop up is named, by file, line, chat and turn; what does not is not."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from chatstream import ChatStreamPlugin, Settings, Turn
from chatstream.agents.threads import ThreadPool, call_in_thread
from chatstream.agents.turn import TurnIds
from chatstream.app import app_of
from chatstream.testing import memory_engine
from chatstream.turns import loop_watchdog
from chatstream.turns.loop_watchdog import LoopWatchdog, place_of

HELD_S = 0.15
LONG_S = 0.5
IDS = TurnIds("chat_1", "msg_1")


class Watched:
    """A watchdog with a short patience, and what it told."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.seconds: list[float] = []
        self.task: asyncio.Task[object] | None = None
        self._caplog = caplog
        self._counted = threading.Event()
        self.dog = LoopWatchdog(self._turn_of, self._count, held_s=HELD_S)

    @property
    def records(self) -> list[logging.LogRecord]:
        return [one for one in self._caplog.records if one.name == loop_watchdog.__name__]

    @property
    def said(self) -> list[str]:
        return [one.getMessage() for one in self.records]

    async def counted(self) -> None:
        """Wait until a stall was counted."""
        assert await asyncio.to_thread(self._counted.wait, 10)

    def _turn_of(self, task: asyncio.Task[object] | None) -> TurnIds | None:
        return IDS if task is not None and task is self.task else None

    def _count(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._counted.set()


@asynccontextmanager
async def watching(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Watched]:
    caplog.set_level(logging.WARNING)
    made = Watched(caplog)
    made.dog.start()
    await asyncio.sleep(0)  # it beats
    try:
        yield made
    finally:
        made.dog.close()


def here(marker: str) -> str:
    """The line of this file with the comment ``# marker``, as it is told."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if line.endswith(f"# {marker}")]
    return f"tests/turns/test_loop_watchdog.py:{number} "


@pytest.fixture(scope="module")
def long_text() -> str:
    """A text that this machine takes a while to match."""
    text = "a" * 16 + "b"
    while seconds_of(text) < 3 * HELD_S:
        text = f"a{text}"
    return text


def seconds_of(text: str) -> float:
    began = time.thread_time()
    match(text)
    return time.thread_time() - began


def match(text: str) -> None:
    """In native code that keeps the interpreter's lock."""
    re.match(r"(a+)+$", text)  # native


async def sleep_on_the_loop() -> None:
    await asyncio.sleep(0)
    time.sleep(LONG_S)  # noqa: ASYNC251 # sleep


async def test_who_sleeps_on_the_loop_is_named_with_chat_and_turn(caplog):
    async with watching(caplog) as watched:
        watched.task = asyncio.create_task(sleep_on_the_loop())
        await watched.task
        await watched.counted()
    held, over = watched.said
    place = f"{here('sleep')}(sleep_on_the_loop)"
    assert held == f"the event loop is held at {place}"
    assert re.fullmatch(rf"the event loop was held for \d\.\d s at {re.escape(place)}", over)
    for record in watched.records:
        assert (vars(record)["user_chat_id"], vars(record)["caused_by"]) == ("chat_1", "msg_1")
    assert watched.dog.warning == over
    assert watched.dog.worst_seconds >= LONG_S - loop_watchdog.BEAT_S
    assert watched.seconds[0] >= LONG_S


async def test_a_library_is_named_with_who_has_called_it(caplog):
    command = [sys.executable, "-c", f"import time; time.sleep({LONG_S})"]
    async with watching(caplog) as watched:
        subprocess.run(command, check=True)  # noqa: ASYNC221  # library
        await watched.counted()
    assert f"{here('library')}(" in watched.said[0]
    assert ", in python3." in watched.said[0]
    assert "subprocess.py:" in watched.said[0]
    assert "user_chat_id" not in vars(watched.records[0])


async def test_native_code_that_keeps_the_lock_is_named_too(caplog, long_text):
    async with watching(caplog) as watched:
        match(long_text)
        await watched.counted()
    assert here("native") in watched.said[-1]


async def test_native_code_in_the_thread_of_an_agent_is_named_too(caplog, long_text):
    # On a machine with too much to do another thread may be faster than the watchdog's.
    for _ in range(3):
        async with watching(caplog) as watched:
            await call_in_thread(ThreadPool(), IDS, lambda: match(long_text))
            await watched.counted()
        if here("native") in watched.said[-1]:
            break
    assert here("native") in watched.said[-1]
    assert vars(watched.records[-1])["user_chat_id"] == "chat_1"


async def test_a_thread_that_computes_is_not_blamed_for_who_sleeps_on_the_loop(caplog):
    goes_on = threading.Event()

    def compute() -> None:
        while not goes_on.is_set():
            sum(range(1000))

    async with watching(caplog) as watched:
        computing = asyncio.create_task(call_in_thread(ThreadPool(), IDS, compute))
        await sleep_on_the_loop()
        await watched.counted()
        goes_on.set()
        await computing
    assert here("sleep") in watched.said[0]


async def test_one_stall_is_told_twice_however_long_it_is(caplog):
    async with watching(caplog) as watched:
        time.sleep(1.2)  # noqa: ASYNC251
        await watched.counted()
    assert len(watched.said) == 2


async def test_a_loop_that_waits_is_not_held(caplog):
    async with watching(caplog) as watched:
        await asyncio.sleep(4 * HELD_S)
    assert watched.said == []
    assert watched.dog.warning is None


async def test_a_thread_that_waits_holds_nobody(caplog):
    async with watching(caplog) as watched:
        await call_in_thread(ThreadPool(), IDS, lambda: time.sleep(4 * HELD_S))
    assert watched.said == []


async def test_a_warning_ends_after_some_minutes(caplog, monkeypatch):
    monkeypatch.setattr(loop_watchdog, "WARNED_FOR_S", 0.0)
    async with watching(caplog) as watched:
        await sleep_on_the_loop()
        await watched.counted()
    assert watched.dog.warning is None


async def test_it_can_be_closed_twice_and_started_again(caplog):
    async with watching(caplog) as watched:
        watched.dog.close()
        watched.dog.close()
        watched.dog.start()
        await sleep_on_the_loop()
        await watched.counted()


def test_one_that_was_never_started_can_be_closed():
    LoopWatchdog(lambda _: None, lambda _: None).close()


STOPPED = """
import asyncio, logging, sys
from chatstream.turns.loop_watchdog import LoopWatchdog
logging.basicConfig(stream=sys.stdout, format="%(message)s")

async def main():
    LoopWatchdog(lambda _: None, lambda _: None).start()
    await asyncio.sleep(0.3)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(0.5)

asyncio.run(main())
"""


def test_a_process_that_was_stopped_blames_nobody():
    with running(STOPPED) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.2)
        process.send_signal(signal.SIGCONT)
        said, _ = process.communicate("go on\n", timeout=20)
    assert said == ""


@contextmanager
def running(source: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", source]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_nothing_runs_where_there_is_no_stack():
    assert place_of(None) is None


def test_frames_below_the_loop_are_passed_over():
    frame = sys._getframe()
    below = frozenset(loop_watchdog._outwards(frame))
    assert place_of(frame, below) is None
    assert place_of(frame) is not None


# -- in a server ---------------------------------------------------------------------------


async def test_a_server_tells_it_in_the_log_the_metrics_and_its_health(
    caplog: pytest.LogCaptureFixture,
):
    async def agent(turn: Turn):
        time.sleep(0.8)  # noqa: ASYNC251  # agent
        yield "done"

    app = app_of(ChatStreamPlugin(Settings(), agent, engine=memory_engine()))
    transport = httpx.ASGITransport(app)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        assert "warning" not in (await http.get("/health/ready")).json()
        chat = (await http.post("/api/v1/chats")).json()["user_chat_id"]
        sent = await http.post(
            f"/api/v1/chats/{chat}/messages",
            json={"content": "hello"},
            headers={"Prefer": "wait=9"},
        )
        async with asyncio.timeout(10):
            while "warning" not in (ready := (await http.get("/health/ready")).json()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        metrics = (await http.get("/metrics")).text
    assert ready["status"] == "ok"
    assert here("agent") in ready["warning"]
    assert "chatstream_loop_blocked_total 1.0" in metrics
    assert re.search(r"chatstream_loop_blocked_seconds_total 0\.[89]|1\.", metrics)
    assert re.search(r"chatstream_loop_worst_lag_seconds 0\.[789]|1\.", metrics)
    record = next(one for one in caplog.records if here("agent") in one.getMessage())
    assert vars(record)["user_chat_id"] == chat
    assert vars(record)["caused_by"] == sent.json()["ack"]["id"]
