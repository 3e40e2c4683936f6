"""Days: ``tomorrow``, ``next friday``, ``March 3rd``, ``3/14``, ``in two weeks``, ISO dates."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.found import Found, apart
from chatstream.assistant.slots.numbers import ORDINALS, SMALL, of_words

_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_WEEKDAY = r"(?P<weekday>mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ORDINAL_WORDS = "|".join(word for word, value in ORDINALS.items() if value)
_DAY = rf"(?P<day>\d{{1,2}}(?:st|nd|rd|th)?|(?:(?:twenty|thirty)[\s-])?(?:{_ORDINAL_WORDS}))(?!\w)"
_YEAR = r"(?:,?\s+(?P<year>\d{4})(?![\d:]))?"
_COUNT = rf"(?P<count>\d{{1,3}}|an?|{'|'.join(SMALL)})"
_UNIT = r"(?P<unit>day|week|month|year)s?"
_DAYS_AHEAD = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
Resolve = Callable[[re.Match[str], date], date | None]


def find_dates(text: str, today: date) -> list[Found[date]]:
    """Every day in ``text``, as seen from ``today``; a date without a year lies ahead."""
    found: list[Found[date]] = []
    for pattern, resolve in _GRAMMAR:
        for match in pattern.finditer(text):
            try:
                day = resolve(match, today)
            except (ValueError, OverflowError):  # February 30th, or a year beyond the calendar
                day = None
            if day is not None:
                found.append(Found(day, match.start(), match.end()))
    return apart(found)


def _iso(match: re.Match[str], _: date) -> date:
    return date(int(match["year"]), int(match["month"]), int(match["day"]))


def _slashed(match: re.Match[str], today: date) -> date | None:
    month, day = int(match["month"]), int(match["day"])
    if not match["year"]:
        return _ahead(today, month, day)
    year = int(match["year"])
    return date(year + 2000 if year < 100 else year, month, day)


def _in_month(match: re.Match[str], today: date) -> date | None:
    month = next(i for i, name in enumerate(_MONTHS, 1) if name[:3] == match["month"][:3].lower())
    if match["year"]:
        return date(int(match["year"]), month, _day_of_month(match["day"]))
    return _ahead(today, month, _day_of_month(match["day"]))


def _day_of_month(text: str) -> int:
    if text[0].isdigit():
        return int(re.sub(r"\D", "", text))
    *tens, last = re.split(r"[\s-]+", text.lower())
    return of_words(" ".join(tens)) + ORDINALS[last]


def _ahead(today: date, month: int, day: int) -> date:
    """The next such day, today included; a leap day may be years ahead."""
    for year in range(today.year, today.year + 9):
        try:
            candidate = date(year, month, day)
        except ValueError:
            continue
        if candidate >= today:
            return candidate
    raise ValueError("there is no such day")


def _day_alone(match: re.Match[str], today: date) -> date:
    day = _day_of_month(match["day"])
    for ahead in range(3):
        month = today.month - 1 + ahead
        try:
            candidate = date(today.year + month // 12, month % 12 + 1, day)
        except ValueError:
            continue
        if candidate >= today:
            return candidate
    raise ValueError("there is no such day")


def _named(match: re.Match[str], today: date) -> date:
    if match["after"]:
        return today + timedelta(days=2)
    return today + timedelta(days=_DAYS_AHEAD[match["name"].lower()])


def _weekday(match: re.Match[str], today: date) -> date:
    """``friday``: the next one, never today; ``next friday``: that of next week."""
    wanted = next(i for i, name in enumerate(_WEEKDAYS) if name[:3] == match["weekday"][:3].lower())
    if (match["which"] or "").lower() == "next":
        monday = today - timedelta(days=today.weekday())
        return monday + timedelta(days=7 + wanted)
    return today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)


def _counted(match: re.Match[str], today: date) -> date:
    text = match["count"].lower()
    count = 1 if text in {"a", "an"} else int(text) if text.isdigit() else of_words(text)
    return _later(today, count, match["unit"].lower())


def _next_unit(match: re.Match[str], today: date) -> date:
    return _later(today, 1, match["unit"].lower())


def _later(today: date, count: int, unit: str) -> date:
    if unit in {"day", "week"}:
        return today + timedelta(days=count * (7 if unit == "week" else 1))
    month = today.month - 1 + count * (12 if unit == "year" else 1)
    first = date(today.year + month // 12, month % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(today.day, last.day))


def _pattern(text: str) -> Pattern:
    return Pattern(rf"(?<![\w/.-])(?:{text})(?![\w/]|-\d)", re.IGNORECASE)


_GRAMMAR: tuple[tuple[Pattern, Resolve], ...] = (
    (_pattern(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"), _iso),
    (_pattern(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>\d{4}|\d{2}))?"), _slashed),
    (_pattern(rf"(?:the\s+)?{_DAY}(?:\s+day)?(?:\s+of)?\s+{_MONTH}{_YEAR}"), _in_month),
    (_pattern(rf"{_MONTH}\s+(?:the\s+)?{_DAY}{_YEAR}"), _in_month),
    (_pattern(r"(?P<after>(?:the\s+)?day\s+after\s+)?(?P<name>tomorrow)"), _named),
    (_pattern(r"(?P<after>\b\B)?(?P<name>yesterday|today|tonight)"), _named),
    (_pattern(rf"(?:(?P<which>next|this|coming|on)\s+)?(?:coming\s+)?{_WEEKDAY}"), _weekday),
    (_pattern(rf"in\s+{_COUNT}\s+{_UNIT}(?:['’]?\s*time)?"), _counted),
    (_pattern(rf"{_COUNT}\s+{_UNIT}\s+(?:from\s+(?:now|today)|later)"), _counted),
    (_pattern(r"next\s+(?P<unit>week|month|year)"), _next_unit),
    (
        _pattern(
            rf"(?:on\s+)?the\s+(?P<day>\d{{1,2}}(?:st|nd|rd|th)|(?:(?:twenty|thirty)[\s-])?"
            rf"(?:{_ORDINAL_WORDS}))(?!\s+(?:one|of|time|option))"
        ),
        _day_alone,
    ),
)
