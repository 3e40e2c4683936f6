"""A workload on real sockets: who writes and who reads, and what each of them wrote down.

Everybody goes through `port` (a fault proxy) but the stalled readers, whose kernel buffers must
be small. The seed decides what is done; when it happens is up to the machine.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Final

from msgspec import Struct
from tests.faults.history import (
    Answered,
    Began,
    CaughtUp,
    Grew,
    History,
    Lost,
    Reading,
    Saw,
    Sent,
)
from tests.faults.line import Line, LineLost, Received, decode, event_stream, http_client
from tests.kit.wire import member_items

now = time.monotonic
FAT_BYTES: Final = 24_000
DRAIN_S: Final = 40.0
"""By when every command is acked and every reader at the end, after the faults are over."""


class Cast(Struct, frozen=True):
    """Who takes part, in each chat; `pause_s` is a writer's mean pause between messages."""

    chats: int = 2
    writers: int = 2
    sockets: int = 1
    streams: int = 1
    pollers: int = 1
    lurkers: int = 1
    stalled: bool = True
    pause_s: float = 0.08


class World:
    """One run: the chats, what everybody does and sees, and whether it is over."""

    def __init__(self, port: int, direct_port: int, seed: int, cast: Cast) -> None:
        self.port = port
        self.direct_port = direct_port
        self.chance = random.Random(seed)
        self.cast = cast
        self.history = History()
        self.sending = True
        self.resent = 0
        self.over = asyncio.Event()
        mark = secrets.token_hex(3)
        self.chats = [f"chat_{seed}_{mark}_{number}" for number in range(cast.chats)]
        self.fat = f"chat_{seed}_{mark}_fat"
        self._ids = itertools.count()
        self._writers: list[Writer] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def acked(self) -> int:
        """How many commands were acked."""
        return len({one.id for one in self.history.answered if one.position is not None})

    @property
    def observed(self) -> int:
        """How many event frames readers saw."""
        readings = self.history.readings
        return sum(isinstance(item, Saw) for reading in readings for item in reading.items)

    def new_id(self, kind: str) -> str:
        """An id of a command."""
        return f"{kind}_{next(self._ids)}_{secrets.token_hex(4)}"

    def new_connection(self, who: str) -> str:
        """A name for one connection."""
        return f"{who}#{next(self._ids)}"

    def reading(self, reader: str, chat: str, *, complete: bool = True) -> Reading:
        """What a reader sees from now on."""
        self.history.readings.append(Reading(reader, chat, [], complete))
        return self.history.readings[-1]

    async def begin(self) -> None:
        """Make the chats; let everybody in."""
        async with http_client(self.direct_port) as client:
            for chat in [*self.chats, self.fat]:
                (await client.post("/chats", json={"user_chat_id": chat})).raise_for_status()
        for chat in self.chats:
            self._enter(chat)
        if self.cast.stalled:
            self._writers.append(Writer(self, self.fat, "fat", style="fat"))
            self._start(StalledReader(self, self.fat, "stalled").run())
            self._start(SocketReader(self, self.fat, "socket beside it").run())
        for writer in self._writers:
            self._start(writer.run())

    def _enter(self, chat: str) -> None:
        cast = self.cast
        styles = itertools.cycle(("plain", "twice", "cancelling"))
        for number, style in zip(range(cast.writers), styles, strict=False):
            self._writers.append(Writer(self, chat, f"writer {number}", style))
        for number in range(cast.sockets):
            batch = number % 2 == 1
            self._start(SocketReader(self, chat, f"socket {number}", batch=batch).run())
        for number in range(cast.streams):
            self._start(StreamReader(self, chat, f"stream {number}").run())
        for number in range(cast.pollers):
            self._start(Poller(self, chat, f"poller {number}").run())
        for number in range(cast.lurkers):
            self._start(Lurker(self, chat, f"lurker {number}").run())

    def _start(self, work: Awaitable[None]) -> None:
        self._tasks.append(asyncio.ensure_future(work))

    async def end(self, drain_s: float = DRAIN_S) -> History:
        """The faults are over: let everybody finish, read the logs, send all home."""
        self.sending = False
        with suppress(TimeoutError):
            async with asyncio.timeout(drain_s):
                await asyncio.gather(*(writer.drained.wait() for writer in self._writers))
                await self._turns_ended()
        self.history.log = await self._logs()
        await self._until_read(max(4.0, drain_s / 2))
        self.over.set()
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        faults = [one for one in results if isinstance(one, Exception)]
        if faults:
            raise faults[0]
        return self.history

    async def _turns_ended(self) -> None:
        async with http_client(self.direct_port) as client:
            for chat in [*self.chats, self.fat]:
                while (await client.get(f"/chats/{chat}")).json().get("turn") is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    async def _logs(self) -> dict[str, list[bytes]]:
        async with http_client(self.direct_port) as client:
            return {chat: await read_log(client, chat) for chat in [*self.chats, self.fat]}

    async def _until_read(self, patience_s: float) -> None:
        """Until every reader is at the end, or none has come any further for so long: how fast
        it goes is up to the machine."""
        fewest, since = float("inf"), now()
        while (unread := sum(map(self._unread, self.history.readings))) and (
            now() - since < patience_s
        ):
            if unread < fewest:
                fewest, since = unread, now()
            await asyncio.sleep(0.05)

    def _unread(self, reading: Reading) -> int:
        seen = next((one.position for one in reversed(reading.items) if isinstance(one, Saw)), 0)
        return max(0, len(self.history.log[reading.chat]) - seen) if reading.complete else 0


