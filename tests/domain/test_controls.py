"""Cancel, retry, resume, abandon, close, erase, sessions and timers: protocol, section 4."""

from __future__ import annotations

import pytest
from tests.domain.builder import CHAT, Chat, told
from tests.domain.test_messages import refused

from chatstream.domain.commands import Streamed
from chatstream.domain.steps import FollowUp, Form, Response
from chatstream.domain.user_chat import remember
from chatstream.domain.user_chat.state import CommandRecord
from chatstream.domain.views import chat_view, session_activity
from chatstream.timestamps import to_ms, to_text

FORM = Form("When?", {"type": "object", "properties": {"time": {"type": "string"}}})


def two_intents() -> tuple[Chat, str, str]:
    """A chat whose first intent was superseded by a second, active one."""
    chat = Chat()
    chat.send()
    first = chat.intent_id
    chat.finish()
    chat.send("m2", new_intent=True)
    second = chat.intent_id
    chat.finish()
    return chat, first, second


# -- cancel ---------------------------------------------------------------------------------


def test_cancel_keeps_what_was_streamed():
    chat = Chat()
    chat.send()
    facts = chat.cancel(streamed=Streamed("msg_9", "Hel"))
    assert told(facts) == ["response", "turn cancelled"]
    assert (facts[0].content, facts[0].stopped, facts[0].message_id) == ("Hel", True, "msg_9")


def test_cancel_without_a_runner_keeps_the_partials():
    chat = Chat()
    chat.send()
    chat.partial(0, "Hel")
    chat.partial(3, "lo")
    assert chat.cancel()[0].content == "Hello"


def test_cancel_of_a_turn_without_text_stores_its_end_only():
    chat = Chat()
    chat.send()
    assert told(chat.cancel()) == ["turn cancelled"]


def test_cancel_of_another_turn_stores_nothing():
    chat = Chat()
    chat.send()
    assert chat.cancel(turn="other") == ()
    assert told(chat.cancel("x2", turn="m1")) == ["turn cancelled"]


def test_cancel_with_nothing_running_stores_nothing():
    assert Chat().cancel() == ()


def test_after_a_cancel_the_waiting_message_runs():
    chat = Chat()
    chat.send()
    chat.send("m2")
    assert told(chat.cancel()) == ["turn cancelled", "turn started"]


def test_a_command_that_stored_nothing_is_known_once_remembered():
    chat = Chat()
    assert chat.cancel() == ()
    chat.state = remember(chat.state, "x1", CommandRecord(1, None))
    chat.send()
    assert chat.cancel() == ()
    assert chat.state.turn is not None


# -- retry ----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["fail", "cancel", "finish"])
def test_retry_runs_the_newest_message_again(end):
    chat = Chat()
    chat.send()
    intent = chat.intent_id
    getattr(chat, end)()
    facts = chat.retry("m1")
    assert told(facts) == ["turn started"]
    assert (facts[0].caused_by, facts[0].retry_of, facts[0].user_intent_id) == ("r1", "m1", intent)
    assert len(chat.state.unfinished[intent].messages) == 1


def test_retry_of_a_complete_intents_message_is_refused():
    chat = Chat()
    chat.send()
    chat.step(Response("done", is_complete=True))
    with refused("not_retryable"):
        chat.retry("m1")


def test_retry_of_a_question_is_refused():
    chat = Chat()
    chat.send()
    chat.step(FollowUp("when?"))
    with refused("not_retryable"):
        chat.retry("m1")


def test_retry_while_a_turn_runs_is_refused():
    chat = Chat()
    chat.send()
    with refused("not_retryable"):
        chat.retry("m1")


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_retry_while_the_turn_of_a_submitted_form_runs_is_refused(end):
    """The newest message is the one that failed: what runs was caused by no message."""
    chat = Chat()
    chat.send()
    (form,) = chat.step(FORM)
    getattr(chat, end)()
    chat.submit(form.component_id, {"time": "7:00"})
    running = chat.state.turn
    with refused("not_retryable"):
        chat.retry("m1")
    assert chat.state.turn is running


