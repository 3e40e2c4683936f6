"""Sections 2 (G6) and 7: bad frames are answered with their code and harm nobody."""

from __future__ import annotations

import json

import pytest
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, of_type

NOT_FRAMES = [
    "",
    " ",
    "hello",
    "{",
    "{}{}",
    '{"type":"ping"}{"type":"ping"}',
    "\ufeff{}",
    "// comment",
    "[]",
    '[{"type":"ping"}]',
    "7",
    "null",
    "true",
    '"ping"',
    "{}",
    '{"type":null}',
    '{"type":7}',
    '{"type":["ping"]}',
    '{"type":"send","id":NaN}',
    '{"type":"open","after":1e999}',
    '{"type":"open","after":Infinity}',
    "{'type':'ping'}",
    '{"type":"ping",}',
    "[" * 100_000,
    '{"a":' * 40_000,
    "[" * 1000 + "]" * 1000,
]


@pytest.mark.parametrize("text", NOT_FRAMES, ids=lambda text: text[:24] or "empty")
async def test_what_is_no_frame_is_rejected_and_the_socket_lives(person: Person, text: str):
    socket = await person.join()
    await socket.post_text(text)
    rejected = await socket.until(of_type("rejected"))
    assert rejected["code"] == "invalid_frame"
    assert rejected["id"] is None
    assert isinstance(rejected["message"], str)
    await socket.settle()


async def test_a_binary_message_is_an_invalid_frame(person: Person):
    socket = await person.join()
    await socket.post_text(b'{"type":"ping"}')
    assert (await socket.until(of_type("rejected")))["code"] == "invalid_frame"
    await socket.settle()


@pytest.mark.parametrize("kind", ["teleport", "", "SEND", "hello ", "ack", "toString", "\x00"])
async def test_an_unknown_type_is_said_to_be_one(talk: Talk, kind: str):
    rejected = await talk.refused(kind)
    assert rejected["code"] == "unknown_type"


async def test_the_answer_bears_the_id_where_it_is_a_valid_one(talk: Talk):
    rejected = await talk.refused("send", id="mine", content=7)
    assert rejected["id"] == "mine"


@pytest.mark.parametrize("bad", [0, None, "", "x" * 65, "ä"])
async def test_the_answer_bears_null_where_the_id_is_not_valid(talk: Talk, bad: object):
    before = len(talk.socket.frames)
    await talk.socket.post({"type": "cancel", "id": bad, "user_chat_id": talk.chat})
    rejected = await talk.socket.until(of_type("rejected"), before)
    assert (rejected["id"], rejected["code"]) == (None, "invalid_frame")


async def test_values_of_unknown_fields_may_be_anything_shallow(person: Person):
    socket = await person.join()
    await socket.post_text('{"type":"ping","nonce":"n","x":[1e300,-0,99999999999999999999,null]}')
    assert (await socket.until(of_type("pong")))["nonce"] == "n"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("send", {"content": "a", "new_intent": "yes"}),
        ("send", {"content": "a", "new_intent": 1}),
        ("send", {"content": "a", "user_intent_id": "no/id"}),
        ("submit", {"values": {}}),
        ("submit", {"component_id": "cmp_x"}),
        ("submit", {"component_id": 7, "values": {}}),
        ("cancel", {"turn": 7}),
        ("cancel", {"turn": "not an id"}),
        ("retry", {}),
        ("retry", {"message_id": 7}),
        ("resume", {}),
        ("resume", {"user_intent_id": []}),
        ("abandon", {}),
        ("abandon", {"user_intent_id": ""}),
        ("close", {"user_chat_id": 7}),
        ("leave", {"user_chat_id": 7}),
        ("leave", {"user_chat_id": "../x"}),
        ("open", {"user_chat_id": 7}),
        ("open", {"user_chat_id": "a b"}),
        ("open", {"after": 1, "after_event": 7}),
        ("auth", {}),
        ("auth", {"token": 7}),
        ("ping", {"nonce": {}}),
    ],
    ids=str,
)
async def test_a_wrong_or_missing_field_is_an_invalid_frame(talk: Talk, kind: str, fields: dict):
    before = len(talk.socket.frames)
    await talk.socket.post({"type": kind, "id": "m", "user_chat_id": talk.chat, **fields})
    rejected = await talk.socket.until(of_type("rejected"), before)
    assert rejected["code"] == "invalid_frame"
    await talk.socket.settle()


