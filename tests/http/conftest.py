"""Servers and users for the tests of the HTTP side."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from http_kit import SECRET, Launch, Running, started, token_of

from chatstream.config import Settings
from chatstream.http.assets import Assets


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    """Start servers; they end with the test."""
    ends = []

    async def start(assets: Assets | None = None, **settings) -> Running:
        running, end = await started(Settings(**({"secret": SECRET} | settings)), assets)
        ends.append(end)
        return running

    yield start
    for end in ends:
        await end()


@pytest.fixture
async def server(launch: Launch) -> Running:
    return await launch()


@pytest.fixture
async def ann(server: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A user."""
    async with server.client(token_of("ann")) as client:
        yield client


@pytest.fixture
async def bob(server: Running) -> AsyncIterator[httpx.AsyncClient]:
    """Another one."""
    async with server.client(token_of("bob")) as client:
        yield client


@pytest.fixture
async def root(server: Running) -> AsyncIterator[httpx.AsyncClient]:
    """An admin."""
    async with server.client(token_of("root", scope="read admin")) as client:
        yield client
