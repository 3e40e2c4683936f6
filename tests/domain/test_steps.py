"""What each step of an agent stores, components and their submits, crashes: sections 4 and 6."""

from __future__ import annotations

import pytest
from tests.domain.builder import Chat, told
from tests.domain.test_messages import refused

from chatstream.domain.commands import Streamed
from chatstream.domain.events import ComponentShown, ToolCalled
from chatstream.domain.steps import (
    Abandon,
    Buttons,
    Component,
    Delta,
    Fail,
    FollowUp,
    Form,
    IntentRecognised,
    NewIntent,
    Option,
    Remind,
    Response,
    SlotsSet,
    Thinking,
    ToolCall,
    ToolResult,
    buttons,
)
from chatstream.domain.user_chat.evolve_turns import CALLS_KEPT
from chatstream.domain.user_chat.running import ATTEMPTS_AT_MOST
from chatstream.errors import Refused, StepRefused

SCHEMA = {
    "type": "object",
    "properties": {"time": {"type": "string", "minLength": 1}, "snooze": {"type": "integer"}},
    "required": ["time"],
}
FORM = Form("When?", SCHEMA)


def asked(component=FORM) -> tuple[Chat, str]:
    """A chat that waits for the answer to a component."""
    chat = Chat()
    chat.send()
    facts = chat.step(FollowUp("For when?", component))
    assert told(facts) == ["response", "component", "turn needs_input"]
    return chat, facts[1].component_id


def test_thinking_is_stored_with_what_the_agent_measured():
    chat = Chat()
    chat.send()
    (fact,) = chat.step(Thinking("tool_execution", "Setting it", attempt=2, of=3, duration_ms=8))
    assert (fact.step, fact.status, fact.attempt, fact.of, fact.duration_ms) == (
        "tool_execution",
        "completed",
        2,
        3,
        8,
    )


def test_a_response_without_content_is_what_was_streamed():
    chat = Chat()
    chat.send()
    assert chat.step(Response(), streamed="Hello")[0].content == "Hello"


def test_text_without_a_response_is_stored_as_one():
    chat = Chat()
    chat.send()
    assert told(chat.finish("Hello")) == ["response", "turn finished"]


def test_a_run_that_just_ends_is_finished_and_its_intent_active():
    chat = Chat()
    chat.send()
    assert told(chat.finish()) == ["turn finished"]
    assert chat.state.active_intent_id == chat.intent_id


def test_a_component_as_the_last_step_needs_input():
    chat = Chat()
    chat.send()
    chat.step(FORM)
    assert told(chat.finish()) == ["turn needs_input"]


@pytest.mark.parametrize("step", [Thinking("session"), ToolCall("t", {}, "c"), Response("x")])
def test_a_component_that_is_not_the_last_step_does_not_wait(step):
    chat = Chat()
    chat.send()
    chat.step(FORM)
    chat.step(step)
    assert told(chat.finish()) == ["turn finished"]


def test_recognition_names_the_intent():
    chat = Chat()
    chat.send()
    assert told(chat.step(IntentRecognised("add_alarm", 0.9))) == ["intent active recognised"]
    intent = chat.state.unfinished[chat.intent_id]
    assert (intent.name, intent.confidence) == ("add_alarm", 0.9)


def test_deltas_are_no_facts():
    chat = Chat()
    chat.send()
    with pytest.raises(AssertionError):
        chat.step(Delta("Hel"))


def test_context_is_stored_and_not_framed():
    chat = Chat()
    chat.send()
    (fact,) = chat.context({"yesterday": "7:00"})
    assert (fact.source, fact.hidden.context) == ("history", {"yesterday": "7:00"})
    assert chat.state.sessions[chat.session_id].context == {"yesterday": "7:00"}


# -- components -----------------------------------------------------------------------------


def test_a_submit_starts_a_turn_of_the_components_intent():
    chat, form = asked()
    facts = chat.submit(form, {"time": "7:00"})
    assert told(facts) == ["component_submitted", "turn started"]
    assert facts[0].user_intent_id == chat.intent_id
    assert chat.state.turn.message.values == {"time": "7:00"}