def test_retry_of_an_older_message_is_refused():
    chat = Chat()
    chat.send()
    chat.fail()
    chat.send("m2")
    chat.fail()
    with refused("not_retryable"):
        chat.retry("m1")


def test_retry_of_an_unknown_message_is_not_found():
    with refused("not_found"):
        Chat().retry("m1")


def test_a_failed_retry_can_be_retried():
    chat = Chat()
    chat.send()
    chat.fail()
    chat.retry("m1")
    chat.fail()
    assert told(chat.retry("m1", "r2")) == ["turn started"]


def test_retry_resumes_an_abandoned_intent():
    chat = Chat()
    chat.send()
    chat.fail()
    chat.abandon(chat.intent_id)
    assert told(chat.retry("m1")) == ["turn started", "intent active resumed"]


# -- resume and abandon ---------------------------------------------------------------------


def test_resume_supersedes_the_active_intent():
    chat, first, second = two_intents()
    facts = chat.resume(first)
    assert told(facts) == ["intent abandoned superseded", "intent active resumed"]
    assert [fact.user_intent_id for fact in facts] == [second, first]


def test_resume_of_another_intent_cancels_the_running_turn():
    chat, first, _ = two_intents()
    chat.send("m3")
    chat.partial(0, "Hel")
    assert told(chat.resume(first)) == [
        "response",
        "turn cancelled",
        "intent abandoned superseded",
        "intent active resumed",
    ]


def test_resume_of_the_active_intent_stores_nothing():
    chat, _, second = two_intents()
    assert chat.resume(second) == ()


def test_resume_of_a_complete_or_unknown_intent_is_refused():
    chat = Chat()
    chat.send()
    chat.step(Response("done", is_complete=True))
    with refused("intent_not_resumable"):
        chat.resume(chat.intent_id)
    with refused("not_found"):
        chat.resume("intent_x")


def test_abandon_ends_the_running_turn_first():
    chat = Chat()
    chat.send()
    assert told(chat.abandon(chat.intent_id)) == ["turn cancelled", "intent abandoned user"]
    assert chat.session_id  # its session lives on


def test_abandon_of_what_is_not_active_stores_nothing():
    chat, first, _ = two_intents()
    assert chat.abandon(first) == ()
    with refused("not_found"):
        chat.abandon("intent_x", "a2")


# -- close and erase ------------------------------------------------------------------------


def test_close_ends_everything_in_one_append():
    chat, _, _ = two_intents()
    chat.send("m3")
    chat.send("m4")
    chat.partial(0, "Hel")
    assert told(chat.close()) == [
        "response",
        "turn cancelled",
        "intent abandoned closed",
        "session abandoned",
        "session abandoned",
        "chat closed",
    ]
    assert chat.state.waiting == ()


def test_a_closed_chat_takes_no_commands_but_knows_repeats():
    chat = Chat()
    chat.send()
    chat.close()
    assert chat.send() == ()
    assert chat.close() == ()
    assert chat.close("c2") == ()
    with refused("chat_closed"):
        chat.send("m2")


def test_erase_ends_everything_and_comes_once():
    chat = Chat()
    chat.send()
    assert told(chat.erase()) == [
        "turn cancelled",
        "intent abandoned closed",
        "session abandoned",
        "chat erased",
    ]
    assert chat.erase() == ()
    with refused("chat_closed"):
        chat.send("m2")


def test_a_closed_chat_can_be_erased():
    chat = Chat()
    chat.close()
    assert told(chat.erase()) == ["chat erased"]


# -- sessions and timers --------------------------------------------------------------------


def test_clearing_a_session_abandons_its_active_intent():
    chat = Chat()
    chat.send()
    assert told(chat.clear(chat.session_id)) == [
        "turn cancelled",
        "intent abandoned user",
        "session abandoned",
    ]


