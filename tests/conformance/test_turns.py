"""Sections 2 (G7) and 6: what a turn is made of, how it ends, what it does to its intent."""

from __future__ import annotations

import json

import pytest
from tests.conformance.conftest import MakePerson
from tests.kit.laws import check_log
from tests.kit.server import Server
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, only, outline

BEGINNING = ["user", "turn started", "session started", "intent active"]


async def test_a_first_message_starts_turn_session_and_intent_in_this_order(talk: Talk):
    frames = await talk.say("echo hi")
    assert outline(frames) == [*BEGINNING, "response", "turn finished"]


async def test_the_first_message_carries_the_ids_that_its_turn_gave_it(talk: Talk):
    user, turn, session, intent, *_ = await talk.say("echo hi")
    assert user["user_intent_id"] == turn["user_intent_id"] == intent["user_intent_id"]
    assert user["session_id"] == turn["session_id"] == session["session_id"]


async def test_a_second_message_goes_on_in_the_same_intent_and_session(talk: Talk):
    first = await talk.say("echo hi")
    second = await talk.say("echo ho")
    assert outline(second) == ["user", "turn started", "response", "turn finished"]
    assert {f["user_intent_id"] for f in second} == {first[0]["user_intent_id"]}
    assert {f["session_id"] for f in second} == {first[0]["session_id"]}


async def test_a_complete_answer_completes_intent_and_session(talk: Talk):
    frames = await talk.say("complete done")
    assert outline(frames) == [
        *BEGINNING,
        "response",
        "intent complete",
        "session completed",
        "turn finished",
    ]
    assert frames[4]["is_complete"] is True
    assert frames[4]["follow_up"] is False
    assert "reason" not in frames[5]


async def test_after_a_complete_intent_the_next_message_starts_a_new_one(talk: Talk):
    first = await talk.say("complete done")
    second = await talk.say("echo next")
    assert outline(second)[:4] == BEGINNING
    assert second[0]["user_intent_id"] != first[0]["user_intent_id"]
    assert second[0]["session_id"] != first[0]["session_id"]


async def test_a_run_is_closed_after_a_complete_answer(talk: Talk):
    frames = await talk.say("complete done ; think late ; echo late")
    assert outline(frames)[-1] == "turn finished"
    await talk.say("echo next")
    assert not [f for f in talk.log() if "late" in (f.get("step"), f.get("content"))]


async def test_steps_are_shown_in_the_order_the_agent_took_them(talk: Talk):
    frames = await talk.say("think session ; think intent_recognition started ; echo hi")
    assert outline(frames)[4:] == ["thinking", "thinking", "response", "turn finished"]
    assert (frames[4]["step"], frames[4]["status"]) == ("session", "completed")
    assert (frames[5]["step"], frames[5]["status"]) == ("intent_recognition", "started")
    assert frames[5]["content"] == "about intent_recognition"


async def test_a_run_that_just_ends_is_finished_and_its_intent_active(talk: Talk):
    frames = await talk.say("nothing")
    assert outline(frames) == [*BEGINNING, "turn finished"]
    assert (await talk.state())["intent"]["status"] == "active"


async def test_streamed_text_without_an_answer_is_stored_as_one(talk: Talk):
    frames = await talk.say("piece Hel ; piece lo")
    response = only(frames, "response")
    assert response["content"] == "Hello"
    assert (response["is_complete"], response["follow_up"]) == (False, False)
    assert outline(frames)[-1] == "turn finished"


async def test_an_answer_without_content_is_what_was_streamed(talk: Talk):
    frames = await talk.say("piece Hel ; piece lo ; answer complete")
    response = only(frames, "response")
    assert (response["content"], response["is_complete"]) == ("Hello", True)


async def test_an_answers_own_content_replaces_what_was_streamed(talk: Talk):
    frames = await talk.say("piece Hel ; piece lo ; echo Goodbye")
    assert only(frames, "response")["content"] == "Goodbye"


async def test_a_follow_up_ends_the_turn_as_needs_input(talk: Talk):
    frames = await talk.say("ask Which day?")
    assert outline(frames)[4:] == ["response", "turn needs_input"]
    assert frames[4]["content"] == "Which day?"
    assert (frames[4]["follow_up"], frames[4]["is_complete"]) == (True, False)


async def test_the_answer_to_a_follow_up_is_a_new_turn_of_the_same_intent(talk: Talk):
    asked = await talk.say("ask Which day?")
    answered = await talk.say("complete Monday it is")
    assert answered[0]["user_intent_id"] == asked[0]["user_intent_id"]
    assert answered[0]["session_id"] == asked[0]["session_id"]


