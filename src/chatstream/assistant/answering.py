"""An answer to an open question: taken, refused with the reason, confirmed, acted on."""

from __future__ import annotations

import re

from chatstream.assistant import answers
from chatstream.assistant.asking import ask
from chatstream.assistant.calling import carry_out, confirm
from chatstream.assistant.filling import fill
from chatstream.assistant.pattern import Pattern
from chatstream.assistant.recognise import Recognition
from chatstream.assistant.repair import wants_again
from chatstream.assistant.scene import Scene, Task
from chatstream.assistant.slots.yesno import says
from chatstream.assistant.taking import Filled, slots_of, store
from chatstream.assistant.talk import Talk
from chatstream.domain.steps import Abandon, FollowUp, Response, Thinking

MOST_TRIES = 3
_SHORT = 6
_NO_YES = Pattern(r"\?|\b(?:no|not|never|without)\b|n['’]t\b|\bdont\b", re.IGNORECASE)


def answered(scene: Scene, task: Task, recognition: Recognition) -> Talk[None]:
    """Take the message as an answer; what it cannot be is asked for again."""
    said = says(scene.turn.content)
    was_complete = not task.missing
    before = dict(task.values)
    filled = yield from fill(scene, task, scene.turn.content)
    if filled.is_something:
        is_plain_yes = said is not None and said.value and before == task.values
        if was_complete and is_plain_yes:
            yield from confirmed(scene, task, yes=True)
        else:
            yield from advance(scene, task, filled)
    elif scene.question is not None and scene.question.startswith(answers.WHAT_TO_CHANGE):
        yield from confirm(scene, task)
    elif not was_complete:
        yield from not_an_answer(scene, task)
    elif said is not None:
        yield from confirmed(scene, task, yes=said.value)
    elif wants_again(scene.turn.content):
        yield from confirmed(scene, task, yes=True)
    elif recognition.is_sure and recognition.name == task.tool.name:
        yield from _restated(scene, task)
    else:
        yield from not_an_answer(scene, task)


def _restated(scene: Scene, task: Task) -> Talk[None]:
    """``Set the alarm, please``, to the question whether to set it."""
    text = scene.turn.content
    if len(text.split()) <= _SHORT and _NO_YES.search(text) is None:
        yield from confirmed(scene, task, yes=True)
    else:
        yield from ask_again(scene, task)


def confirmed(scene: Scene, task: Task, *, yes: bool) -> Talk[None]:
    """Do it, or ask what to change; where there is nothing to change, drop it."""
    if yes:
        yield from carry_out(scene, task)
    elif task.tool.parameters:
        yield FollowUp(f"{answers.WHAT_TO_CHANGE} Or say “forget it”.")
    else:
        yield from drop(scene, task, answers.DROPPED, "user")


def advance(scene: Scene, task: Task, filled: Filled) -> Talk[None]:
    """Ask for what is missing, else confirm, else do it."""
    if filled.problem is not None:
        yield from not_an_answer(scene, task, filled.problem)
    elif task.missing:
        yield from ask(scene, task)
    elif task.tool.confirm:
        yield from confirm(scene, task)
    else:
        yield from carry_out(scene, task)


def ask_again(scene: Scene, task: Task, lead: str = "") -> Talk[None]:
    """The open question once more, after ``lead``."""
    if task.missing:
        yield from ask(scene, task, lead)
    else:
        yield from confirm(scene, task, lead)


def drop(scene: Scene, task: Task, text: str, reason: str) -> Talk[None]:
    """Let go of the task, with a word on what it had interrupted."""
    for other in scene.resumable:
        if other.user_intent_id == task.notes.aside:
            text = f"{text} {answers.left_open(other.title, other.question)}"
    yield Response(text)
    yield Abandon(reason)


def not_an_answer(
    scene: Scene, task: Task, problem: str = "Sorry, I did not get that."
) -> Talk[None]:
    """The reason, and the question once more; at most so often."""
    before = slots_of(task)
    tries = task.notes.tries + 1
    yield Thinking("intent_processing", problem, "failed", attempt=tries, of=MOST_TRIES)
    task.note(tries=tries if tries < MOST_TRIES else 0)
    yield from store(task, before)
    if tries < MOST_TRIES:
        yield from ask_again(scene, task, problem)
    else:
        yield from drop(scene, task, answers.GAVE_UP, "not_understood")
