"""Section 9: visitors, chats, events, and the problem form of every error."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.kit.laws import TIMESTAMP
from tests.kit.server import Server
from tests.kit.tokens import new_id
from tests.kit.wire import Frame, Person, Talk, http_client, member_items, of_type, outline


def problem(answer, status: int, code: str) -> dict:
    """The body of an error that must have this status and code, in the RFC 9457 form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    for name in ("type", "title", "detail"):
        assert isinstance(body[name], str), name
    return body


async def test_a_chat_can_be_made(person: Person):
    answer = await person.http.post("/chats", json={})
    assert answer.status_code == 201
    chat = answer.json()
    assert chat["user_chat_id"].startswith("chat_")
    assert (chat["status"], chat["position"]) == ("open", 1)
    assert chat["intent"] is None
    assert chat["session"] is None
    assert chat["turn"] is None
    assert chat["resumable"] == []
    assert not {"type", "created", "from"} & chat.keys()
    assert answer.json() == await person.get(f"/chats/{chat['user_chat_id']}")


async def test_a_chat_can_be_made_under_an_id_of_my_own_once(person: Person):
    chosen = new_id("mine")
    first = await person.http.post("/chats", json={"user_chat_id": chosen})
    again = await person.http.post("/chats", json={"user_chat_id": chosen})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["user_chat_id"] == chosen


async def test_making_another_users_chat_is_not_found(talk: Talk, stranger: Person):
    answer = await stranger.http.post("/chats", json={"user_chat_id": talk.chat})
    problem(answer, 404, "not_found")


async def test_a_chat_is_the_same_over_http_and_socket(talk: Talk):
    await talk.say("ask a")
    opened = await (await talk.person.join()).opened(user_chat_id=talk.chat)
    shown = await talk.state()
    absent = {"type", "created", "from", "id"}
    assert shown == {k: v for k, v in opened.items() if k not in absent}


async def test_my_chats_are_listed_newest_activity_first(person: Person):
    talks = [await person.talk() for _ in range(3)]
    for talk in [talks[2], talks[0], talks[1]]:
        await talk.say(f"ask {talk.chat}")
        await asyncio.sleep(0.005)
    items = (await person.get("/chats"))["items"]
    assert [i["user_chat_id"] for i in items] == [talks[n].chat for n in (1, 0, 2)]
    first = items[0]
    assert first["status"] == "open"
    assert first["position"] == talks[1].log()[-1]["position"]
    assert first["title"] == f"ask {talks[1].chat}"[:80]
    assert first["intent"]["status"] == "active"
    assert TIMESTAMP.fullmatch(first["last_activity_at"])


async def test_another_users_chats_are_not_listed(talk: Talk, stranger: Person):
    assert (await stranger.get("/chats"))["items"] == []
    assert len((await talk.person.get("/chats"))["items"]) == 1


async def test_lists_come_in_pages(person: Person):
    socket = await person.join()
    made = {(await person.talk(socket=socket)).chat for _ in range(7)}
    seen: list[str] = []
    cursor = None
    for expected in (3, 3, 1):
        params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = await person.get("/chats", **params)
        assert len(page["items"]) == expected
        seen += [i["user_chat_id"] for i in page["items"]]
        cursor = page["next"]
    assert cursor is None
    assert len(seen) == 7
    assert set(seen) == made


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "9" * 30])
@pytest.mark.parametrize(
    "path", ["/chats", "/intents", "/sessions", "/chats/{}/events", "/chats/{}/history"]
)
async def test_a_limit_out_of_range_is_an_invalid_frame(talk: Talk, path: str, limit: str):
    answer = await talk.person.http.get(path.format(talk.chat), params={"limit": limit})
    problem(answer, 400, "invalid_frame")


@pytest.mark.parametrize("path", ["/chats", "/intents", "/sessions", "/chats/{}/events"])
@pytest.mark.parametrize("cursor", ["garbage", "AAAA", "'; drop table chats", "\x00", "é"])
async def test_a_garbage_cursor_is_an_invalid_frame(talk: Talk, path: str, cursor: str):
    answer = await talk.person.http.get(path.format(talk.chat), params={"cursor": cursor})
    problem(answer, 400, "invalid_frame")


