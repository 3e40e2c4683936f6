"""Health tells the truth about a writer that stands still, and about one that goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import httpx
import pytest

from chatstream import ChatStreamPlugin, Response, Settings
from chatstream.app import app_of
from chatstream.eventstore.sqlite.memory import MemoryEngine
from chatstream.eventstore.store import Append, Outcome
from chatstream.projections.models import all_tables


class StandingStill(MemoryEngine):
    """Its disk takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__(all_tables())
        self.moves = threading.Event()
        self.moves.set()

    def write(self, batch: Sequence[Append]) -> list[Outcome]:
        self.moves.wait()
        return super().write(batch)


async def agent(_):
    yield Response("hi")


async def test_a_server_whose_writer_stands_still_is_alive_and_not_ready(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("chatstream.plugin.STUCK_SECONDS", 0.2)
    engine = StandingStill()
    app = app_of(ChatStreamPlugin(Settings(), agent, engine=engine))
    # Not the framework's client: it waits for one answer before it asks for another.
    transport = httpx.ASGITransport(app)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        assert (await http.get("/health/ready")).status_code == 200
        engine.moves.clear()
        asking = asyncio.create_task(http.post("/api/v1/chats"))
        try:
            await told_that_it_stands_still(http)
        finally:
            engine.moves.set()
        assert (await asking).status_code == 201
        assert (await http.get("/health/ready")).status_code == 200


async def told_that_it_stands_still(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while (ready := await http.get("/health/ready")).status_code == 200:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)
    assert ready.status_code == 503
    assert "stuck" in ready.json()["detail"]
    assert (await http.get("/health/live")).status_code == 200
    assert "chatstream_writer_depth 1.0" in (await http.get("/metrics")).text
