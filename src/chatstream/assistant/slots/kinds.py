"""From a parameter's kind to the parser of its values, and from what was found to the value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import assert_never

from chatstream.assistant.parameters import Parameter
from chatstream.assistant.slots.addresses import find_emails, find_urls
from chatstream.assistant.slots.choices import (
    find_by_concept,
    find_by_part,
    find_by_place,
    find_choices,
    names_of,
)
from chatstream.assistant.slots.dates import find_dates
from chatstream.assistant.slots.durations import find_durations
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.languages import Languages
from chatstream.assistant.slots.moments import Moment, find_moments
from chatstream.assistant.slots.money import Money, find_money
from chatstream.assistant.slots.numbers import find_numbers
from chatstream.assistant.slots.times import Clock, find_times
from chatstream.assistant.slots.yesno import find_flags, says


class Finding:
    """Where values are looked for: a text, when it was said, and in what languages. Each grammar
    reads it once, however many parameters and tools ask for its kind of value."""

    def __init__(self, text: str, now: datetime, languages: Languages | None = None) -> None:
        self.text = text
        self.now = now
        self.languages = languages

    @cached_property
    def moments(self) -> Sequence[Found[Moment]]:
        """Days, times and lengths of time from now."""
        if self.languages is None:
            return find_moments(self.text, self.now)
        return self.languages.find_moments(self.text, self.now)

    @cached_property
    def dates(self) -> Sequence[Found[date]]:
        """Days."""
        english = find_dates(self.text, self.now.date())
        if english or self.languages is None:
            return english
        return self.languages.find_dates(self.text, self.now)

    @cached_property
    def times(self) -> Sequence[Found[Clock]]:
        """Times of day."""
        if self.languages is None:
            return find_times(self.text)
        return self.languages.find_times(self.text)

    @cached_property
    def durations(self) -> Sequence[Found[timedelta]]:
        """Lengths of time."""
        return find_durations(self.text)

    @cached_property
    def money(self) -> Sequence[Found[Money]]:
        """Sums of money."""
        return find_money(self.text)

    @cached_property
    def emails(self) -> Sequence[Found[str]]:
        """E-mail addresses."""
        return find_emails(self.text)

    @cached_property
    def urls(self) -> Sequence[Found[str]]:
        """Web addresses."""
        return find_urls(self.text)

    @cached_property
    def numbers(self) -> Sequence[Found[float]]:
        """Numbers."""
        return find_numbers(self.text)


def find(parameter: Parameter, where: Finding, *, is_asked: bool) -> Sequence[Found[object]]:
    """Every value of the parameter's kind in the text; weak ones only where it was asked for."""
    found = _find(parameter, where, is_asked=is_asked)
    return [one for one in found if is_asked or not one.weak]


def _find(  # noqa: C901, PLR0912 - one arm a kind
    parameter: Parameter, where: Finding, *, is_asked: bool
) -> Sequence[Found[object]]:
    match parameter.kind:
        case "moment":
            return where.moments
        case "date":
            return where.dates
        case "time":
            return where.times
        case "duration":
            return where.durations
        case "money":
            return where.money
        case "email":
            return where.emails
        case "url":
            return where.urls
        case "choice":
            return _find_choice(parameter, where, is_asked=is_asked)
        case "flag":
            return _find_flag(parameter, where.text, is_asked=is_asked)
        case "integer":
            return [one for one in where.numbers if one.value.is_integer()]
        case "number":
            return where.numbers
        case "text" | "other":
            return ()
        case _:  # pragma: no cover
            assert_never(parameter.kind)


def _find_choice(parameter: Parameter, where: Finding, *, is_asked: bool) -> list[Found[str]]:
    text = where.text
    values = [option.value for option in parameter.options]
    if all(value.isdigit() for value in values):
        numbers = [(one, f"{one.value:g}") for one in where.numbers]
        return [Found(value, one.start, one.end) for one, value in numbers if value in values]
    found = find_choices(
        text, {value: (*names_of(value), *parameter.synonyms.get(value, ())) for value in values}
    )
    if found or not is_asked:
        return found
    return (
        find_by_place(text, values) or find_by_part(text, values) or find_by_concept(text, values)
    )


def _find_flag(parameter: Parameter, text: str, *, is_asked: bool) -> list[Found[bool]]:
    said = says(text) if is_asked else None
    return [said] if said is not None else find_flags(text, parameter.name)


def settle(parameter: Parameter, value: object, now: datetime, known: object) -> object:
    """The argument that ``value`` makes, as seen from ``now``; what was not said of a moment or
    a time is taken from the ``known`` one. None: something is missing yet."""
    match value:
        case Moment():
            return value.resolve(now, known if isinstance(known, datetime) else None)
        case Clock():
            if not isinstance(known, time):
                return value.time
            return value.in_half("pm" if known.hour >= 12 else "am")
        case float() if parameter.kind == "integer":
            return int(value)
        case _:
            return value
