"""From one task to another: set aside for it, in between, and back again."""

from __future__ import annotations

from chatstream.agents.turn import ResumableIntent
from chatstream.assistant import answers
from chatstream.assistant.answering import advance, ask_again
from chatstream.assistant.calling import call
from chatstream.assistant.filling import fill, read_into
from chatstream.assistant.scene import Scene, Task
from chatstream.assistant.taking import store
from chatstream.assistant.talk import Skills, Talk
from chatstream.assistant.tools import Tool
from chatstream.domain.steps import IntentRecognised, NewIntent, Response, Thinking

_NAMED = 0.1
"""The least score of a task's name in ``go back to the pizza``."""


def turn_to(scene: Scene, task: Task, other: Tool, confidence: float) -> Talk[None]:
    """Another task comes first: a short word in between, or this one is set aside for it."""
    if other.is_digression:
        yield from _digress(scene, task, other)
    else:
        yield from _switch(scene, task, other, confidence)


def go_back(skills: Skills, scene: Scene, wanted: ResumableIntent | None) -> Talk[None]:
    """Resume a task that was set aside, at its open question."""
    tool = None if wanted is None else skills.tools.get(wanted.name or "")
    if wanted is None or tool is None:
        yield Response(answers.capabilities(skills.tools.values()), is_complete=True)
        return
    yield Thinking("session", f"Going back to: {tool.title}")
    yield NewIntent(tool.name, wanted.user_intent_id)
    yield from ask_again(scene, Task(tool, wanted.slots), f"Back to: {tool.title}.")


def wanted_back(
    skills: Skills, scene: Scene, text: str, at_least: float = 0.0
) -> ResumableIntent | None:
    """The task set aside that ``text`` names, else (without ``at_least``) the newest."""
    known = [one for one in scene.resumable if one.name in skills.tools]
    recognition = skills.recogniser.recognise(text)
    scored = [(recognition.score_of(one.name or ""), one) for one in known]
    named = [it for it in scored if it[0] > max(at_least, _NAMED)]
    if named:
        return max(named, key=lambda it: it[0])[1]
    return known[0] if known and not at_least else None


def _switch(scene: Scene, task: Task, other: Tool, confidence: float) -> Talk[None]:
    """This task is set aside, and told of at the end of the other."""
    yield Thinking("intent_processing", f"Setting aside: {task.tool.title}")
    yield NewIntent(other.name)
    yield IntentRecognised(other.name, round(confidence, 3))
    following = Task(other, {}, aside=scene.turn.user_intent_id)
    following.left_open = answers.left_open(task.tool.title, scene.question)
    yield from store(following, {})
    filled = yield from fill(scene, following, scene.turn.content, is_start=True)
    yield from advance(scene, following, filled)


def _digress(scene: Scene, task: Task, other: Tool) -> Talk[None]:
    """Tell something in between, and go on with the question."""
    aside = Task(other, {})
    yield Thinking("intent_processing", f"In between: {other.title}")
    yield from fill(scene, task, scene.turn.content, is_start=True)
    read_into(scene, aside, scene.turn.content, is_start=True)
    if aside.missing:
        yield from ask_again(scene, task)
        return
    result = yield from call(scene, other, aside.values)
    text = "That did not work."
    if result.ok:
        text = answers.done(other, aside.values, result.result, scene.now)
    yield from ask_again(scene, task, f"{text}\n\n")
