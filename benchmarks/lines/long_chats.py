"""Long chats: commands and opens in them, and catching up from far behind."""

from __future__ import annotations

import sys
import time

from benchmarks.client import Chat
from benchmarks.servers import Server, chatstream
from benchmarks.table import Line, Scale, median
from benchmarks.turn import EVENTS

_REPEATS = 60


async def measure(scale: Scale) -> list[Line]:
    server = chatstream().start()
    try:
        long = await _grown(server, scale.long_events)
        short = [await _grown(server, scale.short_events, long.token) for _ in range(10)]
        commands = await _commands(long, short)
        opens = await _opens(long, [chat.chat_id for chat in short])
        first_ms = await _first_open(server, long)
        missed = await _grown(server, scale.missed_events)
        catching_up = await _catch_up(server, missed, scale.missed_events)
    finally:
        server.remove()
    name = f"{scale.long_events:,} against {scale.short_events} events"
    return [
        Line(f"a command, {name}", *commands, "ms", "short chat", "<=", 1.5),
        Line(f"open, last 50, {name}", *opens, "ms", "short chat", "<=", 1.5),
        Line(f"the first open after a start, {name}", first_ms, opens[1], "ms", "short chat"),
        catching_up,
    ]


async def _grown(server: Server, events: int, token: str = "") -> Chat:
    """A chat of about that many events, made by turns."""
    chat = await Chat(server.port, token=token).join()
    turns, window = max(1, round(events / EVENTS)), 8
    for start in range(0, turns, window):
        number = min(window, turns - start)
        seen = 0
        done = chat.until(b"\0")

        def count(message: bytes, number: int = number) -> None:
            nonlocal seen
            seen += message.count(b'"status":"finished"')
            if seen == number and not done.done():
                done.set_result(b"")

        chat.socket.on_message = count
        for _ in range(number):
            chat.say("instant")
        await done
    return chat


async def _commands(long: Chat, short: list[Chat]) -> tuple[float, float]:
    async def acked_ms(chat: Chat) -> float:
        began = time.perf_counter()
        await chat.ask("quiet", b'"type":"ack"')
        return 1000 * (time.perf_counter() - began)

    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(_REPEATS):
        taken[0].append(await acked_ms(long))
        taken[1].append(await acked_ms(short[number % len(short)]))
    return median(taken[0]), median(taken[1])


async def _opens(long: Chat, short: list[str]) -> tuple[float, float]:
    async def opened_ms(chat_id: str) -> float:
        began = time.perf_counter()
        await long.open(chat_id, last=50)
        return 1000 * (time.perf_counter() - began)

    home = long.chat_id
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(_REPEATS):
        taken[0].append(await opened_ms(home))
        taken[1].append(await opened_ms(short[number % len(short)]))
    long.chat_id = home
    return median(taken[0]), median(taken[1])


async def _first_open(server: Server, long: Chat) -> float:
    """Nothing of the chat is in memory: its log is read and folded."""
    chat_id, token = long.chat_id, long.token
    server.stop()
    server.start()
    chat = Chat(server.port, token=token)
    await chat.hello()
    began = time.perf_counter()
    await chat.open(chat_id, last=50)
    return 1000 * (time.perf_counter() - began)


async def _catch_up(server: Server, missed: Chat, events: int) -> Line:
    raw = Server(
        "catch_up",
        [sys.executable, "-m", "benchmarks.floors.catch_up"]
        + [f"{server.home}/chat.db", missed.chat_id],
    ).start()
    taken: dict[Server, list[float]] = {server: [], raw: []}
    try:
        for _ in range(5):
            for one, seconds in taken.items():
                chat = Chat(one.port, token=missed.token)
                await chat.hello()
                began = time.perf_counter()
                await chat.open(missed.chat_id)
                seconds.append(time.perf_counter() - began)
                chat.close()
    finally:
        raw.remove()
    ours, bare = (events / median(seconds) for seconds in taken.values())
    name = f"catch-up of {events:,} events"
    return Line(name, ours, bare, "/s", "raw sqlite3, bare socket", ">=", 0.5)