async def test_an_exception_is_an_agent_error_with_a_safe_text(talk: Talk):
    frames = await talk.say("raise_error the-password-is-swordfish")
    assert outline(frames)[4:] == ["error", "turn failed"]
    assert frames[4]["code"] == "agent_error"
    assert isinstance(frames[4]["retryable"], bool)
    assert "swordfish" not in frames[4].text
    assert frames[4]["message"]


async def test_a_failed_turn_leaves_its_intent_active(talk: Talk):
    first = await talk.say("raise_error oops")
    state = await talk.state()
    assert state["intent"]["status"] == "active"
    second = await talk.say("echo better")
    assert second[0]["user_intent_id"] == first[0]["user_intent_id"]


@pytest.mark.parametrize(("word", "retryable"), [("again", True), ("final", False)])
async def test_an_agents_own_failure_has_its_code_and_text(talk: Talk, word: str, retryable: bool):
    frames = await talk.say(f"think a ; fail no_seats {word} Sold out")
    assert outline(frames)[4:] == ["thinking", "error", "turn failed"]
    error = only(frames, "error")
    assert (error["code"], error["message"]) == ("no_seats", "Sold out")
    assert error["retryable"] is retryable


async def test_text_streamed_before_a_failure_does_not_keep_the_turn_from_failing(talk: Talk):
    frames = await talk.say("piece Hel ; raise_error oops")
    assert outline(frames)[-2:] == ["error", "turn failed"]


async def test_an_agent_that_takes_too_long_times_out(brisk: Server, people: MakePerson):
    talk = await people(brisk).talk()
    frames = await talk.say("hang")
    assert outline(frames)[-2:] == ["error", "turn failed"]
    assert frames[-2]["code"] == "agent_timeout"
    await talk.say("echo next")


async def test_an_agent_that_gives_up_abandons_its_intent(talk: Talk):
    frames = await talk.say("think a ; give_up cannot_do_that")
    assert outline(frames)[4:] == ["thinking", "intent abandoned", "turn finished"]
    assert frames[5]["reason"] == "cannot_do_that"
    assert frames[5]["user_intent_id"] == frames[0]["user_intent_id"]


async def test_an_agent_that_turns_to_another_task_switches(talk: Talk):
    first = await talk.say('recognise book_flight 0.8 ; slots {"to": "Oslo"} ; echo hi')
    frames = await talk.say("switch cancel_flight ; think b ; echo cancelled")
    assert outline(frames) == [
        "user",
        "turn started",
        "intent abandoned",
        "session started",
        "intent active",
        "thinking",
        "response",
        "turn finished",
    ]
    old, new = first[0]["user_intent_id"], frames[4]["user_intent_id"]
    assert old != new
    assert (frames[2]["user_intent_id"], frames[2]["reason"]) == (old, "switched")
    assert frames[4]["name"] == "cancel_flight"
    assert frames[3]["session_id"] != first[0]["session_id"]
    assert [f["user_intent_id"] for f in frames[:2]] == [old, old]
    for later in frames[5:]:
        assert later["user_intent_id"] == new
        assert later["session_id"] == frames[3]["session_id"]


async def test_an_agent_can_turn_back_to_an_abandoned_intent(talk: Talk):
    first = await talk.say('recognise book_flight 0.8 ; slots {"to":"Oslo"} ; echo hi')
    await talk.say("echo other", new_intent=True)
    frames = await talk.say("switch_back book_flight ; inspect")
    old = first[0]["user_intent_id"]
    assert frames[-1]["user_intent_id"] == old
    assert frames[-1]["session_id"] == first[0]["session_id"]
    assert "session" not in {f["type"] for f in frames}
    intent = (await talk.state())["intent"]
    assert (intent["user_intent_id"], intent["slots"]) == (old, {"to": "Oslo"})


async def test_a_switch_leaves_no_slot_of_the_old_task_behind(talk: Talk):
    await talk.say('slots {"to":"Oslo"} ; switch other_task ; echo hi')
    assert (await talk.state())["intent"].get("slots", {}) == {}


async def test_recognition_and_slots_are_states_of_the_intent(talk: Talk):
    frames = await talk.say(
        'recognise book_flight 0.75 ; slots {"to":"Oslo","seats":2} ; '
        'slots {"seats":null,"day":1} ; echo hi'
    )
    assert outline(frames)[3:7] == ["intent active"] * 4
    first, recognised, slots, more = frames[3:7]
    assert "reason" not in first
    assert recognised["reason"] == "recognised"
    assert (recognised["name"], recognised["confidence"]) == ("book_flight", 0.75)
    assert slots["reason"] == more["reason"] == "slots"
    assert slots["slots"] == {"to": "Oslo", "seats": 2}
    assert more["slots"] == {"seats": None, "day": 1}
    shown = (await talk.person.get("/intents"))["items"][0]
    assert shown["slots"] == {"to": "Oslo", "day": 1}
    assert shown["name"] == "book_flight"


