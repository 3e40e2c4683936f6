"""No message holds the event loop: neither the grammars with what they read at most, nor the
whole assistant with the longest message that the server takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from time import thread_time
from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct
from tests.assistant.desk import Desk
from tests.assistant.dialogue import Dialogue
from tests.assistant.stalls import AT_MOST_S, Stalls
from tests.assistant.test_server import DemoServer
from tests.assistant.worst_cases import words_of, worst_cases

from chatstream.agent_loading import as_agent
from chatstream.assistant import (
    examples,
    extract,
    fallback,
    filling,
    free_text,
    middle,
    recognise,
    repair,
)
from chatstream.assistant.demo import demo_tools, pacing
from chatstream.assistant.demo.pacing import Paced
from chatstream.assistant.demo.units import unit_tools
from chatstream.assistant.extract import read_values
from chatstream.assistant.orchestrator import Assistant, assistant_from_tools
from chatstream.assistant.parameters import Email, Url
from chatstream.assistant.pattern import LONGEST_TEXT
from chatstream.assistant.recognise import Recogniser
from chatstream.assistant.slots import (
    addresses,
    choices,
    dates,
    durations,
    moments,
    money,
    numbers,
    times,
    yesno,
)
from chatstream.assistant.text_patterns import without_pattern
from chatstream.assistant.tools import Money, tool
from chatstream.client import ChatClient
from chatstream.domain.steps import Response
from chatstream.errors import ConfigurationError

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
LONGEST_MESSAGE = 32_768


@tool(
    examples=[
        "book {rooms: two} rooms in {place: Oslo} for {name: Ann}",
        "from {start: monday} to {end: friday}",
        "I need a table called {name: Gym} at {at: 7 pm} with {note: a view} please",
    ]
)
def everything(
    start: datetime,
    end: datetime,
    at: datetime,
    rooms: int,
    price: Money,
    mail: Email,
    site: Url,
    place: Literal["New York", "Old Oslo", "music", "sports"],
    name: str,
    note: str,
    has_free_parking: bool = False,
) -> None:
    """Book everything."""


def _read(asked: str | None) -> Callable[[str], object]:
    parameter = None if asked is None else everything.parameter(asked)
    return lambda text: read_values(everything.parameters, text, NOW, parameter)


UNITS = unit_tools()[0]
SHOWN = ["New York", "Old Oslo", "music", "sports"]
GRAMMARS: dict[str, tuple[Callable[[str], object], list]] = {
    "numbers": (numbers.find_numbers, [numbers]),
    "times": (times.find_times, [times]),
    "dates": (lambda text: dates.find_dates(text, NOW.date()), [dates]),
    "durations": (durations.find_durations, [durations]),
    "moments": (lambda text: moments.find_moments(text, NOW), [moments, times, durations]),
    "money": (money.find_money, [money, numbers]),
    "emails": (addresses.find_emails, [addresses]),
    "urls": (addresses.find_urls, [addresses]),
    "places": (lambda text: choices.find_by_place(text, SHOWN), [choices]),
    "parts": (lambda text: choices.find_by_part(text, SHOWN), [choices]),
    "concepts": (lambda text: choices.find_by_concept(text, SHOWN), [choices]),
    "choices": (
        lambda text: choices.find_choices(text, {one: choices.names_of(one) for one in SHOWN}),
        [choices],
    ),
    "any": (choices.ANY.search, [choices]),
    "yes or no": (yesno.says, [yesno]),
    "flags": (lambda text: yesno.find_flags(text, "has_free_parking"), [yesno]),
    "units": (lambda text: read_values(UNITS.parameters, text, NOW), [numbers, choices]),
    "a whole text": (free_text.whole, [free_text]),
    "a leading text": (lambda text: free_text.leading(text, []), [free_text]),
    "acts": (repair.act_of, [repair]),
    "first acts": (repair.first_act, [repair]),
    "corrections": (repair.corrects, [repair]),
    "the same": (repair.wants_the_same, [repair]),
    "again": (repair.wants_again, [repair]),
    "refusals": (repair.refuses, [repair]),
    "requests": (middle._REQUESTS.search, [middle]),
    "names of parameters": (filling._naming("name").search, [filling]),
    "none of these": (fallback._NONE.fullmatch, [fallback]),
    "other words": (fallback._OTHER_WORDS.search, [fallback]),
    "tasks": (Recogniser({"a": ["book it"], "b": ["set it"]}).recognise, [recognise, repair]),
    "all kinds": (_read(None), [extract, free_text, times, dates]),
    "all kinds, a text asked": (_read("note"), [extract, free_text, examples]),
    "all kinds, a moment asked": (_read("at"), [moments, times, dates]),
    "all kinds, a choice asked": (_read("place"), [choices, yesno]),
}


def took_s(read: Callable[[str], object], text: str) -> float:
    begun_at = thread_time()
    read(text)
    return thread_time() - begun_at


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_grammar_reads_its_worst_texts_at_once(name: str):
    read, modules = GRAMMARS[name]
    read("")  # what is compiled is compiled
    for text in worst_cases(words_of(*modules), LONGEST_TEXT):
        assert took_s(read, text) < AT_MOST_S, text


@pytest.mark.parametrize("name", GRAMMARS)
def test_it_would_also_read_four_times_as_much(name: str):
    """What takes time by the square of the length shows here."""
    read, modules = GRAMMARS[name]
    read("")
    for text in worst_cases(words_of(*modules), 4 * LONGEST_TEXT, most=25):
        assert took_s(read, text) < AT_MOST_S, text[:50]


def test_an_act_is_told_at_once_at_its_longest():
    for text in worst_cases(words_of(repair), 120, most=400):
        assert took_s(repair.act_of, text) < AT_MOST_S, text


def test_what_is_too_long_is_not_read():
    assert read_values(everything.parameters, "7 am " * 201, NOW) == {}
    assert Recogniser({"a": ["x"]}).recognise("y " * 500 + "x") == Recogniser(
        {"a": ["x"]}
    ).recognise("y " * 500)


def test_number_words_without_end_are_no_crash():
    assert numbers.find_numbers("hundred " * 100)[0].value < 1e18
    assert numbers.find_numbers("a million million million")


@cache
def demo() -> Assistant:
    async def fetch(*_, **__):
        return []

    async def write(*_, **__):
        return None

    return assistant_from_tools(demo_tools(fetch, write), zone=UTC)


@cache
def many() -> Assistant:
    """Fifty tools that each read every kind of value."""
    made = []
    for number in range(50):
        one = tool(
            name=f"tool_{number}", examples=[f"thing{number} for {{name: Ann}} at {{at: 7 pm}}"]
        )
        made.append(one(everything.function))
    return assistant_from_tools(made, zone=UTC)


@cache
def desk() -> Assistant:
    return Desk().assistant()


SCENES: dict[str, tuple[Callable[[], Assistant], list[str]]] = {
    "the demo, no task": (demo, []),
    "the demo, a moment asked": (demo, ["set an alarm"]),
    "the demo, a text asked": (demo, ["set a reminder"]),
    "the demo, a number asked": (demo, ["convert units"]),
    "the demo, a yes asked": (demo, ["delete my alarms"]),
    "the demo, buttons shown": (demo, ["alarm convert todo"]),
    "a desk, no task": (desk, []),
    "a desk, a choice asked": (desk, ["order a pizza"]),
    "a desk, a yes asked": (desk, ["I want two large pizzas"]),
    "fifty tools, no task": (many, []),
}


async def _talk(name: str) -> Dialogue:
    make, said = SCENES[name]
    talk = Dialogue(make())
    for one in said:
        await talk.say(one)
    return talk


@pytest.mark.parametrize("name", SCENES)
async def test_the_assistant_holds_the_loop_for_no_message_that_it_reads(name: str):
    words = words_of(times, repair, free_text, numbers)
    SCENES[name][0]().warm_up()
    await (await _talk(name)).say("hm " * 300)
    for text in worst_cases(words, LONGEST_TEXT, most=12):
        talk = await _talk(name)
        async with Stalls() as stalls:
            await talk.say(text)
        assert stalls.longest_s < AT_MOST_S, text


@pytest.mark.parametrize("name", SCENES)
async def test_it_says_so_where_a_message_is_too_long_and_the_turn_ends(name: str):
    for text in worst_cases(words_of(repair), LONGEST_MESSAGE, most=6):
        talk = await _talk(name)
        async with Stalls() as stalls:
            answer = await talk.say(text)
        assert stalls.longest_s < AT_MOST_S, text[:50]
        assert "too long for me: I can read 1,000 characters" in answer
        assert talk.ended in {"finished", "needs_input"}


async def test_a_task_goes_on_after_a_message_that_was_too_long():
    talk = Dialogue(Desk().assistant())
    await talk.say("Create alarm")
    assert (await talk.say("7 am " * 300)).endswith("When shall it ring?")
    assert "rings tomorrow at 7:00 am" in await talk.say("7 am")


async def test_a_task_is_given_up_after_three_of_them():
    talk = Dialogue(Desk().assistant())
    await talk.say("Create alarm")
    for _ in range(3):
        said = await talk.say("7 am " * 300)
    assert "stopped here" in said


async def test_a_message_of_just_a_thousand_characters_is_read():
    talk = Dialogue(Desk().assistant())
    assert "rings" in await talk.say("set an alarm for 7 am".ljust(LONGEST_TEXT))


async def test_a_model_reads_what_is_too_long_for_the_grammars():
    async def model(turn):
        yield Response(f"{len(turn.content)} characters")

    talk = Dialogue(Desk().assistant(model=model))
    assert await talk.say("dear all, " * 200) == "2000 characters"


async def test_a_form_with_a_text_that_is_too_long_to_read_is_told_so():
    talk = Dialogue(demo())
    await talk.say("timer")
    async with Stalls() as stalls:
        answer = await talk.submit(duration="1 " * 16_000)
    assert stalls.longest_s < AT_MOST_S
    assert answer.startswith("I cannot read “1 1 1")


async def test_a_long_answer_is_shown_in_a_bounded_number_of_pieces(monkeypatch):
    monkeypatch.setattr(pacing, "PIECE_EVERY_S", 0)

    async def agent(_):
        yield Response("word " * 5_000 + " " * 20_000)

    pieces = [one async for one in Paced(as_agent(agent))(None)][:-1]
    assert len(pieces) <= 200
    assert "".join(pieces) == ("word " * 5_000).rstrip()


async def test_a_server_answers_each_of_them_and_others_meanwhile(tmp_path):
    with DemoServer(tmp_path, RATE_LIMIT=0) as server:
        async with ChatClient(server.socket_url) as client:
            chat, other = await client.open(), await client.open()
            for text in ("1 " * 16_384, "1+" * 16_384, "set an alarm".ljust(32_768)):
                async with asyncio.timeout(10):
                    sent = await chat.send(text)
                    help_ = await other.answer_to(await other.send("help"))
                    answer = await chat.answer_to(sent)
                assert "too long" in answer.content
                assert "I can do this for you" in help_.content
            sent = await chat.send("1 " * 16_384)
            server.kill()
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(10):
                assert "too long" in (await chat.answer_to(sent)).content


# -- patterns of tools ------------------------------------------------------------------------

HARD = r"^(\w+\s?)*$"


def booking(kind) -> Assistant:
    def book(code: str) -> None:
        """Book by a code."""

    book.__annotations__["code"] = kind
    examples = ["order {code: AB1}", "new booking"]
    return assistant_from_tools([tool(examples=examples, answer="Booked {code}.")(book)])


@pytest.mark.parametrize(
    "kind", [Annotated[str, Meta(pattern=HARD)], Annotated[str, Meta(pattern=HARD)] | None]
)
async def test_no_text_is_hard_on_a_pattern_of_a_tool(kind):
    talk = Dialogue(booking(kind))
    assert await talk.say("new booking") == "What code shall it be?"
    async with Stalls() as stalls:
        answer = await talk.say("a" * 40 + "!x")
    assert stalls.longest_s < AT_MOST_S
    assert answer.startswith("That is no code that I can use.")
    assert "no code that I can use" in await talk.say("a" * 300)
    assert talk.intent.component.schema["properties"]["code"]["pattern"] == HARD
    assert await talk.submit(code="AB 12") == "Booked AB 12."


class Booking(Struct):
    code: Annotated[str, Meta(pattern=HARD)]
    after: Booking | None = None


@pytest.mark.parametrize(
    "kind",
    [Annotated[str, Meta(pattern=r"(?=a)b")], list[Annotated[str, Meta(pattern="a")]], Booking],
)
def test_a_pattern_that_cannot_be_bounded_is_refused_when_the_tool_is_made(kind):
    with pytest.raises(ConfigurationError, match="pattern"):
        booking(kind)


def test_what_has_no_pattern_is_left_as_it_is():
    limited = Annotated[str, Meta(min_length=2, max_length=3, title="Code")]
    assert without_pattern(limited, "x") == (limited, None)
    kind, pattern = without_pattern(Annotated[str, Meta(pattern="a", max_length=3)], "x")
    assert (kind, pattern) == (Annotated[str, Meta(max_length=3)], "a")
