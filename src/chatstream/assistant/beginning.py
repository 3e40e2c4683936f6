"""No task yet: from the first words to a task, to small talk, or down the fallback chain."""

from __future__ import annotations

from chatstream.assistant import answers
from chatstream.assistant.answering import advance
from chatstream.assistant.fallback import (
    NONE_OF_THESE,
    WITH_MODEL,
    ask_model,
    ask_to_rephrase,
    chosen,
    fall_back,
    hand_over,
)
from chatstream.assistant.filling import fill
from chatstream.assistant.pattern import LONGEST_TEXT
from chatstream.assistant.recognise import Candidate, Recognition
from chatstream.assistant.repair import Act, act_of, refuses
from chatstream.assistant.scene import Scene, Task
from chatstream.assistant.switching import go_back, wanted_back
from chatstream.assistant.talk import Pause, Skills, Talk
from chatstream.assistant.tools import Tool
from chatstream.domain.steps import IntentRecognised, Response, Thinking

EVIDENCE = 0.2
"""What a value is worth in score that only one of the tools takes."""


def begin(skills: Skills, scene: Scene) -> Talk[None]:
    """A message that belongs to no task yet."""
    if skills.has_model and scene.turn.intent_name == WITH_MODEL and scene.question is not None:
        yield from ask_model(skills)  # it asked before a call, and this is the answer
        return
    text = scene.turn.content
    pick = chosen(scene)
    act = None if pick is not None else act_of(text) or _refused(text)
    if pick is not None:
        yield from picked(skills, scene, pick)
    elif act == "resume" and scene.resumable:
        yield from go_back(skills, scene, wanted_back(skills, scene, text))
    elif act == "human" and skills.handover is not None:
        yield from hand_over(skills, skills.handover)
    elif act is not None and act != "resume":
        yield IntentRecognised(act, 1.0)
        yield Response(_said_to(skills, scene, act), is_complete=True)
    else:
        yield from _by_recognition(skills, scene)


def _refused(text: str) -> Act | None:
    return "cancel" if refuses(text) else None


def picked(skills: Skills, scene: Scene, pick: str) -> Talk[None]:
    """One of the fallback's buttons."""
    tool = skills.tools.get(pick)
    if tool is None or pick == NONE_OF_THESE:
        yield from ask_to_rephrase(skills)
    else:
        yield from _start(scene, tool, "", 1.0)


def recognise(skills: Skills, scene: Scene) -> Talk[Recognition]:
    """What the message asks for, as a visible step."""
    yield Thinking("intent_recognition", "Working out what you need", "started")
    recognition = skills.recognise(scene.turn.content)
    yield Pause()
    recognition = yield from _with_evidence(skills, scene, recognition)
    best = skills.tools.get(recognition.name or "")
    is_sure = recognition.is_sure and best is not None
    yield Thinking(
        "intent_recognition",
        best.title if best is not None and is_sure else "Not sure what you need",
        data={
            "confidence": round(recognition.score, 3),
            "candidates": [one.name for one in recognition.candidates[:3]],
        },
    )
    return recognition


def _by_recognition(skills: Skills, scene: Scene) -> Talk[None]:
    recognition = yield from recognise(skills, scene)
    if recognition.is_sure and recognition.name is not None:
        tool = skills.tools[recognition.name]
        yield from _start(scene, tool, scene.turn.content, recognition.score)
    elif skills.has_model and scene.turn.intent_name == WITH_MODEL:
        yield from ask_model(skills)
    else:
        yield from fall_back(skills, scene, recognition)


def _with_evidence(skills: Skills, scene: Scene, recognition: Recognition) -> Talk[Recognition]:
    """Values speak too: ``3:45 pm, please`` is for the one tool that takes a time."""
    if recognition.is_sure or scene.task is not None:
        return recognition
    takers: list[str] = []
    for tool in skills.tools.values():
        if scene.read(tool.parameters, scene.turn.content):
            takers.append(tool.name)
        yield Pause()
    if len(takers) != 1:
        return recognition
    taker = Candidate(takers[0], recognition.score_of(takers[0]) + EVIDENCE)
    others = [one for one in recognition.candidates if one.name != taker.name]
    ranked = sorted([taker, *others], key=lambda one: -one.score)
    return Recognition(tuple(ranked), recognition.act_score)


def _start(scene: Scene, tool: Tool, text: str, confidence: float) -> Talk[None]:
    yield IntentRecognised(tool.name, round(confidence, 3))
    task = Task(tool, {})
    # What was not understood may hold values; what was said to the model is not for a task.
    unread = () if scene.turn.intent_name == WITH_MODEL else scene.before
    for item in unread:
        if item.role == "user" and 0 < len(item.content) <= LONGEST_TEXT:
            yield from fill(scene, task, item.content, is_start=True)
    filled = yield from fill(scene, task, text, is_start=True)
    yield from advance(scene, task, filled)


def _said_to(skills: Skills, scene: Scene, act: Act) -> str:
    can = answers.capabilities(skills.tools.values())
    match act:
        case "help" | "status" | "skip" | "resume":
            return can
        case "greeting" | "who_are_you" | "rude":
            return f"{answers.SMALL_TALK[act]} {can}"
        case "human":
            return f"{answers.NOBODY_ELSE} {can}"
        case "cancel":
            return answers.NOTHING_OPEN
        case "repeat":
            return next((one.answer for one in scene.earlier if one.answer), can)
        case "thanks" | "goodbye" | "praise" | "how_are_you":
            return answers.SMALL_TALK[act]