@pytest.mark.parametrize(
    "kind", ["send", "submit", "cancel", "retry", "resume", "abandon", "close"]
)
async def test_commands_to_a_missing_chat_are_not_found(person: Person, kind: str):
    socket = await person.join()
    fields = {"content": "a", "component_id": "cmp_x", "values": {}, "message_id": "m"}
    command = {
        "type": kind,
        "id": "i",
        "user_chat_id": new_id("chat"),
        "user_intent_id": "intent_x",
    }
    rejected = await socket.ask({**command, **fields})
    assert (rejected["type"], rejected["code"]) == ("rejected", "not_found")


@pytest.mark.parametrize(
    "kind", ["send", "submit", "cancel", "retry", "resume", "abandon", "close"]
)
async def test_anothers_chat_answers_like_a_missing_one(talk: Talk, stranger: Person, kind: str):
    frames = await talk.say("form")
    component = next(f for f in frames if f["type"] == "component")["component_id"]
    socket = await stranger.join()
    texts = []
    for chat in (talk.chat, new_id("chat")):
        before = len(socket.frames)
        await socket.post(
            {
                "type": kind,
                "id": "i",
                "user_chat_id": chat,
                "content": "a",
                "component_id": component,
                "values": {"city": "Oslo"},
                "message_id": frames[0]["message_id"],
                "user_intent_id": frames[0]["user_intent_id"],
            }
        )
        rejected = await socket.until(of_type("rejected"), before)
        assert rejected["code"] == "not_found"
        assert chat not in rejected["message"]
        texts.append(rejected.text.replace(chat, "CHAT"))
    assert texts[0] == texts[1]
    assert [f.text for f in await talk.stored()] == [f.text for f in talk.log()]


async def test_a_bad_frame_never_harms_another_socket(person: Person, talk: Talk):
    bad = await person.join()
    for text in NOT_FRAMES[:20]:
        await bad.post_text(text)
    await talk.say("echo unharmed")
    await bad.settle()
    assert sum(f["type"] == "rejected" for f in bad.frames) == 20


async def test_a_message_over_the_limit_closes_with_1009(person: Person):
    socket = await person.join()
    await socket.post_text(json.dumps({"type": "ping", "x": "x" * 262_144}))
    assert await socket.closed() == 1009


async def test_a_message_just_under_the_limit_is_read(person: Person):
    socket = await person.join()
    frame = json.dumps({"type": "ping", "nonce": "big", "x": ""})
    await socket.post_text(frame[:-2] + "x" * (262_144 - len(frame)) + frame[-2:])
    await socket.until(of_type("pong", nonce="big"))


async def test_fragments_count_together(person: Person):
    socket = await person.join()
    await socket.connection.send(["x" * 100_000 for _ in range(3)])
    assert await socket.closed() == 1009


async def test_a_frame_in_fragments_is_one_frame(person: Person):
    socket = await person.join()
    await socket.connection.send(['{"type":"pi', 'ng","nonce":"', '👍"}'])
    await socket.until(of_type("pong", nonce="👍"))


async def test_invalid_utf_8_closes_with_1007(person: Person):
    socket = await person.join()
    await socket.connection.send(b'{"type":"ping","nonce":"\xff"}', text=True)
    assert await socket.closed() == 1007


@pytest.mark.parametrize("frame", [b"\xc1\x80\x00\x00\x00\x00", b"\x83\x80\x00\x00\x00\x00"])
async def test_broken_framing_closes_with_1002(person: Person, frame: bytes):
    socket = await person.join()
    socket.connection.transport.write(frame)
    assert await socket.closed() == 1002


async def test_the_socket_that_was_closed_harmed_no_other(person: Person, talk: Talk):
    bad = await person.join()
    await bad.connection.send(b"\xff", text=True)
    await bad.closed()
    await talk.say("echo unharmed")


async def test_a_null_is_as_good_as_an_absent_field_where_it_may_be_absent(
    person: Person, talk: Talk
):
    optional = {"after": None, "after_event": None, "last": None}
    socket = await person.join()
    _, events, _ = await socket.read_chat(user_chat_id=talk.chat, **optional)
    assert events[0]["position"] == 1
    nulls = {"user_intent_id": None, "new_intent": None}
    await talk.say("echo hi", id="mine", **nulls)
    assert (await talk.send("echo hi", id="mine"))["duplicate"] is True
    await talk.do("cancel", turn=None)
    batched = await person.connect()
    assert (await batched.hello(token=person.token, batch=None))["type"] == "welcome"
