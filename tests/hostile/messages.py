"""Messages for the built-in assistant: each of its own words, at the longest that the server takes
and at the longest that a grammar reads, in each state of a conversation."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from tests.assistant.worst_cases import words_of, worst_cases
from tests.hostile.case import Case
from tests.hostile.guest import Guest
from tests.hostile.texts import CONTENT_BYTES, harmless

from chatstream.assistant import examples, extract, fallback, free_text, middle, repair
from chatstream.assistant.pattern import LONGEST_TEXT
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

MODULES = (
    (numbers, times, dates, durations),
    (moments, money, addresses),
    (choices, yesno, extract, examples),
    (free_text, repair, middle, fallback),
)
OPENINGS = (
    "",
    "set an alarm",
    "set a reminder",
    "convert units",
    "delete my alarms",
    "alarm convert todo",
)
FORMS = {"timer": "duration"}
"""What makes the assistant show a form, and a field of it."""


def hostile(most: int) -> Iterator[Case]:
    """So many of each kind and module."""
    for modules in MODULES:
        words = words_of(*modules)
        for text in worst_cases(words, CONTENT_BYTES, most):
            yield Case("32 KiB", repr(text[:40]), functools.partial(_say, "", text))
        for number, text in enumerate(worst_cases(words, LONGEST_TEXT, most)):
            opening = OPENINGS[number % len(OPENINGS)]
            name = f"{text[:40]!r} after {opening!r}"
            yield Case("1,000 letters", name, functools.partial(_say, opening, text))
    for text in worst_cases(words_of(numbers, durations), CONTENT_BYTES, most):
        yield Case("in a form", repr(text[:40]), functools.partial(_fill_in, text))


def harmless_ones() -> Iterator[Case]:
    """Words of the same sizes."""
    long, short = harmless(CONTENT_BYTES), harmless(LONGEST_TEXT)
    yield Case("32 KiB", "words", functools.partial(_say, "", long))
    for opening in OPENINGS:
        yield Case(
            "1,000 letters", f"words after {opening!r}", functools.partial(_say, opening, short)
        )
    yield Case("in a form", "words", functools.partial(_fill_in, long))


async def _say(opening: str, text: str, guest: Guest) -> None:
    chat = await guest.open()
    if opening:
        await guest.say(chat, opening)
    await guest.say(chat, text)


async def _fill_in(text: str, guest: Guest) -> None:
    chat = await guest.open()
    for said, field in FORMS.items():
        await guest.say(chat, said)
        shown = [one for one in guest.socket.events(chat) if one["type"] == "component"]
        values = {field: text}
        await guest.do(
            {
                "type": "submit",
                "user_chat_id": chat,
                "component_id": shown[-1]["component_id"] if shown else "none",
                "values": values,
            }
        )
