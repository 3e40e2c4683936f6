"""Requests whose bytes are changed, cut off, doubled or followed by rubbish, as peers on a bad line
or with bad intent send them: what comes back is never a 5xx, and nothing reaches the log."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field

from tests.badinput import corpus
from tests.kit.server import Server
from tests.kit.tokens import token_for
from tests.kit.wire import Person

AT_ONCE = 32
RUBBISH = (
    b"\x00", b"\xff", b"\r\n", b"\n", b"\r\n\r\n", b" ", b":", b"%", b"%00", b"?", b"#", b"[",
    b"]", b"@", b"/", b"//", b"..", b"0", b"-1", b"99999", b"zz\r\n", b"0\r\n\r\n", b"\xc3\xa9",
    b"\x1b[2J", b"HTTP/1.1", b"Host: a:b\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n", b"Connection: upgrade\r\n", b"Expect: 100-continue\r\n",
    b"Upgrade: websocket\r\n",
)  # fmt: skip
FINE = (b"HTTP/1.1 1", b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 503")


@dataclass
class Outcome:
    """What came of them: ``failures`` are answers that should not be."""

    cases: int = 0
    failures: list[str] = field(default_factory=list)


async def send_broken(server: Server, cases: int, seed: int) -> Outcome:
    """Send ``cases`` requests, ``AT_ONCE`` at a time."""
    chance, outcome = random.Random(seed), Outcome()
    person = Person(server)
    talk = await person.talk()
    templates = await _templates(server, talk.chat)
    for _ in range(0, cases, AT_ONCE):
        each = [_broken(chance, templates) for _ in range(AT_ONCE)]
        await asyncio.gather(*(_send(server, outcome, *one) for one in each))
    await person.aclose()
    return outcome


async def _templates(server: Server, chat: str) -> list[bytes]:
    head = f"Host: {server.host}\r\nAuthorization: Bearer {token_for('raw-bytes')}\r\n"
    body = json.dumps({"content": "stream 5 0.01 ; answer"})
    send = f"POST {server.prefix}/chats/{chat}/messages HTTP/1.1\r\n{head}Prefer: wait=0.1\r\n"
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    chunks = f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    stream = f"GET {server.prefix}/chats/{chat}/events HTTP/1.1\r\nAccept: text/event-stream\r\n"
    plain = [
        send + length,
        send + chunks,
        f"{stream}{head}\r\n",
        f"{stream}{head}{chunks}",
        f"DELETE {server.prefix}/users/{'x' * 9}%2f HTTP/1.1\r\n{head}\r\n",
        f"GET /chatstream/embed.js HTTP/1.1\r\n{head}\r\n",
        f"GET /nowhere HTTP/1.1\r\n{head}{chunks}",
        f"OPTIONS {server.prefix}/chats HTTP/1.1\r\n{head}Origin: http://{server.host}\r\n\r\n",
    ]
    upgrade = next(iter(corpus.handshakes(server.host).values()))[0]
    return [one.encode() for one in plain] + [upgrade + corpus.frame(b"{}"), upgrade]


def _broken(chance: random.Random, templates: list[bytes]) -> tuple[bytes, bytes, str]:
    """The bytes that come first, those that come a moment later, and how it ends."""
    sent = chance.choice(templates)
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(sent) + 1)
        changes = (
            sent[:at] + chance.choice(RUBBISH) + sent[at:],
            sent[:at] + sent[at + chance.randint(1, 8) :],
            sent[:at] + chance.choice(templates)[at:],
            sent + chance.choice(RUBBISH) + sent[at:],
            sent[:at],
        )
        sent = chance.choice(changes)
    at = chance.randrange(len(sent) + 1)
    return sent[:at], sent[at:], chance.choice(("read", "close", "abort", "half"))


async def _send(server: Server, outcome: Outcome, first: bytes, then: bytes, end: str) -> None:
    outcome.cases += 1
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(first)
        await asyncio.sleep(0.01)  # whole requests and halves of them, as a network delivers both
        writer.write(then)
        answer = await _answer(reader, writer, end)
    except OSError:  # it hung up before we were done
        return
    finally:
        writer.close()
    if answer and not answer.startswith(FINE):
        outcome.failures.append(f"{answer[:40]!r} to {first[:300]!r} {then[:300]!r} ({end})")


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: str) -> bytes:
    match end:
        case "abort":
            writer.transport.abort()
            return b""
        case "close":
            return b""
        case "half":
            writer.write_eof()
    try:
        async with asyncio.timeout(0.3):
            return await reader.read(100)
    except TimeoutError:
        return b""  # it waits for the rest
