"""Chats over HTTP: made, shown, listed, erased."""

from __future__ import annotations

import json

import pytest
from http_kit import new_chat, problem, say, token_of


async def test_a_chat_is_made_once(ann):
    first = await ann.post("/chats", json={"user_chat_id": "mine"})
    again = await ann.post("/chats", json={"user_chat_id": "mine"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == (await ann.get("/chats/mine")).json()
    assert first.json() == {
        "user_chat_id": "mine",
        "status": "open",
        "position": 1,
        "intent": None,
        "session": None,
        "turn": None,
        "resumable": [],
    }


async def test_a_chat_can_be_made_without_any_body(ann):
    assert (await new_chat(ann)).startswith("chat_")


async def test_another_users_chat_is_as_if_it_were_missing(ann, bob):
    chat = await new_chat(ann)
    problem(await bob.post("/chats", json={"user_chat_id": chat}), 404, "not_found")
    for method, path in (
        ("GET", "/chats/{}"),
        ("GET", "/chats/{}?at=1"),
        ("GET", "/chats/{}/events"),
        ("GET", "/chats/{}/history"),
        ("POST", "/chats/{}/cancel"),
        ("POST", "/chats/{}/close"),
        ("DELETE", "/chats/{}"),
    ):
        theirs, missing = [await bob.request(method, path.format(c)) for c in (chat, "none")]
        problem(theirs, 404, "not_found")
        assert theirs.content == missing.content


async def test_an_admin_reads_everything_and_writes_nothing(ann, root):
    chat = await new_chat(ann)
    assert (await root.get(f"/chats/{chat}")).json() == (await ann.get(f"/chats/{chat}")).json()
    assert (await root.get(f"/chats/{chat}/events")).status_code == 200
    assert (await root.get(f"/chats/{chat}/history")).status_code == 200
    problem(await root.post(f"/chats/{chat}/messages", json={"content": "x"}), 404, "not_found")
    problem(await root.post("/chats", json={"user_chat_id": chat}), 404, "not_found")
    assert len((await root.get("/chats")).json()["items"]) == 1
    assert len((await root.get("/chats?user_id=ann")).json()["items"]) == 1
    assert (await root.get("/chats?user_id=bob")).json()["items"] == []


async def test_a_filter_by_another_user_is_for_admins(ann):
    assert (await ann.get("/chats?user_id=ann")).status_code == 200
    for path in ("/chats", "/intents", "/sessions", "/connections"):
        problem(await ann.get(path, params={"user_id": "bob"}), 404, "not_found")


async def test_an_admin_may_order_an_erasure(ann, root, bob):
    chat = await new_chat(ann)
    problem(await bob.delete("/users/ann"), 404, "not_found")
    assert (await root.delete(f"/chats/{chat}")).status_code == 204
    assert (await ann.get(f"/chats/{chat}")).json()["status"] == "erased"
    other = await new_chat(ann)
    assert (await root.delete("/users/ann")).status_code == 204
    assert (await ann.get(f"/chats/{other}")).json()["status"] == "erased"


async def test_a_user_id_with_slashes_can_be_erased(server, root):
    async with server.client(token_of("org/ann")) as ann:
        chat = await new_chat(ann)
        assert (await root.delete("/users/org%2Fann")).status_code == 204
        assert (await ann.get(f"/chats/{chat}")).json()["status"] == "erased"


async def test_i_can_erase_all_my_chats_and_nobody_elses(ann, bob):
    mine = [await new_chat(ann) for _ in range(3)]
    theirs = await new_chat(bob)
    assert (await ann.delete("/users/me")).status_code == 204
    assert (await ann.get("/chats")).json()["items"] == []
    assert {(await ann.get(f"/chats/{chat}")).json()["status"] for chat in mine} == {"erased"}
    assert (await bob.get(f"/chats/{theirs}")).json()["status"] == "open"
    assert (await ann.delete("/users/me")).status_code == 204


async def test_an_erased_chat_keeps_its_frames_without_what_was_written(ann):
    chat = await new_chat(ann)
    await say(ann, chat, "ask canary")
    before = (await ann.get(f"/chats/{chat}/events")).json()["items"]
    assert (await ann.delete(f"/chats/{chat}")).status_code == 204
    assert (await ann.delete(f"/chats/{chat}")).status_code == 204
    answer = await ann.get(f"/chats/{chat}/events", params={"limit": 200})
    assert "canary" not in answer.text
    after = answer.json()["items"]
    assert [f["event_id"] for f in after[: len(before)]] == [f["event_id"] for f in before]
    assert after[-1]["status"] == "erased"


async def test_a_chat_can_be_seen_as_it_stood(ann):
    chat = await new_chat(ann)
    await say(ann, chat, "ask Which day?")
    then = (await ann.get(f"/chats/{chat}")).json()
    await say(ann, chat, "done thanks")
    seen = await ann.get(f"/chats/{chat}", params={"at": then["position"], "limit": 2})
    body = seen.json()
    events = body.pop("events")
    assert body["intent"] == then["intent"]
    assert [event["position"] for event in events] == [then["position"] - 1, then["position"]]


async def test_a_position_that_the_chat_has_not_reached_is_not_found(ann):
    chat = await new_chat(ann)
    for at in ("0", "2", "9007199254740991"):
        problem(await ann.get(f"/chats/{chat}", params={"at": at}), 404, "not_found")


async def test_what_is_no_position_is_an_invalid_frame(ann):
    chat = await new_chat(ann)
    for at in ("-1", "x", "1.5", "9007199254740992", "", " 1", "٣"):
        problem(await ann.get(f"/chats/{chat}", params={"at": at}), 400, "invalid_frame")


async def test_events_are_the_stored_bytes(server, ann):
    chat = await new_chat(ann)
    await say(ann, chat, 'what about "日本" \\ and 👍?')
    answer = await ann.get(f"/chats/{chat}/events", params={"limit": 200})
    feed = server.backend.service.feed(chat)
    frames = [frame.data for frame in await feed.read(0)]
    assert answer.content == b'{"items":[' + b",".join(frames) + b'],"next":null}'


async def test_events_come_in_pages_by_cursor_or_by_after(ann):
    chat = await new_chat(ann)
    await say(ann, chat, "hello")
    everything = (await ann.get(f"/chats/{chat}/events", params={"limit": 200})).json()["items"]
    found, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        body = (await ann.get(f"/chats/{chat}/events", params=params)).json()
        found += body["items"]
        cursor = body["next"]
        if cursor is None:
            break
    assert found == everything
    after = (await ann.get(f"/chats/{chat}/events", params={"after": 3})).json()["items"]
    assert after == everything[3:]
    past = await ann.get(f"/chats/{chat}/events", params={"after": 2**53 - 1})
    assert past.json() == {"items": [], "next": None}


async def test_history_pages_go_back_in_time(ann):
    chat = await new_chat(ann)
    for number in range(3):
        await say(ann, chat, f"hello {number}")
    everything = (await ann.get(f"/chats/{chat}/history")).json()["items"]
    assert [row["message_type"] for row in everything] == ["user", "thinking", "ai"] * 3
    newest = (await ann.get(f"/chats/{chat}/history", params={"limit": 4})).json()
    assert newest["items"] == everything[-4:]
    older = await ann.get(f"/chats/{chat}/history", params={"limit": 5, "cursor": newest["next"]})
    assert older.json() == {"items": everything[:5], "next": None}
    below = await ann.get(f"/chats/{chat}/history", params={"before": everything[3]["position"]})
    assert below.json()["items"] == everything[:3]


async def test_history_is_filtered(ann):
    chat = await new_chat(ann)
    await say(ann, chat, "hello")
    ask = lambda **params: ann.get(f"/chats/{chat}/history", params=params)  # noqa: E731
    assert {r["message_type"] for r in (await ask(message_type="ai")).json()["items"]} == {"ai"}
    assert (await ask(user_intent_id="intent_none")).json()["items"] == []
    problem(await ask(message_type="robot"), 400, "invalid_frame")
    problem(await ask(user_intent_id="no id"), 400, "invalid_frame")


@pytest.mark.parametrize("path", ["/chats", "/intents", "/sessions"])
async def test_lists_come_in_pages(ann, path):
    for _ in range(5):
        await say(ann, await new_chat(ann), "ask what?")
    whole = (await ann.get(path)).json()["items"]
    assert len(whole) == 5
    first = (await ann.get(path, params={"limit": 3})).json()
    second = (await ann.get(path, params={"limit": 3, "cursor": first["next"]})).json()
    assert first["items"] + second["items"] == whole
    assert second["next"] is None


GARBAGE = [
    {"limit": "0"},
    {"limit": "201"},
    {"limit": "ten"},
    {"limit": ""},
    {"cursor": "garbage"},
    {"cursor": "WyJhIiwiYiJd"},
    {"cursor": "é\x00"},
    {"cursor": "9" * 400},
]


@pytest.mark.parametrize(
    "path", ["/chats", "/intents", "/sessions", "/chats/c/events", "/chats/c/history"]
)
async def test_garbage_in_a_list_query_is_an_invalid_frame(ann, path):
    await ann.post("/chats", json={"user_chat_id": "c"})
    for query in GARBAGE:
        problem(await ann.get(path, params=query), 400, "invalid_frame")


async def test_garbage_in_a_filter_is_an_invalid_frame(ann):
    for query in (
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"until": "9999-99-99"},
        {"until": "0001-01-01T00:00:00+23:59"},
        {"status": "done"},
        {"user_chat_id": "no id"},
        {"name": "a\x00"},
    ):
        problem(await ann.get("/intents", params=query), 400, "invalid_frame")


async def test_intents_are_filtered_by_time_whatever_the_zone(ann):
    await say(ann, await new_chat(ann), "ask what?")
    (intent,) = (await ann.get("/intents")).json()["items"]
    moment = intent["last_activity_at"]
    assert len((await ann.get("/intents", params={"since": moment})).json()["items"]) == 1
    assert len((await ann.get("/intents", params={"until": moment})).json()["items"]) == 1
    zoned = {"since": "2001-01-01T00:00:00+14:00"}
    assert len((await ann.get("/intents", params=zoned)).json()["items"]) == 1
    assert (await ann.get("/intents", params={"since": "2999-01-01T00:00:00Z"})).json() == {
        "items": [],
        "next": None,
    }


async def test_sessions_can_be_cleared_one_or_all(ann, bob):
    chats = [await new_chat(ann) for _ in range(3)]
    for chat in chats:
        await say(ann, chat, "ask what?")
    sessions = (await ann.get("/sessions")).json()["items"]
    one = sessions[0]["session_id"]
    problem(await bob.delete(f"/sessions/{one}"), 404, "not_found")
    problem(await ann.delete("/sessions/none"), 404, "not_found")
    problem(await ann.delete("/sessions/no%20id"), 404, "not_found")
    assert (await ann.delete(f"/sessions/{one}")).status_code == 204
    assert (await ann.delete(f"/sessions/{one}")).status_code == 204
    assert (await ann.delete("/sessions")).json() == {"cleared": 2}
    assert (await ann.get("/sessions")).json()["items"] == []
    gone = (await ann.get("/sessions", params={"status": "abandoned"})).json()["items"]
    assert {session["session_id"] for session in gone} == {s["session_id"] for s in sessions}
    assert {i["status"] for i in (await ann.get("/intents")).json()["items"]} == {"abandoned"}


async def test_a_head_has_the_head_of_a_get_and_no_body(ann):
    chat = await new_chat(ann)
    for path in ("/chats", f"/chats/{chat}", f"/chats/{chat}/events", f"/chats/{chat}/history"):
        get, head = await ann.get(path), await ann.head(path)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == get.headers["content-length"]
    answer = await ann.head(f"/chats/{chat}/events", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 200


async def test_json_is_compact_and_utf_8(ann):
    answer = await ann.get("/chats")
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert json.loads(answer.content) == {"items": [], "next": None}
