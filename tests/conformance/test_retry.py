"""Section 4: `retry` runs the agent again on the newest message."""

from __future__ import annotations

import asyncio

import pytest
from tests.kit.laws import check_log
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, only, outline


@pytest.mark.parametrize("script", ["raise_error a", "fail x final y", "nothing", "echo a"])
async def test_a_failed_or_finished_turn_can_run_again(talk: Talk, script: str):
    first = await talk.say(script)
    ack = await talk.do("retry", message_id=first[0]["message_id"])
    again = await talk.turn(ack["id"])
    assert outline(again)[0] == "turn started"
    assert ack["position"] == again[0]["position"]
    assert again[0]["retry_of"] == first[0]["message_id"]
    assert again[0]["attempt"] == 1
    assert {f["caused_by"] for f in again} == {ack["id"]}
    assert again[-1]["status"] == first[-1]["status"]


async def test_a_cancelled_turn_can_run_again(talk: Talk):
    gate = new_id("gate")
    sent = await talk.send(f"wait {gate} ; complete done")
    await talk.do("cancel")
    await talk.end(sent["id"])
    talk.person.server.open_gate(gate)
    ack = await talk.do("retry", message_id=sent["id"])
    again = await talk.turn(ack["id"])
    assert only(again, "response")["content"] == "done"


async def test_what_failed_once_may_succeed(talk: Talk):
    gate = new_id("gate")
    first = await talk.say(f"fail_unless {gate} ; complete done")
    assert outline(first)[-2:] == ["error", "turn failed"]
    talk.person.server.open_gate(gate)
    ack = await talk.do("retry", message_id=first[0]["message_id"])
    again = await talk.turn(ack["id"])
    assert outline(again)[-1] == "turn finished"
    assert only(again, "response")["is_complete"] is True


async def test_earlier_answers_stay(talk: Talk):
    first = await talk.say("echo once")
    ack = await talk.do("retry", message_id=first[0]["message_id"])
    await talk.end(ack["id"])
    answers = [f for f in await talk.stored() if f["type"] == "response"]
    assert [f["content"] for f in answers] == ["once", "once"]
    assert answers[0]["message_id"] != answers[1]["message_id"]
    assert sum(f["type"] == "user" for f in await talk.stored()) == 1


async def test_a_retry_goes_on_in_the_same_intent_and_session(talk: Talk):
    first = await talk.say("raise_error a")
    ack = await talk.do("retry", message_id=first[0]["message_id"])
    again = await talk.turn(ack["id"])
    assert {f["user_intent_id"] for f in again} == {first[0]["user_intent_id"]}
    assert {f["session_id"] for f in again} == {first[0]["session_id"]}


async def test_the_running_turn_of_a_retry_is_called_by_the_retrys_id(talk: Talk):
    gate = new_id("gate")
    sent = await talk.send(f"wait {gate} ; echo a")
    await talk.do("cancel")
    await talk.end(sent["id"])
    ack = await talk.do("retry", message_id=sent["id"])
    assert (await talk.state())["turn"] == {"message_id": ack["id"], "attempt": 1}
    talk.person.server.open_gate(gate)
    await talk.end(ack["id"])


async def test_the_running_turn_of_a_retry_is_cancelled_by_the_retrys_id(talk: Talk):
    sent = await talk.send("hang")
    await talk.do("cancel")
    await talk.end(sent["id"])
    ack = await talk.do("retry", message_id=sent["id"])
    await talk.do("cancel", turn=sent["id"])
    await talk.do("cancel", turn=ack["id"])
    assert (await talk.end(ack["id"]))["status"] == "cancelled"


async def test_a_retry_can_be_retried(talk: Talk):
    first = await talk.say("raise_error a")
    message = first[0]["message_id"]
    for _ in range(3):
        ack = await talk.do("retry", message_id=message)
        again = await talk.turn(ack["id"])
        assert again[0]["retry_of"] == message


async def test_a_repeated_retry_runs_once(talk: Talk):
    mark = new_id("mark")
    first = await talk.say(f"mark {mark} ; raise_error a")
    message = first[0]["message_id"]
    ack = await talk.do("retry", id="again", message_id=message)
    await talk.end("again")
    repeat = await talk.do("retry", id="again", message_id=message)
    assert (repeat["position"], repeat["duplicate"]) == (ack["position"], True)
    await talk.say("echo after")
    assert talk.person.server.marks(mark) == 2


async def test_a_complete_turn_is_not_retryable(talk: Talk):
    first = await talk.say("complete a")
    rejected = await talk.refused("retry", message_id=first[0]["message_id"])
    assert rejected["code"] == "not_retryable"


async def test_a_turn_that_needs_input_is_not_retryable(talk: Talk):
    first = await talk.say("ask a")
    rejected = await talk.refused("retry", message_id=first[0]["message_id"])
    assert rejected["code"] == "not_retryable"


async def test_only_the_newest_message_is_retryable(talk: Talk):
    first = await talk.say("raise_error a")
    await talk.say("echo b")
    rejected = await talk.refused("retry", message_id=first[0]["message_id"])
    assert rejected["code"] == "not_retryable"


async def test_nothing_is_retryable_while_a_turn_runs_or_waits(talk: Talk):
    first = await talk.say("raise_error a")
    running = await talk.send("hang")
    waiting = await talk.send("echo b")
    for message in (first[0]["message_id"], running["id"], waiting["id"]):
        rejected = await talk.refused("retry", message_id=message)
        assert rejected["code"] == "not_retryable"
    await talk.do("cancel")
    await talk.end(waiting["id"])


async def test_an_unknown_message_is_not_found(talk: Talk):
    rejected = await talk.refused("retry", message_id=new_id())
    assert rejected["code"] == "not_found"


async def test_two_retries_at_once_let_one_in(person: Person, talk: Talk):
    gate = new_id("gate")
    first = await talk.say(f"fail_unless {gate} ; hang")
    person.server.open_gate(gate)
    other = await person.talk(talk.chat)
    answers = await asyncio.gather(
        *(t.ask("retry", message_id=first[0]["message_id"]) for t in (talk, other))
    )
    assert sorted(a.get("code", "ack") for a in answers) == ["ack", "not_retryable"]
    ack = next(a for a in answers if a["type"] == "ack")
    await talk.do("cancel")
    await talk.end(ack["id"])


async def test_a_message_of_an_abandoned_intent_can_run_again(talk: Talk):
    first = await talk.say("raise_error a")
    await talk.do("abandon", user_intent_id=first[0]["user_intent_id"])
    ack = await talk.do("retry", message_id=first[0]["message_id"])
    assert (await talk.end(ack["id"]))["status"] == "failed"
    check_log(talk.log())
