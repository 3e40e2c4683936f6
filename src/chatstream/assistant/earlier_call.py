"""What became of calls that earlier turns of the task made, so that one yes does a thing once.

A turn may end between a call and its answer: the user stops it, the tool raises, the process dies.
What the next message finds is in ``Turn.earlier_calls``.
"""

from __future__ import annotations

from typing import cast

from chatstream.assistant.invoking import FAILED, TIMED_OUT
from chatstream.assistant.scene import Scene
from chatstream.assistant.tools import Tool
from chatstream.domain.steps import JsonObject
from chatstream.domain.user_chat.state import PastCall


def earlier_call(scene: Scene, tool: Tool) -> PastCall | None:
    """The newest call of ``tool`` that a turn made which did not come to its end."""
    calls = (one for one in reversed(scene.turn.earlier_calls) if one.name == tool.name)
    return next((call for call in calls if not call.is_answered), None)


def is_asked_since(scene: Scene, call: PastCall) -> bool:
    """Whether the user was asked something after ``call``: only then is a yes a new one."""
    asked = (one.position for one in scene.before if one.role == "ai" and one.follow_up)
    return any(position > call.position for position in asked)


def fault_to_confirm(scene: Scene, tool: Tool) -> str | None:
    """Why the user has to be asked anew before ``tool`` runs: an agreed call of it broke, or one
    took too long, and may have been carried out all the same."""
    call = earlier_call(scene, tool)
    if call is None or call.ok is not False or call.idempotent or is_asked_since(scene, call):
        return None
    told = cast("JsonObject", call.result) if isinstance(call.result, dict) else {}
    is_doubtful = told.get("code") == TIMED_OUT or (told.get("code") == FAILED and tool.confirm)
    return str(told.get("reason")) if is_doubtful else None


def unfinished_id(scene: Scene, tool: Tool, arguments: JsonObject) -> str | None:
    """The id of the same call of an earlier turn that has no outcome: made again, it has that."""
    for call in reversed(scene.turn.earlier_calls):
        if call.ok is None and (call.name, call.arguments) == (tool.name, arguments):
            return call.call_id
    return None
