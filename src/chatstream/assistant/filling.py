"""Parameters: read from what was said or submitted, checked, and asked for where they miss."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from chatstream.assistant import answers
from chatstream.assistant.extract import read_values
from chatstream.assistant.parameters import Parameter
from chatstream.assistant.repair import corrects, wants_the_same
from chatstream.assistant.scene import NOTES_SLOT, Notes, Scene, Task, arguments_of
from chatstream.assistant.slots.choices import ANY
from chatstream.assistant.slots.dates import find_dates
from chatstream.assistant.slots.kinds import settle
from chatstream.assistant.talk import Talk
from chatstream.domain.steps import (
    AnyComponent,
    Buttons,
    FollowUp,
    Form,
    JsonObject,
    Option,
    SlotsSet,
    Thinking,
)

MOST_TRIES = 3
YES_NO = (Option("yes", "Yes"), Option("no", "No"))
WHAT_TIME = "At what time?"


_LIMIT = re.compile(r"(<=|>=|<|>)\s*(-?[\d.]+)")
_WORDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}


class Filled(Struct, frozen=True):
    """What a message brought: names of parameters that have a value now, and why another one
    could not be used."""

    names: tuple[str, ...] = ()
    problem: str | None = None
    is_partial: bool = False


def fill(scene: Scene, task: Task, text: str, *, is_start: bool = False) -> Talk[Filled]:
    """Read ``text`` into the task and store what is new."""
    yield Thinking("parameter_extraction", "Reading what you said", "started")
    before = slots_of(task)
    filled = _read(scene, task, text, is_start=is_start)
    about = answers.known(task.tool, task.values, scene.now)
    yield Thinking("parameter_extraction", about or "Nothing for this task in it")
    yield from store(task, before)
    return filled


def fill_form(scene: Scene, task: Task, submitted: JsonObject) -> Talk[Filled]:
    """Read a submitted form, or a button, into the task and store what is new."""
    yield Thinking("parameter_extraction", "Reading your answer", "started")
    before = slots_of(task)
    filled = Filled()
    for parameter, raw in _fields(scene, task, submitted):
        filled = _joined(filled, _take_raw(scene, task, parameter, raw))
    about = answers.known(task.tool, task.values, scene.now)
    yield Thinking("parameter_extraction", about or "Nothing for this task in it")
    yield from store(task, before)
    return filled


def store(task: Task, before: Mapping[str, Any]) -> Talk[None]:
    """Store what differs from ``before`` (``slots_of``)."""
    now = slots_of(task)
    changes = {name: value for name, value in now.items() if before.get(name) != value}
    changes |= {name: None for name in before if name not in now}
    if changes:
        yield SlotsSet(changes)


def slots_of(task: Task) -> JsonObject:
    """The task as slots: its values as JSON, and its notes where there are any."""
    slots: JsonObject = msgspec.to_builtins(task.values)
    if task.notes != Notes():
        slots[NOTES_SLOT] = msgspec.to_builtins(task.notes)
    return slots


def ask(scene: Scene, task: Task, lead: str = "") -> Talk[None]:
    """Ask for the first thing that is missing; a form holds the others too."""
    missing = task.missing
    text = _question(scene, task, missing[0])
    yield FollowUp(f"{lead} {text}".strip(), component_for(task, missing))


def _question(scene: Scene, task: Task, parameter: Parameter) -> str:
    prompt = parameter.prompt
    if parameter.name in task.notes.parts:
        prompt = f"{WHAT_TIME} {prompt}"
    last = _last_time(scene, task, parameter)
    if last is None:
        return prompt
    # Offered, never filled in by itself.
    hint = answers.shown(last, scene.now)
    return f"(Last time: {hint}. Say “same as last time” to take it.) {prompt}"


def component_for(task: Task, missing: Sequence[Parameter]) -> AnyComponent:
    """Buttons for one choice, else a form with all that is missing."""
    first = missing[0]
    if len(missing) == 1 and first.kind == "choice" and len(first.options) <= 8:
        return Buttons(first.label, first.options)
    if len(missing) == 1 and first.kind == "flag":
        return Buttons(first.label, YES_NO)
    required = [parameter.name for parameter in missing if parameter.is_required]
    schema = {
        "type": "object",
        "properties": {parameter.name: parameter.schema for parameter in missing},
        "required": required,
    }
    return Form(task.tool.title, schema)


# -- reading what was said ------------------------------------------------------------------


def _read(scene: Scene, task: Task, text: str, *, is_start: bool) -> Filled:
    asked = None if is_start else scene.asked
    if asked is not None and asked.name in task.notes.parts:
        text = f"{task.notes.parts[asked.name]} {text}"
    filled = Filled()
    for name, found in _values(scene, task, text, asked).items():
        parameter = task.tool.parameter(name)
        if parameter is not None:
            filled = _joined(filled, _take(scene, task, parameter, found.value, text))
    if wants_the_same(text):
        filled = _joined(filled, _take_same(scene, task, text, filled))
    return filled


def _values(scene: Scene, task: Task, text: str, asked: Parameter | None) -> dict[str, Any]:
    parameters = task.tool.parameters
    named = _named(parameters, text)
    if named is not None:
        parameter, rest = named
        values = read_values([parameter], rest, scene.now, parameter)
        if values:
            return values
    if asked is not None and asked.kind == "text" and (wants_the_same(text) or ANY.fullmatch(text)):
        asked = None
    if asked is not None and asked.name in task.values and asked.kind == "text":
        asked = None
    values = read_values(parameters, text, scene.now, asked)
    if values or not corrects(text):
        return values
    # "no, make it 8": a bare value counts for what is known already.
    for parameter in reversed(parameters):
        if parameter.name in task.values and parameter.kind not in {"text", "flag"}:
            values = read_values([parameter], text, scene.now, parameter)
            if values:
                return values
    return {}


def _named(parameters: Sequence[Parameter], text: str) -> tuple[Parameter, str] | None:
    """``change the name to Wake up``: the parameter and what follows."""
    for parameter in parameters:
        words = [parameter.label, parameter.label.split()[-1]]
        for word in dict.fromkeys(words):
            match = _naming(word).search(text)
            if match is not None:
                return parameter, text[match.end() :]
    return None


@lru_cache(maxsize=1024)
def _naming(word: str) -> re.Pattern[str]:
    return re.compile(
        rf"\b(?:the\s+|its?\s+|my\s+)?{re.escape(word)}\s+(?:to(?:\s+be)?|is|should\s+be|as|=|:)\s+",
        re.IGNORECASE,
    )


def _take(scene: Scene, task: Task, parameter: Parameter, found: Any, text: str) -> Filled:
    value = settle(parameter, found, scene.now, task.values.get(parameter.name))
    if value is None:
        task.note(parts={**task.notes.parts, parameter.name: text[:200]})
        return Filled(is_partial=True)
    return _set(task, parameter, value)


def _set(task: Task, parameter: Parameter, value: Any) -> Filled:
    try:
        checked = msgspec.convert(msgspec.to_builtins(value), parameter.type)
    except msgspec.ValidationError as error:
        return Filled(problem=_reason(parameter, str(error)))
    task.values[parameter.name] = checked
    task.note(
        tries=0,
        parts={name: it for name, it in task.notes.parts.items() if name != parameter.name},
    )
    return Filled((parameter.name,))


def _reason(parameter: Parameter, error: str) -> str:
    limit = _LIMIT.search(error)
    if limit is None:
        return f"That is no {parameter.label.lower()} that I can use."
    characters = " characters long" if "length" in error else ""
    return f"{parameter.label} must be {_WORDS[limit[1]]} {limit[2]}{characters}."


def _joined(first: Filled, second: Filled) -> Filled:
    return Filled(
        tuple(dict.fromkeys(first.names + second.names)),
        first.problem or second.problem,
        first.is_partial or second.is_partial,
    )


# -- the same as before ---------------------------------------------------------------------


def _take_same(scene: Scene, task: Task, text: str, filled: Filled) -> Filled:
    taken = Filled()
    for parameter in task.missing:
        last = _last_time(scene, task, parameter)
        if last is not None and parameter.name not in filled.names:
            if parameter.kind == "moment":
                last = _next_at(scene, task, parameter, last)
            taken = _joined(taken, _set(task, parameter, last))
    return taken


def _last_time(scene: Scene, task: Task, parameter: Parameter) -> Any:
    """The parameter's value when this task was last done."""
    for earlier in scene.earlier:
        if earlier.name == task.tool.name:
            return arguments_of(task.tool, earlier.slots).get(parameter.name)
    return None


