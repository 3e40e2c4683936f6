"""Section 9: the commands by HTTP: the same acks, the same codes, the same effects."""

from __future__ import annotations

import pytest
from tests.conformance.test_http_chats import problem
from tests.kit.tokens import new_id
from tests.kit.wire import Frame, Person, Talk, member_items, of_type, only, outline


async def post(talk: Talk, path: str, body: dict | None = None, **headers: str):
    """POST below the chat."""
    return await talk.person.http.post(talk.path + path, json=body or {}, headers=headers)


def ack(answer) -> dict:
    """The ack of a command that must be taken."""
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert {"id", "user_chat_id", "position"} <= body.keys()
    return body


async def test_a_message_is_taken_with_an_ack(talk: Talk):
    taken = ack(await post(talk, "/messages", {"id": "mine", "content": "echo hi"}))
    assert (taken["id"], taken["user_chat_id"]) == ("mine", talk.chat)
    assert "duplicate" not in taken
    frames = await talk.turn("mine")
    assert frames[0]["position"] == taken["position"]
    assert only(frames, "response")["content"] == "hi"


async def test_a_message_without_an_id_gets_one(talk: Talk):
    taken = ack(await post(talk, "/messages", {"content": "echo hi"}))
    await talk.end(taken["id"])


async def test_a_message_can_name_its_intent(talk: Talk):
    first = await talk.say("echo a")
    old = first[0]["user_intent_id"]
    new = ack(await post(talk, "/messages", {"content": "echo b", "new_intent": True}))
    assert (await talk.end(new["id"]))["user_intent_id"] != old
    back = ack(await post(talk, "/messages", {"content": "echo c", "user_intent_id": old}))
    assert (await talk.end(back["id"]))["user_intent_id"] == old


async def test_one_can_wait_for_the_turn(talk: Talk):
    answer = await post(talk, "/messages", {"content": "think a ; echo hi"}, Prefer="wait=15")
    assert answer.status_code == 200
    body = answer.json()
    frames = await talk.turn(body["ack"]["id"])
    items = [Frame(text) for text in member_items(answer.text, "items")]
    assert outline(items)[-2:] == ["response", "turn finished"]
    assert {f.text for f in items} <= {f.text for f in frames}
    caused = [f.text for f in frames if f.get("caused_by") == body["ack"]["id"]]
    assert [f.text for f in items if f["type"] != "user"] == caused


async def test_waiting_has_an_end(talk: Talk):
    answer = await post(talk, "/messages", {"content": "hang"}, Prefer="wait=1")
    taken = ack(answer)
    await talk.do("cancel")
    await talk.end(taken["id"])


async def test_a_repeat_may_wait_for_the_turn_too(talk: Talk):
    frames = await talk.say("echo hi", id="again")
    answer = await post(talk, "/messages", {"id": "again", "content": "echo hi"}, Prefer="wait=5")
    assert answer.status_code == 200
    assert answer.json()["ack"]["duplicate"] is True
    items = member_items(answer.text, "items")
    assert items[-1] == frames[-1].text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"content": ""}, 422, "invalid_content"),
        ({"content": "a\x00"}, 422, "invalid_content"),
        ({"content": "x" * 32769}, 413, "too_large"),
        ({}, 400, "invalid_frame"),
        ({"content": 7}, 400, "invalid_frame"),
        ({"content": "a", "id": "not an id"}, 400, "invalid_frame"),
        ({"content": "a", "user_intent_id": "intent_unknown"}, 404, "not_found"),
    ],
    ids=str,
)
async def test_a_message_is_refused_with_its_code(talk: Talk, body: dict, status: int, code: str):
    problem(await post(talk, "/messages", body), status, code)


async def test_another_body_is_a_conflict(talk: Talk):
    ack(await post(talk, "/messages", {"id": "again", "content": "echo hi"}))
    answer = await post(talk, "/messages", {"id": "again", "content": "echo ho"})
    problem(answer, 409, "id_conflict")
    await talk.end("again")


async def test_a_complete_intent_is_a_conflict(talk: Talk):
    done = (await talk.say("complete a"))[0]["user_intent_id"]
    answer = await post(talk, "/messages", {"content": "b", "user_intent_id": done})
    problem(answer, 409, "intent_not_resumable")


async def test_a_component_can_be_submitted(talk: Talk):
    component = only(await talk.say("form"), "component")["component_id"]
    path = f"/components/{component}"
    refused = problem(await post(talk, path, {"values": {}}), 422, "invalid_form")
    assert list(refused["details"]["fields"]) == ["city"]
    taken = ack(await post(talk, path, {"id": "s", "values": {"city": "Oslo"}}))
    frames = await talk.turn("s")
    assert frames[0]["type"] == "component_submitted"
    assert frames[0]["position"] == taken["position"]
    problem(await post(talk, path, {"values": {"city": "Oslo"}}), 409, "component_closed")
    repeat = ack(await post(talk, path, {"id": "s", "values": {"city": "Oslo"}}))
    assert repeat["duplicate"] is True


