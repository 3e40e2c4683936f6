"""How the assistant says things: values as people read them, and the sentences around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import cast

from chatstream.assistant.pattern import LONGEST_TEXT
from chatstream.assistant.repair import Act
from chatstream.assistant.slots.money import Money
from chatstream.assistant.tools import Tool

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
SMALL_TALK: dict[Act, str] = {
    "greeting": "Hello!",
    "thanks": "You're welcome.",
    "goodbye": "Goodbye! I am here whenever you need me.",
    "praise": "Good.",
    "how_are_you": "I'm fine, thank you.",
    "who_are_you": "I'm an assistant: a program that does things for you in this chat.",
    "rude": "I'm sorry that this is not going well.",
}
DROPPED = "All right, I have dropped that."
NOBODY_ELSE = "I'm a program, and there is nobody here that I could call."
NOTHING_OPEN = "There is nothing open that I could stop."
NOT_UNDERSTOOD = "I am not sure what you would like me to do."
REPHRASE = "I did not understand that. Could you say it in other words?"
TOO_LONG = (
    f"That is too long for me: I can read {LONGEST_TEXT:,} characters at once."
    " Could you say it in fewer words?"
)
GAVE_UP = (
    "I'm sorry, I don't seem to get this right, so I have stopped here. You can resume it later."
)
LEFT_AS_IT_IS = "Then I leave it as it is."
ALREADY_DONE = "I had done that before I was interrupted."
INTERRUPTED = (
    "I was interrupted while I did that and cannot tell whether it was done. Please check first."
)
TRY_AGAIN = "Shall I try that again?"
WHAT_TO_CHANGE = "What should be different?"


def shown(value: object, now: datetime) -> str:
    """``value`` as a person reads it; days as seen from ``now``."""
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            local = value.astimezone(now.tzinfo) if value.tzinfo else value
            return f"{shown(local.date(), now)} at {_clock(local.time())}"
        case date():
            return _day(value, now.date())
        case time():
            return _clock(value)
        case timedelta():
            return _length(value)
        case Money():
            return f"{value.amount:,.2f} {value.currency}"
        case float():
            return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.2f}"
        case Enum():
            return str(value.value).replace("_", " ")
        case _:
            return str(value)


def _day(day: date, today: date) -> str:
    ahead = (day - today).days
    if ahead in {-1, 0, 1}:
        return ("yesterday", "today", "tomorrow")[ahead + 1]
    if 1 < ahead < 7:
        return f"on {_WEEKDAYS[day.weekday()]}"
    year = "" if day.year == today.year else f" {day.year}"
    return f"on {day.day} {_MONTHS[day.month - 1]}{year}"


def _clock(of_day: time) -> str:
    half = "am" if of_day.hour < 12 else "pm"
    seconds = f":{of_day.second:02}" if of_day.second else ""
    return f"{of_day.hour % 12 or 12}:{of_day.minute:02}{seconds} {half}"


def _length(length: timedelta) -> str:
    rest = round(length.total_seconds())
    parts: list[str] = []
    for name, seconds in _UNITS:
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return listed(parts) or "no time"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def known(tool: Tool, values: Mapping[str, object], now: datetime) -> str:
    """What is known so far, in one line."""
    return listed(
        [
            f"{parameter.label.lower()}: {shown(values[parameter.name], now)}"
            for parameter in tool.parameters
            if parameter.name in values
        ]
    )


def confirmation(tool: Tool, values: Mapping[str, object], now: datetime) -> str:
    """The question before a tool runs."""
    if isinstance(tool.confirm, str):
        return filled(tool.confirm, tool, values, now)
    about = known(tool, _with_defaults(tool, values), now)
    return f"{tool.title}{f' ({about})' if about else ''}: shall I do that?"


def done(tool: Tool, values: Mapping[str, object], result: object, now: datetime) -> str:
    """What is said when the tool has run."""
    if tool.answer is not None:
        return filled(tool.answer, tool, values, now, result=result)
    if isinstance(result, str) and result:
        return result
    if result is None or result is True:
        about = known(tool, values, now)
        return f"Done: {tool.title}{f' ({about})' if about else ''}."
    if isinstance(result, list):
        return _lines(cast("list[object]", result), now)
    return f"{tool.title}: {_flat(result, now)}"


def filled(
    template: str, tool: Tool, values: Mapping[str, object], now: datetime, **more: object
) -> str:
    """``template`` with ``{parameter}`` filled in; what has no value is empty."""
    every = dict.fromkeys((parameter.name for parameter in tool.parameters), "")
    texts = {name: shown(value, now) for name, value in _with_defaults(tool, values).items()}
    others = {name: shown(value, now) for name, value in more.items()}
    return template.format_map(every | texts | others)


def capabilities(tools: Iterable[Tool]) -> str:
    """What the assistant can do, with something to say for each."""
    lines = [
        f"- {tool.description.rstrip('.')}"
        + (f": “{tool.examples[0].text}”" if tool.examples else "")
        for tool in tools
    ]
    return "I can do this for you:\n\n" + "\n".join(lines)


def left_open(title: str, question: str | None) -> str:
    """What is said of a task that was set aside, once the one in between is done."""
    asked = f" I had asked: {question}" if question else ""
    return f"We had left this open: “{title}”.{asked} Say “go on” to go back to it."


def _with_defaults(tool: Tool, values: Mapping[str, object]) -> dict[str, object]:
    defaults = {
        parameter.name: parameter.default
        for parameter in tool.parameters
        if not parameter.is_required and parameter.default is not None
    }
    return defaults | dict(values)


def _lines(items: list[object], now: datetime) -> str:
    return "\n".join(f"- {_flat(item, now)}" for item in items) if items else "There is nothing."


def _flat(item: object, now: datetime) -> str:
    if isinstance(item, Mapping):
        named = cast("Mapping[object, object]", item)
        return ", ".join(f"{name}: {shown(value, now)}" for name, value in named.items())
    return shown(item, now)
