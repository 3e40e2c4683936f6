"""A TCP proxy that misbehaves on purpose: cuts, swallows, delays, throttles, splits.

A fault is done to one connection at a time, chosen by who drives it; new ones are healthy.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Literal, Self, get_args

Fault = Literal["cut", "blackhole", "delay", "throttle", "half-close", "split"]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
THROTTLED_BYTES_PER_S: Final = 20_000
DELAY_S: Final = 0.05


class Link:
    """One connection through the proxy."""

    def __init__(self, to_client: asyncio.StreamWriter, to_server: asyncio.StreamWriter) -> None:
        self.fault: Fault | None = None
        self._ends = (to_client, to_server)

    def harm(self, fault: Fault) -> None:
        """Do it; what cannot be healed is healed by a new connection."""
        if self.fault == "blackhole" and fault != "cut":
            return  # it lacks bytes: no TCP passes on what comes after them
        self.fault = fault
        if fault == "cut":
            for end in self._ends:
                end.transport.abort()
        elif fault == "half-close":
            with suppress(OSError, RuntimeError):
                self._ends[1].write_eof()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copy one direction, as the fault has it, until either end is gone."""
        with suppress(OSError, RuntimeError):
            while piece := await reader.read(65536):
                if self.fault != "blackhole":
                    await self._write(writer, piece)
        for end in self._ends:
            end.transport.abort()

    async def _write(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        size = {"split": 1, "throttle": THROTTLED_BYTES_PER_S // 20}.get(self.fault or "", 65536)
        if self.fault == "delay":
            await asyncio.sleep(DELAY_S)
        for at in range(0, len(piece), size):
            writer.write(piece[at : at + size])
            await writer.drain()
            await asyncio.sleep(0.05 if self.fault == "throttle" else 0)


class FaultProxy:
    """Listens on a port of its own and connects to `targets` in turn; enter it to start."""

    def __init__(self, *targets: int) -> None:
        self.targets = list(targets)
        self.links: list[Link] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self.links):
            link.harm("cut")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(reader, writer))
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            writer.transport.abort()  # however early it ended

        task.add_done_callback(ended)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.targets.append(self.targets.pop(0))
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.targets[-1])
        except OSError:
            return
        link = Link(writer, to_server)
        self.links.append(link)
        try:
            await asyncio.gather(link.pass_on(reader, to_server), link.pass_on(from_server, writer))
        finally:
            to_server.transport.abort()
            self.links.remove(link)
