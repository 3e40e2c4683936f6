"""Text of agents: mended where it cannot be stored, kept where it was streamed, and in order."""

from __future__ import annotations

import logging

import pytest
from msgspec.structs import replace
from tests.turns.test_always_ends import ends_of

from chatstream import (
    Abandon,
    Buttons,
    Component,
    FollowUp,
    Form,
    Response,
    SlotsSet,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatstream.agents.context import Context
from chatstream.domain.events import (
    ComponentShown,
    ContextBrought,
    PartialStored,
    ResponseGiven,
    ThinkingAdded,
    ToolReturned,
)
from chatstream.domain.steps import Delta
from chatstream.testing import TestChat, TestTurn
from chatstream.turns.mending import mended, mended_text, without_half
from chatstream.turns.step_checks import checked


def agent_of(*steps: object):
    async def agent(_):
        for step in steps:
            yield step

    return agent


async def turn_with(*steps: object) -> TestTurn:
    async with TestChat(agent_of(*steps)) as chat:
        return await chat.send("hello")


def shown(turn: TestTurn) -> list[str]:
    """What people see of a turn, in order."""
    told = []
    for fact in turn.facts:
        if isinstance(fact, ResponseGiven):
            told.append(fact.content)
        elif isinstance(fact, ComponentShown):
            told.append(fact.kind)
        elif isinstance(fact, ThinkingAdded):
            told.append(f"({fact.step})")
    return told


# -- what cannot be stored ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["Hi \ud83d", "\ude00"], "Hi 😀"),
        (["Hi \ud83d", "\ude00!", " \ud83d", "\ude01"], "Hi 😀! 😁"),
        ([Delta("Hi \ud83d"), Delta("\ude00")], "Hi 😀"),
        (["Hi \ud83d"], "Hi \ufffd"),
        (["Hi \ud83d", "x"], "Hi \ufffdx"),
        (["\ude00 Hi"], "\ufffd Hi"),
        (["\ud83d"], "\ufffd"),
        (["a\x00b"], "a\ufffdb"),
        (["\ud83d", "\ud83d", "\ude00"], "\ufffd😀"),
    ],
)
@pytest.mark.parametrize("end", [[], [Response(is_complete=True)]])
async def test_pieces_that_cannot_be_stored_are_joined_or_mended(pieces, text, end, caplog):
    caplog.set_level(logging.DEBUG, "chatstream.turns")
    turn = await turn_with(*pieces, *end)
    assert (turn.end, turn.answer) == ("finished", text)
    (line,) = [one for one in caplog.records if "mended" in one.getMessage()]
    assert line.levelno == logging.DEBUG
    assert line.caused_by


async def test_a_half_waits_for_its_other_one_across_a_step():
    turn = await turn_with("Hi \ud83d", Thinking("plan"), "\ude00", Response())
    assert turn.answer == "Hi 😀"


BAD, GOOD = "a\x00\ud800\ud83d\ude00", "a\ufffd\ufffd😀"


@pytest.mark.parametrize(
    "step",
    [
        Response,
        lambda text: FollowUp(text, Form(text, {text: [text]})),
        lambda text: Thinking(text, text, data={text: {"x": [text, 1, None]}}),
        lambda text: ToolResult("c", ok=True, result=[text]),
        lambda text: SlotsSet({text: text}),
        lambda text: Form(text, {"properties": {text: {"title": text}}}, data={text: text}),
        lambda text: Buttons(text, [(text, text)]),
        lambda text: Component("map", text, {text: text}),
        Abandon,
        lambda text: ToolCall(text, {text: (text,)}, "c"),
    ],
)
def test_text_that_cannot_be_stored_is_mended_in_every_part_of_a_step(step):
    was_mended = checked(step(BAD))
    assert was_mended == (checked(step(GOOD)).step, True)


async def test_a_tool_s_result_that_cannot_be_stored_is_no_reason_to_fail(caplog):
    caplog.set_level(logging.DEBUG, "chatstream.turns")
    steps = [
        ToolCall("list", {}, "c", visible=True),
        ToolResult("c", ok=True, result=["a\udcff.txt", {"b\x00": "c\x00"}]),
        SlotsSet({"name\x00": "\ud83d\ude00"}),
        Response("done", is_complete=True),
    ]
    turn = await turn_with(*steps)
    (returned,) = [fact for fact in turn.facts if isinstance(fact, ToolReturned)]
    assert returned.result == ["a\ufffd.txt", {"b\ufffd": "c\ufffd"}]
    assert (turn.end, turn.answer) == ("finished", "done")
    assert sum("mended" in one.getMessage() for one in caplog.records) == 1, "once a turn"


