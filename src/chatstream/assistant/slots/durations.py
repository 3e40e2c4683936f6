"""Lengths of time: ``20 minutes``, ``2h 30m``, ``an hour and a half``, ``half an hour``."""

from __future__ import annotations

import re
from datetime import timedelta

from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.numbers import SMALL, of_words

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST = 10**12
"""Seconds: some thirty thousand years, which a ``timedelta`` still holds."""
_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?|w)(?![^\W\d_])"
_WORD = "|".join(SMALL)
_COUNT = (
    rf"(?:\d{{1,6}}(?:\.\d{{1,3}})?|(?:{_WORD})(?:[\s-](?:{_WORD}))?|half\s+an?(?=\s)|an?(?=\s))"
)
_PART = rf"(?P<count>{_COUNT})(?P<gap>\s*+(?:-\s*+)?)(?P<unit>{_UNIT})(?P<half>\s+and\s+a\s+half)?"
_PART_RE = Pattern(_PART, re.IGNORECASE)
_PLAIN_PART = re.sub(r"\?P<\w+>", "?:", _PART)
_DURATION = Pattern(
    rf"(?<![\w.:])(?:{_PLAIN_PART})(?:(?:\s*,\s*|\s+and\s+|\s*)(?:{_PLAIN_PART}))*", re.IGNORECASE
)


def find_durations(text: str) -> list[Found[timedelta]]:
    """Every length of time in ``text`` that is longer than nothing."""
    found: list[Found[timedelta]] = []
    for match in _DURATION.finditer(text):
        seconds = sum(_seconds(part) for part in _PART_RE.finditer(match.group()))
        if 0 < seconds < _LONGEST:
            found.append(Found(timedelta(seconds=seconds), match.start(), match.end()))
    return found


def _seconds(part: re.Match[str]) -> float:
    unit = _SECONDS[part["unit"][0].lower()]
    count = _count(part["count"].lower())
    return (count + (0.5 if part["half"] else 0)) * unit


def _count(text: str) -> float:
    if text[0].isdigit():
        return float(text)
    if text.startswith("half"):
        return 0.5
    return 1 if text in {"a", "an"} else of_words(text)
