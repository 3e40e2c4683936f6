"""Times of day: ``7 am``, ``17:15``, ``half past 3 in the afternoon``, ``evening 5``, ``noon``."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from msgspec import Struct

from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.numbers import SMALL, of_words

Half = Literal["am", "pm"]


class Clock(Struct, frozen=True):
    """A time of day as it was said; without ``half`` it may mean morning or evening."""

    time: dt.time
    half: Half | None = None

    @property
    def is_ambiguous(self) -> bool:
        """Whether it may as well be twelve hours later."""
        return self.half is None and 1 <= self.time.hour <= 12

    def in_half(self, half: Half) -> dt.time:
        """The time in the given half of the day, if it may lie there."""
        if not self.is_ambiguous:
            return self.time
        return self.time.replace(hour=self.time.hour % 12 + (12 if half == "pm" else 0))


_HOUR_WORDS = "|".join(word for word, value in SMALL.items() if 1 <= value <= 12)
_MINUTE_WORDS = (
    r"(?:(?:twenty|thirty|forty|fifty)(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|oh?[\s-](?:one|two|three|four|five|six|seven|eight|nine)"
    r"|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
)
_PART = r"mornings?|afternoons?|evenings?|nights?|tonight"
_NUMBER = rf"(?:\d{{1,2}}|{_HOUR_WORDS})"
_TIME = Pattern(
    rf"""(?<![\w.:/$€£-])
    (?:(?P<before>{_PART})\s+(?:at\s+|around\s+|about\s+|,\s*)?)?
    (?:
      (?P<named>noon|midday|midnight)
    | (?P<past>quarter|half|{_NUMBER}|{_MINUTE_WORDS})(?:\s+minutes?)?\s+
      (?P<side>past|after|to|before|till|of)\s+(?P<of>{_NUMBER})
    | half[\s-](?P<half_of>{_NUMBER})
    | (?P<hour>{_NUMBER})
      (?:\s?[:.h]\s?(?P<minute>[0-5]\d)(?::[0-5]\d)?|[\s-](?P<spoken>{_MINUTE_WORDS}|[0-5]\d))?
    )
    (?P<clock>\s*o['’]?\s?clock)?
    (?:\s*(?P<half>[ap]\.?\s?m\b\.?|[ap](?=\W|$)))?
    (?:,?\s+(?:in\s+the\s+|at\s+|this\s+|of\s+the\s+|on\s+the\s+|tomorrow\s+|the\s+)?
       (?P<after>{_PART}))?
    (?![\w/%°€$]|[.:,]\d|\s*(?:st|nd|rd|th)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_LEADS_TO_A_TIME = Pattern(
    r"\b(?:at|by|around|about|until|till|before|after|o'clock|@|time\s+(?:is|to|of|as|(?:should|to)\s+be))"
    r"\s+$",
    re.IGNORECASE,
)


def find_times(text: str) -> list[Found[Clock]]:
    """Every time of day in ``text``; a bare hour is weak unless ``at`` or the like leads to it."""
    found: list[Found[Clock]] = []
    for match in _TIME.finditer(text):
        clock = _clock(match)
        if clock is not None:
            weak = not _is_marked(match) and not _LEADS_TO_A_TIME.search_before(text, match.start())
            found.append(Found(clock, match.start(), match.end(), weak))
    return found


def _is_marked(match: re.Match[str]) -> bool:
    """Whether anything but an hour says that it is a time."""
    marks = ("named", "minute", "clock", "half", "before", "after", "side")
    return any(match[mark] for mark in marks)


def _clock(match: re.Match[str]) -> Clock | None:
    said = _hour_and_minute(match)
    if said is None:
        return None
    hour, minute = said
    if match["named"]:
        return Clock(dt.time(hour, minute), "pm" if hour else "am")
    if hour > 12 or hour == 0:
        return Clock(dt.time(hour, minute), "pm" if hour > 12 else "am")
    half = _half_of_day(match, hour)
    if half is None:
        return Clock(dt.time(hour, minute))
    return Clock(dt.time(hour % 12 + (12 if half == "pm" else 0), minute), half)


def _hour_and_minute(match: re.Match[str]) -> tuple[int, int] | None:
    if match["named"]:
        return (0 if match["named"].lower() == "midnight" else 12), 0
    if match["half_of"]:
        hour, minute = _value(match["half_of"]), 30
    elif match["side"]:
        hour, minute = _relative(match)
    else:
        hour = _value(match["hour"])
        minute = _value(match["minute"] or match["spoken"] or "0")
    return (hour, minute) if 0 <= hour <= 23 and 0 <= minute <= 59 else None


def _relative(match: re.Match[str]) -> tuple[int, int]:
    minutes = {"quarter": 15, "half": 30}.get(match["past"].lower())
    minutes = _value(match["past"]) if minutes is None else minutes
    hour = _value(match["of"])
    if match["side"].lower() in {"past", "after"}:
        return hour, minutes
    return (hour - 1 if hour > 1 else 12), 60 - minutes if minutes else 0


def _half_of_day(match: re.Match[str], hour: int) -> Half | None:
    if match["half"]:
        return "am" if match["half"][0].lower() == "a" else "pm"
    part = (match["before"] or match["after"] or "").lower().rstrip("s")
    if part == "morning":
        return "am"
    if part in {"afternoon", "evening"}:
        return "pm"
    if part in {"night", "tonight"}:
        # Twelve and the small hours of a night are the next day's.
        return "pm" if 5 <= hour < 12 else "am"
    return None


def _value(text: str) -> int:
    return int(text) if text[0].isdigit() else of_words(text)