async def test_limits_1_and_200_are_in_range(talk: Talk):
    for limit in (1, 200):
        await talk.person.get("/chats", limit=limit)
        await talk.person.get(f"{talk.path}/events", limit=limit)
        await talk.person.get(f"{talk.path}/history", limit=limit)


async def test_events_are_the_socket_frames_byte_for_byte(talk: Talk):
    await talk.say('think a ; slots {"é":"👍\\n"} ; complete 日本 "quoted"')
    answer = await talk.person.http.get(f"{talk.path}/events")
    assert member_items(answer.text, "items") == [f.text for f in talk.log()]
    assert answer.json()["next"] is None


async def test_events_come_in_pages(talk: Talk):
    for number in range(5):
        await talk.say(f"echo {number}")
    texts = [f.text for f in talk.log()]
    page = await talk.person.http.get(f"{talk.path}/events", params={"after": 3, "limit": 4})
    assert member_items(page.text, "items") == texts[3:7]
    rest = await talk.person.http.get(
        f"{talk.path}/events", params={"cursor": page.json()["next"], "limit": 200}
    )
    assert member_items(rest.text, "items") == texts[7:]


async def test_events_after_the_newest_are_none(talk: Talk):
    page = await talk.person.get(f"{talk.path}/events", after=1)
    assert page == {"items": [], "next": None}


@pytest.mark.parametrize("after", ["-1", "x", str(2**53), "1.5"])
async def test_a_bad_after_is_an_invalid_frame(talk: Talk, after: str):
    answer = await talk.person.http.get(f"{talk.path}/events", params={"after": after})
    problem(answer, 400, "invalid_frame")


async def test_a_chat_can_be_seen_as_it_stood(talk: Talk):
    await talk.say('recognise book 0.5 ; slots {"to":"Oslo"} ; ask Which day?')
    middle = talk.log()[-1]["position"]
    then = await talk.state()
    await talk.say('slots {"to":null} ; complete done')
    seen = await talk.person.get(talk.path, at=middle)
    events = seen.pop("events")
    assert seen["intent"] == then["intent"]
    assert (seen["status"], seen["position"]) == ("open", middle)
    assert [e["position"] for e in events] == list(range(1, middle + 1))


async def test_events_as_it_stood_are_the_newest_up_to_then_byte_for_byte(talk: Talk):
    await talk.say("think a ; echo b")
    at = talk.log()[-2]["position"]
    answer = await talk.person.http.get(talk.path, params={"at": at, "limit": 3})
    texts = [f.text for f in talk.log() if at - 3 < f["position"] <= at]
    assert member_items(answer.text, "events") == texts


async def test_the_beginning_of_a_chat_can_be_seen(talk: Talk):
    await talk.say("complete done")
    seen = await talk.person.get(talk.path, at=1)
    assert outline(seen["events"]) == ["chat opened"]
    assert (seen["position"], seen["intent"], seen["session"], seen["turn"]) == (
        1,
        None,
        None,
        None,
    )


async def test_a_turn_that_ran_then_is_seen_running(talk: Talk):
    frames = await talk.say("think a ; echo b")
    thinking = next(f for f in frames if f["type"] == "thinking")
    seen = await talk.person.get(talk.path, at=thinking["position"])
    assert seen["turn"] == {"message_id": frames[0]["message_id"], "attempt": 1}


async def test_a_position_beyond_the_newest_is_not_found(talk: Talk):
    problem(await talk.person.http.get(talk.path, params={"at": 2}), 404, "not_found")


