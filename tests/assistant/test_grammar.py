"""The grammar of values reads back what people and programs write, and never raises."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstream.assistant.answers import shown
from chatstream.assistant.repair import act_of, corrects, wants_the_same
from chatstream.assistant.slots.addresses import find_emails, find_urls
from chatstream.assistant.slots.choices import find_by_place, find_choices
from chatstream.assistant.slots.dates import find_dates
from chatstream.assistant.slots.durations import find_durations
from chatstream.assistant.slots.moments import find_moments
from chatstream.assistant.slots.money import Money, find_money
from chatstream.assistant.slots.numbers import find_numbers
from chatstream.assistant.slots.times import find_times
from chatstream.assistant.slots.yesno import find_flags, says

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
WORDS = st.sampled_from(
    [
        "a",
        "an",
        "at",
        "7",
        "am",
        "pm",
        "half",
        "past",
        "quarter",
        "to",
        "tomorrow",
        "next",
        "friday",
        "march",
        "3rd",
        "31",
        "feb",
        "99",
        ":",
        "/",
        "-",
        "$",
        "€",
        "in",
        "two",
        "weeks",
        "hours",
        "noon",
        "tonight",
        "the",
        "last",
        "no",
        "yes",
        "make",
        "it",
        "12:30",
        "2026-13-40",
        "9999999999",
    ]
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("7 am", "07:00"),
        ("17:15", "17:15"),
        ("5.30pm", "17:30"),
        ("half past 3 in the afternoon", "15:30"),
        ("evening 5", "17:00"),
        ("quarter to 6 this evening", "17:45"),
        ("ten past seven", "07:10"),
        ("five thirty pm", "17:30"),
        ("11 o'clock at night", "23:00"),
        ("noon", "12:00"),
        ("midnight", "00:00"),
    ],
)
def test_times_as_people_say_them(said: str, meant: str):
    assert [f"{one.value.time:%H:%M}" for one in find_times(said)] == [meant]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("7 am tomorrow", "2026-11-24T07:00"),
        ("tonight at 8", "2026-11-23T20:00"),
        ("at 8", "2026-11-23T20:00"),
        ("at 11", "2026-11-23T11:00"),
        ("next friday at noon", "2026-12-04T12:00"),
        ("friday at noon", "2026-11-27T12:00"),
        ("in 20 minutes", "2026-11-23T10:50"),
        ("March 3rd at 5:30 pm", "2027-03-03T17:30"),
        ("day after tomorrow evening at 6", "2026-11-25T18:00"),
        ("in 3 days at 5 pm", "2026-11-26T17:00"),
        ("7pm on 12/24", "2026-12-24T19:00"),
    ],
)
def test_moments_as_people_say_them(said: str, meant: str):
    (found,) = find_moments(said, NOW)
    assert f"{found.value.resolve(NOW):%Y-%m-%dT%H:%M}" == meant


@pytest.mark.parametrize("said", ["tomorrow", "next week", "on March 3rd"])
def test_a_day_alone_is_no_moment_yet(said: str):
    (found,) = find_moments(said, NOW)
    assert found.value.resolve(NOW) is None


@pytest.mark.parametrize("said", ["Feb 30", "2026-13-01", "13/45", "99 pm", "31 April"])
def test_what_is_not_on_any_calendar_is_not_found(said: str):
    assert [one.value for one in find_dates(said, NOW.date())] == []
    assert not any(one.value.half for one in find_times(said))


@given(st.times().map(lambda it: it.replace(second=0, microsecond=0)))
def test_a_time_that_is_shown_reads_back(wanted: time):
    (found,) = find_times(shown(wanted, NOW))
    assert found.value.time == wanted


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_a_date_in_any_form_reads_back(wanted: date):
    for written in (
        wanted.isoformat(),
        f"{wanted.month}/{wanted.day}/{wanted.year}",
        f"{wanted:%B} {wanted.day}, {wanted.year}",
        f"the {wanted.day}th of {wanted:%b} {wanted.year}",
    ):
        assert [one.value for one in find_dates(written, NOW.date())] == [wanted]


@given(st.datetimes(datetime(2026, 11, 24), datetime(2027, 11, 1)))  # noqa: DTZ001
def test_a_moment_that_is_shown_reads_back(at: datetime):
    wanted = at.replace(second=0, microsecond=0, tzinfo=UTC)
    (found,) = find_moments(shown(wanted, NOW), NOW)
    assert found.value.resolve(NOW) == wanted


@given(st.integers(1, 86_400 * 30).map(lambda seconds: timedelta(seconds=seconds)))
def test_a_duration_that_is_shown_reads_back(wanted: timedelta):
    (found,) = find_durations(shown(wanted, NOW))
    assert found.value == wanted


@given(st.integers(-999_999_999, 999_999_999))
def test_a_number_reads_back(wanted: int):
    assert [one.value for one in find_numbers(f"{wanted}")] == [wanted]
    assert [one.value for one in find_numbers(f"{wanted:,}")] == [wanted]


@given(st.integers(0, 999_999), st.sampled_from(["USD", "EUR", "GBP"]))
def test_money_reads_back(cents: int, currency: str):
    wanted = Money(cents / 100, currency)
    (found,) = find_money(shown(wanted, NOW))
    assert found.value == wanted


@given(st.emails())
def test_addresses_never_raise(address: str):
    for found in find_emails(f"write to {address}, please"):
        assert "@" in found.value


@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=12).map(" ".join)))
def test_no_text_makes_the_grammar_raise(text: str):
    found = [
        *find_times(text),
        *find_dates(text, NOW.date()),
        *find_moments(text, NOW),
        *find_durations(text),
        *find_numbers(text),
        *find_money(text),
        *find_emails(text),
        *find_urls(text),
        *find_flags(text, "has_garage"),
        *find_choices(text, {"a": ("a",), "seven": ("7",)}),
        *find_by_place(text, ["a", "b"]),
    ]
    assert all(0 <= one.start <= one.end <= len(text) for one in found)
    for one in find_moments(text, NOW):
        one.value.resolve(NOW)
        one.value.resolve(NOW, NOW)
    says(text)
    act_of(text)
    corrects(text)
    wants_the_same(text)


@pytest.mark.parametrize("text", ["yes please", "Yep.", "that is correct", "sounds good", "sure"])
def test_a_yes(text: str):
    said = says(text)
    assert said is not None
    assert said.value


@pytest.mark.parametrize("text", ["no", "nope, make it 8", "that's wrong", "not really"])
def test_a_no(text: str):
    said = says(text)
    assert said is not None
    assert not said.value
