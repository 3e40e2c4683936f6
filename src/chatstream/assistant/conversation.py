"""The policy: what to do with a message, from the session to the answer. Pure generators.

Understanding gives the parts (what the message does, its values, its task); the order in which
they count is fixed here: give up, ask back, another task, a correction, an answer.
"""

from __future__ import annotations

from chatstream.assistant import answers
from chatstream.assistant.calling import call, carry_out, confirm
from chatstream.assistant.extract import read_values
from chatstream.assistant.fallback import (
    NONE_OF_THESE,
    WITH_MODEL,
    ask_model,
    ask_to_rephrase,
    chosen,
    fall_back,
)
from chatstream.assistant.filling import MOST_TRIES, Filled, ask, fill, fill_form, slots_of, store
from chatstream.assistant.recognise import Candidate, Recognition
from chatstream.assistant.repair import SMALL_TALK, Act, act_of, wants_again
from chatstream.assistant.scene import Scene, Task, arguments_of, last_answer, scene_of
from chatstream.assistant.slots.yesno import says
from chatstream.assistant.talk import Skills, Talk
from chatstream.assistant.tools import Tool
from chatstream.domain.state import PastCall
from chatstream.domain.steps import (
    Abandon,
    FollowUp,
    IntentRecognised,
    NewIntent,
    Response,
    Thinking,
)
from chatstream.turns.turn import ResumableIntent, Turn

SWITCH_SURPLUS = 0.15
SWITCH_LEAD = 0.12
ALL_BUT_CERTAIN = 0.75
EVIDENCE = 0.2
"""In the middle of a task another one must be clearer than at the start."""


def converse(skills: Skills, turn: Turn) -> Talk[None]:
    """One run: everything that is yielded for ``turn``."""
    yield Thinking("session", "Recalling where we are", "started")
    scene = scene_of(turn, skills.tools, skills.zone)
    yield Thinking("session", _where(scene))
    unknown = _unknown_call(scene)
    if unknown is not None and scene.task is not None:
        yield from _after_unknown(scene, scene.task, unknown)
    elif scene.task is None:
        yield from _begin(skills, scene)
    elif turn.values is not None:
        yield from _submitted(skills, scene, scene.task)
    else:
        yield from _go_on(skills, scene, scene.task)


def _where(scene: Scene) -> str:
    if scene.task is None:
        return "A new task"
    about = answers.known(scene.task.tool, scene.task.values, scene.now)
    return f"{scene.task.tool.title}{f' ({about})' if about else ''}"


# -- no task yet ----------------------------------------------------------------------------


def _begin(skills: Skills, scene: Scene) -> Talk[None]:
    pick = chosen(scene)
    if pick is not None:
        yield from _picked(skills, scene, pick)
        return
    text = scene.turn.content
    act = act_of(text)
    if act == "resume" and scene.resumable:
        yield from _go_back(skills, scene, _wanted(skills, scene, text))
    elif act is not None and act != "resume":
        yield IntentRecognised(act, 1.0)
        yield Response(_said_to(skills, scene, act), is_complete=True)
    else:
        recognition = yield from _recognise(skills, scene, text)
        if recognition.is_sure and recognition.name is not None:
            yield from _start(scene, skills.tools[recognition.name], text, recognition.score)
        elif skills.has_model and scene.turn.intent_name == WITH_MODEL:
            yield from ask_model(skills)
        else:
            yield from fall_back(skills, scene, recognition)


def _picked(skills: Skills, scene: Scene, pick: str) -> Talk[None]:
    tool = skills.tools.get(pick)
    if tool is None or pick == NONE_OF_THESE:
        yield from ask_to_rephrase(skills)
    else:
        yield from _start(scene, tool, "", 1.0)


def _recognise(skills: Skills, scene: Scene, text: str) -> Talk[Recognition]:
    yield Thinking("intent_recognition", "Working out what you need", "started")
    recognition = _with_evidence(skills, scene, skills.recognise(text))
    best = skills.tools.get(recognition.name or "")
    sure = recognition.is_sure and best is not None
    yield Thinking(
        "intent_recognition",
        best.title if sure and best is not None else "Not sure what you need",
        data={
            "confidence": round(recognition.score, 3),
            "candidates": [one.name for one in recognition.candidates[:3]],
        },
    )
    return recognition


