"""Drives one dialogue as its user would, over a connection that is cut again and again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from random import Random

import msgspec

from benchmarks.demo.dialogues import DONE, Dialogue, Exchange
from chatstream.client import Ack, Chat, ChatClient, WebSocketTransport, connect_websocket

STALL_SECONDS = 90.0


class Counts(msgspec.Struct):
    """What happened on the way, over all dialogues."""

    messages: int = 0
    cuts: int = 0
    connections: int = 0
    resent: int = 0
    duplicates: int = 0


class Run(msgspec.Struct):
    """One dialogue in its chat: every ack it got, and what was wrong."""

    dialogue: Dialogue
    chat_id: str
    acks: list[Ack] = []
    violations: list[str] = []


class CutTransport:
    """A WebSocket that breaks after each message with a small probability."""

    def __init__(
        self,
        inner: WebSocketTransport,
        *,
        chance: Random,
        rate: float,
        counts: Counts,
        sent: set[str],
    ) -> None:
        self._inner = inner
        self._chance = chance
        self._rate = rate
        self._counts = counts
        self._sent = sent

    async def send(self, message: str) -> None:
        frame = json.loads(message)
        if frame["type"] in ("send", "submit", "resume"):
            self._counts.resent += frame["id"] in self._sent
            self._sent.add(frame["id"])
        await self._inner.send(message)
        self._perhaps_cut()

    async def receive(self) -> bytes:
        message = await self._inner.receive()
        frames = json.loads(message)
        for frame in frames if isinstance(frames, list) else [frames]:
            self._counts.duplicates += frame["type"] == "ack" and bool(frame.get("duplicate"))
        self._perhaps_cut()
        return message

    async def close(self) -> None:
        await self._inner.close()

    def _perhaps_cut(self) -> None:
        if self._chance.random() < self._rate:
            self._counts.cuts += 1
            self._inner.abort()


class Driver:
    """Plays dialogues; all of them are one user's.

    Args:
        url: of the server's WebSocket.
        token: who the user is.
        cut_rate: the probability of a cut after each message.
        seed: makes the cuts of each dialogue the same in each run.
        on_message: told of every acked message.
    """

    def __init__(
        self, url: str, token: str, *, cut_rate: float, seed: int, on_message: Callable[[], None]
    ) -> None:
        self.counts = Counts()
        self._url = url
        self._token = token
        self._cut_rate = cut_rate
        self._seed = seed
        self._on_message = on_message

    async def play(self, run: Run) -> None:
        """Say all that the user said, and hear every answer."""
        async with self.client(run.chat_id) as client:
            chat = await client.open(run.chat_id)
            for exchange in run.dialogue.exchanges:
                async with asyncio.timeout(STALL_SECONDS):
                    await self._exchange(run, chat, exchange)

    async def resume(self, run: Run) -> None:
        """Take up the abandoned task again."""
        async with self.client(f"{run.chat_id} resumed") as client:
            chat = await client.open(run.chat_id)
            (intent,) = chat.view.resumable
            run.acks.append(await chat.resume(intent.user_intent_id))
            await chat.until(lambda view: not view.resumable)

    def client(self, name: str) -> ChatClient:
        """A client whose connection is cut at random."""
        chance, sent = Random(f"{self._seed} {name}"), set[str]()

        async def connect(url: str) -> CutTransport:
            inner = await connect_websocket(url)
            self.counts.connections += 1
            return CutTransport(
                inner, chance=chance, rate=self._cut_rate, counts=self.counts, sent=sent
            )

        return ChatClient(self._url, token=self._token, connect=connect, random=chance.random)

    async def _exchange(self, run: Run, chat: Chat, exchange: Exchange) -> None:
        if exchange.pressed_done:
            (component,) = chat.view.open_components
            ack = await chat.submit(component.component_id, dict(DONE))
        else:
            ack = await chat.send(exchange.said)
        self.counts.messages += 1
        self._on_message()
        run.acks.append(ack)
        answer = await chat.answer_to(ack)
        if answer.content != exchange.answer:
            run.violations.append(f"{run.chat_id}: heard {answer.content!r}")
