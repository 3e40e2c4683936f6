"""Conversations as people have them, one for each way in which they go on or go wrong."""

from __future__ import annotations

import pytest
from tests.assistant.desk import Desk
from tests.assistant.dialogue import Dialogue

from chatstream.domain.steps import ToolCall


async def test_the_seed_flow(desk: Desk, talk: Dialogue):
    assert await talk.say("Create alarm") == "When shall it ring?"
    assert talk.ended == "needs_input"
    first = talk.intent
    talk.reconnect()
    said = await talk.say("7 am tomorrow")
    assert said == "Your alarm “Alarm” rings tomorrow at 7:00 am."
    assert talk.intent.user_intent_id == first.user_intent_id
    assert talk.intent.status == "complete"
    assert desk.done == [("alarm", "2026-11-24T07:00:00+00:00", "Alarm")]
    assert await talk.say("Create another alarm") == "When shall it ring?"
    assert talk.intent.user_intent_id != first.user_intent_id
    assert talk.slots == {}


async def test_more_than_was_asked_is_understood(desk: Desk, talk: Dialogue):
    await talk.say("order a pizza")
    assert "count: 3" in await talk.say("three large ones")
    await talk.say("yes")
    assert desk.done == [("pizza", "large", 3)]


async def test_a_correction(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    assert "count: 3" in await talk.say("actually, make it 3")
    await talk.say("yes")
    assert desk.done == [("pizza", "large", 3)]


async def test_a_no_with_a_correction_in_it(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    assert "size: small and count: 2" in await talk.say("no, small ones")
    assert desk.done == []
    await talk.say("that's right")
    assert desk.done == [("pizza", "small", 2)]


async def test_a_yes_with_a_correction_in_it_asks_again(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    assert "count: 4" in await talk.say("yes, but make it 4")
    assert desk.done == []


async def test_a_plain_no_asks_what_to_change(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    assert "What should be different?" in await talk.say("no")
    await talk.say("medium")
    await talk.say("yes")
    assert desk.done == [("pizza", "medium", 2)]


@pytest.mark.parametrize(
    "words", ["forget it", "Oh, never mind.", "cancel that please", "stop", "I want to cancel"]
)
async def test_giving_up(desk: Desk, talk: Dialogue, words: str):
    await talk.say("Create alarm")
    assert await talk.say(words) == "All right, I have dropped that."
    assert (talk.intent.status, talk.intent.reason) == ("abandoned", "user")
    assert desk.done == []


async def test_skipping_what_is_optional(desk: Desk, talk: Dialogue):
    assert await talk.say("add milk to my list") == "Is there a note to it?"
    assert await talk.say("skip") == "milk is on your list."
    assert desk.done == [("item", "milk", "")]


async def test_what_is_needed_cannot_be_skipped(talk: Dialogue):
    await talk.say("Create alarm")
    said = await talk.say("skip that")
    assert said.startswith("I cannot go on without that.")
    assert said.endswith("When shall it ring?")


async def test_asking_what_is_going_on(talk: Dialogue):
    await talk.say("I'd like a large pizza")
    said = await talk.say("wait, what are we doing?")
    assert said == "This is about: Order pizza. So far I have size: large. How many?"


async def test_repetition(talk: Dialogue):
    asked = await talk.say("Create alarm")
    assert await talk.say("what?") == asked
    assert await talk.say("say that again") == asked


async def test_small_talk_in_the_middle_keeps_the_question(desk: Desk, talk: Dialogue):
    await talk.say("Create alarm")
    assert await talk.say("how are you?") == "I'm fine, thank you. When shall it ring?"
    await talk.say("at 8 pm")
    assert desk.done == [("alarm", "2026-11-23T20:00:00+00:00", "Alarm")]


async def test_small_talk_alone_is_done_at_once(talk: Dialogue):
    assert await talk.say("thank you so much!") == "You're welcome."
    assert (talk.intent.status, talk.intent.name) == ("complete", "thanks")


async def test_a_digression_while_a_form_is_open(desk: Desk, talk: Dialogue):
    await talk.say("Create alarm")
    assert talk.intent.component is not None
    said = await talk.say("will it rain?")
    assert said == "It is sunny.\n\n When shall it ring?"
    assert talk.intent.name == "create_alarm"
    await talk.submit(when="2026-11-24T06:15", name="Early")
    assert desk.done == [("alarm", "2026-11-24T06:15:00+00:00", "Early")]


async def test_another_task_in_the_middle_and_back_in_words(desk: Desk, talk: Dialogue):
    await talk.say("Create alarm")
    alarm = talk.intent
    assert await talk.say("add milk to my list") == "Is there a note to it?"
    aside = talk.state.unfinished[alarm.user_intent_id]
    assert (aside.status, aside.reason) == ("abandoned", "switched")
    talk.reconnect()
    said = await talk.say("no need")
    assert "milk is on your list." in said
    assert "“Create alarm”" in said
    assert "Say “go on”" in said
    assert await talk.say("go on") == "Back to: Create alarm. When shall it ring?"
    await talk.say("noon tomorrow")
    done = talk.state.complete.get(alarm.user_intent_id)
    assert done is not None
    assert done.slots == {"when": "2026-11-24T12:00:00Z"}


async def test_another_task_in_the_middle_and_back_by_the_card(desk: Desk, talk: Dialogue):
    await talk.say("I'd like a large pizza")
    pizza = talk.intent
    await talk.say("set an alarm for 9 pm")
    talk.resume(pizza)
    assert talk.slots == {"size": "large"}
    await talk.say("two")
    await talk.say("yes please")
    assert desk.done[-1] == ("pizza", "large", 2)


async def test_nothing_leaks_from_one_task_to_the_next(desk: Desk, talk: Dialogue):
    await talk.say("set an alarm for 9 pm called Gym")
    await talk.say("set an alarm for 10 pm")
    await talk.say("I want two large pizzas")
    assert talk.slots == {"size": "large", "count": 2}
    await talk.say("yes")
    await talk.say("order a pizza")
    assert talk.slots == {}
    assert [call.arguments.get("name") for call in talk.calls[:2]] == ["Gym", None]


async def test_a_value_that_does_not_fit_is_asked_for_again_three_times_at_most(
    desk: Desk, talk: Dialogue
):
    await talk.say("I'd like a large pizza")
    assert await talk.say("20") == "Count must be at most 8. How many?"
    assert await talk.say("30") == "Count must be at most 8. How many?"
    assert "I have stopped here" in await talk.say("40")
    assert (talk.intent.status, talk.intent.reason) == ("abandoned", "not_understood")
    assert desk.done == []


async def test_a_day_without_a_time_asks_for_the_time(desk: Desk, talk: Dialogue):
    await talk.say("Create alarm")
    assert await talk.say("tomorrow") == "At what time? When shall it ring?"
    talk.reconnect()
    await talk.say("half past 8 in the morning")
    assert desk.done == [("alarm", "2026-11-24T08:30:00+00:00", "Alarm")]


async def test_text_and_form_may_be_mixed(desk: Desk, talk: Dialogue):
    await talk.say("order a pizza")
    await talk.submit(size="medium", count=2)
    await talk.submit(value="yes")
    assert desk.done == [("pizza", "medium", 2)]


async def test_the_fallback_chain_shows_each_attempt(talk: Dialogue):
    said = await talk.say("blorb the fnord")
    assert "Did you mean" in said
    assert _attempts(talk) == [(1, "failed"), (2, "completed")]
    assert "other words" in await talk.submit(value="none_of_these")
    assert _attempts(talk)[-1] == (3, "completed")
    assert "I can do this for you" in await talk.say("blorb the fnord")
    assert _attempts(talk)[-1] == (4, "completed")


async def test_a_button_of_the_fallback_starts_the_task_with_what_was_said(
    desk: Desk, talk: Dialogue
):
    await talk.say("blorb the fnord at 9 pm")
    await talk.submit(value="create_alarm")
    assert desk.done == [("alarm", "2026-11-23T21:00:00+00:00", "Alarm")]


async def test_out_of_scope_is_said_at_once(talk: Dialogue):
    assert "I cannot help with that" in await talk.say("qqq xyz")
    assert (talk.intent.name, talk.intent.status) == ("out_of_scope", "complete")


async def test_a_hand_over_ends_the_chain(desk: Desk):
    talk = Dialogue(desk.assistant(handover="A colleague will write to you."))
    assert await talk.say("qqq xyz") == "A colleague will write to you."
    assert talk.intent.reason == "handed_over"


@pytest.mark.parametrize("before", ["set an alarm", None])
async def test_whoever_asks_for_a_person_is_handed_over_at_once(desk: Desk, before: str | None):
    talk = Dialogue(desk.assistant(handover="A colleague will write to you."))
    if before is not None:
        await talk.say(before)
    assert await talk.say("let me talk to a real person") == "A colleague will write to you."
    assert talk.intent.reason == "handed_over"


async def test_an_open_task_stays_open_where_there_is_nobody_to_hand_over_to(talk: Dialogue):
    await talk.say("set an alarm")
    assert (await talk.say("human please")).startswith("I'm a program")
    assert talk.intent.status == "active"


async def test_a_tool_that_fails_says_why_and_may_be_tried_again(desk: Desk, talk: Dialogue):
    desk.fails = True
    said = await talk.say("set an alarm for 9 pm")
    assert said.startswith("There are too many alarms. Shall I try again?")
    desk.fails = False
    await talk.say("try again")
    assert desk.done == [("alarm", "2026-11-23T21:00:00+00:00", "Alarm")]


async def test_the_same_as_last_time_is_taken_when_it_is_asked_for(desk: Desk):
    earlier = {"name": "create_alarm", "slots": {"when": "2026-11-22T06:45:00Z"}}
    talk = Dialogue(desk.assistant(), context={"completed": [earlier]})
    said = await talk.say("Create alarm")
    assert "Last time: yesterday at 6:45 am." in said
    assert desk.done == []
    await talk.say("the same time as yesterday")
    assert desk.done == [("alarm", "2026-11-24T06:45:00+00:00", "Alarm")]


async def test_days_later_it_goes_on_at_the_open_question(desk: Desk, talk: Dialogue):
    await talk.say("I'd like a large pizza")
    pizza = talk.intent
    talk.wait(days=5)
    talk.reconnect()
    talk.resume(pizza)
    assert await talk.say("where were we?") == (
        "This is about: Order pizza. So far I have size: large. How many?"
    )
    assert talk.intent.component is not None


async def test_every_stage_is_a_thinking_step_that_starts_and_completes(talk: Dialogue):
    await talk.say("set an alarm for 9 pm")
    steps = [(thought.step, thought.status) for thought in talk.thoughts]
    for step in (
        "session",
        "intent_recognition",
        "parameter_extraction",
        "tool_execution",
        "response_generation",
    ):
        assert steps.index((step, "started")) < steps.index((step, "completed"))


async def test_a_crash_before_an_idempotent_result_repeats_the_call_under_its_id(desk: Desk):
    talk = Dialogue(desk.assistant())
    await talk.killed("in 20 minutes, wake me up please with an alarm", _is_call)
    first = talk.calls[-1]
    talk.wait(minutes=3)
    said = await talk.recover()
    assert "cannot tell" in said  # create_alarm is not declared idempotent
    assert desk.done == []
    await talk.say("yes, try again")
    assert talk.calls[-1].call_id == first.call_id
    assert talk.calls[-1].arguments == first.arguments


async def test_a_call_whose_outcome_is_unknown_may_be_left(desk: Desk, talk: Dialogue):
    await talk.killed("set an alarm for 9 pm", _is_call)
    await talk.recover()
    assert await talk.say("no, it is there") == "Then I leave it as it is."
    assert talk.intent.status == "complete"
    assert desk.done == []


async def test_an_idempotent_call_is_run_again_after_a_crash(talk: Dialogue):
    await talk.killed("will it rain?", _is_call)
    assert await talk.recover() == "It is sunny."
    assert talk.calls[0].call_id == talk.calls[1].call_id


async def test_a_crash_at_any_step_leads_to_the_same_end(desk: Desk):
    whole = Dialogue(Desk().assistant())
    await whole.say("order a pizza")
    await whole.say("large")
    wanted = await whole.say("2")
    for count in range(1, 12):
        talk = Dialogue(Desk().assistant())
        await talk.say("order a pizza")
        await talk.say("large")
        steps = iter(range(100))
        try:
            await talk.killed("2", lambda _, steps=steps, count=count: next(steps) == count)
        except AssertionError:
            break
        if talk.state.turn is not None:
            assert await talk.recover() == wanted
        assert talk.slots == {"size": "large", "count": 2}


def _is_call(step: object) -> bool:
    return isinstance(step, ToolCall)


def _attempts(talk: Dialogue) -> list[tuple[int | None, str]]:
    return [
        (thought.attempt, thought.status)
        for thought in talk.thoughts
        if thought.step == "intent_processing"
    ]


@pytest.mark.parametrize("expires", [False, True])
async def test_an_abandoned_form_is_there_again_whether_its_session_lives_or_not(
    desk: Desk, talk: Dialogue, *, expires: bool
):
    await talk.say("I'd like a large pizza")
    form, session = talk.intent.component, talk.session_ids
    talk.idle(minutes=10)
    assert (talk.intent.status, talk.intent.reason) == ("abandoned", "idle")
    if expires:
        talk.expire(days=5)
    talk.reconnect()
    talk.resume(talk.intent)
    assert talk.intent.component == form
    assert talk.slots == {"size": "large"}
    await talk.submit(count=2)
    await talk.say("yes")
    assert desk.done == [("pizza", "large", 2)]
    assert (talk.session_ids == session) is not expires