def _with_evidence(skills: Skills, scene: Scene, recognition: Recognition) -> Recognition:
    """Values speak too: ``3:45 pm, please`` is for the one tool that takes a time."""
    if recognition.is_sure or scene.task is not None:
        return recognition
    takers = [
        tool.name
        for tool in skills.tools.values()
        if read_values(tool.parameters, scene.turn.content, scene.now)
    ]
    if len(takers) != 1:
        return recognition
    taker = Candidate(takers[0], recognition.score_of(takers[0]) + EVIDENCE)
    others = [one for one in recognition.candidates if one.name != taker.name]
    ranked = sorted([taker, *others], key=lambda one: -one.score)
    return Recognition(tuple(ranked), recognition.act_score)


def _start(scene: Scene, tool: Tool, text: str, confidence: float) -> Talk[None]:
    yield IntentRecognised(tool.name, round(confidence, 3))
    task = Task(tool, {})
    unread = () if scene.turn.intent_name == WITH_MODEL else scene.before
    for item in unread:
        if item.role == "user" and item.content:  # what was not understood may hold values
            yield from fill(scene, task, item.content, is_start=True)
    filled = yield from fill(scene, task, text, is_start=True)
    yield from _advance(scene, task, filled)


def _said_to(skills: Skills, scene: Scene, act: Act) -> str:
    match act:
        case "help" | "status" | "skip":
            return answers.capabilities(skills.tools.values())
        case "greeting" | "who_are_you":
            can = answers.capabilities(skills.tools.values())
            return f"{answers.SMALL_TALK[act]} {can}"
        case "cancel":
            return answers.NOTHING_OPEN
        case "repeat":
            said = next((one.answer for one in scene.earlier if one.answer), None)
            return said or answers.capabilities(skills.tools.values())
        case _:
            return answers.SMALL_TALK.get(act, answers.NOTHING_OPEN)


# -- in the middle of a task ----------------------------------------------------------------


def _submitted(skills: Skills, scene: Scene, task: Task) -> Talk[None]:
    pick = chosen(scene)
    if pick == task.tool.name and not task.values:
        yield from _picked(skills, scene, pick)  # an earlier attempt got this far
    elif pick in {"yes", "no"} and scene.asked is None and not task.missing:
        yield from _confirmed(scene, task, yes=pick == "yes")
    else:
        filled = yield from fill_form(scene, task, scene.turn.values or {})
        yield from _advance(scene, task, filled)


def _go_on(skills: Skills, scene: Scene, task: Task) -> Talk[None]:
    text = scene.turn.content
    if not scene.before or last_answer(scene.before) is None:
        filled = yield from fill(scene, task, text, is_start=True)
        yield from _advance(scene, task, filled)
        return
    act = act_of(text)
    if act is not None and not _answers_yes(scene, act):
        handled = yield from _act(skills, scene, task, act)
        if handled:
            return
    recognition = yield from _recognise(skills, scene, text)
    other = _other_tool(skills, task, recognition)
    if other is not None and not _is_answer(scene, task, recognition):
        if other.is_digression:
            yield from _digress(scene, task, other)
        else:
            yield from _switch(scene, task, other, recognition.score)
        return
    yield from _answered(scene, task, recognition)


def _answers_yes(scene: Scene, act: Act) -> bool:
    """``go ahead``, ``perfect, thank you``: to a question whether to do it, they are a yes."""
    if scene.asked is not None or scene.question is None:
        return False
    said = says(scene.turn.content)
    return act in {"resume", "praise"} or (act == "thanks" and said is not None and said.value)