async def read_log(client: object, chat: str, after: int = 0) -> list[bytes]:
    """All events of a chat by REST, byte for byte."""
    frames: list[bytes] = []
    while True:
        page = await read_page(client, chat, after + len(frames), 200)
        frames += page
        if len(page) < 200:
            return frames


async def read_page(client: object, chat: str, after: int, limit: int) -> list[bytes]:
    """One page of a chat's events."""
    answer = await client.get(f"/chats/{chat}/events", params={"after": after, "limit": limit})
    answer.raise_for_status()
    return [text.encode() for text in member_items(answer.text, "items")]


class Person:
    """Somebody who comes back until the world is over."""

    def __init__(self, world: World, chat: str, name: str) -> None:
        self.world = world
        self.chat = chat
        self.name = f"{name} of {chat[-4:]}"
        self.chance = random.Random(world.chance.random())

    async def run(self) -> None:
        """Do `visit` again and again; a lost line is no reason to stop."""
        while not self.world.over.is_set():
            with suppress(LineLost):
                await self.visit()
            await asyncio.sleep(self.chance.uniform(0.02, 0.15))

    async def visit(self) -> None:
        """What is done on one connection."""
        raise NotImplementedError

    @asynccontextmanager
    async def line(self, *, batch: bool = False) -> AsyncIterator[Line]:
        """A connection of one's own, aborted at the end."""
        line = await Line.join(self.world.port, batch=batch)
        try:
            yield line
        finally:
            line.abort()


