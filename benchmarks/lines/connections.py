"""Many sockets: what they hold, how many see one chat, and when all come back at once."""

from __future__ import annotations

import asyncio
import random
import socket
import time

from benchmarks.client import Chat, joined
from benchmarks.servers import Server, chatstream, floor
from benchmarks.table import Line, Scale, percentile


async def measure(scale: Scale) -> list[Line]:
    return [
        await _memory(scale),
        *await _observers(scale),
        *await _stalled(scale),
        await _storm(scale),
    ]


async def _memory(scale: Scale) -> Line:
    kib = []
    for server in (chatstream().start(), floor("bare").start()):
        try:
            warm = await joined(server.port, 20, batch=True)
            before = server.usage().resident_bytes
            chats = await joined(server.port, scale.connections, batch=True)
            await asyncio.sleep(0.5)
            kib.append((server.usage().resident_bytes - before) / 1024 / len(chats))
            for chat in (*warm, *chats):
                chat.close()
        finally:
            server.remove()
    name = f"memory of an idle socket, {scale.connections:,}"
    return Line(name, kib[0], kib[1], "KiB", "A", "<=", 2, "a durable chat each")


class Audience:
    """Sockets that follow one chat; the first one speaks."""

    def __init__(self, chats: list[Chat]) -> None:
        self.chats = chats
        self.heard: list[float] = []

    @classmethod
    async def of(cls, server: Server, number: int, *, batch: bool) -> Audience:
        speaker = await Chat(server.port, batch=batch).join()
        chats = [speaker]
        while len(chats) < number:
            some = [
                Chat(server.port, batch=batch, token=speaker.token)
                for _ in range(min(50, number - len(chats)))
            ]
            chats += await asyncio.gather(*(chat.join(speaker.chat_id) for chat in some))
        return cls(chats)

    async def turn(self, listeners: int | None = None) -> None:
        """One turn, until so many have seen all of it."""
        done = asyncio.get_running_loop().create_future()
        left = len(self.chats) if listeners is None else listeners
        began = time.perf_counter()

        def take(message: bytes) -> None:
            nonlocal left
            if b'"status":"finished"' in message:
                self.heard.append(1000 * (time.perf_counter() - began))
                left -= 1
                if left == 0:
                    done.set_result(None)

        for chat in self.chats:
            chat.socket.on_message = take
        self.chats[0].say("instant")
        async with asyncio.timeout(30):
            await done

    def close(self) -> None:
        for chat in self.chats:
            chat.close()


async def _observers(scale: Scale) -> list[Line]:
    servers = {"batch": chatstream().start(), "A": floor("bare").start()}
    servers["plain"] = servers["batch"]
    rates: dict[str, float] = {}
    try:
        for name in ("A", "batch", "plain"):
            audience = await Audience.of(servers[name], scale.observers, batch=name == "batch")
            await audience.turn()
            began, turns = time.perf_counter(), 4 * scale.rounds
            for _ in range(turns):
                await audience.turn()
            rates[name] = turns * scale.observers / (time.perf_counter() - began)
            audience.close()
    finally:
        for server in servers.values():
            server.remove()
    name = f"turns seen, 1 chat, {scale.observers} observers"
    return [
        Line(f"{name}, batch", rates["batch"], rates["A"], "/s", "bare send loop", ">=", 0.6),
        Line(f"{name}, no batch", rates["plain"], rates["A"], "/s", "bare send loop"),
    ]


async def _stalled(scale: Scale) -> list[Line]:
    server, number = chatstream().start(), scale.stalled_observers
    try:
        audience = await Audience.of(server, number, batch=True)
        turns = 40 * scale.rounds
        for _ in range(turns):
            await audience.turn()
        calm, audience.heard = audience.heard, []
        stalled = audience.chats[-number // 10 :]
        before = server.usage().resident_bytes
        for chat in stalled:
            peer: socket.socket = chat.socket.transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            chat.socket.transport.pause_reading()
        for _ in range(turns):
            await audience.turn(number - len(stalled))
        growth = (server.usage().resident_bytes - before) / 2**20
        audience.close()
    finally:
        server.remove()
    bound = len(stalled) + 16
    ours, without = percentile(audience.heard, 0.99), percentile(calm, 0.99)
    return [
        Line("turn p99, 10 % stalled readers", ours, without, "ms", "none stalled", "<=", 1.5),
        Line("memory for stalled readers", growth, bound, "MiB", "1 each + 16", "<=", 1.0),
    ]


async def _storm(scale: Scale) -> Line:
    server = chatstream().start()
    try:
        chats = await joined(server.port, scale.storm, batch=True)
        await asyncio.gather(*(chat.ask("instant") for chat in chats))
        seconds = await come_back(server, chats)
    finally:
        server.remove()
    bound = server.ready_seconds + 3
    name = f"all {scale.storm} back after kill -9"
    note = f"start-up {server.ready_seconds:.2f} s + 3 s"
    return Line(name, seconds, bound, "s", "bound", "<=", 1.0, note)


async def come_back(server: Server, chats: list[Chat]) -> float:
    """Kill the server; the seconds until the last of ``chats`` is back at where it was."""
    server.kill()
    began = time.perf_counter()
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    ends = await asyncio.gather(*(_come_back(server.port, chat) for chat in chats))
    await starting
    return max(ends) - began


async def _come_back(port: int, lost: Chat) -> float:
    while True:
        chat = Chat(port, token=lost.token)
        try:
            await chat.hello()
            await chat.open(lost.chat_id, after=1 + 5)
        except OSError:
            await asyncio.sleep(random.uniform(0.02, 0.1))
        else:
            return time.perf_counter()
