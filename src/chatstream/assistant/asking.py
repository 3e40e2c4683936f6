"""Questions for what is missing, each with the form or the buttons to answer it."""

from __future__ import annotations

from collections.abc import Sequence

from chatstream.assistant import answers
from chatstream.assistant.last_time import last_value
from chatstream.assistant.parameters import Parameter
from chatstream.assistant.scene import Scene, Task
from chatstream.assistant.talk import Talk
from chatstream.domain.steps import AnyComponent, Buttons, FollowUp, Form, Option

YES_NO = (Option("yes", "Yes"), Option("no", "No"))
MOST_BUTTONS = 8
WHAT_TIME = "At what time?"


def ask(scene: Scene, task: Task, lead: str = "") -> Talk[None]:
    """Ask for the first thing that is missing; a form holds the others too."""
    missing = task.missing
    text = _question(scene, task, missing[0])
    yield FollowUp(f"{lead} {text}".strip(), component_for(task, missing))


def component_for(task: Task, missing: Sequence[Parameter]) -> AnyComponent:
    """Buttons for one choice, else a form with all that is missing."""
    first = missing[0]
    if len(missing) == 1 and first.kind == "choice" and len(first.options) <= MOST_BUTTONS:
        return Buttons(first.label, first.options)
    if len(missing) == 1 and first.kind == "flag":
        return Buttons(first.label, YES_NO)
    schema = {
        "type": "object",
        "properties": {parameter.name: parameter.schema for parameter in missing},
        "required": [parameter.name for parameter in missing if parameter.is_required],
    }
    return Form(task.tool.title, schema)


def _question(scene: Scene, task: Task, parameter: Parameter) -> str:
    prompt = parameter.prompt
    if parameter.name in task.notes.parts:
        prompt = f"{WHAT_TIME} {prompt}"
    last = last_value(scene, task, parameter)
    if last is None:
        return prompt
    hint = answers.shown(last, scene.now)
    return f"(Last time: {hint}. Say “same as last time” to take it.) {prompt}"
