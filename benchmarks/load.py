"""Loads on a server, and what is read off it meanwhile."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from benchmarks.client import Chat, joined
from benchmarks.servers import Server
from benchmarks.turn import lag_ms

_PIECES = re.compile(rb'"type":"delta".*?"text":"(\d+)"')


@dataclass
class Sample:
    """What one stretch of load gave."""

    turns: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    written_bytes: int = 0
    ack_ms: list[float] = field(default_factory=list)
    thinking_ms: list[float] = field(default_factory=list)
    final_ms: list[float] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.turns / self.seconds

    @property
    def cpu_ms_a_turn(self) -> float:
        return 1000 * self.cpu_seconds / max(1, self.turns)

    @property
    def written_kib_a_turn(self) -> float:
        return self.written_bytes / 1024 / max(1, self.turns)


class Talker:
    """Says something, notes when the answer's parts come, and says it again."""

    def __init__(self, chat: Chat, content: str, sample: Sample, end_mark: bytes) -> None:
        self._chat, self._content, self._sample = chat, content, sample
        self._end_mark = end_mark
        self._began = 0.0
        self._has_ack = self._has_thinking = True
        self.goes_on = True
        self.is_busy = False
        chat.socket.on_message = self._take

    def say(self) -> None:
        self._has_ack = self._has_thinking = False
        self.is_busy = True
        self._began = time.perf_counter()
        self._chat.say(self._content)

    def _take(self, message: bytes) -> None:
        now = time.perf_counter()
        if not self._has_ack and b'"type":"ack"' in message:
            self._has_ack = True
            self._sample.ack_ms.append(1000 * (now - self._began))
        if not self._has_thinking and b'"type":"thinking"' in message:
            self._has_thinking = True
            self._sample.thinking_ms.append(1000 * (now - self._began))
        if self._content == "paced":
            for digits in _PIECES.findall(message):
                text = digits.decode()
                self._sample.lag_ms += [
                    lag_ms(text[start : start + 6]) for start in range(0, len(text), 6)
                ]
        if self._end_mark in message:
            self._sample.turns += 1
            self._sample.final_ms.append(1000 * (now - self._began))
            self.is_busy = False
            if self.goes_on:
                self.say()


FINISHED = b'"status":"finished"'
ACKED = b'"type":"ack"'


async def closed_loop(
    server: Server,
    number: int,
    seconds: float,
    *,
    batch: bool = True,
    content: str = "instant",
    end_mark: bytes = FINISHED,
    warm_up: float = 0.3,
    kind: type[Chat] = Chat,
) -> Sample:
    """``number`` chats, each with one turn under way, for ``seconds``."""
    chats = await joined(server.port, number, batch=batch, kind=kind)
    warm, sample = Sample(), Sample()
    talkers = [Talker(chat, content, warm, end_mark) for chat in chats]
    for index, talker in enumerate(talkers):
        # A model's answers do not come in step.
        delay = index / number * 0.5 if content == "paced" else 0
        asyncio.get_running_loop().call_later(delay, talker.say)
    await asyncio.sleep(warm_up)
    await _measured(server, sample, seconds, talkers)
    await settle(talkers)
    for chat in chats:
        chat.close()
    return sample


async def interleaved(
    servers: dict[str, Server], rounds: int, load: Callable[[str, Server], Awaitable[Sample]]
) -> dict[str, list[Sample]]:
    """Samples of all, in turn; the servers are removed."""
    samples: dict[str, list[Sample]] = {name: [] for name in servers}
    try:
        for _ in range(rounds):
            for name, server in servers.items():
                samples[name].append(await load(name, server))
    finally:
        for server in servers.values():
            server.remove()
    return samples


async def open_loop(
    server: Server, number: int, rate: float, seconds: float, *, batch: bool = True
) -> Sample:
    """``rate`` turns a second, over ``number`` chats, at even intervals."""
    chats = await joined(server.port, number, batch=batch)
    sample = Sample()
    talkers = [Talker(chat, "instant", sample, FINISHED) for chat in chats]
    for talker in talkers:
        talker.goes_on = False
    began, index = time.perf_counter(), 0
    while (now := time.perf_counter()) < began + seconds:
        while index <= (now - began) * rate:
            talker = talkers[index % number]
            if not talker.is_busy:
                talker.say()
            index += 1
        await asyncio.sleep(0.001)
    sample.seconds = seconds
    await settle(talkers)
    for chat in chats:
        chat.close()
    return sample


async def _measured(server: Server, sample: Sample, seconds: float, talkers: list[Talker]) -> None:
    before = server.usage()
    for talker in talkers:
        talker._sample = sample
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    async with asyncio.timeout(30):
        # Somebody's whole turn lies in it, however short the time and slow the machine.
        while sample.turns <= len(talkers):
            await asyncio.sleep(0.01)
    sample.seconds = time.perf_counter() - began
    after = server.usage()
    sample.cpu_seconds = after.cpu_seconds - before.cpu_seconds
    sample.written_bytes = after.written_bytes - before.written_bytes
    for talker in talkers:
        talker._sample = Sample()


async def settle(talkers: list[Talker]) -> None:
    """Let the turns under way come to their end."""
    for talker in talkers:
        talker.goes_on = False
    async with asyncio.timeout(30):
        while any(talker.is_busy for talker in talkers):
            await asyncio.sleep(0.01)