async def test_another_users_chat_answers_with_the_same_bytes_as_a_missing_one(
    talk: Talk, stranger: Person
):
    frames = await talk.say("form")
    component = next(f for f in frames if f["type"] == "component")["component_id"]
    intent, session = frames[0]["user_intent_id"], frames[0]["session_id"]
    ways = [
        ("GET", f"/chats/{talk.chat}", None),
        ("GET", f"/chats/{talk.chat}?at=1", None),
        ("GET", f"/chats/{talk.chat}/events", None),
        ("GET", f"/chats/{talk.chat}/history", None),
        ("POST", f"/chats/{talk.chat}/messages", {"content": "a"}),
        ("POST", f"/chats/{talk.chat}/cancel", {}),
        ("POST", f"/chats/{talk.chat}/close", {}),
        ("POST", f"/chats/{talk.chat}/retry", {"message_id": "m"}),
        ("POST", f"/chats/{talk.chat}/components/{component}", {"values": {"city": "Oslo"}}),
        ("DELETE", f"/chats/{talk.chat}", None),
        ("POST", f"/intents/{intent}/resume", {}),
        ("POST", f"/intents/{intent}/abandon", {}),
        ("DELETE", f"/sessions/{session}", None),
    ]
    for method, path, body in ways:
        missing = path
        for known in (talk.chat, intent, session):
            missing = missing.replace(known, known[:-8] + "AAAAAAAA")
        answers = [await stranger.http.request(method, p, json=body) for p in (path, missing)]
        assert "instance" not in problem(answers[0], 404, "not_found"), path
        assert answers[0].content == answers[1].content, path
    assert [f.text for f in await talk.stored()] == [f.text for f in talk.log()]


@pytest.mark.parametrize(
    "chat", ["a%20b", "%00", "..%2f..", "x" * 65, "%27", "%25", "nul", "constructor", "CHAT_x"]
)
async def test_an_odd_id_in_a_path_is_refused_and_nothing_more(person: Person, chat: str):
    answer = await person.http.get(f"/chats/{chat}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"


async def test_without_identity_it_is_unauthenticated(server: Server, talk: Talk):
    async with http_client(server) as http:
        for path in ("/chats", talk.path, "/intents", "/sessions", "/connections"):
            problem(await http.get(path), 401, "unauthenticated")
        problem(await http.post("/chats", json={}), 401, "unauthenticated")
        bad = {"Authorization": "Bearer nonsense"}
        problem(await http.get("/chats", headers=bad), 401, "unauthenticated")


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "null", '"a"', '{"content":7}', "[" * 10_000])
async def test_a_body_that_is_none_is_an_invalid_frame(talk: Talk, body: str):
    answer = await talk.person.http.post(
        f"{talk.path}/messages", content=body, headers={"content-type": "application/json"}
    )
    problem(answer, 400, "invalid_frame")


