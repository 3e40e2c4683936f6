"""Sends all of it to one server with a well-behaved client beside it, and counts.

`python -m tests.badinput --cases 2000` prints the table; `test_badinput` wants its zeros.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.badinput import corpus
from tests.kit.server import Server
from tests.kit.tokens import token_for
from tests.kit.wire import Person, Socket, Talk
from websockets.exceptions import ConnectionClosed

UPGRADE = (
    "GET /api/v1/chat/ws/chat HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)


Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ANSWERS = ("ack", "rejected", "opened", "resync", "welcome")


@dataclass
class Tally:
    """What came of it; times in ms."""

    cases: int = 0
    crashes: int = 0
    tracebacks: int = 0
    unanswered: list[str] = field(default_factory=list)
    alone_ms: list[float] = field(default_factory=list)
    beside_ms: list[float] = field(default_factory=list)

    def table(self) -> str:
        """For people."""
        return (
            f"cases {self.cases}, crashes {self.crashes}, tracebacks {self.tracebacks}, "
            f"unanswered {len(self.unanswered)}; good client's p99: alone "
            f"{p99(self.alone_ms):.1f} ms, beside {p99(self.beside_ms):.1f} ms"
        )


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    return sorted(values)[int(0.99 * (len(values) - 1))]


async def run(server: Server, generated: int, seed: int) -> Tally:
    """Every fixed case, then ``generated`` mutated ones."""
    tally = Tally()
    good = await Person(server).talk()
    for _ in range(200):
        tally.alone_ms.append(await ask_once(good))
    done = asyncio.Event()
    beside = asyncio.create_task(keep_asking(good, done, tally))
    try:
        await before_hello(server, tally, [*corpus.messages(), *mutated(generated // 4, seed + 1)])
        await raw(server, tally)
        await odd(server, tally)
        await heads(server, tally)
        for script in ("think plan", "wait for_ever"):
            await after_hello(server, tally, list(corpus.messages()), script)
        await after_hello(server, tally, mutated(generated, seed), "wait for_ever")
    finally:
        done.set()
        await beside
        await good.person.aclose()
    tally.crashes += not server.running
    tally.tracebacks += server.log_path.read_text(errors="replace").count("Traceback")
    return tally


async def ask_once(good: Talk) -> float:
    """One command of the good client; its answer must come."""
    began = time.perf_counter()
    await good.do("cancel")
    return (time.perf_counter() - began) * 1000


async def keep_asking(good: Talk, done: asyncio.Event, tally: Tally) -> None:
    """All the time."""
    while not done.is_set():
        tally.beside_ms.append(await ask_once(good))
        await asyncio.sleep(0.005)


def mutated(count: int, seed: int) -> list[str | bytes]:
    """Bad messages with some characters changed, dropped, doubled or spliced."""
    chance = random.Random(seed)
    texts = [one for one in corpus.messages() if isinstance(one, str) and 0 < len(one) < 2000]
    return [_mutated(chance, texts) for _ in range(count)]


def _mutated(chance: random.Random, texts: list[str]) -> str | bytes:
    text = chance.choice(texts)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        changes = (
            text[:at] + chance.choice('{}[]",:\\0-e\u0000é😀') + text[at:],
            text[:at] + text[at + 1 :],
            text + text[at:],
            text[:at] + chance.choice(texts)[at:],
        )
        text = chance.choice(changes)[:4000]
    return text.encode() if chance.random() < 0.05 else text


async def before_hello(server: Server, tally: Tally, every: list[str | bytes]) -> None:
    """Each on a socket of its own: closed with 4400 (or 4401 for a hello with a bad token)."""
    for start in range(0, len(every), 16):
        await asyncio.gather(
            *(first_frame(server, tally, one) for one in every[start : start + 16])
        )


async def first_frame(server: Server, tally: Tally, message: str | bytes) -> None:
    """One of them."""
    tally.cases += 1
    socket = await Socket.connect(server.socket_url)
    try:
        await socket.post_text(message)
        await socket.closed(10)
    except (TimeoutError, ConnectionClosed):
        pass
    if socket.close_code not in (4400, 4401, 1009):
        tally.unanswered.append(f"before hello, {socket.close_code}: {message[:80]!r}")
        await socket.close()


async def after_hello(
    server: Server, tally: Tally, messages: list[str | bytes], script: str
) -> None:
    """On one socket that goes on living; a pong after each shows that it was dealt with."""
    person = Person(server)
    talk = await person.talk()
    await talk.send(script)
    for message in messages:
        tally.cases += 1
        sent = message.replace(corpus.CHAT, talk.chat) if isinstance(message, str) else message
        before = len(talk.socket.frames)
        try:
            await talk.socket.post_text(sent)
            await talk.socket.settle()
        except (AssertionError, ConnectionClosed):
            if not (len(sent) > 262_144 or talk.socket.close_code == 4429):
                code = talk.socket.close_code
                tally.unanswered.append(f"closed {code} after {message[:80]!r}")
            talk = await person.talk()
            continue
        if wants_answer(sent) and not await answered(talk, before):
            tally.unanswered.append(f"after hello: {message[:80]!r}")
    await person.aclose()


async def answered(talk: Talk, before: int) -> bool:
    """What has to ask the disk is answered after the pong."""
    try:
        await talk.socket.until(lambda frame: frame["type"] in ANSWERS, before, seconds=10)
    except AssertionError:
        return False
    return True


def wants_answer(sent: str | bytes) -> bool:
    """All but a well-formed ``leave``; the answer of a ``ping`` may be that of the next."""
    try:
        frame = json.loads(sent)
    except (ValueError, RecursionError):
        return True
    if not isinstance(frame, dict):
        return True
    return frame.get("type") not in ("leave", "ping")


async def raw(server: Server, tally: Tally) -> None:
    """Broken framing, and floods: closed with the right code, at once."""
    hello = corpus.HELLO.replace("@TOKEN@", token_for("raw")).encode()
    for name, (sent, codes) in {**corpus.broken_framing(), **corpus.floods(hello)}.items():
        async with upgraded(server, tally, name) as (reader, writer):
            writer.write(sent)
            code = await close_code(reader)
            if code not in codes:
                tally.unanswered.append(f"{name}: {code}")


async def odd(server: Server, tally: Tally) -> None:
    """Odd framing that is right: the caller is welcome."""
    hello = corpus.HELLO.replace("@TOKEN@", token_for("odd")).encode()
    for name, sent in corpus.odd_framing(hello).items():
        async with upgraded(server, tally, name) as (reader, writer):
            writer.write(sent)
            await reader.readuntil(b'"type":"welcome"')


async def heads(server: Server, tally: Tally) -> None:
    """Handshakes and requests: each is answered by a right status."""
    token = token_for("heads").encode()
    for name, (sent, statuses) in {
        **corpus.handshakes(server.host),
        **corpus.requests(server.host),
    }.items():
        async with connected(server, tally, name) as (reader, writer):
            writer.write(sent.replace(b"@TOKEN@", token))
            status = int((await reader.readline()).split()[1])
            if status not in statuses:
                tally.unanswered.append(f"{name}: {status}")


@asynccontextmanager
async def connected(server: Server, tally: Tally, name: str) -> AsyncIterator[Wire]:
    """A plain connection for one case; one that gets no answer in time is noted."""
    tally.cases += 1
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, IndexError) as error:
        tally.unanswered.append(f"{name}: {error!r}")
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def upgraded(server: Server, tally: Tally, name: str) -> AsyncIterator[Wire]:
    """The same, after the upgrade."""
    async with connected(server, tally, name) as (reader, writer):
        writer.write(UPGRADE.format(host=server.host).encode())
        await reader.readuntil(b"\r\n\r\n")
        yield reader, writer


async def close_code(reader: asyncio.StreamReader) -> int:
    """The code of the next close frame; others are passed over."""
    while True:
        opcode, size = await reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2), "big")
        payload = await reader.readexactly(size)
        if opcode & 0xF == 8:
            return int.from_bytes(payload[:2], "big")
