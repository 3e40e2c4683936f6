"""Under a server that is not ours: plain ASGI sends, the same frames."""

from __future__ import annotations

import asyncio
import json

import pytest
import uvicorn
from litestar.types import Message
from tests.ws.fakes import CHAT, FakeFeed, command, settle, until
from tests.ws.serving import Served
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chatstream.ws.asgi_sink import PAUSE_BYTES, AsgiSink


class Wire:
    """An ASGI ``send`` that can be held up."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    async def send(self, message: Message) -> None:
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.sent.append(message)

    @property
    def texts(self) -> list[str]:
        return [one["text"] for one in self.sent if one["type"] == "websocket.send"]


async def test_messages_go_out_in_order_and_then_the_close():
    wire = Wire()
    sink = AsgiSink(wire.send)
    sink.write([b"1", b"2"])
    sink.write([b"3"])
    sink.close(4408, "slow", 1)
    sink.write([b"4"])
    await settle()
    sink.close(1012, "twice", 1)
    await settle()
    assert wire.texts == ["1", "2", "3"]
    assert wire.sent[-1] == {"type": "websocket.close", "code": 4408, "reason": "slow"}
    assert sink.buffered_bytes == 0


async def test_it_is_paused_while_much_waits_and_says_when_that_is_over():
    wire, woken = Wire(), asyncio.Event()
    sink = AsgiSink(wire.send)
    sink.set_on_writable(woken.set)
    wire.open.clear()
    sink.write([b"x" * PAUSE_BYTES, "é".encode()])
    assert sink.is_paused
    assert sink.buffered_bytes == PAUSE_BYTES + 2
    wire.open.set()
    await settle()
    assert woken.is_set()
    assert not sink.is_paused
    assert sink.buffered_bytes == 0


async def test_a_peer_that_is_gone_ends_the_sending_quietly():
    wire = Wire()
    wire.error = RuntimeError("gone")
    sink = AsgiSink(wire.send)
    sink.write([b"1", b"2"])
    await settle()
    sink.write([b"3"])
    await settle()
    assert wire.sent == []


@pytest.mark.parametrize("how", ["abort", "close"])
async def test_a_send_that_hangs_is_given_up(how: str):
    wire = Wire()
    wire.open.clear()
    sink = AsgiSink(wire.send)
    sink.write([b"1"])
    await settle()
    if how == "abort":
        sink.abort()
    else:
        sink.close(1012, "over", 0.01)
    await until(lambda: sink._task is None)
    wire.open.set()
    await settle()
    assert wire.sent == []


async def test_an_abort_with_nothing_under_way_is_no_fault():
    AsgiSink(Wire().send).abort()


@pytest.fixture
async def foreign():
    """The same application under uvicorn as it comes."""
    served = Served()
    config = uvicorn.Config(
        served.app, port=0, ws="websockets-sansio", log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    served.server.servers = server.servers
    yield served
    server.should_exit = True
    await asyncio.wait_for(task, 10)


async def test_a_whole_conversation_works(foreign: Served):
    async with foreign.connect() as client:
        feed = foreign.service.has_chat(FakeFeed(300, ring=10))
        await client.hello()
        await client.say({"type": "open", "user_chat_id": CHAT})
        frames = await client.hear_until("caught_up")
        assert [f["position"] for f in frames if f["type"] == "thinking"] == list(range(1, 301))
        await client.say(command())
        await until(lambda: foreign.service.futures)
        foreign.service.answer()
        feed.append()
        assert {(await client.hear())[0]["type"] for _ in range(2)} == {"ack", "thinking"}


async def test_a_close_code_arrives(foreign: Served):
    async with foreign.connect() as client:
        await client.say("{")
        assert await client.close_code() == 4400


async def test_a_foreign_origin_is_refused(foreign: Served):
    with pytest.raises(InvalidStatus) as caught:
        await connect(foreign.url(), origin="null", proxy=None)
    assert caught.value.response.status_code == 403
    assert json.loads(caught.value.response.body)["code"] == "forbidden_origin"


async def test_where_no_document_can_be_sent_the_refusal_is_a_plain_one():
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    served = Served()
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "ws",
        "server": ("localhost", 80),
        "client": ("localhost", 1),
        "root_path": "",
        "path": "/ws/chat",
        "raw_path": b"/ws/chat",
        "query_string": b"",
        "headers": [(b"host", b"own.example"), (b"origin", b"null")],
        "subprotocols": [],
        "state": {},
    }
    await served.app(scope, receive, send)
    assert [one["type"] for one in sent] == ["websocket.close"]