@pytest.mark.parametrize("outside", [False, True])
async def test_an_unknown_path_is_a_problem_too(server: Server, person: Person, outside: bool):
    answer = await person.http.get(f"{server.url}/favicon.ico" if outside else "/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"


async def test_a_new_visitor_has_a_token_and_a_cookie(visitors: Server):
    async with http_client(visitors) as http:
        answer = await http.post("/visitors")
        assert answer.status_code == 201
        body = answer.json()
        assert body.keys() == {"user_id", "token", "token_expires_at"}
        assert TIMESTAMP.fullmatch(body["token_expires_at"])
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("chatstream_visitor=")
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        made = await http.post("/chats", json={})
        assert made.status_code == 201
    bearer = {"Authorization": f"Bearer {body['token']}"}
    async with http_client(visitors, headers=bearer) as http:
        mine = (await http.get("/chats")).json()["items"]
        assert [c["user_chat_id"] for c in mine] == [made.json()["user_chat_id"]]


async def test_health_and_metrics_need_no_token(server: Server):
    async with http_client(server) as http:
        for path in ("/health/live", "/health/ready"):
            answer = await http.get(server.url + path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        metrics = await http.get(server.url + "/metrics")
        assert metrics.status_code == 200
        assert "# TYPE" in metrics.text


async def test_openapi_is_at_schema(server: Server):
    async with http_client(server) as http:
        for path in ("/schema", "/schema/openapi.json"):
            assert (await http.get(server.url + path, follow_redirects=True)).status_code == 200
        under_prefix = await http.get("/schema")
        assert under_prefix.json() == (await http.get(f"{server.url}/schema")).json()
        assert "/api/v1/chats" in under_prefix.json()["paths"]


async def test_my_live_sockets_are_listed(person: Person, stranger: Person):
    talk = await person.talk()
    idle = await person.join()
    await stranger.join()
    connections = (await person.get("/connections"))["items"]
    shown = {c["socket_connection_id"]: c for c in connections}
    ids = [s.frames[0]["socket_connection_id"] for s in (talk.socket, idle)]
    assert shown.keys() == set(ids)
    assert shown[ids[0]]["user_chat_ids"] == [talk.chat]
    assert shown[ids[1]]["user_chat_ids"] == []
    for connection in connections:
        assert TIMESTAMP.fullmatch(connection["connected_at"])
        assert isinstance(connection["node"], str)


async def test_my_live_sockets_come_by_the_page(person: Person):
    sockets = [await person.join() for _ in range(3)]
    pages = [await person.get("/connections", limit=2)]
    pages.append(await person.get("/connections", limit=2, cursor=pages[0]["next"]))
    shown = [[one["socket_connection_id"] for one in page["items"]] for page in pages]
    ids = [socket.frames[0]["socket_connection_id"] for socket in sockets]
    assert (len(shown[0]), set(shown[0] + shown[1])) == (2, set(ids))
    assert pages[1]["next"] is None
    for wrong in ({"limit": 0}, {"limit": 201}, {"cursor": "garbage"}):
        problem(await person.http.get("/connections", params=wrong), 400, "invalid_frame")


async def test_a_closed_socket_is_not_listed_any_more(person: Person):
    socket, other = await person.join(), await person.join()
    await socket.close()
    for _ in range(100):
        items = (await person.get("/connections"))["items"]
        if len(items) == 1:
            break
        await asyncio.sleep(0.05)
    assert [c["socket_connection_id"] for c in items] == [other.frames[0]["socket_connection_id"]]


async def test_reads_do_not_write(talk: Talk):
    await talk.say("ask a")
    newest = (await talk.state())["position"]
    for path in (talk.path, f"{talk.path}/events", f"{talk.path}/history", "/intents", "/sessions"):
        await talk.person.get(path)
    assert (await talk.state())["position"] == newest


async def test_what_is_acked_by_http_is_seen_by_sockets(talk: Talk):
    answer = await talk.person.http.post(f"{talk.path}/messages", json={"content": "echo hi"})
    frame = await talk.event("user", message_id=answer.json()["id"])
    assert frame["position"] == answer.json()["position"]
    items = member_items((await talk.person.http.get(f"{talk.path}/events")).text, "items")
    assert of_type("user", content="echo hi")(Frame(items[frame["position"] - 1]))
    assert json.loads(items[0])["type"] == "chat"
    await talk.end(answer.json()["id"])


async def test_a_wrong_method_is_a_problem_too(person: Person):
    answer = await person.http.put("/chats", json={})
    assert answer.status_code == 405
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"


@pytest.mark.parametrize("at", ["-1", "x", str(2**53)])
async def test_a_bad_position_is_an_invalid_frame(talk: Talk, at: str):
    problem(await talk.person.http.get(talk.path, params={"at": at}), 400, "invalid_frame")


async def test_unknown_body_fields_and_parameters_are_ignored(talk: Talk):
    body = {"content": "echo a", "colour": {"deep": [1]}}
    answer = await talk.person.http.post(f"{talk.path}/messages?colour=red", json=body)
    assert answer.status_code == 202
    await talk.end(answer.json()["id"])


@pytest.mark.parametrize("size", [400_000, 20_000_000])
async def test_a_huge_body_is_too_large(talk: Talk, size: int):
    answer = await talk.person.http.post(f"{talk.path}/messages", json={"content": "x" * size})
    problem(answer, 413, "too_large")
    await talk.say("echo unharmed")


async def test_events_are_json_unless_a_stream_is_asked_for(talk: Talk):
    for accept in ("*/*", "application/json", "text/html,*/*;q=0.8"):
        answer = await talk.person.http.get(f"{talk.path}/events", headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] == "application/json"


async def test_a_socket_that_left_a_chat_is_shown_without_it(person: Person):
    talk = await person.talk()
    await talk.socket.post({"type": "leave", "user_chat_id": talk.chat})
    await talk.socket.settle()
    (connection,) = (await person.get("/connections"))["items"]
    assert connection["user_chat_ids"] == []


async def test_a_caller_without_a_token_is_not_unauthenticated_where_visitors_are_let_in(
    visitors: Server,
):
    async with http_client(visitors) as http:
        assert (await http.get("/chats")).json()["items"] == []
        made = await http.post("/chats", json={})
        assert made.status_code == 201