def _act(skills: Skills, scene: Scene, task: Task, act: Act) -> Talk[bool]:
    """Do what the message does; False if it is an answer after all."""
    match act:
        case "cancel":
            yield Response(_with_left_open(scene, task, answers.DROPPED))
            yield Abandon("user")
        case "skip":
            return (yield from _skip(scene, task))
        case "resume":
            wanted = _wanted(skills, scene, scene.turn.content, at_least=0.3)
            if wanted is not None:
                yield from _go_back(skills, scene, wanted)
            else:
                yield from _ask_again(scene, task)
        case "repeat" | "status":
            about = answers.known(task.tool, task.values, scene.now)
            so_far = f" So far I have {about}." if about else ""
            lead = f"This is about: {task.tool.title}.{so_far}" if act == "status" else ""
            yield from _ask_again(scene, task, lead)
        case "help":
            yield from _ask_again(scene, task, answers.capabilities(skills.tools.values()) + "\n\n")
        case _ if act in SMALL_TALK:
            if act == "goodbye":
                yield Response(answers.SMALL_TALK[act])
                yield Abandon("user")
            else:
                yield from _ask_again(scene, task, answers.SMALL_TALK[act])
        case _:
            return False
    return True


def _skip(scene: Scene, task: Task) -> Talk[bool]:
    asked = scene.asked
    if asked is None:
        return False
    if asked.is_required:
        yield from _ask_again(scene, task, "I cannot go on without that. To stop, say “forget it”.")
        return True
    before = slots_of(task)
    task.note(skipped=(*task.notes.skipped, asked.name), tries=0)
    yield from store(task, before)
    yield from _advance(scene, task, Filled((asked.name,)))
    return True


def _other_tool(skills: Skills, task: Task, recognition: Recognition) -> Tool | None:
    if recognition.name in {None, task.tool.name} or not _is_clear(recognition):
        return None
    if recognition.score - recognition.score_of(task.tool.name) < SWITCH_LEAD:
        return None
    return skills.tools.get(recognition.name or "") if recognition.lead >= SWITCH_LEAD else None


def _is_clear(recognition: Recognition) -> bool:
    return recognition.score >= recognition.act_score + SWITCH_SURPLUS


def _is_answer(scene: Scene, task: Task, recognition: Recognition) -> bool:
    """Whether the message answers the question, however much it sounds like another task."""
    probe = Task(task.tool, slots_of(task))
    filled = _drained(fill(scene, probe, scene.turn.content))
    if scene.asked is None:
        return says(scene.turn.content) is not None
    if scene.asked.kind == "text":
        return recognition.score < ALL_BUT_CERTAIN
    return scene.asked.name in filled.names and recognition.score < ALL_BUT_CERTAIN


def _drained(talk: Talk[Filled]) -> Filled:
    while True:
        try:
            next(talk)
        except StopIteration as end:
            filled: Filled = end.value
            return filled


def _switch(scene: Scene, task: Task, other: Tool, confidence: float) -> Talk[None]:
    """Another task comes first; this one is set aside and told of at the end."""
    yield Thinking("intent_processing", f"Setting aside: {task.tool.title}")
    yield NewIntent(other.name)
    yield IntentRecognised(other.name, round(confidence, 3))
    following = Task(other, {}, aside=scene.turn.user_intent_id)
    following.left_open = answers.left_open(task.tool.title, scene.question)
    yield from store(following, {})
    filled = yield from fill(scene, following, scene.turn.content, is_start=True)
    yield from _advance(scene, following, filled)


def _digress(scene: Scene, task: Task, other: Tool) -> Talk[None]:
    """Tell something in between, and go on with the question."""
    aside = Task(other, {})
    yield Thinking("intent_processing", f"In between: {other.title}")
    _drained(fill(scene, aside, scene.turn.content, is_start=True))
    if aside.missing:
        yield from _ask_again(scene, task)
        return
    result = yield from call(scene, other, aside.values)
    text = "That did not work."
    if result.ok:
        text = answers.done(other, aside.values, result.result, scene.now)
    yield from _ask_again(scene, task, f"{text}\n\n")


def _go_back(skills: Skills, scene: Scene, wanted: ResumableIntent | None) -> Talk[None]:
    tool = None if wanted is None else skills.tools.get(wanted.name or "")
    if wanted is None or tool is None:
        yield Response(answers.capabilities(skills.tools.values()), is_complete=True)
        return
    yield Thinking("session", f"Going back to: {tool.title}")
    yield NewIntent(tool.name, wanted.user_intent_id)
    task = Task(tool, wanted.slots)
    yield from _ask_again(scene, task, f"Back to: {tool.title}.")