def test_clearing_the_session_of_an_abandoned_intent_ends_the_session_only():
    chat = Chat()
    chat.send()
    chat.finish()
    chat.idle(chat.intent_id)
    session = chat.session_id
    assert told(chat.clear(session)) == ["session abandoned"]
    assert chat.clear(session) == ()


def test_an_idle_intent_is_abandoned_once():
    chat = Chat()
    chat.send()
    chat.finish()
    assert told(chat.idle(chat.intent_id)) == ["intent abandoned idle"]
    assert chat.idle(chat.intent_id) == ()


def test_an_intent_with_later_activity_is_not_abandoned():
    chat = Chat()
    chat.send()
    chat.finish()
    assert chat.idle(chat.intent_id, after_s=60) == ()


def test_an_intent_with_a_running_turn_is_not_abandoned():
    chat = Chat()
    chat.send()
    assert chat.idle(chat.intent_id) == ()
    assert chat.expire(chat.session_id) == ()


def test_timers_are_no_activity():
    chat = Chat()
    chat.send()
    chat.finish()
    before = chat.state.unfinished[chat.intent_id].last_activity_at
    chat.idle(chat.intent_id)
    chat.expire(chat.session_id)
    assert chat.state.unfinished[chat.intent_id].last_activity_at == before


def test_a_session_expires_once_and_not_before_its_time():
    chat = Chat()
    chat.send()
    chat.finish()
    session = chat.session_id
    assert chat.expire(session, after_s=60) == ()
    assert told(chat.expire(session)) == ["session expired"]
    assert chat.expire(session) == ()


# -- what a client sees ---------------------------------------------------------------------


def test_opened_shows_the_active_intent_its_session_and_what_can_be_resumed():
    chat, first, second = two_intents()
    view = chat_view(CHAT, chat.state, 1000)
    assert view.intent is not None
    assert view.intent.user_intent_id == second
    assert view.session is not None
    assert view.session.session_id == chat.session_id
    assert [intent.user_intent_id for intent in view.resumable] == [first]
    assert view.turn is None


def test_a_second_message_moves_the_end_of_its_session_and_its_newest_activity():
    chat = Chat()
    chat.send()
    chat.finish()
    session = chat.state.sessions[chat.session_id]
    before = chat_view(CHAT, chat.state, 1000)
    assert before.session.expires_at == to_text(to_ms(session_activity(chat.state, session)) + 1000)
    chat.send("m2")
    after = chat_view(CHAT, chat.state, 1000)
    assert after.session.session_id == before.session.session_id
    assert session_activity(chat.state, session) == to_text(chat.now_ms - 1000)
    assert after.session.expires_at == to_text(chat.now_ms)
    assert after.session.expires_at > before.session.expires_at
    assert after.intent.last_activity_at == session_activity(chat.state, session)


def test_opened_shows_the_running_turn():
    chat = Chat()
    chat.send()
    view = chat_view(CHAT, chat.state, 1000)
    assert view.turn is not None
    assert (view.turn.message_id, view.turn.attempt) == ("m1", 1)


def test_the_question_is_the_newest_follow_up_with_the_open_component():
    chat = Chat()
    chat.send()
    chat.step(FollowUp("For when?", FORM))
    question = chat_view(CHAT, chat.state, 1000).intent.question
    assert question.text == "For when?"
    assert chat.state.components.get(question.component_id) == chat.intent_id


def test_the_question_is_the_components_title_without_a_follow_up():
    chat = Chat()
    chat.send()
    chat.step(FORM)
    chat.finish()
    assert chat_view(CHAT, chat.state, 1000).intent.question.text == "When?"


def test_a_plain_response_takes_the_question_away():
    chat = Chat()
    chat.send()
    chat.step(FollowUp("For when?", FORM))
    chat.send("m2")
    chat.step(Response("I see"))
    assert chat_view(CHAT, chat.state, 1000).intent.question is None


def test_nothing_is_resumable_in_a_closed_chat():
    chat, _, _ = two_intents()
    chat.close()
    view = chat_view(CHAT, chat.state, 1000)
    assert view.resumable == ()
    assert view.status == "closed"
