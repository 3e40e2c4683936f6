"""Messages, turns, intents and sessions: protocol, sections 4 and 6."""

from __future__ import annotations

import pytest
from tests.domain.builder import SOCKET, Chat, told

from chatstream.domain.commands import FailTurn, RecordSteps
from chatstream.domain.events import TurnChanged, UserMessageAdded
from chatstream.domain.steps import Abandon, Fail, FollowUp, NewIntent, Response, SlotsSet, Thinking
from chatstream.errors import Refused, StaleTurn

START = ["user", "turn started", "session started", "intent active"]


def refused(code: str):
    return pytest.raises(Refused, match=f"^{code}")


def test_a_new_chat_begins_with_chat_opened():
    assert told(Chat(opened=False).open()) == ["chat opened"]


def test_opening_a_chat_again_adds_no_fact():
    assert Chat().open() == ()


def test_another_user_opens_nothing():
    with refused("not_found"):
        Chat().open(user_id="bob")


def test_a_message_to_a_missing_chat_is_not_found():
    with refused("not_found"):
        Chat(opened=False).send()


def test_a_message_to_another_users_chat_is_not_found():
    with refused("not_found"):
        Chat().send(user_id="bob")


def test_a_message_starts_a_turn_a_session_and_an_intent_in_one_append():
    chat = Chat()
    facts = chat.send()
    assert told(facts) == START
    assert {fact.user_intent_id for fact in facts} == {chat.intent_id}
    assert {fact.session_id for fact in facts} == {chat.session_id}
    assert {fact.socket_connection_id for fact in facts} == {SOCKET}
    assert [fact.caused_by for fact in facts] == [None, "m1", "m1", "m1"]


def test_a_repeated_message_adds_no_fact():
    chat = Chat()
    chat.send()
    assert chat.send() == ()
    assert chat.state.commands.get("m1").position == 2


def test_the_same_id_with_another_body_is_a_conflict():
    chat = Chat()
    chat.send()
    for change in ({"content": "other"}, {"new_intent": True}):
        with refused("id_conflict"):
            chat.send(**change)


def test_ids_are_compared_over_all_kinds_of_commands():
    chat = Chat()
    chat.send(id="same")
    with refused("id_conflict"):
        chat.cancel(id="same")


def test_a_message_during_a_turn_waits_without_ids():
    chat = Chat()
    chat.send()
    (waiting,) = chat.send("m2", "later")
    assert isinstance(waiting, UserMessageAdded)
    assert (waiting.user_intent_id, waiting.session_id) == (None, None)


def test_the_end_of_a_turn_starts_the_one_that_waits():
    chat = Chat()
    chat.send()
    chat.send("m2", "later")
    facts = chat.finish("done")
    assert told(facts) == ["response", "turn finished", "turn started"]
    assert facts[-1].caused_by == "m2"
    assert facts[-1].user_intent_id == chat.intent_id
    assert chat.state.owners.get("m2").user_intent_id == chat.intent_id


def test_a_message_goes_to_the_active_intent():
    chat = Chat()
    chat.send()
    first = chat.intent_id
    chat.finish()
    assert told(chat.send("m2")) == ["user", "turn started"]
    assert chat.intent_id == first


def test_new_intent_supersedes_the_active_one():
    chat = Chat()
    chat.send()
    first = chat.intent_id
    chat.finish()
    facts = chat.send("m2", new_intent=True)
    assert told(facts) == [
        "user",
        "turn started",
        "intent abandoned superseded",
        "session started",
        "intent active",
    ]
    assert facts[2].user_intent_id == first != chat.intent_id


def test_after_a_completed_intent_the_next_message_starts_a_new_one():
    chat = Chat()
    chat.send()
    facts = chat.step(Response("done", is_complete=True))
    assert told(facts) == ["response", "intent complete", "session completed", "turn finished"]
    assert told(chat.send("m2")) == START


def test_a_message_revives_the_newest_intent_if_it_was_idle():
    chat = Chat()
    chat.send()
    first, session = chat.intent_id, chat.session_id
    chat.step(FollowUp("when?"))
    chat.idle(first)
    facts = chat.send("m2")
    assert told(facts) == ["user", "turn started", "intent active resumed"]
    assert facts[0].user_intent_id == first
    assert facts[0].session_id == session


def test_a_message_does_not_revive_what_the_user_gave_up():
    chat = Chat()
    chat.send()
    chat.finish()
    chat.abandon(chat.intent_id)
    assert told(chat.send("m2")) == START


def test_a_revived_intent_whose_session_expired_gets_a_new_one():
    chat = Chat()
    chat.send()
    chat.finish()
    chat.idle(chat.intent_id)
    chat.expire(chat.session_id)
    facts = chat.send("m2")
    assert told(facts) == ["user", "turn started", "session started", "intent active resumed"]


