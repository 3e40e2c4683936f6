"""A chat's events as a stream."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
from http_kit import new_chat, problem, say, token_of

from chatstream.http.sse import wants_stream
from chatstream.timestamps import now_ms


class Stream:
    """What came of a stream, as text and as (id, frame)."""

    def __init__(self, answer):
        self.answer = answer
        self.text = ""
        self._pieces = answer.aiter_text()

    @property
    def events(self):
        found = []
        for block in self.text.split("\n\n")[:-1]:
            lines = block.split("\n")
            data = [line[6:] for line in lines if line.startswith("data: ")]
            if data:
                ids = [int(line[4:]) for line in lines if line.startswith("id: ")]
                found.append((ids[0] if ids else None, json.loads(data[0])))
        return found

    @property
    def types(self):
        return [frame["type"] for _, frame in self.events]

    async def until(self, wanted):
        async with asyncio.timeout(10):
            while not wanted(self):
                self.text += await anext(self._pieces)

    async def until_type(self, name):
        await self.until(lambda stream: name in stream.types)

    async def rest(self):
        async with asyncio.timeout(10):
            async for piece in self._pieces:
                self.text += piece


@asynccontextmanager
async def followed(client, chat, headers=None, **params):
    headers = {"Accept": "text/event-stream"} | (headers or {})
    async with client.stream(
        "GET", f"/chats/{chat}/events", params=params, headers=headers
    ) as answer:
        assert answer.status_code == 200
        yield Stream(answer)


@pytest.fixture
async def chat(ann):
    return await new_chat(ann)


async def test_the_past_comes_then_caught_up_then_what_happens(ann, chat):
    await say(ann, chat, "one")
    async with followed(ann, chat) as stream:
        await stream.until_type("caught_up")
        assert stream.events[-1] == (
            None,
            {"type": "caught_up", "user_chat_id": chat, "position": len(stream.events) - 1},
        )
        await say(ann, chat, "two")
        await stream.until(lambda s: s.types.count("response") == 2)
    assert "\r" not in stream.text
    assert all(
        line.startswith(("id: ", "data: ", ":")) or not line for line in stream.text.split("\n")
    )


async def test_stored_events_are_the_stored_bytes_under_their_position(server, ann, chat):
    await say(ann, chat, "wie geht’s? \u2028 日本")
    async with followed(ann, chat) as stream:
        await stream.until_type("caught_up")
    frames = await server.backend.service.feed(chat).read(0)
    expected = "".join(f"id: {f.position}\ndata: {f.data.decode()}\n\n" for f in frames)
    assert stream.text.startswith(expected)


async def test_it_is_an_event_stream_that_nobody_keeps(ann, chat):
    async with followed(ann, chat) as stream:
        assert stream.answer.headers["content-type"].split(";")[0] == "text/event-stream"
        assert stream.answer.headers["cache-control"] == "no-store"
        assert stream.answer.headers["x-accel-buffering"] == "no"


async def test_a_stream_begins_after_the_last_event_id_which_wins(ann, chat):
    await say(ann, chat, "one")
    for params, headers, first in (
        ({"after": 3}, {}, 4),
        ({"after": 1}, {"Last-Event-ID": "3"}, 4),
        ({"after": 1}, {"Last-Event-ID": ""}, 2),
        ({"cursor": "2"}, {}, 3),
    ):
        async with followed(ann, chat, headers, **params) as stream:
            await stream.until_type("caught_up")
        assert stream.events[0][0] == first


async def test_a_position_that_is_none_is_an_invalid_frame(ann, chat):
    for bad in ("x", "-1", "1.5", "9" * 17, "1 2"):
        headers = {"Accept": "text/event-stream", "Last-Event-ID": bad}
        problem(await ann.get(f"/chats/{chat}/events", headers=headers), 400, "invalid_frame")


async def test_a_position_that_was_never_reached_is_answered_with_resync(ann, chat):
    await say(ann, chat, "one")
    async with followed(ann, chat, after=1000) as stream:
        await stream.until_type("caught_up")
    assert stream.events[0] == (
        None,
        {"type": "resync", "user_chat_id": chat, "reason": "unknown_position"},
    )
    assert [position for position, _ in stream.events[1:-1]] == list(
        range(1, len(stream.events) - 1)
    )


async def test_an_answer_in_progress_comes_as_deltas_before_its_response(server, ann, chat):
    async with followed(ann, chat) as stream:
        await stream.until_type("caught_up")
        sent = await ann.post(f"/chats/{chat}/messages", json={"content": "slow 👍 hel"})
        assert sent.status_code == 202
        await stream.until_type("delta")
        server.gate.open.set()
        await stream.until_type("response")
    deltas = [frame for position, frame in stream.events if frame["type"] == "delta"]
    (answer,) = [frame for _, frame in stream.events if frame["type"] == "response"]
    text = ""
    for delta in deltas:
        assert delta["message_id"] == answer["message_id"]
        assert delta["offset"] == len(text)
        text += delta["text"]
    assert answer["content"].startswith(text)
    assert text.startswith("👍 hel")
    assert stream.types.index("thinking") < stream.types.index("delta")
    assert stream.types[-1] != "delta"


async def test_somebody_who_comes_in_the_middle_gets_what_was_streamed(server, ann, chat):
    await ann.post(f"/chats/{chat}/messages", json={"content": "slow hello"})
    async with followed(ann, chat) as stream:
        await stream.until_type("delta")
    (delta,) = [frame for _, frame in stream.events if frame["type"] == "delta"]
    assert (delta["offset"], delta["text"]) == (0, "hello")


async def test_silence_is_broken_by_comments(launch):
    server = await launch(heartbeat_s=0.05)
    async with server.client(token_of("ann")) as ann:
        chat = await new_chat(ann)
        async with followed(ann, chat) as stream:
            await stream.until(lambda s: s.text.count(": heartbeat\n\n") >= 3)


async def test_a_stream_ends_with_its_token(server, ann, chat):
    async with server.client(token_of("ann", seconds=3)) as brief:
        began = time.monotonic()
        async with followed(brief, chat) as stream:
            await stream.rest()
        assert time.monotonic() - began < 3 + 2
        server.backend.identities._clock = lambda: now_ms() + 31_000  # beyond the leeway
        problem(await brief.get("/chats"), 401, "unauthenticated")


async def test_streams_end_when_the_server_goes(server, ann, chat):
    async with followed(ann, chat) as stream:
        await stream.until_type("caught_up")
        server.backend.streams.close()
        await stream.rest()
    refused = await ann.get(f"/chats/{chat}/events", headers={"Accept": "text/event-stream"})
    problem(refused, 503, "unavailable")


async def test_a_reader_that_leaves_is_forgotten(server, ann, chat):
    async with followed(ann, chat) as stream:
        await stream.until_type("caught_up")
        assert len(server.backend.streams) == 1
    async with asyncio.timeout(5):
        while len(server.backend.streams):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    assert not server.backend.service.feed(chat).is_followed


async def test_another_users_chat_is_no_stream(bob, chat):
    headers = {"Accept": "text/event-stream"}
    theirs = await bob.get(f"/chats/{chat}/events", headers=headers)
    problem(theirs, 404, "not_found")
    assert theirs.content == (await bob.get("/chats/none/events", headers=headers)).content


async def test_many_readers_get_the_same(ann, bob, chat):
    async def read():
        async with followed(ann, chat) as stream:
            await stream.until(lambda s: s.types.count("response") == 3)
            return [event for event in stream.events if event[0] is not None]

    readers = [asyncio.create_task(read()) for _ in range(10)]
    for number in range(3):
        await say(ann, chat, f"hello {number}")
    found = await asyncio.gather(*readers)
    assert all(events[: len(found[0])] == found[0][: len(events)] for events in found)
    assert [position for position, _ in found[0]] == list(range(1, len(found[0]) + 1))


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/event-stream", True),
        ("application/json;q=0.5, Text/Event-Stream ; q=0.9", True),
        ("text/event-stream;q=0, application/json", False),
        ("text/event-stream;q=0.0", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_a_stream_is_for_those_who_ask_for_one(accept, wanted):
    assert wants_stream(accept) is wanted