def _wanted(
    skills: Skills, scene: Scene, text: str, at_least: float = 0.0
) -> ResumableIntent | None:
    """The task set aside that ``text`` names, else the newest."""
    known = [one for one in scene.resumable if one.name in skills.tools]
    recognition = skills.recogniser.recognise(text)
    named = [one for one in known if recognition.score_of(one.name or "") > max(at_least, 0.1)]
    if named:
        return max(named, key=lambda one: recognition.score_of(one.name or ""))
    return known[0] if known and not at_least else None


# -- an answer ------------------------------------------------------------------------------


def _answered(scene: Scene, task: Task, recognition: Recognition) -> Talk[None]:
    said = says(scene.turn.content)
    was_complete = not task.missing
    before = dict(task.values)
    filled = yield from fill(scene, task, scene.turn.content)
    if filled.names or filled.problem is not None or filled.is_partial:
        changed = before != task.values
        if was_complete and not changed and said is not None and said.value:
            yield from _confirmed(scene, task, yes=True)
        else:
            yield from _advance(scene, task, filled)
    elif was_complete and said is not None:
        yield from _confirmed(scene, task, yes=said.value)
    elif was_complete and wants_again(scene.turn.content):
        yield from _confirmed(scene, task, yes=True)
    elif was_complete and recognition.is_sure and recognition.name == task.tool.name:
        yield from _advance(scene, task, filled)
    else:
        yield from _not_an_answer(scene, task)


def _confirmed(scene: Scene, task: Task, *, yes: bool) -> Talk[None]:
    if yes:
        yield from carry_out(scene, task)
    elif task.tool.parameters:
        yield FollowUp(f"{answers.WHAT_TO_CHANGE} Or say “forget it”.")
    else:
        yield Response(_with_left_open(scene, task, answers.DROPPED))
        yield Abandon("user")


def _advance(scene: Scene, task: Task, filled: Filled) -> Talk[None]:
    """Ask for what is missing, else confirm, else do it."""
    if filled.problem is not None:
        yield from _not_an_answer(scene, task, filled.problem)
    elif task.missing:
        yield from ask(scene, task)
    elif task.tool.confirm:
        yield from confirm(scene, task)
    else:
        yield from carry_out(scene, task)


def _not_an_answer(
    scene: Scene, task: Task, problem: str = "Sorry, I did not get that."
) -> Talk[None]:
    """The reason, and the question once more; at most so often."""
    before = slots_of(task)
    task.note(tries=task.notes.tries + 1)
    tries = task.notes.tries
    yield Thinking("intent_processing", problem, "failed", attempt=tries, of=MOST_TRIES)
    if tries >= MOST_TRIES:
        task.note(tries=0)
        yield from store(task, before)
        yield Response(_with_left_open(scene, task, answers.GAVE_UP))
        yield Abandon("not_understood")
        return
    yield from store(task, before)
    yield from _ask_again(scene, task, problem)


def _ask_again(scene: Scene, task: Task, lead: str = "") -> Talk[None]:
    if task.missing:
        yield from ask(scene, task, lead)
    else:
        yield from confirm(scene, task, lead)


def _with_left_open(scene: Scene, task: Task, text: str) -> str:
    for other in scene.resumable:
        if other.user_intent_id == task.notes.aside:
            return f"{text} {answers.left_open(other.title, other.question)}"
    return text


# -- after a crash --------------------------------------------------------------------------


def _unknown_call(scene: Scene) -> PastCall | None:
    """A call of the last turn whose outcome nobody knows; the user was asked about it."""
    task = scene.task
    for past in scene.turn.tool_calls:
        if past.ok is None and not past.idempotent and task and past.name == task.tool.name:
            return past
    return None


def _after_unknown(scene: Scene, task: Task, past: PastCall) -> Talk[None]:
    text = scene.turn.content
    said, act = says(text), act_of(text)
    if wants_again(text) or (said is not None and said.value):
        # The same id: a tool that knows its calls does it once, whatever happened before.
        task.values = arguments_of(task.tool, past.arguments)
        yield from carry_out(scene, task, past.call_id)
    elif said is not None or act in {"cancel", "thanks", "goodbye", "praise"}:
        yield Response(answers.LEFT_AS_IT_IS, is_complete=True)
    else:
        yield from confirm(scene, task, "Shall I try that again?")
