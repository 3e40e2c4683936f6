"""Commands over HTTP."""

from __future__ import annotations

import asyncio
import time

import pytest
from http_kit import new_chat, problem, say, token_of

from chatstream.http.messages import wait_wanted


@pytest.fixture
async def chat(ann):
    return await new_chat(ann)


async def test_a_message_is_acked_once(ann, chat):
    body = {"id": "m1", "content": "hello"}
    first = await ann.post(f"/chats/{chat}/messages", json=body)
    assert first.status_code == 202
    assert first.json() == {"type": "ack", "user_chat_id": chat, "id": "m1", "position": 2}
    again = await ann.post(f"/chats/{chat}/messages", json=body)
    assert (again.status_code, again.json()) == (202, first.json() | {"duplicate": True})
    other = await ann.post(f"/chats/{chat}/messages", json=body | {"content": "other"})
    problem(other, 409, "id_conflict")


async def test_one_can_wait_for_the_turn(ann, chat):
    answer = await ann.post(
        f"/chats/{chat}/messages", json={"content": "hi"}, headers={"Prefer": "wait=10"}
    )
    assert answer.status_code == 200
    body = answer.json()
    items = body["items"]
    assert items[0]["position"] == body["ack"]["position"]
    assert (items[-1]["type"], items[-1]["status"]) == ("turn", "finished")
    assert "You said: hi" in [item.get("content") for item in items]
    stored = (await ann.get(f"/chats/{chat}/events", params={"after": 1})).json()["items"]
    assert items == stored


async def test_a_repeat_gets_the_turn_that_has_ended(ann, chat):
    first = await say(ann, chat, "hi", id="m")
    await say(ann, chat, "other")
    assert await say(ann, chat, "hi", id="m") == first


async def test_a_message_that_waits_its_turn_is_waited_for(server, ann, chat):
    running = await ann.post(f"/chats/{chat}/messages", json={"content": "slow one"})
    assert running.status_code == 202
    waiting = asyncio.create_task(say(ann, chat, "two"))
    await asyncio.sleep(0.05)
    server.gate.open.set()
    items = await waiting
    assert [item["type"] for item in items][:2] == ["user", "turn"]
    assert items[-1]["status"] == "finished"


async def test_waiting_ends_without_the_turn_after_the_time(ann, chat):
    began = time.monotonic()
    answer = await ann.post(
        f"/chats/{chat}/messages", json={"content": "slow"}, headers={"Prefer": "wait=0.2"}
    )
    assert answer.status_code == 202
    assert 0.2 <= time.monotonic() - began < 2


async def test_who_waits_is_told_nothing_after_the_token_has_expired(server, chat):
    async with server.client(token_of("ann", seconds=3)) as brief:
        body, headers = {"content": "slow"}, {"Prefer": "wait=60"}
        waiting = asyncio.create_task(
            brief.post(f"/chats/{chat}/messages", json=body, headers=headers)
        )
        await server.until_a_stream_is_open()
        while (await brief.get("/chats")).is_success:  # noqa: ASYNC110 - its time must come
            await asyncio.sleep(0.05)
        server.gate.open.set()
        assert (await waiting).status_code == 202


async def test_waiting_ends_when_the_server_goes(server, ann, chat):
    answer = asyncio.create_task(
        ann.post(f"/chats/{chat}/messages", json={"content": "slow"}, headers={"Prefer": "wait=60"})
    )
    await server.until_a_stream_is_open()
    server.backend.streams.close()
    assert (await answer).status_code == 202


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, None),
        ("", None),
        ("wait=5", 5),
        ("respond-async, wait=10", 10),
        ("WAIT=1.5", 1.5),
        ("wait = 5", 5),
        ("wait=0", 0),
        ("wait=99999", 600),
        ("wait=-1", None),
        ("wait=x", None),
        ("await=5", None),
        ("wait=5x", None),
    ],
)
def test_the_wait_that_is_preferred(prefer, seconds):
    assert wait_wanted(prefer) == seconds


async def test_a_component_is_answered(ann, chat):
    items = await say(ann, chat, "form")
    (component,) = [i["component_id"] for i in items if i["type"] == "component"]
    path = f"/chats/{chat}/components/{component}"
    refused = problem(await ann.post(path, json={"values": {}}), 422, "invalid_form")
    assert list(refused["details"]["fields"]) == ["city"]
    assert (await ann.post(path, json={"values": {"city": "Oslo"}})).status_code == 202
    problem(
        await ann.post(f"/chats/{chat}/components/none", json={"values": {}}),
        404,
        "no_such_component",
    )


