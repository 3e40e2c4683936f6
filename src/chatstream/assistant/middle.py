"""In the middle of a task: give up, ask back, another task, a correction, an answer; in that
order a message is read."""

from __future__ import annotations

import re

from chatstream.assistant import answers
from chatstream.assistant.answering import advance, answered, ask_again, confirmed, drop
from chatstream.assistant.beginning import picked, recognise
from chatstream.assistant.fallback import chosen, hand_over
from chatstream.assistant.filling import fill, read_into
from chatstream.assistant.pattern import Pattern
from chatstream.assistant.recognise import Recognition
from chatstream.assistant.repair import Act, act_of, first_act, refuses
from chatstream.assistant.scene import Scene, Task
from chatstream.assistant.slots.yesno import says
from chatstream.assistant.submitted import fill_form
from chatstream.assistant.switching import go_back, turn_to, wanted_back
from chatstream.assistant.taking import Filled, slots_of, store
from chatstream.assistant.talk import Skills, Talk
from chatstream.assistant.tools import Tool
from chatstream.domain.steps import Abandon, JsonObject, Response

SWITCH_SURPLUS = 0.15
SWITCH_LEAD = 0.12
"""In the middle of a task another one must be clearer than at the start."""
CLEAR = 0.55
ALL_BUT_CERTAIN = 0.8
_REQUESTS = Pattern(
    r"\b(?:(?:can|could|would|will)\s+you|help\s+me|let['’]?s"
    r"|i(?:['’]d|\s+would)?\s+(?:also\s+)?(?:need|want|like)\s+to)\b",
    re.IGNORECASE,
)
RESUME_SCORE = 0.3
"""``go back to the pizza``, where ``go on`` alone means the open question."""
NEEDED = "I cannot go on without that. To stop, say “forget it”."


def submitted(skills: Skills, scene: Scene, task: Task, values: JsonObject) -> Talk[None]:
    """A form or a button was answered."""
    pick = chosen(scene)
    if pick is not None and pick == task.tool.name and not task.values:
        yield from picked(skills, scene, pick)  # an earlier attempt got this far
    elif pick in {"yes", "no"} and scene.asked is None and not task.missing:
        yield from confirmed(scene, task, yes=pick == "yes")
    else:
        filled = yield from fill_form(scene, task, values)
        yield from advance(scene, task, filled)


def go_on(skills: Skills, scene: Scene, task: Task) -> Talk[None]:
    """A message was written."""
    if not scene.before:  # an earlier attempt got this far
        filled = yield from fill(scene, task, scene.turn.content, is_start=True)
        yield from advance(scene, task, filled)
        return
    act = _politely(scene, act_of(scene.turn.content))
    if act is not None and not _answers_yes(scene, act):
        is_done = yield from _do(skills, scene, task, act)
        if is_done:
            return
    recognition = yield from recognise(skills, scene)
    other = _other_tool(skills, task, recognition)
    if _refuses(scene) and (other is not None or recognition.name == task.tool.name):
        yield from _refused(scene, task, other)
        return
    if other is not None and not _is_answer(scene, task, recognition):
        yield from turn_to(scene, task, other, recognition.score)
        return
    first = first_act(scene.turn.content)
    if first in {"cancel", "skip"} and not _brings_something(scene, task):
        is_done = yield from _do(skills, scene, task, first)
        if is_done:
            return
    yield from answered(scene, task, recognition)


def _refuses(scene: Scene) -> bool:
    """``I don't want an alarm``; but what is asked for may be any words."""
    return refuses(scene.turn.content) and (scene.asked is None or scene.asked.kind != "text")


def _refused(scene: Scene, task: Task, other: Tool | None) -> Talk[None]:
    """To want nothing of another kind leaves the open task as it is."""
    if other is None:
        yield from drop(scene, task, answers.DROPPED, "user")
    else:
        yield from ask_again(scene, task)


