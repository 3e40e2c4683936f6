"""From a parameter's kind to the parser of its values, and from what was found to the value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import assert_never

from msgspec import Struct

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
from chatstream.assistant.slots.money import find_money
from chatstream.assistant.slots.numbers import find_numbers
from chatstream.assistant.slots.times import Clock, find_times
from chatstream.assistant.slots.yesno import find_flags, says


class Finding(Struct, frozen=True):
    """Where values are looked for: a text, when it was said, and in what languages."""

    text: str
    now: datetime
    languages: Languages | None = None


def find(parameter: Parameter, where: Finding, *, is_asked: bool) -> Sequence[Found[object]]:
    """Every value of the parameter's kind in the text; weak ones only where it was asked for."""
    found = _find(parameter, where, is_asked=is_asked)
    return [one for one in found if is_asked or not one.weak]


def _find(  # noqa: C901, PLR0912 - one arm a kind
    parameter: Parameter, where: Finding, *, is_asked: bool
) -> Sequence[Found[object]]:
    text = where.text
    match parameter.kind:
        case "moment":
            return _moments(where)
        case "date":
            return _dates(where)
        case "time":
            return find_times(text) if where.languages is None else where.languages.find_times(text)
        case "duration":
            return find_durations(text)
        case "money":
            return find_money(text)
        case "email":
            return find_emails(text)
        case "url":
            return find_urls(text)
        case "choice":
            return _find_choice(parameter, text, is_asked=is_asked)
        case "flag":
            return _find_flag(parameter, text, is_asked=is_asked)
        case "integer":
            return [one for one in find_numbers(text) if one.value.is_integer()]
        case "number":
            return find_numbers(text)
        case "text" | "other":
            return ()
        case _:  # pragma: no cover
            assert_never(parameter.kind)


def _moments(where: Finding) -> Sequence[Found[Moment]]:
    if where.languages is None:
        return find_moments(where.text, where.now)
    return where.languages.find_moments(where.text, where.now)


def _dates(where: Finding) -> Sequence[Found[date]]:
    english = find_dates(where.text, where.now.date())
    if english or where.languages is None:
        return english
    return where.languages.find_dates(where.text, where.now)


def _find_choice(parameter: Parameter, text: str, *, is_asked: bool) -> list[Found[str]]:
    values = [option.value for option in parameter.options]
    if all(value.isdigit() for value in values):
        numbers = [(one, f"{one.value:g}") for one in find_numbers(text)]
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
