"""Sections 2 (G5, G6), 4 and 7: what `send` takes, refuses and answers."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, of_type

LIMIT = 32768


async def test_the_ack_names_the_position_of_the_message(talk: Talk):
    ack = await talk.send("echo hi")
    user = await talk.event("user", message_id=ack["id"])
    assert ack["position"] == user["position"]
    assert ack["user_chat_id"] == talk.chat
    assert "duplicate" not in ack


async def test_the_message_is_stored_as_sent(talk: Talk):
    content = 'echo  "quoted" \\ /  ü 日本 👩\u200d👩\u200d👧 \u202e \n\t\r \x7f \ufffe  end '
    ack = await talk.send(content)
    user = await talk.event("user", message_id=ack["id"])
    assert user["content"] == content
    assert user["user_id"] == talk.person.user_id
    assert user["socket_connection_id"] == talk.socket.frames[0]["socket_connection_id"]


async def test_a_message_to_a_missing_chat_is_not_found(talk: Talk):
    missing = new_id("chat")
    rejected = await talk.refused("send", user_chat_id=missing, content="echo hi")
    assert rejected["code"] == "not_found"
    assert rejected["user_chat_id"] == missing


async def test_a_message_to_anothers_chat_is_refused_like_one_to_a_missing_chat(
    talk: Talk, stranger: Person
):
    socket = await stranger.join()
    texts = []
    for chat in (talk.chat, new_id("chat")[: len(talk.chat)]):
        command = {"type": "send", "id": "same", "user_chat_id": chat, "content": "echo hi"}
        answer = await socket.ask(command)
        assert answer["code"] == "not_found"
        texts.append(answer.text.replace(chat, "CHAT"))
        socket.frames.clear()
    assert texts[0] == texts[1]
    assert "same" not in json.loads(texts[0])["message"]


async def test_content_at_the_limit_is_taken(talk: Talk):
    ack = await talk.send("x" * LIMIT)
    await talk.end(ack["id"])


async def test_content_over_the_limit_is_too_large(talk: Talk):
    assert (await talk.refused("send", content="x" * (LIMIT + 1)))["code"] == "too_large"


async def test_the_limit_counts_bytes_of_utf_8(talk: Talk):
    await talk.send("é" * (LIMIT // 2))
    assert (await talk.refused("send", content="é" * (LIMIT // 2 + 1)))["code"] == "too_large"


@pytest.mark.parametrize("character", ["\x01", "\n", '"', "é", "日", "👍"])
async def test_any_content_within_the_limit_fits_a_frame_however_it_is_escaped(
    talk: Talk, character: str
):
    content = character * (LIMIT // len(character.encode()))
    command = {"type": "send", "id": new_id(), "user_chat_id": talk.chat, "content": content}
    escaped = "".join(f"\\u{unit:04x}" for unit in utf_16_units(content))
    text = json.dumps({**command, "content": ""}).replace(
        '"content": ""', f'"content": "{escaped}"'
    )
    assert json.loads(text) == command
    await talk.socket.post_text(text)
    await talk.socket.until(of_type("ack", id=command["id"]))
    user = await talk.event("user", message_id=command["id"])
    assert user["content"] == content


def utf_16_units(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


async def test_empty_content_is_invalid_content(talk: Talk):
    rejected = await talk.refused("send", content="")
    assert rejected["code"] == "invalid_content"
    assert rejected["user_chat_id"] == talk.chat


async def test_a_nul_is_invalid_content(talk: Talk):
    assert (await talk.refused("send", content="a\x00b"))["code"] == "invalid_content"


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\udc00\\ud800", "a\\ud83db"])
async def test_a_lone_surrogate_is_refused(talk: Talk, escape: str):
    command = {"type": "send", "id": new_id(), "user_chat_id": talk.chat}
    before = len(talk.socket.frames)
    text = json.dumps(command)[:-1] + f', "content": "{escape}"}}'
    await talk.socket.post_text(text)
    rejected = await talk.socket.until(of_type("rejected"), before)
    assert rejected["code"] in ("invalid_content", "invalid_frame")
    await talk.say("echo still here")


@pytest.mark.parametrize("content", [None, 7, True, ["a"], {"text": "a"}])
async def test_content_that_is_no_string_is_an_invalid_frame(talk: Talk, content: object):
    rejected = await talk.refused("send", content=content)
    assert rejected["code"] == "invalid_frame"


@pytest.mark.parametrize("missing", ["user_chat_id", "content"])
async def test_a_missing_field_is_an_invalid_frame_under_the_commands_id(talk: Talk, missing: str):
    command = {"type": "send", "id": new_id(), "user_chat_id": talk.chat, "content": "echo hi"}
    del command[missing]
    rejected = await talk.socket.ask(command)
    assert (rejected["type"], rejected["code"]) == ("rejected", "invalid_frame")


async def test_a_missing_id_is_an_invalid_frame_under_null(talk: Talk):
    before = len(talk.socket.frames)
    await talk.socket.post({"type": "send", "user_chat_id": talk.chat, "content": "echo hi"})
    rejected = await talk.socket.until(of_type("rejected"), before)
    assert (rejected["id"], rejected["code"]) == (None, "invalid_frame")


async def test_a_rejected_command_leaves_no_trace_and_its_id_may_be_used_again(talk: Talk):
    command_id = new_id()
    before = (await talk.stored())[-1]["position"]
    await talk.refused("send", id=command_id, content="")
    await talk.refused("send", id=command_id, content="x" * (LIMIT + 1))
    assert (await talk.stored())[-1]["position"] == before
    ack = await talk.send("echo hi", id=command_id)
    assert ack["position"] == before + 1
    assert "duplicate" not in ack


async def test_commands_of_one_socket_are_stored_in_the_order_sent(talk: Talk):
    contents = [f"echo {n}" for n in range(40)]
    for content in contents:
        await talk.socket.post(
            {"type": "send", "id": new_id(), "user_chat_id": talk.chat, "content": content}
        )
    await talk.socket.until(of_type("response", content="39"))
    assert [f["content"] for f in talk.log() if f["type"] == "user"] == contents
    acks = [f["position"] for f in talk.socket.frames if f["type"] == "ack"]
    assert acks == sorted(acks)
    assert len(acks) == 40


async def test_a_command_sent_after_an_ack_gets_a_higher_position(person: Person, talk: Talk):
    sockets = [await person.join() for _ in range(3)]
    last = 0
    for number in range(15):
        socket = sockets[number % 3]
        command = {"type": "send", "id": new_id(), "user_chat_id": talk.chat, "content": "echo a"}
        ack = await socket.ask(command)
        assert ack["position"] > last
        last = ack["position"]


async def test_two_tabs_that_write_at_once_both_land_in_one_order(person: Person, talk: Talk):
    other = await person.talk(talk.chat)
    await asyncio.gather(*(t.send(f"echo {n}") for n in range(15) for t in (talk, other)))
    last = max(f["position"] for f in (await talk.stored()))
    for each in (talk, other):
        await each.socket.until(lambda f: f.is_event and f["position"] >= last)
    assert [f.text for f in talk.log()][:last] == [f.text for f in other.log()][:last]
    assert sum(f["type"] == "user" for f in talk.log()) == 30


async def test_every_command_is_answered_exactly_once(talk: Talk):
    ids = [new_id() for _ in range(30)]
    for number, command_id in enumerate(ids):
        content = "" if number % 3 == 0 else "echo a"
        await talk.socket.post(
            {"type": "send", "id": command_id, "user_chat_id": talk.chat, "content": content}
        )
    for command_id in ids:
        await talk.socket.until(lambda f, i=command_id: f.get("id") == i)
    await talk.socket.settle()
    answers = [f["id"] for f in talk.socket.frames if f["type"] in ("ack", "rejected")]
    assert sorted(answers) == sorted(ids)


async def test_an_unknown_intent_is_not_found(talk: Talk):
    rejected = await talk.refused("send", content="echo a", user_intent_id=new_id("intent"))
    assert rejected["code"] == "not_found"


async def test_an_intent_of_another_chat_is_not_found(person: Person, talk: Talk):
    other = await person.talk()
    frames = await other.say("echo a")
    intent = frames[0]["user_intent_id"]
    rejected = await talk.refused("send", content="echo a", user_intent_id=intent)
    assert rejected["code"] == "not_found"