async def test_an_unknown_component_is_refused(talk: Talk):
    answer = await post(talk, f"/components/{new_id('cmp')}", {"values": {}})
    problem(answer, 404, "no_such_component")


async def test_a_turn_can_be_cancelled(talk: Talk):
    sent = await talk.send("think a ; hang")
    await talk.event("thinking")
    taken = ack(await post(talk, "/cancel", {"id": "c", "turn": sent["id"]}))
    end = await talk.end(sent["id"])
    assert (end["status"], end["position"]) == ("cancelled", taken["position"])


async def test_a_cancel_needs_no_body_fields(talk: Talk):
    frames = await talk.say("echo a")
    assert ack(await post(talk, "/cancel"))["position"] == frames[-1]["position"]


async def test_a_message_can_be_retried(talk: Talk):
    frames = await talk.say("raise_error a")
    message = frames[0]["message_id"]
    taken = ack(await post(talk, "/retry", {"id": "r", "message_id": message}))
    again = await talk.turn("r")
    assert (again[0]["position"], again[0]["retry_of"]) == (taken["position"], message)
    problem(await post(talk, "/retry", {"message_id": "unknown"}), 404, "not_found")
    await talk.say("complete a")
    problem(await post(talk, "/retry", {"message_id": message}), 409, "not_retryable")


async def test_a_chat_can_be_closed(talk: Talk):
    taken = ack(await post(talk, "/close", {"id": "end"}))
    closed = await talk.event("chat", status="closed")
    assert closed["position"] == taken["position"]
    problem(await post(talk, "/messages", {"content": "a"}), 409, "chat_closed")
    assert ack(await post(talk, "/close", {"id": "end"}))["duplicate"] is True


async def test_an_intent_can_be_abandoned_and_resumed(talk: Talk):
    intent = (await talk.say("ask a"))[0]["user_intent_id"]
    http = talk.person.http
    gone = ack(await http.post(f"/intents/{intent}/abandon", json={"id": "a"}))
    abandoned = await talk.event("intent", status="abandoned")
    assert (abandoned["position"], abandoned["reason"]) == (gone["position"], "user")
    back = ack(await http.post(f"/intents/{intent}/resume", json={"id": "r"}))
    resumed = await talk.event("intent", reason="resumed")
    assert resumed["position"] == back["position"]
    repeat = ack(await http.post(f"/intents/{intent}/resume", json={"id": "r"}))
    assert (repeat["duplicate"], repeat["position"]) == (True, back["position"])


async def test_a_complete_intent_cannot_be_resumed(talk: Talk):
    intent = (await talk.say("complete a"))[0]["user_intent_id"]
    answer = await talk.person.http.post(f"/intents/{intent}/resume", json={})
    problem(answer, 409, "intent_not_resumable")


async def test_commands_by_http_are_in_one_order_with_those_by_socket(person: Person, talk: Talk):
    positions = []
    for number in range(6):
        if number % 2:
            taken = ack(await post(talk, "/messages", {"content": f"echo {number}"}))
        else:
            taken = await talk.send(f"echo {number}")
        positions.append(taken["position"])
    assert positions == sorted(positions)
    await talk.socket.until(of_type("response", content="5"))


@pytest.mark.parametrize("path", ["/messages", "/retry", "/components/cmp_x", "/cancel", "/close"])
@pytest.mark.parametrize("body", ["nonsense", "{}", '{"id": 7}'])
async def test_who_is_not_known_hears_that_and_nothing_of_the_body(
    talk: Talk, path: str, body: str
):
    answer = await talk.person.http.post(
        talk.path + path, content=body, headers={"Authorization": "Bearer nobody"}
    )
    problem(answer, 401, "unauthenticated")


async def test_an_id_that_the_server_makes_has_a_prefix_of_the_protocol(talk: Talk):
    for path, body in (("/messages", {"content": "echo hi"}), ("/cancel", None), ("/close", None)):
        assert ack(await post(talk, path, body))["id"].startswith("msg_")


@pytest.mark.parametrize("wait", ["99999999999999999999", '"15"', "15.25"])
async def test_however_the_wait_is_written_it_is_waited(talk: Talk, wait: str):
    answer = await post(talk, "/messages", {"content": "echo hi"}, Prefer=f"wait={wait}")
    assert answer.status_code == 200
    assert outline(answer.json()["items"])[-1] == "turn finished"


async def test_a_null_is_as_good_as_an_absent_field_where_it_may_be_absent(talk: Talk):
    body = {"id": "mine", "content": "echo hi"}
    nulls = {"user_intent_id": None, "new_intent": None}
    ack(await post(talk, "/messages", body | nulls))
    assert ack(await post(talk, "/messages", body))["duplicate"] is True
    await talk.end("mine")
