"""What a chat says by itself: set by its agent, once, in a turn of its own."""

from __future__ import annotations

import pytest
from tests.domain.builder import START_MS, Chat, told

from chatstream.domain.events import ResponseGiven, ThinkingAdded
from chatstream.domain.steps import CancelReminder, FollowUp, Remind, Response, SlotsSet
from chatstream.domain.user_chat import fold
from chatstream.domain.user_chat.reminders import MOST_WAITING
from chatstream.errors import Refused
from chatstream.eventstore.mapper import decode, encode, erase

ALARM = Remind("Wake up!", START_MS, "alarm-1")
LATER = Remind("Sleep!", START_MS + 10**9, "alarm-2")
SPOKEN = ["turn started", "response", "turn finished"]


def chat_with(*reminders: Remind) -> Chat:
    """A chat whose agent has set ``reminders`` and is done."""
    chat = Chat()
    chat.send()
    for reminder in reminders:
        chat.step(reminder)
    chat.step(Response("Set.", is_complete=True))
    return chat


def test_a_reminder_that_is_due_speaks_in_a_turn_that_no_message_caused():
    chat = chat_with(ALARM)
    facts = chat.speak()
    assert told(facts) == SPOKEN
    (noted,) = [fact for fact in chat.log if isinstance(fact, ThinkingAdded)]
    assert {fact.caused_by for fact in facts} == {noted.data["reminder_id"]}
    assert facts[0].caused_by.startswith("reminder_")
    (said,) = [fact for fact in facts if isinstance(fact, ResponseGiven)]
    assert said.content == "Wake up!"
    assert {fact.user_intent_id for fact in facts} == {None}
    assert {fact.session_id for fact in facts} == {None}


def test_it_speaks_once():
    chat = chat_with(ALARM)
    chat.speak()
    assert chat.speak() == ()
    assert chat.state.reminders == {}


def test_what_is_not_due_yet_waits():
    chat = chat_with(LATER, ALARM)
    assert told(chat.speak()) == SPOKEN
    assert list(chat.state.reminders) == ["alarm-2"]


def test_several_that_are_due_speak_in_the_order_in_which_they_fell_due():
    chat = chat_with(Remind("second", START_MS + 1, "b"), Remind("first", START_MS, "a"))
    facts = chat.speak()
    assert told(facts) == SPOKEN * 2
    assert [fact.content for fact in facts if isinstance(fact, ResponseGiven)] == [
        "first",
        "second",
    ]


def test_a_task_that_waits_for_its_answer_stays_as_it_is():
    chat = chat_with(ALARM)
    chat.send("m2")
    chat.step(FollowUp("for when?"))
    before = chat.state.unfinished, chat.state.active_intent_id, chat.state.last_message
    chat.speak()
    after = chat.state.unfinished, chat.state.active_intent_id, chat.state.last_message
    assert after == before


def test_while_a_turn_runs_it_waits():
    chat = chat_with(ALARM)
    chat.send("m2")
    assert chat.speak() == ()
    chat.finish()
    assert told(chat.speak()) == SPOKEN


def test_set_by_a_later_attempt_it_is_the_same():
    chat = Chat()
    chat.send()
    chat.step(ALARM)
    assert chat.step(ALARM) == ()


def test_set_again_under_its_key_it_is_moved():
    chat = chat_with(ALARM)
    chat.send("m2")
    first = chat.state.reminders["alarm-1"].reminder_id
    chat.step(Remind("Wake up!", LATER.at_ms, "alarm-1"))
    chat.finish()
    assert chat.speak() == ()
    assert chat.state.reminders["alarm-1"].reminder_id != first


def test_a_cancelled_one_stays_silent():
    chat = chat_with(ALARM)
    chat.send("m2")
    (noted,) = chat.step(CancelReminder("alarm-1"))
    assert isinstance(noted, ThinkingAdded)
    assert noted.content == "Cancelled: Wake up!"
    assert chat.step(CancelReminder("alarm-1")) == ()
    chat.finish()
    assert chat.speak() == ()


def test_cancelled_from_another_chat_it_says_so_in_a_turn_of_its_own():
    chat = chat_with(ALARM)
    facts = chat.drop("alarm-1")
    assert told(facts) == ["turn started", "thinking completed", "turn finished"]
    assert len({fact.caused_by for fact in facts}) == 1
    assert chat.drop("alarm-1") == ()


def test_cancelled_from_another_chat_while_a_turn_runs_it_is_told_there():
    chat = chat_with(ALARM)
    chat.send("m2")
    assert told(chat.drop("alarm-1")) == ["thinking completed"]
    assert chat.log[-1].caused_by == "m2"


@pytest.mark.parametrize("end", [Chat.close, Chat.erase])
def test_a_chat_that_has_ended_says_nothing(end):
    chat = chat_with(ALARM)
    end(chat)
    assert chat.speak() == ()
    assert chat.drop("alarm-1") == ()


def test_an_erasure_takes_what_would_have_been_said():
    chat = chat_with(ALARM)
    stored = [encode(fact) for fact in chat.log]
    rewritten = [erase(event.topic, event.body) for event in stored]
    assert not any(b"Wake up" in body for body in rewritten)
    facts = [decode(event.topic, body) for event, body in zip(stored, rewritten, strict=True)]
    assert fold(facts).reminders == {}


def test_a_chat_holds_only_so_many():
    chat = Chat()
    chat.send()
    for count in range(MOST_WAITING):
        chat.step(Remind("x", START_MS, f"k{count}"))
    with pytest.raises(Refused, match="too_large"):
        chat.step(Remind("x", START_MS, "one more"))
    chat.step(Remind("y", START_MS, "k0"))


def test_an_agents_own_slots_are_kept_and_shown_to_nobody():
    chat = Chat()
    chat.send()
    (fact,) = chat.step(SlotsSet({"time": "7:00", "_notes": {"tries": 1}}))
    assert fact.slots == {"time": "7:00"}
    assert b"_notes" not in encode(fact).body.partition(b"\n")[0]
    (intent,) = chat.state.unfinished.values()
    assert intent.slots == {"time": "7:00", "_notes": {"tries": 1}}
    chat.step(SlotsSet({"_notes": None}))
    (intent,) = chat.state.unfinished.values()
    assert intent.slots == {"time": "7:00"}