async def test_context_that_cannot_be_stored_is_mended():
    class Bad:
        async def context(self, chat_id, chat, intent):
            return Context("notes\x00", {"a\x00": BAD})

    async def agent(turn):
        yield Response(str(turn.context))

    async with TestChat(agent, context=Bad()) as chat:
        turn = await chat.send("hello")
        assert turn.answer == str({"a\ufffd": GOOD})
        (brought,) = [fact for fact in turn.facts if isinstance(fact, ContextBrought)]
        assert brought.source == "notes\ufffd"


def test_what_can_be_stored_is_left_as_it_is():
    for text in ("", "plain", "äöü 😀", "\\u0000"):
        assert mended_text(text) is text
        assert checked(Thinking(text)) == (Thinking(text), False)
    assert mended({"a": [1, None, (True, "x")]}) == {"a": [1, None, [True, "x"]]}
    assert without_half("x") == ("x", "")
    assert without_half("") == ("", "")


# -- the order of text and components -----------------------------------------------------

BUTTONS = Buttons("Size?", ["s", "m"])


@pytest.mark.parametrize(
    "component", [BUTTONS, Form("Where?", {}), Component("map", "Here")], ids=lambda c: c.title
)
async def test_text_stands_before_the_component_that_follows_it(component):
    turn = await turn_with("Which ", "one?", component)
    assert shown(turn)[0] == "Which one?"
    assert (len(shown(turn)), ends_of(turn)) == (2, ["needs_input"])
    assert not [fact for fact in turn.facts if isinstance(fact, PartialStored)]


async def test_text_after_a_component_is_another_answer():
    turn = await turn_with(Thinking("a"), "One.", BUTTONS, "Two.", BUTTONS, "Three.")
    assert shown(turn) == ["(a)", "One.", "buttons", "Two.", "buttons", "Three."]
    answers = [fact.message_id for fact in turn.facts if isinstance(fact, ResponseGiven)]
    assert len(set(answers)) == 3


async def test_a_step_on_the_way_does_not_cut_an_answer_in_two():
    turn = await turn_with("Hel", Thinking("a"), "lo", Thinking("b"), BUTTONS)
    assert shown(turn) == ["(a)", "(b)", "Hello", "buttons"]


async def test_a_component_without_text_before_it_takes_none_from_after_it():
    turn = await turn_with(BUTTONS, "Which?", Response())
    assert shown(turn) == ["buttons", "Which?"]


async def test_text_before_the_agent_gives_up_is_kept():
    turn = await turn_with("I cannot do that.", Abandon("user"))
    assert (shown(turn), ends_of(turn)) == (["I cannot do that."], ["finished"])


# -- what was streamed --------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, ""])
async def test_an_empty_response_does_not_wipe_what_was_streamed(content):
    turn = await turn_with("Hel", "lo", Response(content, is_complete=True))
    assert (shown(turn), ends_of(turn)) == (["Hello"], ["finished"])


async def test_a_response_in_words_replaces_what_was_streamed():
    assert shown(await turn_with("Hel", Response("Good day"))) == ["Good day"]


def test_a_step_is_read_back_as_it_was_given():
    step = Form("Where?", {"type": "object"}, data={"x": [1, 2.5, None]})
    assert checked(step) == (replace(step), False)


class Escaping(str):
    """Text that changes what stands before it, as the markup of template libraries does."""

    __slots__ = ()

    def __radd__(self, before: str) -> str:
        return before.replace("<", "&lt;") + str.__str__(self)


class NoText(str):
    """Text that makes no text of what stands before it."""

    __slots__ = ()

    def __radd__(self, _: str) -> int:
        return 5


@pytest.mark.parametrize("kind", [Escaping, NoText])
@pytest.mark.parametrize("step", [str, Delta], ids=["text", "delta"])
async def test_a_piece_of_a_class_of_its_own_is_the_text_that_it_holds(kind, step):
    pieces = ["a<b ", kind("c")] if step is str else [Delta("a<b "), Delta(kind("c"))]
    assert (await turn_with(*pieces)).answer == "a<b c"
