"""Days and times in other languages than English, by the extra ``chatstream-server[languages]``.

The clock is read by the grammar of times, which figures need no language for; words for days, and
lengths of time from now, by dateparser. One utterance takes it 10 to 100 ms, and a hostile one of
``LONGEST_TEXT`` characters 200 ms: it reads no more than that, in a thread (``Run``), where its many
short steps let others go on, and for one message no longer than ``MOST_S`` in all.
"""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Sequence
from datetime import date, datetime, time
from time import perf_counter
from typing import Final, Self

from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.moments import Moment, find_moments
from chatstream.assistant.slots.times import Clock, find_times
from chatstream.errors import ConfigurationError

LONGEST_TEXT: Final = 200
"""Characters that dateparser is given; what is longer is read in English alone."""
MOST_S: Final = 0.5
"""Seconds that one message may take it, over all that is read of it."""
_LOCK = threading.Lock()
"""dateparser's search keeps what it works on in its module."""
_HOUR_WORD = r"(?:uhr|heures?|horas?|hs?|ore|uur|timer|godzina)"
_CLOCK = Pattern(rf"(?<![\w:.])(\d{{1,2}})\s*{_HOUR_WORD}(?:\s*([0-5]\d))?(?!\w)", re.IGNORECASE)
_LEADS_TO_A_TIME = Pattern(r"\b(?:um|gegen|à|vers|a\s+las?|alle|om|às|kl\.?|o)\s+$", re.IGNORECASE)


class Languages:
    """Reads days and times in ``codes`` (``de``, ``fr``), beside English.

    Raises:
        ConfigurationError: the extra is not installed, or does not know one of the languages.
    """

    def __init__(self, codes: Sequence[str]) -> None:
        try:
            from dateparser.date import DateDataParser
            from dateparser.search import search_dates
        except ImportError as error:
            raise ConfigurationError(
                "other languages than English need the extra: chatstream-server[languages]"
            ) from error
        self._codes = list(codes)
        self._left_s = MOST_S
        self._search = search_dates
        self._parser = DateDataParser
        try:
            self._days("1", datetime(2000, 1, 1))  # noqa: DTZ001 - what is slow happens here
        except ValueError as error:
            raise ConfigurationError(f"languages {self._codes!r}: {error}") from error

    def for_one_message(self) -> Self:
        """The same, with a time of its own."""
        one = copy.copy(self)
        one._left_s = MOST_S  # noqa: SLF001 - its own class
        return one

    def find_moments(self, text: str, now: datetime) -> list[Found[Moment]]:
        """The moment that ``text`` names, in the language that says most of it."""
        english = find_moments(text, now)
        days, clocks = self._pieces(text, now)
        foreign = [_together(days, clocks)] if days or clocks else []
        return max(english, foreign, key=_said)

    def find_dates(self, text: str, now: datetime) -> list[Found[date]]:
        """Every day in ``text``."""
        days, _ = self._pieces(text, now)
        return [Found(one.value.date(), one.start, one.end) for one in days]

    def find_times(self, text: str) -> list[Found[Clock]]:
        """Every time of day in ``text``."""
        return [
            Found(one.value, one.start, one.end, one.weak and not _is_led_to(text, one))
            for one in find_times(_with_colons(text))
        ]

    def _pieces(self, text: str, now: datetime) -> tuple[list[Found[datetime]], list[Found[Clock]]]:
        clocks = [one for one in self.find_times(text) if not one.weak]
        rest = _with_colons(text)
        for one in clocks:
            rest = rest[: one.start] + " " * (one.end - one.start) + rest[one.end :]
        return self._days(rest, now.replace(tzinfo=None)), clocks

    def _days(self, text: str, now: datetime) -> list[Found[datetime]]:
        """What dateparser finds; of a day alone the time is midnight."""
        if len(text) > LONGEST_TEXT or self._left_s <= 0:
            return []
        begun_at = perf_counter()
        try:
            with _LOCK:
                return self._searched(text, now)
        except OverflowError:  # a year beyond the calendar
            return []
        finally:
            self._left_s -= perf_counter() - begun_at

    def _searched(self, text: str, now: datetime) -> list[Found[datetime]]:
        settings = {
            "RELATIVE_BASE": now,
            "PREFER_DATES_FROM": "future",
            "RETURN_TIME_AS_PERIOD": True,
        }
        parser = self._parser(languages=self._codes, settings=settings)
        found: list[Found[datetime]] = []
        for said, at in self._search(text, languages=self._codes, settings=settings) or ():
            start = text.find(said)
            moment = at.replace(tzinfo=None)
            has_time = parser.get_date_data(said).period == "time"
            day = datetime.combine(moment, time())
            found.append(
                Found(moment if has_time else day, start, start + len(said), weak=not has_time)
            )
        return found


def _together(days: list[Found[datetime]], clocks: list[Found[Clock]]) -> Found[Moment]:
    pieces = [*days[:1], *clocks[:1]]
    start, end = min(one.start for one in pieces), max(one.end for one in pieces)
    exact = [one.value for one in days if not one.weak]
    if exact:
        return Found(Moment(at=exact[0]), start, end)
    day = days[0].value.date() if days else None
    return Found(Moment(day, clocks[0].value if clocks else None), start, end)


def _said(found: list[Found[Moment]]) -> int:
    """How much of a moment was said: the day, the time, or both."""
    if not found:
        return 0
    first = found[0].value
    return 2 if first.at else (first.day is not None) + (first.clock is not None)


def _with_colons(text: str) -> str:
    """``7 Uhr 30`` as ``7:30``, at the same place."""
    return _CLOCK.sub(_colon, text)


def _colon(match: re.Match[str]) -> str:
    clock = f"{match[1]}:{match[2] or '00'}"
    return clock.ljust(len(match.group())) if len(clock) <= len(match.group()) else match.group()


def _is_led_to(text: str, one: Found[Clock]) -> bool:
    return _LEADS_TO_A_TIME.search_before(text, one.start) is not None
