"""Moments: a day and a time of day that may be said apart, or a length of time from now."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from msgspec import Struct

from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.dates import find_dates
from chatstream.assistant.slots.durations import find_durations
from chatstream.assistant.slots.found import Cover, Found
from chatstream.assistant.slots.times import Clock, Half, find_times

_IN = Pattern(r"\b(?:in|after|within)\s+(?:the\s+next\s+|about\s+)?$", re.IGNORECASE)
_FROM_NOW = Pattern(r"\s+(?:from\s+now|later)\b", re.IGNORECASE)
_STANDS_ALONE = Pattern(r"[\s.!]*+(?:please[\s.!]*+)?", re.IGNORECASE)
_BETWEEN = Pattern(r"[\s,]*+(?:(?:at|on|in|the|by|around|for)[\s,]*+)?", re.IGNORECASE)
_PART_OF_DAY = Pattern(
    r"\b(?:(?P<am>mornings?)|(?P<pm>afternoons?|evenings?|tonight|nights?))\b", re.IGNORECASE
)
_ISO = Pattern(r"(?<!\w)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?(?!\w)")


class Moment(Struct, frozen=True):
    """What was said of a moment: the day, the time of day, both, or how far from now."""

    day: date | None = None
    clock: Clock | None = None
    at: datetime | None = None

    def resolve(self, now: datetime, known: datetime | None = None) -> datetime | None:
        """The moment, seen from ``now``; what was not said is taken from ``known``, which it
        corrects. None while the time of day is not known."""
        if self.at is not None:
            return self.at if self.at.tzinfo is not None else self.at.replace(tzinfo=now.tzinfo)
        if self.clock is None:
            if self.day is None or known is None:
                return None
            return datetime.combine(self.day, known.timetz())
        if known is not None:
            return self._corrected(self.clock, known)
        return self._first_after(self.clock, now)

    def _corrected(self, clock: Clock, known: datetime) -> datetime:
        of_day = clock.in_half("pm" if known.hour >= 12 else "am")
        return datetime.combine(self.day or known.date(), of_day, known.tzinfo)

    def _first_after(self, clock: Clock, now: datetime) -> datetime:
        """The first such moment that is not past; of a day that is not today, the time said."""
        choices = [clock.in_half("am"), clock.in_half("pm")] if clock.is_ambiguous else [clock.time]
        today = [datetime.combine(self.day or now.date(), it, now.tzinfo) for it in choices]
        if self.day is not None and self.day != now.date():
            return datetime.combine(self.day, clock.time, now.tzinfo)
        ahead = [moment for moment in today if moment > now]
        if ahead:
            return ahead[0]
        return today[0] if self.day is not None else today[0] + timedelta(days=1)


def find_moments(text: str, now: datetime) -> list[Found[Moment]]:
    """Every moment in ``text``; a day and a time that stand beside each other are one."""
    exact = [
        Found(Moment(at=moment), match.start(), match.end())
        for match in _ISO.finditer(text)
        if (moment := _datetime(match.group())) is not None
    ]
    pieces = exact + _from_now(text, now)
    days = [_of_day(one) for one in find_dates(text, now.date())]
    clocks = [_of_clock(one) for one in find_times(text)]
    cover = Cover(pieces)
    pieces += [piece for piece in [*days, *clocks] if not cover.touches(piece)]
    return _joined(text, sorted(_without_fragments(pieces), key=lambda it: it.start))


def _datetime(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _from_now(text: str, now: datetime) -> list[Found[Moment]]:
    found: list[Found[Moment]] = []
    durations = find_durations(text)
    for one in durations:
        before, after = _IN.search_before(text, one.start), _FROM_NOW.match(text, one.end)
        rest = text[: one.start] + text[one.end :]
        alone = len(durations) == 1 and _STANDS_ALONE.fullmatch(rest) is not None
        if one.value % timedelta(days=1) == timedelta() or not (before or after or alone):
            continue  # whole days keep the time of day open: the grammar of days reads them
        start = before.start() if before else one.start
        end = after.end() if after else one.end
        moment = _added(now, one.value)
        if moment is not None:
            found.append(Found(Moment(at=moment), start, end))
    return found


def _added(now: datetime, duration: timedelta) -> datetime | None:
    try:
        return now + duration
    except OverflowError:
        return None


def _of_day(one: Found[date]) -> Found[Moment]:
    return Found(Moment(day=one.value), one.start, one.end)


def _of_clock(one: Found[Clock]) -> Found[Moment]:
    return Found(Moment(clock=one.value), one.start, one.end, one.weak)


def _without_fragments(pieces: list[Found[Moment]]) -> list[Found[Moment]]:
    """Without weak pieces that another one covers."""
    cover = Cover(pieces)
    return [piece for piece in pieces if not piece.weak or not cover.is_shared(piece)]


def _joined(text: str, pieces: list[Found[Moment]]) -> list[Found[Moment]]:
    joined: list[Found[Moment]] = []
    for piece in pieces:
        whole = _together(text, joined[-1], piece) if joined else None
        if whole is None:
            joined.append(piece)
        else:
            joined[-1] = whole
    return [_with_part_of_day(text, one) for one in joined]


def _together(text: str, first: Found[Moment], second: Found[Moment]) -> Found[Moment] | None:
    a, b = first.value, second.value
    if a.at or b.at or not _BETWEEN.fullmatch(_without_part(text[first.end : second.start])):
        return None
    if a.day is not None and a.clock is None and b.day is None:
        whole = Moment(a.day, b.clock)
    elif a.clock is not None and a.day is None and b.clock is None:
        whole = Moment(b.day, a.clock)
    else:
        return None
    return Found(whole, first.start, second.end)


def _without_part(between: str) -> str:
    return _PART_OF_DAY.sub("", between)


def _with_part_of_day(text: str, one: Found[Moment]) -> Found[Moment]:
    """``tonight at 8``, ``tomorrow evening at 5``: the part of the day settles the half."""
    clock = one.value.clock
    if clock is None or not clock.is_ambiguous:
        return one
    part = _PART_OF_DAY.search(text[one.start : one.end])
    if part is None:
        return one
    half: Half = "am" if part["am"] else "pm"
    return Found(Moment(one.value.day, Clock(clock.in_half(half), half)), one.start, one.end)
