"""Values into a task, checked against its types, and what has changed of it into the log."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from chatstream.assistant.parameters import Parameter
from chatstream.assistant.pattern import Pattern
from chatstream.assistant.scene import NOTES_SLOT, Notes, Scene, Task
from chatstream.assistant.slots.kinds import settle
from chatstream.assistant.talk import Talk
from chatstream.domain.steps import JsonObject, SlotsSet

_LIMIT = Pattern(r"(<=|>=|<|>)\s*(-?[\d.]+)")
_WORDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
_LONGEST_PART = 200


class Filled(Struct, frozen=True):
    """What a message brought: names of parameters that have a value now, and why another one
    could not be used. ``is_partial``: part of a value, such as a day without a time."""

    names: tuple[str, ...] = ()
    problem: str | None = None
    is_partial: bool = False

    @property
    def is_something(self) -> bool:
        """Whether the message was meant for the task at all."""
        return bool(self.names) or self.problem is not None or self.is_partial


def joined(first: Filled, second: Filled) -> Filled:
    """Both."""
    return Filled(
        tuple(dict.fromkeys(first.names + second.names)),
        first.problem or second.problem,
        first.is_partial or second.is_partial,
    )


def take(scene: Scene, task: Task, parameter: Parameter, found: object, text: str) -> Filled:
    """Take what a parser found in ``text``; what is not whole yet is noted."""
    value = settle(parameter, found, scene.now, task.values.get(parameter.name))
    if value is not None:
        return set_value(task, parameter, value)
    task.note(parts={**task.notes.parts, parameter.name: text[:_LONGEST_PART]})
    return Filled(is_partial=True)


def set_value(task: Task, parameter: Parameter, value: object) -> Filled:
    """Set the value if it fits the parameter's type, else say why it does not."""
    try:
        checked = parameter.converted(msgspec.to_builtins(value))
    except msgspec.ValidationError as error:
        return Filled(problem=_reason(parameter, str(error)))
    task.values[parameter.name] = checked
    rest = {name: part for name, part in task.notes.parts.items() if name != parameter.name}
    task.note(tries=0, parts=rest)
    return Filled((parameter.name,))


def slots_of(task: Task) -> JsonObject:
    """The task as slots: its values as JSON, and its notes where there are any."""
    slots: JsonObject = msgspec.to_builtins(task.values)
    if task.notes != Notes():
        slots[NOTES_SLOT] = msgspec.to_builtins(task.notes)
    return slots


def store(task: Task, before: Mapping[str, object]) -> Talk[None]:
    """Store what differs from ``before`` (``slots_of``)."""
    now = slots_of(task)
    changes = {name: value for name, value in now.items() if before.get(name) != value}
    changes |= {name: None for name in before if name not in now}
    if changes:
        yield SlotsSet(changes)


def _reason(parameter: Parameter, error: str) -> str:
    limit = _LIMIT.search(error)
    if limit is None:
        return f"That is no {parameter.label.lower()} that I can use."
    characters = " characters long" if "length" in error else ""
    return f"{parameter.label} must be {_WORDS[limit[1]]} {limit[2]}{characters}."