class Writer(Person):
    """Sends messages, keeps what is not acked, sends it again with the same id.

    `twice`: each command twice, the second time by another line now and then. `cancelling`:
    cancels in the middle of turns. `fat`: large messages, few of them.
    """

    def __init__(self, world: World, chat: str, name: str, style: str) -> None:
        super().__init__(world, chat, name)
        self.drained = asyncio.Event()
        self._style = style
        self._outbox: OrderedDict[str, dict[str, object]] = OrderedDict()
        self._tried: set[str] = set()
        self._again: asyncio.Queue[str] = asyncio.Queue()
        self._awaited = 0
        self._number = 0
        self._connection = ""

    async def visit(self) -> None:
        """Send what is left over, then new messages, on one line."""
        async with self.line() as line:
            self._connection = self.world.new_connection(self.name)
            self._awaited = self._number = 0
            reading = asyncio.ensure_future(self._read(line, self._connection))
            try:
                await self._send_all(line, reading)
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError, LineLost):
                    await reading

    async def _send_all(self, line: Line, reading: asyncio.Future[None]) -> None:
        for command_id in list(self._outbox):
            await self._send(line, command_id)
        while not reading.done():
            await self._send_again(line)
            if self.world.sending and len(self._outbox) < 3:
                for _ in range(self.chance.choice((1, 1, 3))):
                    await self._new_message(line)
            elif not self.world.sending and not self._outbox and not self._awaited:
                self.world.history.calm.add(self._connection)
                self.drained.set()
            await asyncio.sleep(self._pause_s())
        await reading

    def _pause_s(self) -> float:
        if not self.world.sending:
            return 0.02
        return self.chance.uniform(0, 2 * self.world.cast.pause_s)

    async def _new_message(self, line: Line) -> None:
        command_id = self.world.new_id("send")
        content = self._content(command_id)
        frame = {"type": "send", "id": command_id, "user_chat_id": self.chat, "content": content}
        self._outbox[command_id] = frame
        await self._send(line, command_id)
        if self._style == "twice":
            await self._send_twice(line, command_id)
        if self._style == "cancelling" and self.chance.random() < 0.4:
            await asyncio.sleep(self.chance.uniform(0, 0.1))
            await self._new_cancel(line)

    async def _send_twice(self, line: Line, command_id: str) -> None:
        if command_id in self._outbox and self.chance.random() < 0.7:
            await self._send(line, command_id)
        elif command_id in self._outbox:
            await self._send_elsewhere(self._outbox[command_id])

    async def _send_elsewhere(self, frame: dict[str, object]) -> None:
        """The same command over HTTP, its outcome unknown where the answer is lost."""
        world, command_id = self.world, str(frame["id"])
        connection = world.new_connection(self.name)
        world.history.sent.append(Sent(self.chat, command_id, connection, 0, now()))
        body = {"id": command_id, "content": frame["content"]}
        with suppress(Exception):  # whatever goes wrong there, the socket has it as well
            async with http_client(world.port) as client:
                answer = await client.post(f"/chats/{self.chat}/messages", json=body)
                ack = answer.json()
                world.history.answered.append(
                    Answered(
                        self.chat,
                        command_id,
                        connection,
                        now(),
                        position=ack.get("position"),
                        duplicate=ack.get("duplicate", False),
                        code=ack.get("code"),
                    )
                )

    async def _new_cancel(self, line: Line) -> None:
        command_id = self.world.new_id("cancel")
        frame = {"type": "cancel", "id": command_id, "user_chat_id": self.chat}
        self._outbox[command_id] = frame
        await self._send(line, command_id)

    def _content(self, command_id: str) -> str:
        if self._style == "fat":
            return f"fat {command_id} {'ü' * (FAT_BYTES // 2)}"
        slow = self.chance.random() < (0.6 if self._style == "cancelling" else 0.1)
        end = "!" if self.chance.random() < 0.3 else "."
        return f"{'slow' if slow else 'quick'} {command_id} schön 🙂{end}"

    async def _send(self, line: Line, command_id: str) -> None:
        frame = self._outbox[command_id]
        self._number += 1
        self._awaited += 1
        self.world.resent += command_id in self._tried
        self._tried.add(command_id)
        sent = Sent(self.chat, command_id, self._connection, self._number, now())
        self.world.history.sent.append(sent)
        await line.send(frame)

    async def _send_again(self, line: Line) -> None:
        while not self._again.empty():
            command_id = self._again.get_nowait()
            if command_id in self._outbox:
                await self._send(line, command_id)

    async def _read(self, line: Line, connection: str) -> None:
        async for frame, _ in line.frames():
            if frame.type in {"ack", "rejected"} and frame.id is not None:
                self._awaited -= 1
                self._answered(frame, frame.id, connection)

    def _answered(self, frame: Received, command_id: str, connection: str) -> None:
        self.world.history.answered.append(
            Answered(
                self.chat,
                command_id,
                connection,
                now(),
                position=frame.position,
                duplicate=frame.duplicate,
                code=frame.code,
            )
        )
        if frame.code in {"unavailable", "overloaded"}:
            loop = asyncio.get_running_loop()
            loop.call_later(0.1, self._again.put_nowait, command_id)
        else:
            self._outbox.pop(command_id, None)


