"""The language model's attempt in the fallback chain, with scripted agents in its place."""

from __future__ import annotations

import pytest
from tests.assistant.desk import Desk
from tests.assistant.dialogue import Dialogue

from chatstream.agents.turn import Turn
from chatstream.domain.steps import Fail, Response, Thinking, ToolCall, ToolResult


async def knowing(turn: Turn):
    """A model that calls a tool of its own and answers."""
    yield Thinking("reasoning", "Thinking it over")
    earlier = yield ToolCall("look_up", {"what": turn.content}, "look-1")
    if earlier is None:
        yield ToolResult("look-1", ok=True, result="found")
    yield "I know "
    yield f"{turn.content}."
    yield Response()


async def failing(turn: Turn):
    yield Thinking("reasoning", "Thinking it over")
    yield Fail("model_unavailable", "The model cannot be reached.")


async def raising(turn: Turn):
    yield Thinking("reasoning", "Thinking it over")
    raise ConnectionError("refused")


async def breaking_off(turn: Turn):
    yield "I know "
    raise ConnectionError("reset")


def _talk(model, **options) -> Dialogue:
    return Dialogue(Desk().assistant(model=model, **options))


def _attempts(talk: Dialogue) -> list[tuple]:
    return [
        (it.attempt, it.of, it.status) for it in talk.thoughts if it.step == "intent_processing"
    ]


async def test_what_is_out_of_scope_goes_to_the_model_at_once():
    talk = _talk(knowing)
    assert await talk.say("qqq xyz") == "I know qqq xyz."
    assert _attempts(talk) == [(1, 5, "failed"), (4, 5, "completed")]
    assert (talk.intent.name, talk.intent.status) == ("conversation", "active")
    assert [call.name for call in talk.calls] == ["look_up"]


async def test_the_model_comes_after_buttons_and_rephrasing():
    talk = _talk(knowing)
    assert "Did you mean" in await talk.say("blorb the fnord")
    assert "other words" in await talk.submit(value="none_of_these")
    assert await talk.say("blorb the fnord") == "I know blorb the fnord."


async def test_a_talk_with_the_model_goes_on_with_it_until_a_task_is_named():
    desk = Desk()
    talk = Dialogue(desk.assistant(model=knowing))
    await talk.say("qqq xyz")
    assert await talk.say("blorb the fnord") == "I know blorb the fnord."
    await talk.say("set an alarm for 9 pm")
    assert [name for name, *_ in desk.done] == ["alarm"]


@pytest.mark.parametrize("model", [failing, raising])
async def test_a_model_that_fails_before_it_spoke_is_the_next_attempts_turn(model):
    talk = _talk(model)
    assert "I cannot help with that" in await talk.say("qqq xyz")
    assert _attempts(talk) == [
        (1, 5, "failed"),
        (4, 5, "completed"),
        (4, 5, "failed"),
        (5, 5, "completed"),
    ]


async def test_people_take_over_where_the_model_fails():
    talk = _talk(failing, handover="A colleague will write to you.")
    assert await talk.say("qqq xyz") == "A colleague will write to you."


async def test_a_model_that_breaks_off_in_its_answer_fails_the_turn():
    with pytest.raises(ConnectionError):
        await _talk(breaking_off).say("qqq xyz")
