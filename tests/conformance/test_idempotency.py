"""Section 2, G2: a command with the same id is stored once, however and wherever it comes."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, of_type, only


async def test_a_repeat_gets_the_same_position_and_says_that_it_is_one(talk: Talk):
    frames = await talk.say("echo hi", id="again")
    repeat = await talk.send("echo hi", id="again")
    assert repeat["position"] == frames[0]["position"]
    assert repeat["duplicate"] is True


async def test_a_repeat_stores_nothing_and_runs_nothing(talk: Talk):
    name = new_id("mark")
    await talk.say(f"mark {name} ; echo hi", id="again")
    newest = talk.log()[-1]["position"]
    for _ in range(5):
        await talk.send(f"mark {name} ; echo hi", id="again")
    await talk.say("echo after")
    assert talk.log()[newest]["content"] == "echo after"
    assert talk.person.server.marks(name) == 1


async def test_a_repeat_while_its_turn_runs_is_the_same(talk: Talk):
    gate = new_id("gate")
    first = await talk.send(f"wait {gate} ; echo hi", id="again")
    repeat = await talk.send(f"wait {gate} ; echo hi", id="again")
    assert (repeat["position"], repeat["duplicate"]) == (first["position"], True)
    talk.person.server.open_gate(gate)
    await talk.end("again")


async def test_a_repeat_may_come_by_another_socket(person: Person, talk: Talk):
    frames = await talk.say("echo hi", id="again")
    socket = await person.join()
    command = {"type": "send", "id": "again", "user_chat_id": talk.chat, "content": "echo hi"}
    repeat = await socket.ask(command)
    assert (repeat["position"], repeat["duplicate"]) == (frames[0]["position"], True)


async def test_a_repeat_may_come_by_http(person: Person, talk: Talk):
    frames = await talk.say("echo hi", id="again")
    answer = await person.http.post(
        f"{talk.path}/messages", json={"id": "again", "content": "echo hi"}
    )
    assert answer.status_code == 202
    assert answer.json()["position"] == frames[0]["position"]
    assert answer.json()["duplicate"] is True


async def test_a_repeat_of_an_http_command_may_come_by_socket(person: Person, talk: Talk):
    body = {"id": "again", "content": "echo hi"}
    first = (await person.http.post(f"{talk.path}/messages", json=body)).json()
    repeat = await talk.send("echo hi", id="again")
    assert (repeat["position"], repeat["duplicate"]) == (first["position"], True)


async def test_many_at_once_are_stored_once(person: Person, talk: Talk):
    sockets = [await person.join() for _ in range(6)]
    command = {"type": "send", "id": "again", "user_chat_id": talk.chat, "content": "echo hi"}
    answers = await asyncio.gather(*(socket.ask(command) for socket in sockets))
    assert len({a["position"] for a in answers}) == 1
    assert sorted(a.get("duplicate", False) for a in answers) == [False, *[True] * 5]
    await talk.end("again")
    assert sum(f["type"] == "user" for f in talk.log()) == 1


async def test_a_pipelined_repeat_on_one_socket_is_answered_too(talk: Talk):
    command = {"type": "send", "id": "again", "user_chat_id": talk.chat, "content": "echo hi"}
    for _ in range(4):
        await talk.socket.post(command)
    await talk.end("again")
    await talk.socket.settle()
    acks = [f for f in talk.socket.frames if f["type"] == "ack"]
    assert [a.get("duplicate", False) for a in acks] == [False, True, True, True]


async def test_another_body_is_an_id_conflict(talk: Talk):
    await talk.say("echo hi", id="again")
    rejected = await talk.refused("send", id="again", content="echo ho")
    assert rejected["code"] == "id_conflict"
    assert rejected["id"] == "again"


async def test_another_optional_field_is_an_id_conflict(talk: Talk):
    await talk.say("echo hi", id="again")
    rejected = await talk.refused("send", id="again", content="echo hi", new_intent=True)
    assert rejected["code"] == "id_conflict"


@pytest.mark.parametrize("kind", ["cancel", "close", "retry", "abandon", "resume", "submit"])
async def test_another_type_is_an_id_conflict(talk: Talk, kind: str):
    frames = await talk.say("form", id="again")
    component = next(f for f in frames if f["type"] == "component")
    fields = {
        "cancel": {},
        "close": {},
        "retry": {"message_id": "again"},
        "abandon": {"user_intent_id": frames[0]["user_intent_id"]},
        "resume": {"user_intent_id": frames[0]["user_intent_id"]},
        "submit": {"component_id": component["component_id"], "values": {"city": "Oslo"}},
    }
    rejected = await talk.refused(kind, id="again", **fields[kind])
    assert rejected["code"] == "id_conflict"


async def test_an_id_conflict_harms_nothing(talk: Talk):
    await talk.say("echo hi", id="again")
    await talk.refused("send", id="again", content="echo ho")
    assert (await talk.send("echo hi", id="again"))["duplicate"] is True


async def test_key_order_and_unknown_fields_do_not_count(talk: Talk):
    await talk.say("echo hi", id="again")
    text = json.dumps(
        {
            "colour": 1,
            "content": "echo hi",
            "user_chat_id": talk.chat,
            "id": "again",
            "type": "send",
        }
    )
    before = len(talk.socket.frames)
    await talk.socket.post_text(text)
    ack = await talk.socket.until(of_type("ack", id="again"), before)
    assert ack["duplicate"] is True


async def test_escapes_and_white_space_do_not_count(talk: Talk):
    await talk.say("echo hi", id="again")
    before = len(talk.socket.frames)
    await talk.socket.post_text(
        f'{{ "type":"send", "id":"again",\n "user_chat_id":"{talk.chat}",'
        '"content":"\\u0065cho \\u0068i" }'
    )
    ack = await talk.socket.until(of_type("ack", id="again"), before)
    assert ack["duplicate"] is True


async def test_an_absent_field_equals_its_default(talk: Talk):
    await talk.say("echo hi", id="again")
    assert (await talk.send("echo hi", id="again", new_intent=False))["duplicate"] is True
    await talk.say("echo hi", id="other", new_intent=False)
    assert (await talk.send("echo hi", id="other"))["duplicate"] is True


async def test_key_order_in_submitted_values_does_not_count(talk: Talk):
    frames = await talk.say("form")
    component = next(f for f in frames if f["type"] == "component")["component_id"]
    await talk.submit(component, {"city": "Oslo", "count": 2}, id="again")
    repeat = await talk.do(
        "submit", id="again", component_id=component, values={"count": 2, "city": "Oslo"}
    )
    assert repeat["duplicate"] is True


async def test_other_submitted_values_are_an_id_conflict(talk: Talk):
    frames = await talk.say("form")
    component = next(f for f in frames if f["type"] == "component")["component_id"]
    await talk.submit(component, {"city": "Oslo"}, id="again")
    rejected = await talk.refused(
        "submit", id="again", component_id=component, values={"city": "Rome"}
    )
    assert rejected["code"] == "id_conflict"


async def test_ids_are_compared_per_chat(person: Person, talk: Talk):
    other = await person.talk()
    await talk.say("echo hi", id="again")
    frames = await other.say("echo ho", id="again")
    assert frames[0]["content"] == "echo ho"


async def test_the_id_of_a_command_that_did_nothing_is_remembered(talk: Talk):
    await talk.say("echo hi")
    nothing = await talk.do("cancel", id="late")
    gate = new_id("gate")
    ack = await talk.send(f"wait {gate} ; echo survived")
    repeat = await talk.do("cancel", id="late")
    assert repeat["duplicate"] is True
    assert repeat["position"] == nothing["position"]
    talk.person.server.open_gate(gate)
    assert (await talk.end(ack["id"]))["status"] == "finished"


async def test_the_id_of_a_command_that_did_nothing_conflicts_with_another_body(talk: Talk):
    await talk.do("cancel", id="late")
    assert (await talk.refused("send", id="late", content="echo hi"))["code"] == "id_conflict"
    assert (await talk.refused("cancel", id="late", turn="x"))["code"] == "id_conflict"


async def test_every_other_kind_of_command_is_idempotent_too(talk: Talk):
    frames = await talk.say("form")
    intent = frames[0]["user_intent_id"]
    component = next(f for f in frames if f["type"] == "component")["component_id"]
    commands = [
        ("submit", {"component_id": component, "values": {"city": "Oslo"}}),
        ("abandon", {"user_intent_id": intent}),
        ("resume", {"user_intent_id": intent}),
        ("close", {}),
    ]
    for kind, fields in commands:
        first = await talk.do(kind, id=f"{kind}-1", **fields)
        if kind == "submit":
            await talk.end("submit-1")
        newest = (await talk.state())["position"]
        repeat = await talk.do(kind, id=f"{kind}-1", **fields)
        assert (repeat["position"], repeat["duplicate"]) == (first["position"], True)
        assert (await talk.state())["position"] == newest


async def test_two_bodies_under_one_id_at_once_let_one_in(person: Person, talk: Talk):
    sockets = [await person.join() for _ in range(4)]
    answers = await asyncio.gather(
        *(
            socket.ask(
                {"type": "send", "id": "again", "user_chat_id": talk.chat, "content": f"echo {n}"}
            )
            for n, socket in enumerate(sockets)
        )
    )
    assert sorted(a.get("code", "ack") for a in answers) == ["ack", *["id_conflict"] * 3]
    await talk.end("again")
    assert sum(f["type"] == "user" for f in talk.log()) == 1


async def test_a_command_that_does_nothing_counts_once_when_it_comes_many_times_at_once(
    person: Person, talk: Talk
):
    sockets = [await person.join() for _ in range(4)]
    command = {"type": "cancel", "id": "again", "user_chat_id": talk.chat}
    answers = await asyncio.gather(*(socket.ask(command) for socket in sockets))
    assert sorted(a.get("duplicate", False) for a in answers) == [False, True, True, True]
    assert {a["position"] for a in answers} == {1}


@pytest.mark.parametrize("first_by", ["socket", "http"])
async def test_every_command_is_the_same_by_socket_and_http(talk: Talk, first_by: str):
    frames = await talk.say("form")
    component = only(frames, "component")["component_id"]
    intent, message = frames[0]["user_intent_id"], frames[0]["message_id"]
    fields = {
        "submit": {"component_id": component, "values": {"city": "Oslo"}},
        "abandon": {"user_intent_id": intent},
        "resume": {"user_intent_id": intent},
        "cancel": {"turn": message},
        "close": {},
    }
    paths = {
        "submit": (f"{talk.path}/components/{component}", {"values": {"city": "Oslo"}}),
        "abandon": (f"/intents/{intent}/abandon", {}),
        "resume": (f"/intents/{intent}/resume", {}),
        "cancel": (f"{talk.path}/cancel", {"turn": message}),
        "close": (f"{talk.path}/close", {}),
    }
    for kind, (path, body) in paths.items():
        by_socket = talk.do(kind, id=f"{kind}-1", **fields[kind])
        by_http = talk.person.http.post(path, json={**body, "id": f"{kind}-1"})
        if first_by == "socket":
            first, repeat = await by_socket, (await by_http).json()
        else:
            first, repeat = (await by_http).json(), await by_socket
        assert "duplicate" not in first
        assert (repeat["duplicate"], repeat["position"]) == (True, first["position"]), kind
        if kind == "submit":
            await talk.end("submit-1")


async def test_a_retry_is_the_same_by_socket_and_http(talk: Talk):
    message = (await talk.say("raise_error a"))[0]["message_id"]
    first = await talk.do("retry", id="again", message_id=message)
    await talk.end("again")
    body = {"id": "again", "message_id": message}
    repeat = (await talk.person.http.post(f"{talk.path}/retry", json=body)).json()
    assert (repeat["duplicate"], repeat["position"]) == (True, first["position"])
