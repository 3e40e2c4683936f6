"""Streams and probes when the storage is in trouble: on a feed over a log that can fail."""

from __future__ import annotations

import asyncio

import pytest
from http_kit import new_chat, problem, say

from chatstream.errors import Refused
from chatstream.eventstore.store import StoredRow
from chatstream.http import health, sse
from chatstream.http.reading import frames_between, turn_frames
from chatstream.http.sse import Terms, event_stream
from chatstream.http.streams import Streams
from chatstream.live.feed import Feed
from chatstream.live.hub import Hub
from chatstream.protocol.frames import Ack


class Log:
    """A log in memory that can be broken."""

    def __init__(self, events):
        self.rows = [
            StoredRow("c", position, "chat.1", b'{"type":"chat"}', position)
            for position in range(1, events + 1)
        ]
        self.broken = False

    async def read(self, chat_id, after, limit, upto=None):
        if self.broken:
            raise Refused("unavailable")
        return [row for row in self.rows if after < row.position <= (upto or 0)][:limit]


def terms(**changes):
    return Terms(**({"heartbeat_s": 60.0, "expires_at_ms": None, "now_ms": lambda: 0} | changes))


async def test_a_stream_goes_on_where_it_was_when_the_storage_is_back(monkeypatch):
    monkeypatch.setattr(sse, "_RETRY_S", 0.01)
    log = Log(3)
    feed = Feed("c", 3, log)
    log.broken = True
    pieces = event_stream(lambda: feed, 1, terms(), Streams())
    first = asyncio.ensure_future(anext(pieces))
    done, _ = await asyncio.wait({first}, timeout=0.05)
    assert not done
    log.broken = False
    assert (await first).startswith(b"id: 2\n")
    assert b"caught_up" in await anext(pieces)
    await pieces.aclose()
    assert not feed.is_followed


async def test_a_stream_that_is_over_before_it_began_says_nothing():
    streams = Streams()
    streams.close()
    assert [
        piece async for piece in event_stream(lambda: Feed("c", 3, Log(3)), 0, terms(), streams)
    ] == []
    expired = terms(expires_at_ms=-1)
    assert [
        one async for one in event_stream(lambda: Feed("c", 3, Log(3)), 0, expired, Streams())
    ] == []


async def test_a_feed_that_was_let_go_of_before_the_first_piece_is_no_loss():
    log = Log(3)
    hub = Hub(log)
    hub.feed("c", 3)
    pieces = event_stream(lambda: hub.feed("c", 3), 3, terms(), Streams())
    hub.sweep()
    assert b"caught_up" in await anext(pieces)
    hub.sweep()
    hub.get("c").publish(4, [b'{"type":"chat"}'])
    assert (await anext(pieces)).startswith(b"id: 4\n")
    await pieces.aclose()


async def test_a_page_ends_where_the_log_does():
    assert [f.position for f in await frames_between(Feed("c", 9, Log(3)), 0, 9)] == [1, 2, 3]


async def test_nobody_waits_for_a_turn_on_a_server_that_goes():
    streams = Streams()
    streams.close()
    ack = Ack(user_chat_id="c", id="m", position=2)
    assert await turn_frames(Feed("c", 3, Log(3)), ack, 60, streams) is None


async def test_a_storage_that_hangs_is_not_ready(server, monkeypatch):
    async def hang():
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(server.ready, "why_not", hang)
    async with server.client() as nobody:
        body = problem(await nobody.get(server.url + "/health/ready"), 503, "unavailable")
    assert body["detail"] == "the storage does not answer"


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_a_stream_that_breaks_before_it_begins_is_a_problem(server, ann, monkeypatch, kind):
    chat = await new_chat(ann)
    await say(ann, chat, "hello")

    async def gone(*_):
        raise Refused("unavailable")

    monkeypatch.setattr(server.backend.service, "load", gone)
    answer = await ann.get(f"/chats/{chat}/events", headers={"Accept": kind})
    problem(answer, 503, "unavailable")