def test_a_submitted_component_is_closed():
    chat, form = asked()
    chat.submit(form, {"time": "7:00"})
    with refused("component_closed"):
        chat.submit(form, {"time": "8:00"}, id="s2")
    assert chat.submit(form, {"time": "7:00"}) == ()


def test_an_unknown_component_is_refused():
    with refused("no_such_component"):
        Chat().submit("cmp_x", {})


def test_values_that_do_not_fit_are_refused_by_field():
    chat, form = asked()
    with pytest.raises(Refused) as refusal:
        chat.submit(form, {"snooze": "soon"})
    assert refusal.value.code == "invalid_form"
    assert set(refusal.value.fields) == {"time", "snooze"}
    assert chat.submit(form, {"time": "7:00"})


def test_a_newer_component_closes_the_older_one():
    chat, form = asked()
    chat.send("m2")
    chat.step(FollowUp("Really?", buttons("Sure?", "yes", "no")))
    with refused("component_closed"):
        chat.submit(form, {"time": "7:00"})


def test_a_plain_message_does_not_close_a_component():
    chat, form = asked()
    chat.send("m2")
    chat.finish("I see")
    assert told(chat.submit(form, {"time": "7:00"})) == ["component_submitted", "turn started"]


def test_an_expired_component_is_closed():
    chat, form = asked(Form("When?", SCHEMA, expires_at_ms=1))
    with refused("component_closed"):
        chat.submit(form, {"time": "7:00"})


def test_a_completed_intent_closes_its_component():
    chat, form = asked()
    chat.send("m2")
    chat.step(Response("done", is_complete=True))
    with refused("component_closed"):
        chat.submit(form, {"time": "7:00"})


def test_a_submit_to_an_abandoned_intent_resumes_it():
    chat, form = asked()
    chat.idle(chat.intent_id)
    facts = chat.submit(form, {"time": "7:00"})
    assert told(facts) == ["component_submitted", "turn started", "intent active resumed"]


def test_a_submit_whose_intent_completed_before_its_turn_fails():
    chat, form = asked()
    chat.send("m2")
    chat.submit(form, {"time": "7:00"})
    facts = chat.step(Response("done", is_complete=True))
    assert told(facts)[-3:] == ["turn started", "error", "turn failed"]
    assert facts[-2].code == "component_closed"
    assert chat.state.turn is None


def test_buttons_take_one_of_their_options():
    chat, choice = asked(Buttons("Size?", (Option("s", "small"), Option("l", "large"))))
    for wrong in ({}, {"value": "xl"}, {"value": "s", "more": 1}, {"value": ["s"]}):
        with refused("invalid_form"):
            chat.submit(choice, wrong)
    assert told(chat.submit(choice, {"value": "l"})) == ["component_submitted", "turn started"]


def test_a_component_of_the_agents_own_takes_any_values():
    chat, card = asked(Component("card", data={"x": 1}))
    shown = next(fact for fact in chat.log if isinstance(fact, ComponentShown))
    assert (shown.kind, shown.data, shown.title) == ("card", {"x": 1}, None)
    assert chat.submit(card, {"anything": [1]})


# -- tools ----------------------------------------------------------------------------------


def test_arguments_and_result_of_a_hidden_call_stay_in_the_log():
    chat = Chat()
    chat.send()
    (call,) = chat.step(ToolCall("add", {"pin": "1234"}, "c1"))
    (result,) = chat.step(ToolResult("c1", ok=True, result="secret"))
    assert (call.arguments, result.result) == (None, None)
    assert chat.state.turn.calls[0].arguments == {"pin": "1234"}
    assert chat.state.turn.calls[0].result == "secret"


def test_arguments_and_result_of_a_visible_call_are_framed():
    chat = Chat()
    chat.send()
    (call,) = chat.step(ToolCall("add", {"a": 1}, "c1", visible=True))
    (result,) = chat.step(ToolResult("c1", ok=True, result=2))
    assert (call.arguments, result.result) == ({"a": 1}, 2)
    assert chat.state.turn.calls[0].result == 2


def test_a_call_and_its_result_are_stored_once():
    chat = Chat()
    chat.send()
    call, result = ToolCall("add", {}, "c1", idempotent=True), ToolResult("c1", ok=True, result=1)
    chat.step(call)
    chat.step(result)
    chat.restart()
    assert chat.step(call) == ()
    assert chat.step(result) == ()
    assert chat.state.turn.calls[0].result == 1