class Reader(Person):
    """Follows a chat from where it is, for ever."""

    def __init__(self, world: World, chat: str, name: str) -> None:
        super().__init__(world, chat, name)
        self._reading = world.reading(self.name, chat)
        self._position = 0
        self._event_id: str | None = None
        self._resync: str | None = None
        self._asked_at = 0.0

    def take(self, frame: Received, data: bytes) -> None:
        """Write down what came."""
        items = self._reading.items
        match frame.type:
            case "opened":
                start = frame.start or 0
                items.append(
                    Began(self._position, start, self._asked_at, frame.position, self._resync)
                )
                self._position, self._resync = start, None
            case "resync":
                self._resync = frame.reason
            case "caught_up":
                items.append(CaughtUp(frame.position or 0))
            case "delta":
                items.append(Grew(frame.message_id or "", frame.offset or 0, frame.text or ""))
            case _ if frame.event_id is not None:
                self._position, self._event_id = frame.position or 0, frame.event_id
                items.append(Saw(self._position, data))
            case _:
                pass

    def began(self) -> None:
        """A transport that does not say where it starts: it starts where it was asked to."""
        self._reading.items.append(Began(self._position, self._position, now()))


class SocketReader(Reader):
    """Follows by WebSocket; `batch` where it takes several frames a message."""

    def __init__(self, world: World, chat: str, name: str, *, batch: bool = False) -> None:
        super().__init__(world, chat, name)
        self._batch = batch

    async def visit(self) -> None:
        async with self.line(batch=self._batch) as line:
            await self.follow(line)

    async def follow(self, line: Line) -> None:
        """Open where we are and take what comes, until the line is lost."""
        self._asked_at = now()
        await line.send(self._open())
        try:
            async for frame, data in line.frames():
                if frame.type == "rejected":
                    raise LineLost(frame.code)
                self.take(frame, data)
                await self.linger()
        finally:
            self._reading.items.append(Lost())

    async def linger(self) -> None:
        """What is done after each frame."""

    def _open(self) -> dict[str, object]:
        frame = {"type": "open", "user_chat_id": self.chat, "after": self._position}
        return frame | ({"after_event": self._event_id} if self._event_id else {})


class StalledReader(SocketReader):
    """Stops reading now and then, so long that the server must do something about it."""

    async def visit(self) -> None:
        line = await Line.join(self.world.direct_port, small_buffer=True)
        try:
            await self.follow(line)
        finally:
            line.abort()

    async def linger(self) -> None:
        if self.world.sending and self.chance.random() < 0.2:
            await asyncio.sleep(self.chance.uniform(0.3, 1.5))


class StreamReader(Reader):
    """Follows by server-sent events."""

    async def visit(self) -> None:
        self.began()
        async with http_client(self.world.port) as client:
            try:
                async for frame, data in event_stream(client, self.chat, self._position):
                    self.take(frame, data)
            finally:
                self._reading.items.append(Lost())


class Poller(Reader):
    """Asks by REST for what is new."""

    async def visit(self) -> None:
        async with http_client(self.world.port) as client:
            while True:
                try:
                    page = await read_page(client, self.chat, self._position, 50)
                except Exception as error:
                    raise LineLost(repr(error)) from error
                for data in page:
                    self.take(decode(data), data)
                await asyncio.sleep(self.chance.uniform(0.05, 0.2))


class Lurker(Person):
    """Comes in anywhere, reads up to the end, leaves."""

    async def visit(self) -> None:
        reading = self.world.reading(self.name, self.chat, complete=False)
        async with self.line(batch=self.chance.random() < 0.5) as line:
            asked_at, after = now(), 0
            await line.send({"type": "open", "user_chat_id": self.chat})
            async for frame, data in line.frames():
                if frame.type == "opened":
                    reading.items.append(Began(after, frame.start or 0, asked_at, frame.position))
                elif frame.type == "caught_up":
                    reading.items.append(CaughtUp(frame.position or 0))
                    break
                elif frame.event_id is not None:
                    reading.items.append(Saw(frame.position or 0, data))
        await asyncio.sleep(self.chance.uniform(0.2, 0.6))