def test_a_named_intent_is_resumed_and_another_one_superseded():
    chat = Chat()
    chat.send()
    first = chat.intent_id
    chat.finish()
    chat.send("m2", new_intent=True)
    chat.finish()
    facts = chat.send("m3", user_intent_id=first)
    assert told(facts) == [
        "user",
        "turn started",
        "intent abandoned superseded",
        "intent active resumed",
    ]
    assert facts[0].user_intent_id == first


def test_a_complete_intent_cannot_be_named():
    chat = Chat()
    chat.send()
    first = chat.intent_id
    chat.step(Response("done", is_complete=True))
    with refused("intent_not_resumable"):
        chat.send("m2", user_intent_id=first)


def test_an_unknown_intent_cannot_be_named():
    with refused("not_found"):
        Chat().send(user_intent_id="intent_x")


def test_an_intent_that_became_complete_while_its_message_waited_makes_a_new_one():
    chat = Chat()
    chat.send()
    first = chat.intent_id
    chat.send("m2", user_intent_id=first)
    facts = chat.step(Response("done", is_complete=True))
    assert told(facts)[-3:] == ["turn started", "session started", "intent active"]
    assert chat.intent_id != first


def test_slots_of_one_intent_do_not_leak_into_the_next():
    chat = Chat()
    chat.send()
    chat.step(SlotsSet({"time": "7:00", "name": "up"}))
    chat.step(SlotsSet({"name": None}))
    assert chat.state.unfinished[chat.intent_id].slots == {"time": "7:00"}
    chat.step(Response("done", is_complete=True))
    chat.send("m2")
    assert chat.state.unfinished[chat.intent_id].slots == {}


def test_an_agent_that_switches_sets_the_intent_aside():
    chat = Chat()
    chat.send()
    first = chat.intent_id
    facts = chat.step(NewIntent("weather"))
    assert told(facts) == ["intent abandoned switched", "session started", "intent active"]
    assert facts[0].user_intent_id == first
    end = chat.finish("sunny")
    assert {fact.user_intent_id for fact in end} == {chat.intent_id}
    assert chat.state.unfinished[chat.intent_id].name == "weather"


def test_an_agent_can_switch_back_to_an_abandoned_intent():
    chat = Chat()
    chat.send()
    first, session = chat.intent_id, chat.session_id
    chat.step(SlotsSet({"time": "7:00"}))
    chat.step(NewIntent("weather"))
    facts = chat.step(NewIntent(None, first))
    assert told(facts) == ["intent abandoned switched", "intent active resumed"]
    assert facts[1].session_id == session
    assert chat.state.unfinished[first].slots == {"time": "7:00"}


def test_switching_to_the_current_intent_changes_nothing():
    chat = Chat()
    chat.send()
    assert chat.step(NewIntent("same", chat.intent_id)) == ()


def test_an_agent_that_gives_up_abandons_and_finishes():
    chat = Chat()
    chat.send()
    assert told(chat.step(Abandon("user"))) == ["intent abandoned user", "turn finished"]


def test_a_failed_turn_leaves_its_intent_active():
    chat = Chat()
    chat.send()
    assert told(chat.step(Fail("broken", "sorry"))) == ["error", "turn failed"]
    assert chat.state.active_intent_id == chat.intent_id


def test_a_run_that_was_restarted_elsewhere_stores_nothing():
    chat = Chat()
    chat.send()
    chat.restart()
    with pytest.raises(StaleTurn):
        chat.step(Response("late"), attempt=1)


def test_a_run_of_the_same_attempt_that_another_node_began_stores_nothing():
    chat = Chat()
    chat.send()
    steps = {"steps": (Thinking("plan", "once"),), "message_id": "msg_1"}
    with pytest.raises(StaleTurn):
        chat.do(RecordSteps(**chat.runner(), **steps, begun_by="evt_of_another"))
    (begun_by,) = (fact.event_id for fact in chat.log if isinstance(fact, TurnChanged))
    assert told(chat.do(RecordSteps(**chat.runner(), **steps, begun_by=begun_by))) == [
        "thinking completed"
    ]


def test_a_run_whose_turn_is_over_stores_nothing():
    chat = Chat()
    chat.send()
    runner = chat.runner()
    chat.cancel()
    with pytest.raises(StaleTurn):
        chat.do(FailTurn(**runner, code="x", message="y"))


def test_a_turn_ends_exactly_once():
    chat = Chat()
    chat.send()
    chat.finish("a")
    ends = [fact for fact in chat.log if isinstance(fact, TurnChanged) and fact.status != "started"]
    assert len(ends) == 1
    assert chat.state.turn is None


def test_a_chat_too_many_is_refused_and_one_that_exists_is_not():
    chat = Chat(opened=False)
    with refused("rate_limited"):
        chat.open(may_make=False)
    chat.open()
    assert chat.open(may_make=False) == ()
