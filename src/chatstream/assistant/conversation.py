"""The policy: what to do with a message, from the session to the answer. Pure generators.

Understanding gives the parts (what the message does, its values, its task); the order in which
they count is fixed in the modules that this one chooses from.
"""

from __future__ import annotations

from chatstream.agents.turn import Turn
from chatstream.assistant import answers
from chatstream.assistant.beginning import begin
from chatstream.assistant.calling import carry_out, confirm
from chatstream.assistant.middle import go_on, submitted
from chatstream.assistant.repair import act_of, wants_again
from chatstream.assistant.scene import Scene, Task, arguments_of, scene_of
from chatstream.assistant.slots.yesno import says
from chatstream.assistant.talk import Skills, Talk
from chatstream.domain.steps import Response, Thinking
from chatstream.domain.user_chat.state import PastCall


def converse(skills: Skills, turn: Turn) -> Talk[None]:
    """One run: everything that is yielded for ``turn``."""
    yield Thinking("session", "Recalling where we are", "started")
    scene = scene_of(turn, skills.tools, skills.zone, skills.languages)
    yield Thinking("session", _where(scene))
    task = scene.task
    if task is None:
        yield from begin(skills, scene)
        return
    unknown = _unknown_call(turn, task)
    if unknown is not None:
        yield from _after_unknown(scene, task, unknown)
    elif turn.values is not None:
        yield from submitted(skills, scene, task, turn.values)
    else:
        yield from go_on(skills, scene, task)


def _where(scene: Scene) -> str:
    if scene.task is None:
        return "A new task"
    about = answers.known(scene.task.tool, scene.task.values, scene.now)
    return f"{scene.task.tool.title}{f' ({about})' if about else ''}"


def _unknown_call(turn: Turn, task: Task) -> PastCall | None:
    """A call of the last turn whose outcome nobody knows; the user was asked about it."""
    for past in turn.tool_calls:
        if past.ok is None and not past.idempotent and past.name == task.tool.name:
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
