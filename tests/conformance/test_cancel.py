"""Section 4: `cancel` ends the running turn, keeps what was streamed, and nothing else."""

from __future__ import annotations

import asyncio

from tests.kit.laws import check_log
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, of_type, only, outline


async def test_cancel_ends_the_running_turn(talk: Talk):
    sent = await talk.send("think a ; hang")
    await talk.event("thinking")
    ack = await talk.do("cancel")
    end = await talk.end(sent["id"])
    assert end["status"] == "cancelled"
    assert ack["position"] == end["position"]
    assert outline(talk.log())[-1] == "turn cancelled"


async def test_text_streamed_so_far_is_stored_as_a_stopped_response(talk: Talk):
    sent = await talk.send("piece Hel ; piece lo ; hang")
    await talk.socket.until(of_type("delta"))
    ack = await talk.do("cancel")
    frames = await talk.turn(sent["id"])
    assert outline(frames)[-2:] == ["response", "turn cancelled"]
    response = only(frames, "response")
    assert response["stopped"] is True
    assert (response["is_complete"], response["follow_up"]) == (False, False)
    shown = "".join(f["text"] for f in talk.socket.frames if f["type"] == "delta")
    assert response["content"].startswith(shown)
    assert "Hello".startswith(response["content"])
    assert ack["position"] == response["position"]


async def test_a_finished_answer_before_the_cancel_stays(talk: Talk):
    sent = await talk.send("echo one ; hang")
    await talk.event("response")
    await talk.do("cancel")
    frames = await talk.turn(sent["id"])
    assert outline(frames)[-2:] == ["response", "turn cancelled"]
    assert "stopped" not in only(frames, "response")


async def test_a_cancelled_turn_leaves_its_intent_active(talk: Talk):
    sent = await talk.send("hang")
    await talk.do("cancel")
    end = await talk.end(sent["id"])
    assert (await talk.state())["intent"]["status"] == "active"
    again = await talk.say("echo next")
    assert again[0]["user_intent_id"] == end["user_intent_id"]


async def test_cancel_with_nothing_running_does_nothing(talk: Talk):
    frames = await talk.say("echo a")
    ack = await talk.do("cancel")
    assert ack["position"] == frames[-1]["position"]
    assert "duplicate" not in ack
    assert (await talk.state())["position"] == frames[-1]["position"]


async def test_cancel_of_the_named_turn_ends_it(talk: Talk):
    sent = await talk.send("hang")
    await talk.do("cancel", turn=sent["id"])
    assert (await talk.end(sent["id"]))["status"] == "cancelled"


async def test_cancel_of_another_turn_does_nothing(talk: Talk):
    earlier = await talk.say("echo a")
    gate = new_id("gate")
    sent = await talk.send(f"think a ; wait {gate} ; echo b")
    await talk.event("thinking")
    newest = (await talk.state())["position"]
    for turn in (earlier[0]["message_id"], new_id("never")):
        assert (await talk.do("cancel", turn=turn))["position"] == newest
    talk.person.server.open_gate(gate)
    assert (await talk.end(sent["id"]))["status"] == "finished"


async def test_waiting_messages_still_run(talk: Talk):
    await talk.send("hang")
    second = await talk.send("echo second")
    third = await talk.send("echo third")
    await talk.do("cancel")
    assert (await talk.end(second["id"]))["status"] == "finished"
    assert (await talk.end(third["id"]))["status"] == "finished"


async def test_cancel_of_a_waiting_message_is_no_cancel_of_the_running_one(talk: Talk):
    gate = new_id("gate")
    sent = await talk.send(f"wait {gate} ; echo first")
    waiting = await talk.send("echo second")
    await talk.do("cancel", turn=waiting["id"])
    talk.person.server.open_gate(gate)
    assert (await talk.end(sent["id"]))["status"] == "finished"


async def test_many_cancels_at_once_end_the_turn_once(person: Person, talk: Talk):
    others = [await person.talk(talk.chat) for _ in range(3)]
    sent = await talk.send("piece a ; hang")
    await asyncio.gather(*(t.do("cancel", turn=sent["id"]) for t in (talk, *others)))
    await talk.say("echo after")
    check_log(talk.log())


async def test_nothing_of_a_turn_is_stored_after_its_end(talk: Talk):
    gate = new_id("gate")
    sent = await talk.send(f"think a ; wait {gate} ; think late ; echo late")
    await talk.event("thinking")
    await talk.do("cancel")
    end = await talk.end(sent["id"])
    talk.person.server.open_gate(gate)
    await talk.say("echo after")
    assert not [
        f
        for f in talk.log()
        if f.get("caused_by") == sent["id"] and f["position"] > end["position"]
    ]


async def test_an_agent_that_will_not_stop_is_not_heard(talk: Talk):
    sent = await talk.send("think a ; stubborn I will not stop")
    await talk.event("thinking")
    await talk.do("cancel")
    assert (await talk.end(sent["id"]))["status"] == "cancelled"
    await talk.say("echo after")
    assert "I will not stop" not in [f.get("content") for f in talk.log()]


async def test_a_tool_that_was_cancelled_can_be_followed_by_other_turns(talk: Talk):
    gate, tool = new_id("gate"), new_id("tool")
    sent = await talk.send(f"tool {tool} once visible {gate} ; echo booked")
    await talk.event("tool_call")
    await talk.do("cancel")
    assert (await talk.end(sent["id"]))["status"] == "cancelled"
    await talk.say("echo after")


async def test_a_turn_that_needs_input_is_no_running_turn(talk: Talk):
    frames = await talk.say("ask a")
    ack = await talk.do("cancel", turn=frames[0]["message_id"])
    assert ack["position"] == frames[-1]["position"]
    assert (await talk.state())["intent"]["question"]["text"] == "a"


async def test_cancel_right_after_send_ends_the_turn_once(talk: Talk):
    for number in range(8):
        await talk.socket.post(
            {"type": "send", "id": f"s{number}", "user_chat_id": talk.chat, "content": "hang"}
        )
        await talk.socket.post({"type": "cancel", "id": f"c{number}", "user_chat_id": talk.chat})
    assert (await talk.end("s7"))["status"] == "cancelled"
    await talk.say("echo after")
    check_log(talk.log())