def test_a_result_without_a_call_is_kept():
    chat = Chat()
    chat.send()
    assert told(chat.step(ToolResult("c9", ok=False))) == ["tool_result"]


# -- crashes --------------------------------------------------------------------------------


def test_a_crash_begins_the_next_attempt_with_void_answers():
    chat = Chat()
    chat.send()
    chat.partial(0, "Hel")
    (fact,) = chat.restart()
    assert (fact.status, fact.attempt) == ("restarted", 2)
    assert (chat.state.turn.answer, chat.state.turn.answer_id) == ("", None)


def test_a_turn_that_crashed_too_often_fails():
    chat = Chat()
    chat.send()
    chat.restart()
    chat.restart()
    facts = chat.restart()
    assert told(facts) == ["error", "turn failed"]
    assert facts[0].code == "agent_crashed"


def test_a_hand_over_is_no_crash():
    chat = Chat()
    chat.send()
    for _ in range(9):
        assert told(chat.restart(crashed=False)) == ["turn restarted"]
    assert told(chat.restart()) == ["turn restarted"]


def test_a_turn_is_not_handed_over_for_ever():
    chat = Chat()
    chat.send()
    seen = [told(chat.restart(crashed=False)) for _ in range(ATTEMPTS_AT_MOST)]
    assert seen[:-1] == [["turn restarted"]] * (ATTEMPTS_AT_MOST - 1)
    assert seen[-1] == ["error", "turn failed"]


def test_a_call_whose_outcome_is_unknown_is_asked_about():
    chat = Chat()
    chat.send()
    chat.step(ToolCall("book", {}, "c1"))
    facts = chat.restart()
    assert told(facts) == ["response", "turn needs_input"]
    assert facts[0].follow_up
    assert "book" in facts[0].content
    assert chat.state.unfinished[chat.intent_id].unknown_call.call_id == "c1"


def test_an_idempotent_call_is_run_again():
    chat = Chat()
    chat.send()
    chat.step(ToolCall("book", {}, "c1", idempotent=True))
    assert told(chat.restart()) == ["turn restarted"]
    assert [type(fact) for fact in chat.log].count(ToolCalled) == 1


def test_finished_answers_of_an_earlier_attempt_stay():
    chat = Chat()
    chat.send()
    chat.step(Response("first part"))
    chat.restart()
    contents = [item.content for item in chat.state.unfinished[chat.intent_id].messages]
    assert contents == ["hello", "first part"]


def test_a_late_submit_is_activity_of_its_complete_intent():
    chat, form = asked()
    first = chat.intent_id
    chat.send("m2")
    chat.send("m3", "between", new_intent=True)
    chat.submit(form, {"time": "7:00"})
    chat.step(Response("done", is_complete=True))
    facts = chat.finish("so much for that")
    assert told(facts)[-3:] == ["turn started", "error", "turn failed"]
    assert chat.state.intent(first).last_activity_at == facts[-1].timestamp
    assert chat.state.intents()[0].user_intent_id == first


def test_steps_behind_the_one_that_ended_the_turn_are_not_stored():
    chat = Chat()
    chat.send()
    facts = chat.step(Response("Done.", is_complete=True), Thinking("late", "Too late"))
    assert told(facts)[-1] == "turn finished"
    assert "thinking" not in told(facts)


# -- text that no response gave -------------------------------------------------------------


@pytest.mark.parametrize("component", [FORM, Buttons("Size?", ("s",)), Component("map")])
def test_what_was_streamed_stands_before_the_component_that_follows_it(component):
    chat = Chat()
    chat.send()
    facts = chat.step(Thinking("a"), component, streamed="Which one?")
    assert told(facts) == ["thinking completed", "response", "component"]
    assert (facts[1].content, facts[1].stopped) == ("Which one?", None)
    assert told(chat.finish()) == ["turn needs_input"]


def test_only_the_last_step_of_an_append_gives_what_was_streamed():
    chat = Chat()
    chat.send()
    step = Buttons("Size?", ("s",))
    facts = chat.step(step, step, Response(), streamed="Hello")
    assert told(facts) == ["component", "component", "response"]