def _politely(scene: Scene, act: Act | None) -> Act | None:
    """``No, thank you`` gives up, unless it answers a question that may be answered so."""
    said = says(scene.turn.content)
    if act != "cancel" or scene.asked is None or said is None or said.value:
        return act
    if scene.asked.kind == "flag":
        return None
    return act if scene.asked.is_required else "skip"


def _brings_something(scene: Scene, task: Task) -> bool:
    """Whether there are values in the message; all of it as a free text is none."""
    probe = Task(task.tool, slots_of(task))
    is_free = scene.asked is not None and scene.asked.kind == "text"
    read_into(scene, probe, scene.turn.content, is_start=is_free)
    return slots_of(probe) != slots_of(task)


def _answers_yes(scene: Scene, act: Act) -> bool:
    """``go ahead``, ``perfect, thank you``: to a question whether to do it, they are a yes."""
    if scene.asked is not None or scene.question is None:
        return False
    said = says(scene.turn.content)
    is_yes = said is not None and said.value
    return act in {"resume", "praise"} or (act in {"thanks", "goodbye", "repeat"} and is_yes)


def _do(skills: Skills, scene: Scene, task: Task, act: Act) -> Talk[bool]:
    """Do what the message does; False if it is an answer after all."""
    match act:
        case "cancel":
            yield from drop(scene, task, answers.DROPPED, "user")
        case "skip":
            return (yield from _skip(scene, task))
        case "resume":
            wanted = wanted_back(skills, scene, scene.turn.content, RESUME_SCORE)
            if wanted is not None:
                yield from go_back(skills, scene, wanted)
            else:
                yield from ask_again(scene, task)
        case "goodbye":
            yield Response(answers.SMALL_TALK[act])
            yield Abandon("user")
        case "human" if skills.handover is not None:
            yield from hand_over(skills, skills.handover)
        case _:
            yield from ask_again(scene, task, _aside(skills, scene, task, act))
    return True


def _aside(skills: Skills, scene: Scene, task: Task, act: Act) -> str:
    """What is said before the open question is asked again."""
    match act:
        case "status":
            return _status(scene, task)
        case "help":
            return f"{answers.capabilities(skills.tools.values())}\n\n"
        case "human":
            return answers.NOBODY_ELSE
        case _:
            return answers.SMALL_TALK.get(act, "")


def _status(scene: Scene, task: Task) -> str:
    about = answers.known(task.tool, task.values, scene.now)
    so_far = f" So far I have {about}." if about else ""
    return f"This is about: {task.tool.title}.{so_far}"


def _skip(scene: Scene, task: Task) -> Talk[bool]:
    asked = scene.asked
    if asked is None:
        return False
    if asked.is_required:
        yield from ask_again(scene, task, NEEDED)
        return True
    before = slots_of(task)
    task.note(skipped=(*task.notes.skipped, asked.name), tries=0)
    yield from store(task, before)
    yield from advance(scene, task, Filled((asked.name,)))
    return True


def _other_tool(skills: Skills, task: Task, recognition: Recognition) -> Tool | None:
    other = skills.tools.get(recognition.name or "")
    surplus = recognition.score - recognition.act_score
    ahead = recognition.score - recognition.score_of(task.tool.name)
    if other is task.tool or surplus < SWITCH_SURPLUS:
        return None
    return other if min(ahead, recognition.lead) >= SWITCH_LEAD else None


def _is_answer(scene: Scene, task: Task, recognition: Recognition) -> bool:
    """Whether the message answers the question, however much it sounds like another task."""
    if scene.asked is None:
        return says(scene.turn.content) is not None
    if scene.asked.kind == "text":  # "Check my balance" may be what to be reminded of
        is_request = _REQUESTS.search(scene.turn.content) is not None
        return recognition.score < (CLEAR if is_request else ALL_BUT_CERTAIN)
    if recognition.score >= ALL_BUT_CERTAIN:
        return False
    probe = Task(task.tool, slots_of(task))
    return scene.asked.name in read_into(scene, probe, scene.turn.content).names
