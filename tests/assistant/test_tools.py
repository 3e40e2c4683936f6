"""Typed functions as tools: what their signature and docstring say, and how they are run."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Annotated, Literal

import pytest
from msgspec import Meta
from tests.assistant.dialogue import Dialogue

from chatstream.assistant.orchestrator import assistant_from_tools
from chatstream.assistant.tools import Email, Money, Tool, ToolContext, ToolFailed, Url, tool
from chatstream.errors import ConfigurationError


class Colour(Enum):
    RED = "red"
    DARK_BLUE = "dark_blue"


@tool(
    examples=["book {seats: two} seats"],
    prompts={"day": "Which day suits you?"},
    synonyms={"night": ["overnight"]},
)
def everything(
    moment: datetime,
    day: date,
    at: time,
    length: timedelta,
    price: Money,
    mail: Email,
    page: Url,
    colour: Colour,
    kind: Literal["day", "night"],
    seats: Annotated[int, Meta(ge=1, le=8)],
    weight: float,
    is_fragile: bool,
    note: str | None = None,
    *,
    context: ToolContext,
) -> None:
    """Book a parcel
    on two lines.

    More of it.

    Args:
        moment: When shall it be fetched?
        length (timedelta): how long it may take,
            at most
        note: what else there is to say

    Returns:
        nothing: really
    """


def test_the_signature_says_what_is_needed_and_of_what_kind():
    assert {one.name: one.kind for one in everything.parameters} == {
        "moment": "moment",
        "day": "date",
        "at": "time",
        "length": "duration",
        "price": "money",
        "mail": "email",
        "page": "url",
        "colour": "choice",
        "kind": "choice",
        "seats": "integer",
        "weight": "number",
        "is_fragile": "flag",
        "note": "text",
    }
    assert [one.name for one in everything.parameters if not one.is_required] == ["note"]


def test_a_parameter_that_is_a_question_word_is_asked_for_by_it():
    @tool(examples=["wake me"])
    def wake(when: datetime, how_loud: str) -> None:
        """Wake."""

    prompts = {one.name: one.prompt for one in wake.parameters}
    assert prompts == {"when": "When shall it be?", "how_loud": "How loud shall it be?"}


def test_the_docstring_says_what_it_does_and_how_to_ask():
    assert everything.description == "Book a parcel on two lines."
    prompts = {one.name: one.prompt for one in everything.parameters}
    assert prompts["moment"] == "When shall it be fetched?"
    assert prompts["day"] == "Which day suits you?"
    assert prompts["length"] == "Please tell me how long it may take, at most."
    assert prompts["seats"] == "What seats shall it be?"
    assert prompts["is_fragile"] == "Is fragile: yes or no?"


def test_the_schema_is_json_schema_with_pickers_and_limits():
    schema = everything.schema
    fields = schema["properties"]
    assert schema["required"] == [one.name for one in everything.parameters if one.is_required]
    assert fields["moment"]["format"] == "date-time"
    assert fields["day"]["format"] == "date"
    assert fields["at"]["format"] == "time"
    assert fields["mail"]["format"] == "email"
    assert fields["page"]["format"] == "uri"
    assert fields["colour"]["enum"] == ["red", "dark_blue"]
    assert (fields["seats"]["minimum"], fields["seats"]["maximum"]) == (1, 8)
    assert fields["note"]["description"] == "what else there is to say"


def half_typed(one, two: int) -> None: ...


def any_number(*names: str) -> None: ...


def any_named(**names: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (half_typed, "'one' of the tool 'half_typed' has no type"),
        (any_number, "'names' of the tool 'any_number' takes any number of values"),
        (any_named, "'names' of the tool 'any_named' takes any number of values"),
    ],
)
def test_a_parameter_that_cannot_be_asked_for_is_refused_at_once(function, why: str):
    with pytest.raises(ConfigurationError, match=why):
        Tool(function)


def test_a_name_that_no_model_could_call_is_refused():
    with pytest.raises(ConfigurationError, match="'<lambda>' cannot be the name of a tool"):
        Tool(lambda: None)


def test_two_tools_of_one_name_or_none_at_all_are_refused():
    with pytest.raises(ConfigurationError, match="at least one tool"):
        assistant_from_tools([])
    with pytest.raises(ConfigurationError, match="have the same name"):
        assistant_from_tools([everything, everything])


def test_a_tool_is_still_the_function_it_was():
    @tool
    def double(number: int) -> int:
        """Double a number."""
        return 2 * number

    assert double(21) == 42


async def _answer(function, *said: str) -> str:
    talk = Dialogue(assistant_from_tools([function], zone=UTC))
    for line in said[:-1]:
        await talk.say(line)
    return await talk.say(said[-1])


async def test_bare_functions_sync_and_async_are_tools():
    def open_door(number: int) -> str:
        """Open a door."""
        return f"Door {number} is open."

    async def close_door(number: int) -> str:
        """Close a door."""
        return f"Door {number} is closed."

    assert await _answer(open_door, "open door 7") == "Door 7 is open."
    assert await _answer(close_door, "close door 7") == "Door 7 is closed."


async def test_a_sync_function_that_returns_an_awaitable_is_awaited():
    async def fetched() -> str:
        return "It is fetched."

    @tool(name="fetch_it")
    def fetch():
        """Fetch it."""
        return fetched()

    assert await _answer(fetch, "fetch it") == "It is fetched."


async def test_the_users_identity_and_the_calls_id_are_handed_in():
    seen: list[ToolContext] = []

    @tool
    def remember_me(context: ToolContext) -> None:
        """Remember me."""
        seen.append(context)

    assert await _answer(remember_me, "Remember me, please") == "Done: Remember me."
    assert seen[0].user_id == "ada"
    assert seen[0].call_id.startswith("call_")
    assert seen[0].said == "Remember me, please"


async def test_a_tool_that_takes_too_long_fails_the_turn():
    @tool(timeout_s=0.01)
    async def wait_for_ever() -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    talk = Dialogue(assistant_from_tools([wait_for_ever]))
    await talk.say("wait for ever")
    assert talk.ended == "failed"
    assert talk.errors == ["tool_timeout"]


async def test_a_tool_that_raises_fails_the_turn_and_tells_nothing_of_it():
    @tool
    def break_it() -> None:
        """Break it."""
        raise RuntimeError("the secret is 42")

    talk = Dialogue(assistant_from_tools([break_it]))
    assert "42" not in await talk.say("break it")
    assert talk.ended == "failed"
    assert talk.errors == ["tool_failed"]


async def test_a_reason_that_the_user_may_read_is_read():
    @tool
    def open_safe() -> None:
        """Open the safe."""
        raise ToolFailed("It is night.")

    assert (await _answer(open_safe, "open the safe")).startswith("It is night. Shall I try again?")


@dataclass
class Row:
    name: str
    size: int


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "Done: Look it up."),
        (True, "Done: Look it up."),
        ("Found it.", "Found it."),
        ([], "There is nothing."),
        ([{"name": "a", "size": 1}, "b"], "- name: a, size: 1\n- b"),
        ({"size": 3}, "Look it up: size: 3"),
        (2.5, "Look it up: 2.5"),
        (12_345_678.9, "Look it up: 12,345,678.90"),
        (False, "Look it up: no"),
        (Row("a", 2), "Look it up: name: a, size: 2"),
    ],
)
async def test_results_of_any_form_are_said(result: object, said: str):
    @tool
    def look_it_up() -> object:
        """Look it up."""
        return result

    assert await _answer(look_it_up, "look it up") == said


KINDS = [
    ("at half past 8 tomorrow morning", "moment", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
    ("next friday", "day", date(2026, 12, 4)),
    ("quarter to 6 this evening", "at", time(17, 45)),
    ("an hour and a half", "length", timedelta(minutes=90)),
    ("20 bucks", "price", Money(20, "USD")),
    ("ada@example.org", "mail", "ada@example.org"),
    ("www.example.org", "page", "https://www.example.org"),
    ("the dark blue one", "colour", Colour.DARK_BLUE),
    ("overnight", "kind", "night"),
    ("the second one", "kind", "night"),
    ("two", "seats", 2),
    ("2 and a half", "weight", 2.5),
    ("nope", "is_fragile", False),
    ("it is fragile", "is_fragile", True),
    ("fifth floor, ring twice", "note", "fifth floor, ring twice"),
]


@pytest.mark.parametrize(("said", "name", "value"), KINDS)
async def test_a_value_of_every_kind_is_read_from_an_answer(said: str, name: str, value: object):
    taken: dict[str, object] = {}
    talk = Dialogue(assistant_from_tools([_taking(name, taken)], zone=UTC))
    assert await talk.say("take it") == "Which?"
    await talk.say(said)
    assert taken == {name: value}


FORMS = [
    ("moment", "2026-11-24T08:30", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
    ("day", "2026-12-04", date(2026, 12, 4)),
    ("at", "17:45:00", time(17, 45)),
    ("at", "17:45", time(17, 45)),
    ("length", "90 minutes", timedelta(minutes=90)),
    ("price", "20 EUR", Money(20, "EUR")),
    ("colour", "red", Colour.RED),
    ("seats", 2, 2),
    ("is_fragile", "yes", True),
    ("is_fragile", "no", False),
]


@pytest.mark.parametrize(("name", "submitted", "value"), FORMS)
async def test_a_value_of_every_kind_is_taken_from_a_form(name: str, submitted, value: object):
    taken: dict[str, object] = {}
    talk = Dialogue(assistant_from_tools([_taking(name, taken)], zone=UTC))
    await talk.say("take it")
    field = "value" if talk.intent.component.kind == "buttons" else name
    await talk.submit(**{field: submitted})
    assert taken == {name: value}


def _taking(name: str, taken: dict[str, object]) -> Tool:
    """A tool that takes one value of the kind that ``everything`` has by that name."""
    parameter = everything.parameter(name)
    assert parameter is not None

    def take(**values):
        """Take it."""
        taken.update(values)

    alone = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)
    take.__signature__ = inspect.Signature([alone])
    take.__annotations__ = {name: parameter.type}
    return tool(prompts={name: "Which?"}, synonyms={"night": ["overnight"]})(take)


async def test_what_a_form_says_and_the_grammar_cannot_read_is_asked_for_again():
    def wait(length: timedelta) -> None:
        """Wait."""

    talk = Dialogue(assistant_from_tools([wait], zone=UTC))
    await talk.say("wait")
    said = await talk.submit(length="until the cows come home")
    assert said.startswith("I cannot read “until the cows come home” as length.")


async def test_buttons_for_choices_and_yes_or_no_and_a_form_for_the_rest():
    def paint(colour: Colour) -> None:
        """Paint it."""

    def wrap(is_gift: bool) -> None:
        """Wrap it."""

    def weigh(weight: float, is_heavy: bool) -> None:
        """Weigh it."""

    talk = Dialogue(assistant_from_tools([paint, wrap, weigh], zone=UTC))
    await talk.say("paint it")
    assert [one.value for one in talk.intent.component.options] == ["red", "dark_blue"]
    await talk.submit(value="red")
    await talk.say("wrap it")
    assert [one.value for one in talk.intent.component.options] == ["yes", "no"]
    await talk.submit(value="yes")
    await talk.say("weigh it")
    assert set(talk.intent.component.schema["properties"]) == {"weight", "is_heavy"}