async def test_cancel_retry_and_close(server, ann, chat):
    sent = (await ann.post(f"/chats/{chat}/messages", json={"content": "slow one"})).json()
    stopped = await ann.post(f"/chats/{chat}/cancel", json={"turn": sent["id"]})
    assert stopped.status_code == 202
    server.gate.open.set()
    again = await ann.post(f"/chats/{chat}/retry", json={"message_id": sent["id"]})
    assert again.status_code == 202
    unknown = await ann.post(f"/chats/{chat}/retry", json={"message_id": "none"})
    problem(unknown, 404, "not_found")
    assert (await ann.post(f"/chats/{chat}/close")).status_code == 202
    problem(await ann.post(f"/chats/{chat}/messages", json={"content": "x"}), 409, "chat_closed")


async def test_intents_are_abandoned_and_resumed(ann, bob, chat):
    intent = (await say(ann, chat, "ask what?"))[0]["user_intent_id"]
    for verb in ("resume", "abandon"):
        problem(await bob.post(f"/intents/{intent}/{verb}"), 404, "not_found")
        problem(await ann.post(f"/intents/none/{verb}"), 404, "not_found")
        problem(await ann.post(f"/intents/no%20id/{verb}"), 404, "not_found")
    assert (await ann.post(f"/intents/{intent}/abandon")).status_code == 202
    assert (await ann.get("/intents")).json()["items"][0]["status"] == "abandoned"
    assert (await ann.post(f"/intents/{intent}/resume", json={"id": "r"})).status_code == 202
    assert (await ann.get("/intents")).json()["items"][0]["status"] == "active"


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"7",
    b'"a"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"{}",
    b'{"content":7}',
    b'{"content":null}',
    b'{"content":"a","new_intent":"true"}',
    b'{"content":"a","new_intent":1}',
    b'{"content":"a","id":7}',
    b'{"content":"a","id":""}',
    b'{"content":"a","id":"a\\n"}',
    b'{"content":"a","id":"no id"}',
    b'{"content":"a","user_intent_id":"../x"}',
    b'{"content":"a","x":NaN}',
    b'{"content":"a"}{}',
    b'{"content":"\\ud800"}',
    b"[" * 10_000,
    b'{"content":"a","x":' + b"[" * 32 + b"]" * 32 + b"}",
]


async def test_a_body_that_is_not_right_is_an_invalid_frame(ann, chat):
    for body in BAD_BODIES:
        answer = await ann.post(f"/chats/{chat}/messages", content=body)
        problem(answer, 400, "invalid_frame")
    assert (await ann.get(f"/chats/{chat}")).json()["position"] == 1


async def test_fields_that_are_not_known_are_ignored(ann, chat):
    deep = {"content": "a", "x": {"y": [1e300, None, 2**70]}}
    assert (await ann.post(f"/chats/{chat}/messages", json=deep)).status_code == 202


async def test_the_content_type_does_not_matter(ann, chat):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/msgpack"):
        answer = await ann.post(
            f"/chats/{chat}/messages", content=b'{"content":"a"}', headers={"Content-Type": kind}
        )
        assert answer.status_code == 202


async def test_content_that_cannot_be_stored_is_refused(ann, chat):
    for content, status, code in (
        ("", 422, "invalid_content"),
        ("a\x00b", 422, "invalid_content"),
        ("x" * 32_769, 413, "too_large"),
        ("é" * 16_385, 413, "too_large"),
    ):
        answer = await ann.post(f"/chats/{chat}/messages", json={"content": content})
        problem(answer, status, code)


async def test_any_legal_content_fits_however_it_is_escaped(ann, chat):
    body = b'{"content":"' + b"\\u000a" * 32_768 + b'"}'
    assert (await ann.post(f"/chats/{chat}/messages", content=body)).status_code == 202


async def test_values_with_a_nul_are_refused(ann, chat):
    answer = await ann.post(f"/chats/{chat}/components/c", json={"values": {"a": ["\x00"]}})
    problem(answer, 422, "invalid_content")


async def test_a_body_beyond_the_limit_is_too_large(ann, chat):
    body = b'{"content":"a","x":"' + b"y" * 262_144 + b'"}'
    problem(await ann.post(f"/chats/{chat}/messages", content=body), 413, "too_large")

    async def pieces():
        for _ in range(30):
            yield b" " * 10_000

    problem(await ann.post(f"/chats/{chat}/messages", content=pieces()), 413, "too_large")


async def test_commands_over_the_rate_are_refused_until_later(launch):
    server = await launch(rate_limit=4)
    async with server.client(token_of("ann")) as ann, server.client(token_of("bob")) as bob:
        chat = await new_chat(ann)
        codes = [(await ann.post(f"/chats/{chat}/cancel")).status_code for _ in range(5)]
        assert codes == [202] * 4 + [429]
        refused = await ann.post(f"/chats/{chat}/cancel")
        problem(refused, 429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 3
        assert (await ann.get(f"/chats/{chat}")).status_code == 200
        assert (await ann.post("/chats")).status_code == 201
        assert (await bob.post(f"/chats/{await new_chat(bob)}/cancel")).status_code == 202
