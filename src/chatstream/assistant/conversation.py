"""The policy: what to do with a message, from the session to the answer. Pure generators.

Understanding gives the parts (what the message does, its values, its task); the order in which
they count is fixed in the modules that this one chooses from.
"""

from __future__ import annotations

from chatstream.agents.turn import Turn
from chatstream.assistant import answers
from chatstream.assistant.answering import not_an_answer
from chatstream.assistant.beginning import begin
from chatstream.assistant.calling import already_done, carry_out, confirm
from chatstream.assistant.earlier_call import earlier_call, is_asked_since
from chatstream.assistant.fallback import TOO_LONG, ask_model
from chatstream.assistant.middle import go_on, submitted
from chatstream.assistant.pattern import LONGEST_TEXT
from chatstream.assistant.repair import act_of, wants_again
from chatstream.assistant.scene import Scene, Task, arguments_of, scene_of
from chatstream.assistant.slots.yesno import says
from chatstream.assistant.talk import Skills, Talk
from chatstream.domain.steps import IntentRecognised, Response, Thinking
from chatstream.domain.user_chat.state import PastCall


def converse(skills: Skills, turn: Turn) -> Talk[None]:
    """One run: everything that is yielded for ``turn``."""
    yield Thinking("session", "Recalling where we are", "started")
    languages = None if skills.languages is None else skills.languages.for_one_message()
    scene = scene_of(turn, skills.tools, skills.zone, languages)
    yield Thinking("session", _where(scene))
    task = scene.task
    if task is None:
        yield from (_too_long(skills) if _is_too_long(turn) else begin(skills, scene))
        return
    past = earlier_call(scene, task.tool)
    if past is not None and past.ok:
        yield from already_done(scene, task, past)
    elif past is not None and past.ok is None and not past.idempotent:
        yield from _after_unknown(scene, task, past)
    elif turn.values is not None:
        yield from submitted(skills, scene, task, turn.values)
    elif _is_too_long(turn):
        yield from not_an_answer(scene, task, answers.TOO_LONG)
    else:
        yield from go_on(skills, scene, task)


def _is_too_long(turn: Turn) -> bool:
    return len(turn.content) > LONGEST_TEXT


def _too_long(skills: Skills) -> Talk[None]:
    """What is too long for the grammars may be for a language model."""
    if skills.has_model:
        yield from ask_model(skills)
        return
    yield IntentRecognised(TOO_LONG)
    yield Response(answers.TOO_LONG, is_complete=True)


def _where(scene: Scene) -> str:
    if scene.task is None:
        return "A new task"
    about = answers.known(scene.task.tool, scene.task.values, scene.now)
    return f"{scene.task.tool.title}{f' ({about})' if about else ''}"


def _after_unknown(scene: Scene, task: Task, past: PastCall) -> Talk[None]:
    """Nobody knows whether ``past`` was carried out: only a yes to a question about it, not the
    one that led to it, makes it again."""
    is_asked = is_asked_since(scene, past)
    decision = _decision(scene.turn)
    if is_asked and decision is True:
        # The same id: a tool that knows its calls does it once, whatever happened before.
        task.values = arguments_of(task.tool, past.arguments)
        yield from carry_out(scene, task, past.call_id)
    elif decision is False:
        yield Response(answers.LEFT_AS_IT_IS, is_complete=True)
    else:
        yield from confirm(scene, task, answers.TRY_AGAIN if is_asked else answers.INTERRUPTED)


def _decision(turn: Turn) -> bool | None:
    """Yes, no, or neither; by a button or in words."""
    if turn.values is not None:
        return {"yes": True, "no": False}.get(str(turn.values.get("value")))
    if _is_too_long(turn):
        return None
    said = says(turn.content)
    if wants_again(turn.content) or (said is not None and said.value):
        return True
    is_no = said is not None or act_of(turn.content) in {"cancel", "thanks", "goodbye", "praise"}
    return False if is_no else None
