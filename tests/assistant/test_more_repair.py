"""The finer turns of a conversation: answers in words to buttons, odd answers, and asides."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Literal

import pytest
from tests.assistant.desk import Desk
from tests.assistant.dialogue import Dialogue

from chatstream.assistant.orchestrator import assistant_from_tools
from chatstream.assistant.tools import tool


def _with(*tools) -> Dialogue:
    return Dialogue(assistant_from_tools(tools, zone=UTC))


# -- the fallback's offer, answered in words -------------------------------------------------


async def test_an_offer_is_taken_by_its_place(talk: Dialogue):
    await talk.say("blorb the fnord")
    offered = [one.value for one in talk.intent.component.options]
    await talk.say("the second one please")
    assert talk.intent.name == offered[1]


@pytest.mark.parametrize("words", ["none of these", "no", "Neither."])
async def test_an_offer_is_declined_in_words(talk: Dialogue, words: str):
    await talk.say("blorb the fnord")
    assert "other words" in await talk.say(words)


async def test_a_yes_takes_a_single_offer():
    @tool(examples=["water the plants on the balcony"])
    def water() -> str:
        """Water the plants."""
        return "They are watered."

    talk = _with(water)
    assert "Did you mean “Water”?" in await talk.say("blorb fnord quux zork plants grmpf xyzzy")
    assert await talk.say("yes") == "They are watered."


async def test_other_words_after_an_offer_are_read_anew(desk: Desk, talk: Dialogue):
    await talk.say("blorb the fnord")
    await talk.say("set an alarm for 9 pm")
    assert desk.done == [("alarm", "2026-11-23T21:00:00+00:00", "Alarm")]


async def test_a_value_that_only_one_tool_takes_speaks_for_that_tool(talk: Dialogue):
    assert "Did you mean “Create alarm”" in await talk.say("9 pm")


async def test_a_value_that_one_of_two_tools_takes_speaks_for_it():
    @tool(examples=["tell me the weather"], digression=True)
    def weather() -> str:
        """Tell the weather."""
        return "It is sunny."

    talk = _with(weather, *Desk().tools()[:1])
    assert "rings today at 3:45 pm" in await talk.say("3:45 pm")


# -- no task ---------------------------------------------------------------------------------


async def test_what_can_be_done_is_said_when_asked(talk: Dialogue):
    for words in ("help", "what can you do?", "skip", "what's going on?"):
        assert "I can do this for you" in await talk.say(words)


async def test_there_is_nothing_to_stop(talk: Dialogue):
    assert await talk.say("never mind") == "There is nothing open that I could stop."


async def test_the_last_answer_is_repeated(desk: Desk):
    earlier = {"name": "create_alarm", "answer": "Your alarm rings at 9."}
    talk = Dialogue(desk.assistant(), context={"completed": [earlier]})
    assert await talk.say("say that again") == "Your alarm rings at 9."
    assert "I can do this" in await Dialogue(desk.assistant()).say("what?")


async def test_there_is_nothing_to_go_back_to(talk: Dialogue):
    assert "set an alarm" not in await talk.say("let's go on")
    assert talk.ended in {"finished", "needs_input"}


# -- in the middle ---------------------------------------------------------------------------


async def test_gibberish_is_asked_again_and_given_up_at_last(talk: Dialogue):
    asked = await talk.say("Create alarm")
    assert await talk.say("blorb") == f"Sorry, I did not get that. {asked}"
    assert await talk.say("fnord") == f"Sorry, I did not get that. {asked}"
    assert "I have stopped here" in await talk.say("quux")
    assert talk.intent.reason == "not_understood"


async def test_help_in_the_middle_keeps_the_question(talk: Dialogue):
    asked = await talk.say("Create alarm")
    said = await talk.say("help")
    assert said.startswith("I can do this for you")
    assert said.endswith(asked)


async def test_goodbye_leaves_the_task(talk: Dialogue):
    await talk.say("Create alarm")
    assert "Goodbye" in await talk.say("bye")
    assert (talk.intent.status, talk.intent.reason) == ("abandoned", "user")


async def test_go_on_means_the_open_question(talk: Dialogue):
    asked = await talk.say("Create alarm")
    assert await talk.say("go on") == asked


async def test_go_on_is_a_yes_to_whether_to_do_it(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    await talk.say("go ahead")
    assert desk.done == [("pizza", "large", 2)]


async def test_back_in_words_from_the_middle_of_another_task(desk: Desk, talk: Dialogue):
    await talk.say("I'd like a large pizza")
    pizza = talk.intent
    await talk.say("Create alarm")
    said = await talk.say("go back to the pizza")
    assert said.startswith("Back to: Order pizza.")
    assert talk.intent.user_intent_id == pizza.user_intent_id


async def test_dropping_a_task_tells_what_it_had_interrupted(talk: Dialogue):
    await talk.say("I'd like a large pizza")
    await talk.say("Create alarm")
    said = await talk.say("forget it")
    assert said.startswith("All right, I have dropped that. We had left this open:")


async def test_something_else_at_the_confirmation_asks_again(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    assert "Sorry, I did not get that." in await talk.say("blorb")
    assert "shall I do that?" in await talk.say("skip")
    assert desk.done == []


@pytest.mark.parametrize(
    ("words", "is_done"),
    [
        ("order the pizza, please", True),
        ("I don't want to order a pizza", False),
        ("will you order the pizza?", False),
        ("I had thought of ordering a pizza here some time ago", False),
    ],
)
async def test_only_a_short_restatement_is_a_yes(
    desk: Desk, talk: Dialogue, words: str, *, is_done: bool
):
    await talk.say("I want two large pizzas")
    await talk.say(words)
    assert bool(desk.done) is is_done


async def test_the_same_values_again_with_a_yes_are_a_yes(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    await talk.say("yes, two large ones")
    assert desk.done == [("pizza", "large", 2)]


async def test_sure_to_what_should_be_different_does_nothing(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    await talk.say("no")
    assert "shall I do that?" in await talk.say("sure")
    assert desk.done == []


async def test_a_no_drops_what_has_nothing_to_change():
    @tool(confirm="Shall I really delete everything?")
    def delete_everything() -> str:
        """Delete everything."""
        return "It is gone."

    talk = _with(delete_everything)
    assert await talk.say("delete everything") == "Shall I really delete everything?"
    assert await talk.say("no") == "All right, I have dropped that."


async def test_an_optional_question_is_declined_politely(desk: Desk, talk: Dialogue):
    await talk.say("add milk to my list")
    await talk.say("no, thank you")
    assert desk.done == [("item", "milk", "")]


async def test_an_aside_that_lacks_something_leads_back_to_the_question():
    @tool(examples=["what is the weather like in {city: Paris}"], digression=True)
    def weather(city: Literal["Paris", "Rome"]) -> str:
        """Tell the weather."""
        return f"It is sunny in {city}."

    talk = _with(weather, *Desk().tools()[:1])
    asked = await talk.say("Create alarm")
    assert await talk.say("what is the weather like") == asked
    assert await talk.say("what is the weather like in Rome") == f"It is sunny in Rome.\n\n {asked}"


async def test_an_aside_that_fails_leads_back_to_the_question():
    @tool(examples=["what is the weather like"], digression=True)
    def weather() -> str:
        """Tell the weather."""
        raise RuntimeError("no satellite")

    talk = _with(weather, *Desk().tools()[:1])
    asked = await talk.say("Create alarm")
    said = await talk.say("what is the weather like")
    assert said == f"That did not work.\n\n {asked}"


async def test_something_else_after_an_unknown_outcome_asks_again(desk: Desk, talk: Dialogue):
    await talk.killed("set an alarm for 9 pm", lambda step: type(step).__name__ == "ToolCall")
    await talk.recover()
    assert "Shall I try that again?" in await talk.say("blorb")


async def test_a_correction_by_a_bare_value(desk: Desk, talk: Dialogue):
    await talk.say("I want two large pizzas")
    assert "count: 3" in await talk.say("no, make it three")
    assert "size: small" in await talk.say("change the size to small and the count to 5")
    await talk.say("yes")
    assert desk.done == [("pizza", "small", 5)]


async def test_the_same_as_last_time_takes_every_missing_value(desk: Desk):
    earlier = {"name": "order_pizza", "slots": {"size": "small", "count": 3}}
    talk = Dialogue(desk.assistant(), context={"completed": [earlier]})
    await talk.say("order a pizza")
    assert "size: small and count: 3" in await talk.say("the same as last time")
    assert desk.done == []


async def test_a_context_of_another_make_is_none(desk: Desk):
    talk = Dialogue(desk.assistant(), context={"completed": "none of ours"})
    assert await talk.say("Create alarm") == "When shall it ring?"


async def test_slots_of_an_older_tool_are_asked_for_again(desk: Desk, talk: Dialogue):
    await talk.say("I'd like a large pizza")

    @tool(name="order_pizza", examples=["order a pizza"])
    def with_numbers(size: int) -> str:
        """Order pizza.

        Args:
            size: How large, in centimetres?
        """
        return f"{size} cm."

    talk.agent = assistant_from_tools([with_numbers], zone=UTC)
    talk.reconnect()
    assert await talk.say("what do you need?") == (
        "This is about: Order pizza. How large, in centimetres?"
    )
    assert await talk.say("30") == "30 cm."


# -- values ----------------------------------------------------------------------------------


async def test_a_time_is_corrected_in_its_half_of_the_day():
    taken: list[time] = []

    @tool(examples=["wake me"], confirm=True)
    def wake(at: time) -> None:
        """Wake you up.

        Args:
            at: When?
        """
        taken.append(at)

    talk = _with(wake)
    await talk.say("wake me at 6 pm")
    await talk.say("no, make it 7")
    await talk.say("yes")
    assert taken == [time(19)]


async def test_options_that_are_numbers():
    taken: list[str] = []

    def rate(stars: Literal["1", "2", "3"]) -> None:
        """Rate it."""
        taken.append(stars)

    talk = _with(rate)
    await talk.say("rate it")
    await talk.say("three")
    assert taken == ["3"]


async def test_an_option_is_known_by_what_it_is_about():
    taken: list[str] = []

    def find_event(category: Literal["Music", "Sports"]) -> None:
        """Find an event."""
        taken.append(category)

    talk = _with(find_event)
    await talk.say("find an event")
    await talk.say("I would like to see some concerts")
    assert taken == ["Music"]


async def test_a_flag_of_what_is_not_there():
    taken: list[bool] = []

    @tool(examples=["find a sight"])
    def find_sight(free_entry: bool) -> None:
        """Find a sight."""
        taken.append(free_entry)

    await _with(find_sight).say("find a sight without an entry fee")
    assert taken == [True]


async def test_what_no_grammar_reads_comes_by_the_form():
    taken: list[list[int]] = []

    def sum_up(numbers: list[int]) -> None:
        """Sum up."""
        taken.append(numbers)

    talk = _with(sum_up)
    await talk.say("sum up")
    await talk.submit(numbers=[1, 2])
    assert taken == [[1, 2]]


NAMES = [
    ("add an alarm “Wake up”", "Wake up"),
    ("use Yoga as the name", "Yoga"),
    ("the alarm is music practice", "music practice"),
    ("name this alarm as Take medicine", "Take medicine"),
    ("it's for grocery shopping", "grocery shopping"),
    ("set an alarm at 7 pm for soccer practice", "soccer practice"),
    ("set an alarm at 7 pm for two hours", None),
    ("set an alarm for my daughter's game today", None),
    ("the alarm is correct", None),
    ("I want to see Leave Home in it", "Leave Home"),
    ("set a Laundry alarm", "Laundry"),
    ("it is called", None),
    ("name it 5", None),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_what_something_is_called(text: str, name: str | None):
    @tool(examples=["set an alarm called {alarm_name: Gym}"])
    def set_alarm(at: datetime, alarm_name: str = "Alarm") -> None:
        """Set an alarm."""

    from chatstream.assistant.extract import read_values

    found = read_values(set_alarm.parameters, text, datetime(2026, 11, 23, 10, tzinfo=UTC))
    value = found.get("alarm_name")
    assert (None if value is None else value.value) == name


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("the twenty first of march", date(2027, 3, 21)),
        ("on the 5th", date(2026, 12, 5)),
        ("on the 31st", date(2026, 12, 31)),
        ("in two months", date(2027, 1, 23)),
        ("next year", date(2027, 11, 23)),
        ("3/14", date(2027, 3, 14)),
        ("3/14/27", date(2027, 3, 14)),
        ("the day after tomorrow", date(2026, 11, 25)),
    ],
)
def test_days_as_people_say_them(text: str, day: date):
    from chatstream.assistant.slots.dates import find_dates

    assert [one.value for one in find_dates(text, date(2026, 11, 23))] == [day]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("two hundred and fifty", 250),
        ("a dozen", 12),
        ("three thousand", 3_000),
        ("a hundred", 100),
        ("minus 3.5", -3.5),
        ("two and a half", 2.5),
    ],
)
def test_numbers_as_people_say_them(text: str, number: float):
    from chatstream.assistant.slots.numbers import find_numbers

    assert [one.value for one in find_numbers(text)] == [number]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01T08:15:00Z", "2026-12-01T08:15"),
        ("2026-12-01 08:15", "2026-12-01T08:15"),
        ("tomorrow evening at 8", "2026-11-24T20:00"),
        ("7 tomorrow morning", "2026-11-24T07:00"),
        ("in half an hour", "2026-11-23T11:00"),
        ("two hours from now", "2026-11-23T12:30"),
        ("today at 9 am", "2026-11-23T09:00"),
    ],
)
def test_moments_of_every_form(text: str, moment: str):
    from chatstream.assistant.slots.moments import find_moments

    now = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    (found,) = find_moments(text, now)
    assert f"{found.value.resolve(now):%Y-%m-%dT%H:%M}" == moment


@pytest.mark.parametrize("text", ["2026-13-45T99:99", "in 999999 weeks and 999999 hours"])
def test_moments_beyond_the_calendar_are_none(text: str):
    from chatstream.assistant.slots.moments import find_moments

    now = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    assert all(one.value.at is None for one in find_moments(text, now))
