"""Section 4: `close` ends everything of a chat in one append; afterwards it can only be read."""

from __future__ import annotations

import pytest
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, of_type, only, outline


async def test_a_chat_that_only_was_opened_just_closes(talk: Talk):
    ack = await talk.do("close")
    closed = await talk.event("chat", status="closed")
    assert ack["position"] == closed["position"] == 2


async def test_close_abandons_intent_and_sessions_and_closes_last(talk: Talk):
    first = await talk.say("echo a")
    second = await talk.say("echo b", new_intent=True)
    ack = await talk.do("close")
    await talk.event("chat", status="closed")
    stored = [f for f in await talk.stored() if f["position"] >= ack["position"]]
    assert outline(stored) == [
        "intent abandoned",
        "session abandoned",
        "session abandoned",
        "chat closed",
    ]
    assert stored[0]["reason"] == "closed"
    assert stored[0]["user_intent_id"] == second[0]["user_intent_id"]
    assert {f["session_id"] for f in stored[1:3]} == {
        first[0]["session_id"],
        second[0]["session_id"],
    }


async def test_close_after_a_complete_intent_abandons_nothing(talk: Talk):
    await talk.say("complete a")
    ack = await talk.do("close")
    stored = [f for f in await talk.stored() if f["position"] >= ack["position"]]
    assert outline(stored) == ["chat closed"]


async def test_close_ends_the_running_turn_and_waiting_messages_never_run(talk: Talk):
    sent = await talk.send("piece Hel ; piece lo ; hang")
    waiting = await talk.send("echo never")
    await talk.socket.until(of_type("delta"))
    ack = await talk.do("close")
    await talk.event("chat", status="closed")
    stored = await talk.stored()
    ended = [f for f in stored if f["position"] >= ack["position"]]
    assert outline(ended) == [
        "response",
        "turn cancelled",
        "intent abandoned",
        "session abandoned",
        "chat closed",
    ]
    assert ended[0]["stopped"] is True
    assert ended[1]["caused_by"] == sent["id"]
    assert not [f for f in stored if f.get("caused_by") == waiting["id"]]


async def test_close_of_a_closed_chat_does_nothing(talk: Talk):
    first = await talk.do("close")
    second = await talk.do("close")
    assert second["position"] == (await talk.state())["position"] == first["position"]
    assert "duplicate" not in second


@pytest.mark.parametrize("kind", ["send", "submit", "retry", "resume", "abandon"])
async def test_other_commands_to_a_closed_chat_are_refused(talk: Talk, kind: str):
    frames = await talk.say("form")
    intent = frames[0]["user_intent_id"]
    component = only(frames, "component")["component_id"]
    await talk.do("close")
    newest = (await talk.state())["position"]
    fields = {
        "send": {"content": "echo a"},
        "submit": {"component_id": component, "values": {"city": "Oslo"}},
        "retry": {"message_id": frames[0]["message_id"]},
        "resume": {"user_intent_id": intent},
        "abandon": {"user_intent_id": intent},
    }
    assert (await talk.refused(kind, **fields[kind]))["code"] == "chat_closed"
    assert (await talk.state())["position"] == newest


async def test_repeats_of_stored_commands_are_still_acked(talk: Talk):
    frames = await talk.say("echo a", id="again")
    await talk.do("close", id="the-end")
    repeat = await talk.send("echo a", id="again")
    assert (repeat["position"], repeat["duplicate"]) == (frames[0]["position"], True)
    assert (await talk.do("close", id="the-end"))["duplicate"] is True


async def test_a_closed_chat_can_still_be_read(person: Person, talk: Talk):
    await talk.say("echo a")
    await talk.do("close")
    await talk.event("chat", status="closed")
    opened, events, _ = await (await person.join()).read_chat(user_chat_id=talk.chat)
    assert opened["status"] == "closed"
    assert opened["created"] is False
    assert [f.text for f in events] == [f.text for f in talk.log()]
    assert (await talk.state())["status"] == "closed"
    rows = (await person.get(f"{talk.path}/history"))["items"]
    assert [row["message_type"] for row in rows] == ["user", "ai"]
    assert [row["abandoned"] for row in rows] == [True, True]


async def test_a_closed_chats_sessions_do_not_live(person: Person, talk: Talk):
    await talk.say("echo a")
    await talk.do("close")
    assert (await person.get("/sessions"))["items"] == []


async def test_closing_one_chat_leaves_the_others(person: Person, talk: Talk):
    other = await person.talk(socket=talk.socket)
    await other.say("echo a")
    await talk.do("close")
    assert outline(await other.say("echo b"))[-1] == "turn finished"


async def test_an_unknown_chat_cannot_be_closed(talk: Talk):
    rejected = await talk.refused("close", user_chat_id=new_id("chat"))
    assert rejected["code"] == "not_found"