async def test_a_new_intent_begins_with_a_clean_context(talk: Talk):
    await talk.say('recognise book_flight 0.8 ; slots {"to":"Oslo"} ; complete booked')
    frames = await talk.say("inspect")
    seen = json.loads(only(frames, "response")["content"])
    assert seen["slots"] == {}
    assert seen["intent_name"] is None
    assert "booked" not in seen["history"]


async def test_the_agent_is_given_what_the_turn_is(talk: Talk):
    first = await talk.say('recognise book_flight 0.8 ; slots {"to":"Oslo"} ; echo remember-me')
    frames = await talk.say("inspect")
    seen = json.loads(only(frames, "response")["content"])
    assert seen["content"] == "inspect"
    assert seen["user_id"] == talk.person.user_id
    assert seen["user_chat_id"] == talk.chat
    assert seen["user_intent_id"] == first[0]["user_intent_id"]
    assert seen["session_id"] == first[0]["session_id"]
    assert seen["socket_connection_id"] == first[0]["socket_connection_id"]
    assert seen["message_id"] == frames[0]["message_id"]
    assert seen["attempt"] == 1
    assert seen["intent_name"] == "book_flight"
    assert seen["slots"] == {"to": "Oslo"}
    assert "remember-me" in seen["history"]


async def test_a_tool_call_and_its_result_are_stored_in_order(talk: Talk):
    name = new_id("tool")
    frames = await talk.say(f"tool {name} once visible ; complete booked")
    call, result = only(frames, "tool_call"), only(frames, "tool_result")
    assert result["position"] == call["position"] + 1
    assert (call["name"], call["idempotent"]) == (name, False)
    assert call["call_id"] == result["call_id"]
    assert result["ok"] is True
    assert call["arguments"] == {"secret": "argument"}
    assert result["result"] == {"secret": "result"}
    assert talk.person.server.marks(name) == 1


async def test_what_a_hidden_tool_was_given_and_gave_is_never_framed(talk: Talk):
    frames = await talk.say(f"tool {new_id('tool')} idempotent hidden ; complete booked")
    call, result = only(frames, "tool_call"), only(frames, "tool_result")
    assert call["idempotent"] is True
    assert "arguments" not in call
    assert "result" not in result
    answers = [
        await talk.person.http.get(f"{talk.path}/events"),
        await talk.person.http.get(f"{talk.path}/history"),
        await talk.person.http.get(talk.path, params={"at": result["position"]}),
    ]
    texts = [f.text for f in talk.socket.frames] + [answer.text for answer in answers]
    assert not [text for text in texts if '"secret"' in text]


async def test_a_turn_goes_on_when_every_socket_is_gone(person: Person, talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"think a ; wait {gate} ; complete done")
    await talk.event("thinking")
    await talk.socket.close()
    person.server.open_gate(gate)
    later = await person.talk(talk.chat)
    assert outline(await later.turn(ack["id"]))[-1] == "turn finished"


async def test_a_turn_is_followed_live_by_everyone_who_follows_the_chat(person: Person, talk: Talk):
    others = [await person.talk(talk.chat) for _ in range(3)]
    frames = await talk.say("think a ; echo hi")
    for other in others:
        theirs = await other.turn(frames[0]["message_id"])
        assert [f.text for f in theirs] == [f.text for f in frames]


@pytest.mark.parametrize(
    "script", ["nul", "surrogate", "nul_piece", "surrogate_piece", "garbage", "custom a\x01b"]
)
async def test_what_cannot_be_stored_ends_the_turn_and_harms_nothing(talk: Talk, script: str):
    frames = await talk.say(script)
    assert frames[-1]["status"] in ("failed", "finished", "needs_input")
    assert "\\u0000" not in "".join(f.text for f in frames)
    after = await talk.say("echo still here")
    assert only(after, "response")["content"] == "still here"


async def test_an_agent_that_blocks_the_loop_is_only_late(talk: Talk):
    frames = await talk.say("block 0.5 ; echo late")
    assert outline(frames)[-2:] == ["response", "turn finished"]


async def test_whatever_happens_the_log_obeys_its_laws(talk: Talk):
    scripts = [
        "echo a",
        "ask b",
        "complete c",
        "raise_error d",
        "switch e ; fail x again y",
        "give_up f",
        "form",
        "stream 5 0.01",
        'slots {"a":1} ; nothing',
    ]
    for script in scripts:
        await talk.say(script)
    check_log(talk.log())
