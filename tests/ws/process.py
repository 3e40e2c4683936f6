"""A server process for the tests of its end: ``python process.py ENDING DRAIN_SECONDS``.

ENDING is how the application's own end goes: ``well``, ``hangs`` (awaits for ever), ``blocks``
(the loop stands still) or ``thread`` (a thread of the default executor does not end).
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from tests.ws.fakes import FakeIdentities, FakeService

from chatstream.config import Settings
from chatstream.security.quotas import RateLimiter, Shares
from chatstream.server.uvicorn_server import Server, make_config
from chatstream.ws.connection import Surroundings
from chatstream.ws.listener import socket_handlers
from chatstream.ws.registry import ConnectionRegistry


@asynccontextmanager
async def lifespan(_: Litestar) -> AsyncIterator[None]:
    yield
    print("ending", flush=True)
    match sys.argv[1]:
        case "hangs":
            await asyncio.Event().wait()
        case "blocks":
            time.sleep(60)  # noqa: ASYNC251 - what must be survived
        case "thread":
            asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
        case _:
            pass


def main() -> None:
    registry = ConnectionRegistry()
    settings = Settings(port=0, drain_s=float(sys.argv[2]))
    shared = Surroundings(
        settings, FakeService(), FakeIdentities(), RateLimiter(0), Shares(settings)
    )
    app = Litestar(
        route_handlers=socket_handlers(settings.prefix, shared, registry),
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
    )
    server = Announcing(make_config(app, settings), registry.drain, settings.drain_s, 30)
    server.run()


class Announcing(Server):
    """Says where it listens."""

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        print(f"port {self.bound_ports[0]}", flush=True)


if __name__ == "__main__":
    main()
