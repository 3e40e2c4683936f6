"""A real server on a port of its own, in the loop of the test, over a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import jwt
import uvicorn
from litestar import Litestar

from chatstream.config import Settings
from chatstream.domain.steps import Buttons, Fail, FollowUp, Form, Option, Response, Thinking
from chatstream.eventstore.sqlite.memory import MemoryEngine
from chatstream.http.assets import Assets
from chatstream.http.backend import Backend
from chatstream.http.openapi import openapi_config
from chatstream.http.problem import handle_routing_errors
from chatstream.http.routes import is_ours, routes
from chatstream.http.streams import Streams
from chatstream.ids import ChatId
from chatstream.metrics import Metrics
from chatstream.node import Node
from chatstream.projections.lists import Lists
from chatstream.projections.models import all_tables
from chatstream.projections.user_values import UserValues
from chatstream.security.identity import Identities
from chatstream.security.quotas import RateLimiter, Shares
from chatstream.timestamps import now_ms

SECRET = "the secret of the host application, for tests"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Gate:
    """Holds an agent until the test lets it go on."""

    def __init__(self):
        self.open = asyncio.Event()


def scripted(gate: Gate):
    """An agent that does what the message says."""

    async def agent(turn):
        match turn.content.partition(" "):
            case ("ask", _, text):
                yield FollowUp(text)
            case ("form", _, _):
                yield Form("Where?", CITY)
            case ("buttons", _, _):
                yield Buttons("Which?", (Option("a", "A"),))
            case ("fail", _, _):
                yield Fail("broken", "It broke.")
            case ("slow", _, text):
                yield Thinking("looking", "I look", status="started")
                yield text
                await gate.open.wait()
                yield "!"
            case ("done", _, text):
                yield Response(text, is_complete=True)
            case (_, _, _):
                yield Thinking("looking", "I look")
                yield Response(f"You said: {turn.content}")

    return agent


class NoSockets:
    """The live sockets of a server that has none."""

    async def of_user(self, user_id):
        return []


class Ready:
    """Whether the server is ready is what the test says."""

    warning = None

    def __init__(self):
        self.reason = None

    async def why_not(self):
        return self.reason


@dataclass
class Running:
    """A server, and what a test wants to reach of its inside."""

    url: str
    backend: Backend
    node: Node
    ready: Ready
    gate: Gate

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """An HTTP client below the prefix."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        base = self.url + self.backend.settings.prefix
        return httpx.AsyncClient(base_url=base, headers=headers, timeout=20)

    async def until_a_stream_is_open(self):
        while not len(self.backend.streams):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)


def token_of(user_id: str, seconds: float = 600, **claims) -> str:
    return jwt.encode({"sub": user_id, "exp": now_ms() / 1000 + seconds} | claims, SECRET, "HS256")


Launch = Callable[..., Awaitable[Running]]


async def started(settings: Settings, assets: Assets | None):
    gate, ready = Gate(), Ready()
    metrics = Metrics()
    node = Node(
        settings,
        MemoryEngine(all_tables()),
        scripted(gate),
        on_transaction=lambda batch: metrics.transaction(
            appends=batch.appends,
            events=batch.events,
            seconds=batch.seconds,
            commit_seconds=batch.commit_seconds,
        ),
    )
    await node.start()
    backend = Backend(
        settings=settings,
        identities=Identities(settings, await node.own_secret()),
        limiter=RateLimiter(settings.rate_limit),
        shares=Shares(settings),
        service=node.service,
        lists=Lists(node.store, node.service, round(settings.session_ttl_s * 1000)),
        user_values=UserValues(node.store.fetch, lambda change: node.write_row(ChatId(""), change)),
        connections=NoSockets(),
        readiness=ready,
        metrics=metrics,
        streams=Streams(),
        frames_schema=lambda: b'{"$defs": {}}',
        now_ms=now_ms,
    )
    handlers: dict = {}
    handle_routing_errors(handlers, lambda path: is_ours(backend, path))
    app = Litestar(
        routes(backend, assets),
        exception_handlers=handlers,
        openapi_config=openapi_config("0"),
        logging_config=None,
    )
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=2)
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]

    async def end():
        gate.open.set()
        backend.streams.close()
        server.should_exit = True
        await task
        await node.close()

    return Running(f"http://127.0.0.1:{port}", backend, node, ready, gate), end


async def new_chat(client: httpx.AsyncClient) -> str:
    answer = await client.post("/chats")
    assert answer.status_code == 201
    return answer.json()["user_chat_id"]


async def say(client: httpx.AsyncClient, chat: str, content: str, **fields) -> list[dict]:
    """Say something and wait for the end of its turn; the frames of it."""
    answer = await client.post(
        f"/chats/{chat}/messages",
        json={"content": content, **fields},
        headers={"Prefer": "wait=10"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def problem(answer: httpx.Response, status: int, code: str) -> dict:
    """The body of an error, which must be this one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert all(isinstance(body[name], str) for name in ("type", "title", "detail"))
    assert "instance" not in body
    return body