def test_what_was_streamed_before_the_agent_gives_up_is_kept():
    chat = Chat()
    chat.send()
    facts = chat.step(Abandon("user"), streamed="I cannot do that.")
    assert told(facts) == ["response", "intent abandoned user", "turn finished"]


@pytest.mark.parametrize("content", [None, ""])
def test_an_empty_response_is_what_was_streamed(content):
    chat = Chat()
    chat.send()
    assert chat.step(Response(content), streamed="Hello")[0].content == "Hello"


def test_a_failed_turn_keeps_what_was_streamed_before_its_error():
    chat = Chat()
    chat.send()
    facts = chat.fail(Streamed("msg_1", "Hel"))
    assert told(facts) == ["response", "error", "turn failed"]
    assert (facts[0].content, facts[0].stopped, facts[0].message_id) == ("Hel", True, "msg_1")


def test_so_does_one_that_its_agent_fails():
    chat = Chat()
    chat.send()
    facts = chat.step(Fail("no_seats", "There are none."), streamed="Hel")
    assert told(facts) == ["response", "error", "turn failed"]
    assert (facts[0].content, facts[0].stopped) == ("Hel", True)


def test_a_turn_that_crashed_too_often_keeps_the_partials_of_its_newest_attempt():
    chat = Chat()
    chat.send()
    chat.partial(0, "void")
    chat.restart(max_attempts=2)
    chat.partial(0, "Hel")
    chat.partial(3, "lo")
    facts = chat.restart(max_attempts=2)
    assert told(facts) == ["response", "error", "turn failed"]
    assert (facts[0].content, facts[0].stopped, facts[1].code) == ("Hello", True, "agent_crashed")


def test_a_finished_answer_is_not_told_twice_where_the_turn_fails():
    chat = Chat()
    chat.send()
    chat.partial(0, "Hel")
    chat.step(Response("Hello"))
    assert told(chat.fail()) == ["error", "turn failed"]


# -- steps that cannot be stored ------------------------------------------------------------

IN_MICROSECONDS = 1_700_000_000_000_000


@pytest.mark.parametrize("at_ms", [IN_MICROSECONDS, -IN_MICROSECONDS, 10**30])
@pytest.mark.parametrize(
    "step",
    [lambda at_ms: Remind("x", at_ms, "k"), lambda at_ms: Form("x", {}, expires_at_ms=at_ms)],
    ids=["Remind", "Form"],
)
def test_a_step_that_is_refused_tells_its_kind_and_the_rule(step, at_ms):
    chat = Chat()
    chat.send()
    before = chat.state
    with pytest.raises(StepRefused, match="Unix milliseconds") as refusal:
        chat.step(Thinking("a"), step(at_ms), Response("done", is_complete=True))
    assert refusal.value.step == type(step(0)).__name__
    assert refusal.value.code == "invalid_content"
    assert chat.state is before


# -- progress -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        Thinking("a"),
        Response("a"),
        FORM,
        ToolCall("t", {}, "c"),
        ToolResult("c", ok=True),
        IntentRecognised("book"),
        SlotsSet({"a": 1}),
        NewIntent("book"),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_turn_has_progressed_once_its_agent_has_stored_something_in_this_attempt(step):
    chat = Chat()
    chat.send()
    chat.send("m2")
    assert not chat.state.turn.has_progressed
    begun_at = chat.state.turn.begun_at
    chat.step(step)
    assert chat.state.turn.has_progressed
    chat.step(step)
    assert chat.state.turn.begun_at == begun_at
    if not isinstance(step, ToolCall):
        (restarted,) = chat.restart()
        assert not chat.state.turn.has_progressed
        assert chat.state.turn.begun_at == restarted.timestamp > begun_at


def test_a_checkpoint_is_progress():
    chat = Chat()
    chat.send()
    chat.partial(0, "Hel")
    assert chat.state.turn.has_progressed


@pytest.mark.parametrize(
    "step",
    [
        Form("When?", {"properties": {"time": {"pattern": "(?=a)"}}}),
        Component("calendar", schema={"$ref": "https://example.com/schema"}),
        FollowUp("When?", Form("When?", {"required": True})),
    ],
)
def test_a_component_whose_schema_cannot_be_used_is_refused_when_it_is_made(step):
    chat = Chat()
    chat.send()
    with pytest.raises(Refused, match="the schema of the form cannot be used") as refusal:
        chat.step(step)
    assert refusal.value.code == "invalid_content"


