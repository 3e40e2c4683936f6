"""Over real sockets: what a peer on the network sees, and what it cannot do to the server."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import httpx
import pytest
from tests.ws.fakes import CHAT, USER, FakeFeed, command, until
from tests.ws.serving import HELLO, UPGRADE, Served, masked, read_all, serving
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chatstream.domain.user_chat.state import UserChat
from chatstream.live.feed import Answer


async def test_both_paths_lead_to_the_chat():
    async with serving() as served:
        for path in ("/api/v1/chat/ws/chat", "/ws/chat"):
            async with connect(served.url(path), proxy=None) as connection:
                await connection.send('{"type":"hello","protocol":"chatstream.v1","token":"a"}')
                assert json.loads(await connection.recv())["user_id"] == "a"


async def test_the_prefix_is_a_setting():
    async with serving(prefix="/elsewhere") as served:
        await (await connect(served.url("/elsewhere/chat/ws/chat"), proxy=None)).close()


async def test_compression_is_off_even_where_it_is_offered():
    async with serving() as served:
        connection = await connect(served.url(), compression="deflate", proxy=None)
        assert connection.protocol.extensions == []
        await connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "https://evil.example")],
        [("Origin", "null")],
        [("Origin", "http://OWN"), ("Origin", "http://OWN")],
        [("Origin", "http://OWN"), ("Origin", "https://evil.example")],
    ],
)
async def test_a_foreign_origin_is_refused_with_403(headers: list[tuple[str, str]]):
    async with serving() as served:
        own = f"127.0.0.1:{served.port}"
        sent = [(name, value.replace("OWN", own)) for name, value in headers]
        with pytest.raises(InvalidStatus) as caught:
            await connect(served.url(), additional_headers=sent, proxy=None)
        assert caught.value.response.status_code == 403
        assert len(served.registry) == 0


async def test_the_refusal_is_a_problem_document():
    async with serving() as served:
        with pytest.raises(InvalidStatus) as caught:
            await connect(served.url(), origin="null", proxy=None)
        response = caught.value.response
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.loads(response.body)["code"] == "forbidden_origin"


async def test_an_own_or_allowed_origin_may_come_in():
    async with serving(origins=("https://app.example",)) as served:
        for origin in (f"http://127.0.0.1:{served.port}", "https://app.example"):
            async with connect(served.url(), origin=origin, proxy=None):
                pass


HTTPS = {"X-Forwarded-Proto": "https"}  # as a proxy on the same machine says it


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({"Authorization": "Bearer bert"}, "bert"),
        ({"Authorization": "bearer bert"}, "bert"),
        ({"Authorization": "Basic bert", "Cookie": "chatstream_visitor=v_carl"}, "v_carl"),
        ({"Cookie": "a=b; chatstream_visitor=v_carl"}, "v_carl"),
        ({"Cookie": "chatstream_visitor=v_carl; chatstream_visitor=v_carl"}, "v_carl"),
        ({"Cookie": "chatstream_visitor=v_carl; chatstream_visitor=v_dora"}, "v_new"),
        ({"Cookie": "chatstream_visitor=v_dora; __Host-chatstream_visitor=v_carl"}, "v_dora"),
        (HTTPS | {"Cookie": "chatstream_visitor=v_dora; __Host-chatstream_visitor=v_c"}, "v_c"),
        (HTTPS | {"Cookie": "chatstream_visitor=v_dora"}, "v_new"),
    ],
)
async def test_the_upgrade_may_say_who_it_is(headers: dict[str, str], user: str):
    async with serving() as served, served.connect(additional_headers=headers) as client:
        served.identities.anonymous_allowed = True
        await client.say({"type": "hello", "protocol": "chatstream.v1"})
        assert (await client.hear())[0]["user_id"] == user


async def test_two_authorization_headers_are_none():
    doubled = [("Authorization", "Bearer bert"), ("Authorization", "Bearer bert")]
    async with serving() as served, served.connect(additional_headers=doubled) as client:
        await client.say({"type": "hello", "protocol": "chatstream.v1"})
        assert await client.close_code() == 4401


async def test_garbage_in_a_cookie_header_does_not_hide_the_visitor():
    headers = {"Cookie": ';;=,é[]={"a":1}; chatstream_visitors=x; a b=c; chatstream_visitor="v_c"'}
    async with serving() as served, served.connect(additional_headers=headers) as client:
        await client.say({"type": "hello", "protocol": "chatstream.v1"})
        assert (await client.hear())[0]["user_id"] == "v_c"


async def test_all_that_is_ready_comes_in_one_segment():
    """Without batch: many messages, one write."""
    async with serving() as served:
        writes: list[int] = []
        async with served.connect() as client:
            feed = served.service.has_chat(FakeFeed(0))
            await client.hello()
            await client.say({"type": "open", "user_chat_id": CHAT})
            await client.hear_until("caught_up")
            (protocol,) = [
                one for one in served.server.server_state.connections if hasattr(one, "conn")
            ]
            transport = protocol.transport
            protocol.transport = _Counting(transport, writes)
            feed.append(50)
            for _ in range(50):
                await client.hear()
            protocol.transport = transport
        assert len(writes) == 1
        assert all(message.startswith("{") for message in client.messages)


class _Counting:
    """A transport that counts writes."""

    def __init__(self, transport: asyncio.Transport, writes: list[int]) -> None:
        self._transport = transport
        self._writes = writes

    def write(self, data: bytes) -> None:
        self._writes.append(len(data))
        self._transport.write(data)

    def __getattr__(self, name: str):
        return getattr(self._transport, name)


@pytest.mark.parametrize("size", [10, 100, 125, 126, 300, 65_535, 65_536, 70_000, 300_000])
async def test_frames_of_every_size_arrive_whole(size: int):
    async with serving() as served, served.connect() as client:
        feed = served.service.has_chat(FakeFeed(0))
        await client.hello()
        await client.say({"type": "open", "user_chat_id": CHAT})
        feed.append(1, size=size)
        frames = await client.hear_until("thinking")
        assert len(frames[-1]["content"]) == size


async def test_batches_are_arrays_of_at_most_64_kib_and_larger_frames_travel_alone():
    async with serving() as served, served.connect() as client:
        feed = served.service.has_chat(FakeFeed(0))
        for size in (70_000, 30_000, 30_000, 30_000, 5, 5):
            feed.append(1, size=size)
        served.service.has_chat(feed)
        await client.hello(batch=True)
        await client.say({"type": "open", "user_chat_id": CHAT})
        frames = await client.hear_until("caught_up")
        assert [f["position"] for f in frames if f["type"] == "thinking"] == [1, 2, 3, 4, 5, 6]
        for message in client.messages:
            assert len(message) <= 65_536 or message.startswith("{")
        assert any(message.startswith("[") for message in client.messages)


async def test_a_long_past_is_delivered_whole():
    async with serving() as served, served.connect() as client:
        served.service.has_chat(FakeFeed(20_000, ring=100))
        await client.hello(batch=True)
        await client.say({"type": "open", "user_chat_id": CHAT})
        frames = await client.hear_until("caught_up")
        events = [f["position"] for f in frames if f["type"] == "thinking"]
        assert events == list(range(1, 20_001))


async def test_a_message_over_the_frame_limit_closes_with_1009():
    async with serving(max_frame_bytes=1000) as served, served.connect() as client:
        await client.hello()
        await client.say("x" * 1001)
        assert await client.close_code() == 1009


async def test_invalid_utf_8_closes_with_1007_and_leaves_no_traceback(
    caplog: pytest.LogCaptureFixture,
):
    with caplog.at_level(logging.DEBUG):
        async with serving() as served, served.connect() as client:
            await client.hello()
            await client.connection.send(b"\xff", text=True)
            assert await client.close_code() == 1007
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("frame", [b"\xc1\x80\x00\x00\x00\x00", b"\x83\x80\x00\x00\x00\x00"])
async def test_broken_framing_closes_with_1002(frame: bytes):
    async with serving() as served, served.connect() as client:
        await client.hello()
        client.connection.transport.write(frame)
        assert await client.close_code() == 1002


async def test_nothing_that_is_said_reaches_a_log_at_any_level(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        async with serving() as served:
            headers = {"Cookie": "chatstream_visitor=canary"}
            async with served.connect(additional_headers=headers) as client:
                await client.hello("canary")
                await client.say(command("send", content="canary"))
                await client.say('{"type":"canary"}')
                await client.hear_until("rejected")
    # The client of this test logs too.
    ours = [one.getMessage() for one in caplog.records if one.name != "websockets.client"]
    assert not [text for text in ours if "canary" in text]


async def test_a_fault_of_ours_closes_that_socket_and_is_logged_with_its_id(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    async with serving() as served, served.connect() as client, served.connect() as other:
        welcome = await client.hello()
        await other.hello()
        monkeypatch.setattr(served.service, "submit", broken)
        await client.say(command("send", content="canary"))
        assert await client.close_code() == 1011
        await other.say({"type": "ping"})
        assert (await other.hear())[0]["type"] == "pong"
    logged = {getattr(one, "socket_connection_id", None) for one in caplog.records}
    assert welcome["socket_connection_id"] in logged
    assert "canary" not in caplog.text


# -- peers that do not behave ----------------------------------------------------------------


async def test_a_half_sent_request_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatstream.server.uvicorn_server.HEAD_SECONDS", 0.3)
    async with serving() as served:
        for head in (b"", b"GET /ws", UPGRADE):
            plain = served.raw()
            await asyncio.get_running_loop().sock_sendall(plain, head)
            assert await read_all(plain) == b""
            plain.close()


async def test_a_head_in_time_and_a_quiet_connection_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("chatstream.server.uvicorn_server.HEAD_SECONDS", 0.3)
    async with serving() as served, served.connect() as client:
        async with httpx.AsyncClient(trust_env=False) as http:
            address = f"http://127.0.0.1:{served.port}/hello"
            first = await http.get(address)
            await asyncio.sleep(1.5)
            second = await http.get(address)
        assert (first.text, second.text) == ("hello", "hello")
        await client.hello()


BODY = b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"


async def test_a_body_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatstream.server.uvicorn_server.BODY_SECONDS", 0.5)
    async with serving() as served:
        with closing(served.raw()) as plain:
            await asyncio.get_running_loop().sock_sendall(plain, BODY + b"x")
            assert await read_all(plain) == b""


async def test_requests_with_bodies_in_time_may_follow_each_other_for_longer_than_one_may_take(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("chatstream.server.uvicorn_server.BODY_SECONDS", 1.5)
    async with serving() as served:
        loop = asyncio.get_running_loop()
        with closing(served.raw()) as plain:
            for _ in range(4):
                await loop.sock_sendall(plain, BODY + b"x" * 99)
                await asyncio.sleep(1)
                await loop.sock_sendall(plain, b"x")
                assert b"100" in await loop.sock_recv(plain, 4096)


async def test_who_does_not_read_an_endless_answer_is_cut():
    async with serving(slow_reader_s=0.5) as served:
        loop = asyncio.get_running_loop()
        with (
            closing(served.raw(receive_buffer_bytes=4096)) as stalled,
            closing(served.raw()) as busy,
        ):
            for plain in (stalled, busy):
                await loop.sock_sendall(plain, b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while len(served.server.server_state.connections) != 1:
                assert await loop.sock_recv(busy, 2**20)


@pytest.mark.parametrize("line", [b"GET /hello HTTP/1.1\r\nHost: localhost\r\n", UPGRADE])
@pytest.mark.parametrize("more", [b"X: " + b"x" * 600_000, b"X: x\r\n" * 100_000])
async def test_a_head_that_is_too_large_is_refused(line: bytes, more: bytes):
    async with serving() as served:
        with closing(served.raw()) as plain:
            await asyncio.get_running_loop().sock_sendall(plain, line + more + b"\r\n\r\n")
            assert b" 400 " in (await read_all(plain)).split(b"\r\n")[0]


async def test_a_flood_of_handshakes_that_stall_costs_others_nothing_and_is_over_in_time(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("chatstream.server.uvicorn_server.HEAD_SECONDS", 0.5)
    monkeypatch.setattr("chatstream.ws.writer.CLOSE_SECONDS", 0.5)
    async with serving(hello_timeout_s=0.5) as served:
        loop = asyncio.get_running_loop()
        flood = [served.raw() for _ in range(300)]
        for number, plain in enumerate(flood):
            # Half of them stop within the head, the others before their hello.
            await loop.sock_sendall(plain, UPGRADE + b"\r\n" if number % 2 else UPGRADE)
        async with served.connect() as client:
            await client.hello()
            await client.say({"type": "ping"})
            assert (await client.hear())[0]["type"] == "pong"
            await until(lambda: len(served.server.server_state.connections) == 1)
        for plain in flood:
            plain.close()


async def test_a_head_that_comes_byte_by_byte_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatstream.server.uvicorn_server.HEAD_SECONDS", 0.5)
    async with serving() as served:
        with closing(served.raw()) as plain:
            dripping = asyncio.create_task(drip(plain))
            assert await read_all(plain) == b""
            dripping.cancel()
            await asyncio.wait([dripping])


async def drip(plain: socket.socket) -> None:
    """A head that never ends."""
    with suppress(ConnectionError):
        for byte in itertools.chain(UPGRADE, itertools.repeat(ord("x"))):
            await asyncio.get_running_loop().sock_sendall(plain, bytes((byte,)))
            await asyncio.sleep(0.01)


@asynccontextmanager
async def stalled_peer(served: Served, *opening: bytes) -> AsyncIterator[socket.socket]:
    """A peer that upgrades, says these frames and never reads."""
    loop = asyncio.get_running_loop()
    with closing(served.raw(receive_buffer_bytes=4096)) as plain:
        await loop.sock_sendall(plain, UPGRADE + b"\r\n")
        assert b" 101 " in await loop.sock_recv(plain, 1024)
        await loop.sock_sendall(plain, HELLO + b"".join(opening))
        await until(lambda: len(served.registry.of_user(USER)) == 1)
        yield plain


OPEN = masked(json.dumps({"type": "open", "user_chat_id": CHAT}).encode())


async def test_a_peer_that_does_not_read_is_evicted_and_costs_nobody_anything():
    async with serving(slow_reader_s=0.5) as served, served.connect() as well:
        feed = served.service.has_chat(FakeFeed(0))
        async with stalled_peer(served, OPEN):
            await until(lambda: feed.listeners)
            served.service.chats[CHAT] = UserChat(0, "open", "well")
            await well.hello("well")
            await well.say({"type": "open", "user_chat_id": CHAT, "last": 0})
            await well.hear_until("caught_up")
            started = time.monotonic()
            while served.registry.of_user(USER) and time.monotonic() - started < 15:
                feed.append(1, size=200_000)
                (event,) = await well.hear()
                assert event["position"] == feed.tip
                await asyncio.sleep(0.01)
            assert not served.registry.of_user(USER)
            await until(lambda: len(served.server.server_state.connections) == 1)


async def test_a_peer_that_sends_and_does_not_read_takes_no_more_than_a_mebibyte():
    async with serving(slow_reader_s=1) as served, served.connect() as well:
        await well.hello("well")
        ping = masked(json.dumps({"type": "ping", "nonce": "n" * 8000}).encode())
        async with stalled_peer(served) as plain:
            loop = asyncio.get_running_loop()
            (sink,) = [
                one
                for one in served.server.server_state.connections
                if one.client[1] == plain.getsockname()[1]
            ]
            flood = asyncio.create_task(loop.sock_sendall(plain, ping * 4000))
            (connection,) = served.registry.of_user(USER)
            largest = 0
            while served.registry.of_user(USER):
                held = connection._writer._control.size_bytes + sink.buffered_bytes
                largest = max(largest, held)
                await asyncio.sleep(0.01)
            assert 0 < largest < 1024 * 1024
            await well.say({"type": "ping"})
            assert (await well.hear())[0]["type"] == "pong"
            flood.cancel()
            await asyncio.gather(flood, return_exceptions=True)


async def test_a_flood_of_frames_is_answered_and_others_have_their_turn():
    async with serving() as served, served.connect() as flood, served.connect() as well:
        await flood.hello()
        await well.hello()
        reader = asyncio.create_task(_count(flood, 5_000))
        for _ in range(5_000):
            await flood.say("{")
        await well.say({"type": "ping"})
        await well.hear()
        assert not reader.done()  # long before the flood has all its answers
        assert await reader == 5_000


async def _count(client, wanted: int) -> int:
    count = 0
    while count < wanted:
        count += sum(f["type"] == "rejected" for f in await client.hear())
    return count


async def test_a_flood_of_control_frames_is_closed_with_4429():
    async with serving() as served, served.connect() as client:
        await client.hello()
        for _ in range(600):
            client.connection.transport.write(masked(b"", opcode=9))
        assert await client.close_code() == 4429


async def test_ordinary_pings_are_answered():
    async with serving() as served, served.connect() as client:
        await client.hello()
        for _ in range(50):
            await asyncio.wait_for(await client.connection.ping(), 5)


async def test_a_peer_that_goes_without_a_word_is_forgotten():
    async with serving() as served:
        feed = served.service.has_chat(FakeFeed(1))
        async with stalled_peer(served, OPEN) as plain:
            await until(lambda: feed.listeners)
            plain.close()
            await until(lambda: len(served.registry) == 0)
            assert feed.listeners == []


async def test_a_peer_that_says_goodbye_and_reads_no_more_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatstream.server.uvicorn_socket.CLOSE_SECONDS", 0.2)
    async with serving() as served:
        feed = served.service.has_chat(FakeFeed(0))
        async with stalled_peer(served, OPEN) as plain:
            await until(lambda: feed.listeners)
            feed.append(50, size=200_000)
            await asyncio.sleep(0.1)
            goodbye = masked((1000).to_bytes(2, "big"), opcode=8)
            await asyncio.get_running_loop().sock_sendall(plain, goodbye)
            await until(lambda: not served.server.server_state.connections)


async def test_a_peer_that_answers_no_ping_is_cut_though_it_left_much_unread(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("chatstream.server.uvicorn_server.PING_SECONDS", 0.2)
    monkeypatch.setattr("chatstream.server.uvicorn_socket.CLOSE_SECONDS", 0.2)
    async with serving() as served:
        feed = served.service.has_chat(FakeFeed(0))
        async with stalled_peer(served, OPEN):
            await until(lambda: feed.listeners)
            feed.append(50, size=200_000)
            await until(lambda: not served.server.server_state.connections)
            await until(lambda: len(served.registry) == 0)


async def test_a_peer_that_answers_pings_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatstream.server.uvicorn_server.PING_SECONDS", 0.3)
    async with serving() as served, served.connect() as client:
        await client.hello()
        await asyncio.sleep(1.5)
        await client.say({"type": "ping"})
        assert (await client.hear())[0]["type"] == "pong"


async def test_a_socket_can_be_cut():
    async with serving() as served, served.connect() as client:
        await client.hello()
        (connection,) = served.registry
        connection.abort()
        assert await client.close_code() == 1006
        await until(lambda: len(served.registry) == 0)


async def test_where_the_kernel_has_no_bound_for_unsent_bytes_sockets_work_too(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delattr("socket.TCP_NOTSENT_LOWAT", raising=False)
    async with serving() as served, served.connect() as client:
        await client.hello()


async def test_a_stream_of_deltas_arrives_as_it_grows():
    async with serving() as served, served.connect() as client:
        feed = served.service.has_chat(FakeFeed(1))
        await client.hello()
        await client.say({"type": "open", "user_chat_id": CHAT})
        await client.hear_until("caught_up")
        text = ""
        for piece in ("Hel", "lo ", "👍"):
            text += piece
            feed.stream(Answer("m", text, after=1))
            assert (await client.hear())[0]["text"] == piece


# -- the end ---------------------------------------------------------------------------------


async def test_at_the_end_every_socket_hears_drain_and_1012():
    async with serving() as served, served.connect() as one, served.connect() as two:
        for client in (one, two):
            await client.hello()
        served.server.should_exit = True
        for client in (one, two):
            (drain,) = await client.hear()
            assert drain["type"] == "drain"
            assert drain["retry_after_ms"] > 0
            assert await client.close_code() == 1012


async def test_what_was_asked_before_the_end_is_answered():
    async with serving() as served, served.connect() as client:
        await client.hello()
        await client.say(command())
        await until(lambda: served.service.futures)
        served.server.should_exit = True
        assert (await client.hear())[0]["type"] == "drain"
        served.service.answer()
        assert (await client.hear())[0]["type"] == "ack"
        assert await client.close_code() == 1012


async def test_a_peer_that_does_not_read_does_not_hold_up_the_end():
    async with serving(drain_s=2) as served:
        feed = served.service.has_chat(FakeFeed(0))
        async with stalled_peer(served, OPEN):
            await until(lambda: feed.listeners)
            feed.append(50, size=200_000)
            await asyncio.sleep(0.1)
            started = time.monotonic()
            await served.end()
            assert time.monotonic() - started < 2


async def test_who_comes_after_the_goodbye_hears_it_at_once():
    async with serving() as served:
        await served.registry.drain(0.1)
        async with served.connect() as client:
            assert (await client.hear())[0]["type"] == "drain"
            assert await client.close_code() == 1012


async def test_what_is_written_after_the_end_goes_nowhere():
    async with serving() as served, served.connect() as client:
        await client.hello()
        (protocol,) = served.server.server_state.connections
        protocol.close(1012, "over", 5)
        protocol.close(4408, "twice", 5)
        protocol.write([b"{}"])
        assert await client.close_code() == 1012


async def test_a_peer_that_does_not_answer_the_goodbye_is_cut():
    async with serving() as served, stalled_peer(served):
        started = time.monotonic()
        await served.registry.drain(0.4)
        assert time.monotonic() - started < 2
        assert len(served.registry) <= 1


async def test_a_goodbye_that_fails_does_not_stop_the_end(caplog: pytest.LogCaptureFixture):
    async def broken(_: float) -> None:
        raise RuntimeError("broken")

    async with serving() as served:
        served.server._goodbye = broken
    assert "the goodbye failed" in caplog.text
