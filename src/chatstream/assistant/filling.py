"""Reads what the user said into the task: all of its parameters, whatever was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from chatstream.assistant import answers
from chatstream.assistant.extract import Values
from chatstream.assistant.free_text import leading
from chatstream.assistant.last_time import take_last
from chatstream.assistant.parameters import Parameter
from chatstream.assistant.pattern import LONGEST_TEXT
from chatstream.assistant.repair import corrects, wants_the_same
from chatstream.assistant.scene import Scene, Task
from chatstream.assistant.slots.choices import ANY
from chatstream.assistant.slots.found import Found
from chatstream.assistant.taking import Filled, joined, slots_of, store, take
from chatstream.assistant.talk import Talk
from chatstream.domain.steps import Thinking


def fill(scene: Scene, task: Task, text: str, *, is_start: bool = False) -> Talk[Filled]:
    """Read ``text`` into the task and store what is new. At a start nothing was asked yet."""
    yield Thinking("parameter_extraction", "Reading what you said", "started")
    before = slots_of(task)
    filled = read_into(scene, task, text, is_start=is_start)
    about = answers.known(task.tool, task.values, scene.now)
    yield Thinking("parameter_extraction", about or "Nothing for this task in it")
    yield from store(task, before)
    return filled


def read_into(scene: Scene, task: Task, text: str, *, is_start: bool = False) -> Filled:
    """Read ``text`` into the task, and store nothing."""
    asked = None if is_start else scene.asked
    if asked is not None and asked.name in task.notes.parts:
        text = f"{task.notes.parts[asked.name]} {text}"[:LONGEST_TEXT]
    filled = Filled()
    for name, found in _values(scene, task, text, asked).items():
        parameter = task.tool.parameter(name)
        assert parameter is not None
        filled = joined(filled, take(scene, task, parameter, found.value, text))
    if wants_the_same(text):
        filled = joined(filled, take_last(scene, task, filled))
    return filled


def _values(scene: Scene, task: Task, text: str, asked: Parameter | None) -> Values:
    parameters = task.tool.parameters
    if asked is not None and asked.kind == "text" and _is_no_free_text(task, asked, text):
        asked = None
    named = _named_values(scene, parameters, text)
    values = scene.read(parameters, text, None if named else asked, known=task.values)
    values = {name: one for name, one in values.items() if not _is_inside(one, named)} | named
    if values or not corrects(text):
        return values
    return _corrected(scene, task, text)


def _is_no_free_text(task: Task, asked: Parameter, text: str) -> bool:
    """Whether a bare answer to the question for a text is not that text."""
    return asked.name in task.values or wants_the_same(text) or ANY.fullmatch(text) is not None


def _corrected(scene: Scene, task: Task, text: str) -> Values:
    """``no, make it 8``: a bare value counts for what is known already, the latest first."""
    for parameter in reversed(task.tool.parameters):
        if parameter.name in task.values and parameter.kind not in {"text", "flag"}:
            values = scene.read([parameter], text, parameter)
            if values:
                return values
    return {}


def _named_values(scene: Scene, parameters: Sequence[Parameter], text: str) -> Values:
    """``change the name to Wake up, and the time to 5``: each stretch for the one it names."""
    marks = sorted(
        (match.start(), match.end(), parameter.name)
        for parameter in parameters
        for word in dict.fromkeys([parameter.label, parameter.label.split()[-1]])
        if (match := _naming(word).search(text)) is not None
    )
    ends = [start for start, _, _ in marks[1:]] + [len(text)]
    values: Values = {}
    for (_, start, name), end in zip(marks, ends, strict=False):  # no mark, no stretch
        parameter = next(one for one in parameters if one.name == name)
        found = _named_value(scene, parameters, parameter, text[start:end])
        if found is not None:
            moved = (start + found.start, start + found.end)
            values[name] = Found(found.value, *moved, weak=found.weak)
    return values


def _named_value(
    scene: Scene, parameters: Sequence[Parameter], parameter: Parameter, text: str
) -> Found[object] | None:
    if parameter.kind != "text":
        return scene.read([parameter], text, parameter).get(parameter.name)
    others = [one for one in parameters if one.kind != "text"]
    return leading(text, list(scene.read(others, text).values()))


def _is_inside(one: Found[object], named: Values) -> bool:
    return any(one.overlaps(other.start, other.end) for other in named.values())


@lru_cache(maxsize=1024)
def _naming(word: str) -> re.Pattern[str]:
    return re.compile(
        r"(?:(?:,\s*|(?<![\s,])\s+|\b)(?:and|but|with)\s+)?"
        rf"\b(?:the\s+|its?\s+|my\s+)?{re.escape(word)}"
        r"\s+(?:to(?:\s+be)?|is|should\s+be|as|=|:)\s+",
        re.IGNORECASE,
    )
