"""Section 9: following a chat by Server-Sent Events, for clients without WebSocket."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.conformance.conftest import MakePerson
from tests.conformance.test_http_chats import problem
from tests.kit.server import Server
from tests.kit.sse import SseEvent, follow
from tests.kit.tokens import new_id, token_for
from tests.kit.wire import Person, Talk, of_type


def caught_up(event: SseEvent) -> bool:
    return event.frame["type"] == "caught_up"


async def test_the_past_comes_then_caught_up_then_the_present(talk: Talk):
    await talk.say("echo past")
    async with follow(talk.person, talk.chat) as stream:
        assert stream.answer.headers["content-type"].split(";")[0] == "text/event-stream"
        await stream.until(caught_up)
        await talk.say("echo present")
        await stream.until(lambda e: of_type("response", content="present")(e.frame))
        await stream.until(lambda e: e.frame.get("position") == talk.log()[-1]["position"])
    stored = [e.frame.text for e in stream.events if e.frame.is_event]
    assert stored == [f.text for f in talk.log()]


async def test_an_events_id_is_its_position(talk: Talk):
    await talk.say("think a ; echo b")
    async with follow(talk.person, talk.chat) as stream:
        await stream.until(caught_up)
    stored = [e for e in stream.events if e.frame.is_event]
    assert [e.id for e in stored] == [str(e.frame["position"]) for e in stored]


async def test_lines_end_with_lf_and_there_is_no_event_field(talk: Talk):
    await talk.say("complete 日本\u2028\u0085 and \\r\\n")
    async with follow(talk.person, talk.chat) as stream:
        await stream.until(caught_up)
    assert "\r" not in stream.text
    for event in stream.events:
        assert all(line.startswith(("id:", "data:", ":", "retry:")) for line in event.lines)


async def test_control_frames_come_without_an_id(talk: Talk):
    async with follow(talk.person, talk.chat) as stream:
        await stream.until(caught_up)
        await talk.say("stream 8 0.05")
        await stream.until(lambda e: e.frame["type"] == "response")
    kinds = {e.frame["type"] for e in stream.events if e.id is None}
    assert kinds == {"caught_up", "delta"}
    assert not {"caught_up", "delta"} & {e.frame["type"] for e in stream.events if e.id}


async def test_deltas_bring_the_answer_live(talk: Talk):
    gate = new_id("gate")
    async with follow(talk.person, talk.chat) as stream:
        await stream.until(caught_up)
        ack = await talk.send(f"piece Hel ; wait {gate} ; piece lo")
        delta = (await stream.until(lambda e: e.frame["type"] == "delta")).frame
        assert (delta["offset"], delta["text"], delta["user_chat_id"]) == (0, "Hel", talk.chat)
        talk.person.server.open_gate(gate)
        await talk.end(ack["id"])
        await stream.until(lambda e: e.frame["type"] == "response")


async def test_after_and_last_event_id_say_where_to_begin(talk: Talk):
    await talk.say("think a ; echo b")
    newest = talk.log()[-1]["position"]
    for headers, params, first in (
        ({}, {"after": 3}, 4),
        ({"Last-Event-ID": "5"}, {}, 6),
        ({"Last-Event-ID": "5"}, {"after": 2}, 6),
        ({"Last-Event-ID": "2"}, {"after": 5}, 3),
    ):
        async with follow(talk.person, talk.chat, headers, **params) as stream:
            await stream.until(caught_up)
        positions = [e.frame["position"] for e in stream.events if e.frame.is_event]
        assert positions == list(range(first, newest + 1))


async def test_after_the_newest_only_the_present_comes(talk: Talk):
    async with follow(talk.person, talk.chat, after=1) as stream:
        await stream.until(caught_up)
        assert not [e for e in stream.events if e.frame.is_event]
        frames = await talk.say("echo hi")
        await stream.until(lambda e: e.frame.get("position") == frames[-1]["position"])


async def test_after_beyond_the_newest_is_a_resync_from_the_beginning(talk: Talk):
    await talk.say("echo a")
    async with follow(talk.person, talk.chat, after=999) as stream:
        resync = (await stream.until(lambda e: e.frame["type"] == "resync")).frame
        await stream.until(caught_up)
    assert resync["reason"] == "unknown_position"
    assert resync["user_chat_id"] == talk.chat
    stored = [e.frame.text for e in stream.events if e.frame.is_event]
    assert stored == [f.text for f in talk.log()]


@pytest.mark.parametrize("bad", ["-1", "x", str(2**53)])
async def test_a_bad_start_is_an_invalid_frame(talk: Talk, bad: str):
    accept = {"Accept": "text/event-stream"}
    path = f"{talk.path}/events"
    answer = await talk.person.http.get(path, params={"after": bad}, headers=accept)
    problem(answer, 400, "invalid_frame")
    answer = await talk.person.http.get(path, headers={**accept, "Last-Event-ID": bad})
    problem(answer, 400, "invalid_frame")


async def test_another_users_chat_is_not_found(talk: Talk, stranger: Person):
    accept = {"Accept": "text/event-stream"}
    answer = await stranger.http.get(f"{talk.path}/events", headers=accept)
    problem(answer, 404, "not_found")


async def test_heartbeats_are_comments(brisk: Server, people: MakePerson):
    talk = await people(brisk).talk()
    async with follow(talk.person, talk.chat) as stream:
        await stream.until(caught_up)
        assert (await stream.comment()).startswith(":")
    assert not [e for e in stream.events if e.frame["type"] == "heartbeat"]


async def test_the_stream_ends_soon_after_its_tokens_expiry(server, people: MakePerson):
    user = new_id("user")
    lasting = await people(server, user).talk()
    expires = int(time.time()) + 2
    brief = people(server, user, token_for(user, seconds=expires - time.time()))
    async with follow(brief, lasting.chat) as stream:
        await stream.until(caught_up)
        async with asyncio.timeout(20):
            await stream.ended.wait()
        assert time.time() <= expires + 2.5
    await lasting.say("echo unseen")
    assert not [e for e in stream.events if e.frame["type"] == "response"]


async def test_many_readers_get_the_same_bytes(talk: Talk):
    async with follow(talk.person, talk.chat) as one, follow(talk.person, talk.chat) as two:
        frames = await talk.say("think a ; complete b")
        texts = []
        for stream in (one, two):
            await stream.until(lambda e: e.frame.get("position") == frames[-1]["position"])
            texts.append([(e.id, e.frame.text) for e in stream.events if e.frame.is_event])
    assert texts[0] == texts[1]
