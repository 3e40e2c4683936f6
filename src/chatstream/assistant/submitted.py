"""Values that were submitted by a form or a button, whose schema the server has checked."""

from __future__ import annotations

import msgspec

from chatstream.assistant import answers
from chatstream.assistant.parameters import Parameter
from chatstream.assistant.scene import Scene, Task
from chatstream.assistant.taking import Filled, joined, set_value, slots_of, store, take
from chatstream.assistant.talk import Talk
from chatstream.domain.steps import JsonObject, Thinking

_SHOWN = 80


def fill_form(scene: Scene, task: Task, submitted: JsonObject) -> Talk[Filled]:
    """Read what was submitted into the task and store what is new."""
    yield Thinking("parameter_extraction", "Reading your answer", "started")
    before = slots_of(task)
    filled = Filled()
    for parameter, raw in _fields(scene, task, submitted):
        filled = joined(filled, _take_raw(scene, task, parameter, raw))
    about = answers.known(task.tool, task.values, scene.now)
    yield Thinking("parameter_extraction", about or "Nothing for this task in it")
    yield from store(task, before)
    return filled


def _fields(scene: Scene, task: Task, submitted: JsonObject) -> list[tuple[Parameter, object]]:
    if submitted.keys() == {"value"} and task.tool.parameter("value") is None:
        missing = task.missing
        parameter = scene.asked or (missing[0] if missing else None)
        return [] if parameter is None else [(parameter, submitted["value"])]
    return [
        (parameter, submitted[parameter.name])
        for parameter in task.tool.parameters
        if submitted.get(parameter.name) not in (None, "")
    ]


def _take_raw(scene: Scene, task: Task, parameter: Parameter, raw: object) -> Filled:
    """A value as its type, else as a text that the grammar reads."""
    if parameter.kind == "flag" and raw in {"yes", "no"}:
        raw = raw == "yes"
    if parameter.kind == "moment" and isinstance(raw, str):  # a picker gives a local time
        return _take_text(scene, task, parameter, raw)
    try:
        value = parameter.converted(raw, strict=False)
    except msgspec.ValidationError:
        return _take_text(scene, task, parameter, str(raw))
    return set_value(task, parameter, value)


def _take_text(scene: Scene, task: Task, parameter: Parameter, text: str) -> Filled:
    found = scene.read([parameter], text, parameter).get(parameter.name)  # too long: nothing
    if found is None:
        return Filled(problem=f"I cannot read “{text[:_SHOWN]}” as {parameter.label.lower()}.")
    return take(scene, task, parameter, found.value, text)
