"""The fault proxy does to a connection what a network can do, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from tests.faults.proxy import FAULTS, FaultProxy


@asynccontextmanager
async def echoed():
    """A connection through the proxy to a server that echoes."""
    ended = asyncio.Event()

    async def echo(reader, writer) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(1000):
                writer.write(piece)
        writer.transport.abort()
        ended.set()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, FaultProxy(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        yield proxy.links[0], reader, writer
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()
    await ended.wait()


@pytest.mark.parametrize("fault", ["delay", "throttle", "split"])
async def test_what_is_slow_arrives_whole(fault):
    async with echoed() as (link, reader, writer):
        link.harm(fault)
        writer.write(b"x" * 500 + b"end")
        assert await reader.readexactly(503) == b"x" * 500 + b"end"


@pytest.mark.parametrize("later", [one for one in FAULTS if one != "cut"])
async def test_after_swallowed_bytes_none_pass_ever_again(later):
    async with echoed() as (link, reader, writer):
        link.harm("blackhole")
        writer.write(b"swallowed")
        link.harm(later)
        writer.write(b"after it")
        asyncio.get_running_loop().call_later(0.3, link.harm, "cut")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)) as ended:
            await reader.readexactly(1)
        assert getattr(ended.value, "partial", b"") == b""
