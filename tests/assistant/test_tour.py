"""The small agent of ``make serve``: each word it knows shows one thing."""

from __future__ import annotations

import pytest

from chatstream.assistant.tour import agent
from chatstream.domain.events import ComponentShown, ToolReturned
from chatstream.testing import TestChat


@pytest.mark.parametrize(
    ("said", "end", "words"),
    [
        ("hello", "finished", "Say one of these"),
        ("an echo, please", "finished", "You said: an echo, please"),
        ("tool", "finished", "UTC"),
        ("card", "finished", "of my own"),
        ("question", "needs_input", "favourite colour"),
        ("form", "needs_input", "fill this in"),
        ("buttons", "needs_input", "Which one"),
    ],
)
async def test_each_word_shows_one_thing(said, end, words):
    async with TestChat(agent) as chat:
        turn = await chat.send(said)
        assert turn.end == end
        assert words in turn.answer


async def test_an_error_can_be_retried():
    async with TestChat(agent) as chat:
        turn = await chat.send("error", id="m1")
        assert turn.end == "failed"
        assert (await chat.retry("m1")).end == "failed"


async def test_a_question_a_form_and_a_choice_are_answered():
    async with TestChat(agent) as chat:
        await chat.send("question")
        assert "blue: a good choice" in (await chat.send("blue")).answer
        form = await chat.send("form")
        assert any(isinstance(fact, ComponentShown) for fact in form.facts)
        done = await chat.answer({"name": "Ann", "guests": 2})
        assert "**guests**: 2" in done.answer
        await chat.send("buttons")
        assert "small" in (await chat.answer({"value": "small"})).answer
        assert [intent.status for intent in await chat.intents()] == ["complete"] * 3


async def test_a_tool_is_stored_before_and_after():
    async with TestChat(agent) as chat:
        turn = await chat.send("tool")
        assert [fact.ok for fact in turn.facts if isinstance(fact, ToolReturned)] == [True]