def test_a_field_that_the_form_forbids_is_refused_by_its_name():
    chat, form = asked(Form("When?", {**SCHEMA, "additionalProperties": False}))
    with pytest.raises(Refused) as refusal:
        chat.submit(form, {"time": "7", "bad": 1})
    assert refusal.value.fields == {"bad": "is not allowed"}


# -- calls of earlier turns -----------------------------------------------------------------


def called(*ids: str, ok: bool | None = True) -> Chat:
    """A chat whose first turn has made these calls; it runs."""
    chat = Chat()
    chat.send("m1")
    for call_id in ids:
        chat.step(ToolCall("book", {"n": call_id}, call_id))
        if ok is not None:
            chat.step(ToolResult(call_id, ok=ok, result=call_id))
    return chat


def kept(chat: Chat) -> list[tuple[str, bool | None, bool]]:
    calls = chat.state.unfinished[chat.intent_id].calls
    return [(call.call_id, call.ok, call.is_answered) for call in calls]


def test_a_retry_finds_what_its_message_has_done_and_stores_the_call_once():
    chat = called("c1")
    chat.fail()
    chat.retry("m1")
    assert chat.state.outcome_of("c1").result == "c1"
    assert chat.step(ToolCall("book", {"n": "c1"}, "c1")) == ()


@pytest.mark.parametrize("ok", [False, None])
def test_a_retry_makes_a_call_again_that_has_not_ended_well(ok: bool | None):
    chat = called("c1", ok=ok)
    chat.cancel()
    chat.retry("m1")
    assert chat.state.outcome_of("c1") is None
    assert told(chat.step(ToolCall("book", {}, "c1"))) == ["tool_call"]


def test_another_message_makes_its_own_calls_whatever_their_ids():
    chat = called("call-0")
    chat.fail()
    chat.send("m2")
    assert chat.state.outcome_of("call-0") is None
    assert told(chat.step(ToolCall("book", {}, "call-0"))) == ["tool_call"]


def test_an_outcome_is_known_while_its_turn_runs_and_then_to_no_one():
    chat = called("c1")
    assert chat.state.outcome_of("c1").ok
    chat.step(Response("done", is_complete=True))
    assert chat.state.outcome_of("c1") is None


def test_calls_of_turns_that_failed_or_were_stopped_are_kept_until_one_is_answered():
    chat = called("c1")
    chat.fail()
    chat.send("m2")
    chat.step(ToolCall("book", {}, "c2"))
    chat.cancel()
    assert kept(chat) == [("c1", True, False), ("c2", None, False)]
    chat.send("m3")
    chat.step(FollowUp("Again?"))
    assert kept(chat) == [("c2", None, False)]
    chat.send("m4")
    chat.step(ToolCall("book", {}, "c4", idempotent=True))
    chat.step(ToolResult("c4", ok=True))
    chat.finish()
    assert kept(chat) == [("c4", True, True)]


def test_a_retry_of_an_answered_message_keeps_its_calls():
    chat = called("c1")
    chat.finish()
    chat.retry("m1")
    chat.finish()
    assert kept(chat) == [("c1", True, True)]


def test_a_crash_in_a_call_keeps_those_before_it():
    chat = called("c1")
    chat.fail()
    chat.send("m2")
    chat.step(ToolCall("book", {}, "c2"))
    chat.restart()
    assert kept(chat) == [("c1", True, False), ("c2", None, False)]


def test_a_call_that_is_made_again_is_kept_once():
    chat = called("c1", ok=None)
    chat.cancel()
    chat.retry("m1")
    chat.step(ToolCall("book", {}, "c1"))
    chat.step(ToolResult("c1", ok=True))
    chat.fail()
    assert kept(chat) == [("c1", True, False)]


def test_only_so_many_calls_are_kept():
    chat = called(*(f"c{n}" for n in range(CALLS_KEPT + 1)))
    chat.fail()
    assert kept(chat)[0][0] == "c1"
    assert len(kept(chat)) == CALLS_KEPT