def _next_at(scene: Scene, task: Task, parameter: Parameter, last: Any) -> Any:
    """The same time of day: on the day that was said, else the next time it comes."""
    local = last.astimezone(scene.now.tzinfo)
    days = find_dates(task.notes.parts.get(parameter.name, ""), scene.now.date())
    ahead = [one.value for one in days if one.value >= scene.now.date()]
    moment = datetime.combine(ahead[0] if ahead else scene.now.date(), local.timetz())
    return moment if moment > scene.now or ahead else moment + timedelta(days=1)


# -- reading what was submitted -------------------------------------------------------------


def _fields(scene: Scene, task: Task, submitted: JsonObject) -> list[tuple[Parameter, Any]]:
    if submitted.keys() == {"value"} and task.tool.parameter("value") is None:
        missing = task.missing
        parameter = scene.asked or (missing[0] if missing else None)
        return [] if parameter is None else [(parameter, submitted["value"])]
    return [
        (parameter, submitted[parameter.name])
        for parameter in task.tool.parameters
        if submitted.get(parameter.name) not in (None, "")
    ]


def _take_raw(scene: Scene, task: Task, parameter: Parameter, raw: Any) -> Filled:
    """A value of a form: as its type, else a text that the grammar reads."""
    if parameter.kind == "flag" and raw in {"yes", "no"}:
        raw = raw == "yes"
    if parameter.kind == "moment" and isinstance(raw, str):
        return _take_text(scene, task, parameter, raw)
    try:
        value = msgspec.convert(raw, parameter.type, strict=False)
    except msgspec.ValidationError:
        return _take_text(scene, task, parameter, str(raw))
    return _set(task, parameter, value)


def _take_text(scene: Scene, task: Task, parameter: Parameter, text: str) -> Filled:
    found = read_values([parameter], text, scene.now, parameter).get(parameter.name)
    if found is None:
        return Filled(problem=f"I cannot read “{text[:80]}” as {parameter.label.lower()}.")
    return _take(scene, task, parameter, found.value, text)
