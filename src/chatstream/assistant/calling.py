"""From complete parameters to the answer: confirm, call the tool, say what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import cast

import msgspec

from chatstream.assistant import answers
from chatstream.assistant.asking import YES_NO
from chatstream.assistant.earlier_call import fault_to_confirm, unfinished_id
from chatstream.assistant.invoking import FAILED, TIMED_OUT
from chatstream.assistant.scene import Notes, Scene, Task, arguments_of
from chatstream.assistant.taking import slots_of, store
from chatstream.assistant.talk import Talk
from chatstream.assistant.tools import Tool
from chatstream.domain.steps import (
    Buttons,
    Fail,
    FollowUp,
    JsonObject,
    Response,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatstream.domain.user_chat.state import PastCall

_encoder = msgspec.json.Encoder(order="deterministic")


def confirm(scene: Scene, task: Task, lead: str = "") -> Talk[None]:
    """Ask before the tool runs."""
    yield Thinking("intent_processing", "Asking before I do it")
    question = answers.confirmation(task.tool, task.values, scene.now)
    yield FollowUp(f"{lead} {question}".strip(), Buttons(task.tool.title, YES_NO))


def carry_out(scene: Scene, task: Task, call_id: str | None = None) -> Talk[None]:
    """Run the tool and end the run with its answer; what broke before is asked about first."""
    fault = fault_to_confirm(scene, task.tool)
    if fault is not None:
        yield from confirm(scene, task, fault)
        return
    result = yield from call(scene, task.tool, task.values, call_id)
    if not result.ok:
        yield from _failed(task, result)
        return
    yield from _done(scene, task, result.result)


def already_done(scene: Scene, task: Task, past: PastCall) -> Talk[None]:
    """An earlier turn did it and was broken off before it could say so: say it now."""
    task.values = arguments_of(task.tool, past.arguments)
    lead = "" if scene.turn.retry_of is not None else f"{answers.ALREADY_DONE} "
    yield from _done(scene, task, past.result, lead)


def _done(scene: Scene, task: Task, result: object, lead: str = "") -> Talk[None]:
    yield Thinking("response_generation", "Writing the answer", "started")
    text = lead + answers.done(task.tool, task.values, result, scene.now)
    left = _left_open(scene, task)
    yield Thinking("response_generation", "Wrote the answer")
    before = slots_of(task)
    task.notes = Notes()
    yield from store(task, before)
    yield Response(f"{text}\n\n{left}" if left else text, is_complete=True)


def call(
    scene: Scene, tool: Tool, values: Mapping[str, object], call_id: str | None = None
) -> Talk[ToolResult]:
    """Run ``tool``, or have the result of an earlier attempt."""
    arguments: JsonObject = msgspec.to_builtins(dict(values))
    call_id = call_id or unfinished_id(scene, tool, arguments)
    yield Thinking("tool_execution", tool.title, "started")
    result = yield ToolCall(
        name=tool.name,
        arguments=arguments,
        call_id=call_id or call_id_of(scene, tool, arguments),
        idempotent=tool.is_idempotent,
        visible=tool.is_visible,
    )
    assert result is not None
    yield Thinking("tool_execution", tool.title, "completed" if result.ok else "failed")
    return result


def call_id_of(scene: Scene, tool: Tool, arguments: JsonObject) -> str:
    """The same in every attempt, and for a retry of the message: what was said, and for what.

    A run calls a tool with the same arguments once; there is nothing to count.
    """
    message = scene.turn.retry_of or scene.turn.message_id
    said = b"\n".join([message.encode(), tool.name.encode(), _encoder.encode(arguments)])
    return f"call_{hashlib.sha256(said).hexdigest()[:24]}"


def _failed(task: Task, result: ToolResult) -> Talk[None]:
    told = cast("JsonObject", result.result if isinstance(result.result, dict) else {})
    if told.get("code") in {FAILED, TIMED_OUT}:
        yield Fail(str(told["code"]), str(told.get("reason")), retryable=True)
        return
    reason = str(told.get("reason") or "That did not work.")
    yield FollowUp(
        f"{reason} Shall I try again? You can also change something first.",
        Buttons(task.tool.title, YES_NO),
    )


def _left_open(scene: Scene, task: Task) -> str | None:
    """What to say of the task that this one interrupted."""
    if task.left_open is not None:
        return task.left_open
    for other in scene.resumable:
        if other.user_intent_id == task.notes.aside:
            return answers.left_open(other.title, other.question)
    return None
