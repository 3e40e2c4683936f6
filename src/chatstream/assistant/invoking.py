"""Runs a tool for one stored call, with checked arguments and a time limit."""

from __future__ import annotations

import asyncio
import inspect
import logging
from functools import partial
from typing import Final

import msgspec

from chatstream.agents.containment import contain
from chatstream.agents.threads import ThreadPool, call_in_thread
from chatstream.agents.turn import TurnIds
from chatstream.assistant.parameters import ToolContext
from chatstream.assistant.tools import Tool, ToolFailed
from chatstream.domain.steps import Step, ToolCall, ToolResult
from chatstream.errors import wordless

log = logging.getLogger(__name__)

FAILED: Final = "tool_failed"
TIMED_OUT: Final = "tool_timeout"
FAILED_TEXT = "Something went wrong while doing that. You can try it again."
TIMED_OUT_TEXT = "That took too long, and I cannot tell whether it was done. Please check first."


async def invoke(
    tool: Tool, call: ToolCall, context: ToolContext, threads: ThreadPool
) -> tuple[tuple[Step, ...], ToolResult]:
    """Run ``tool``, in one of ``threads`` where it may block: what it wants said later, and its
    result, to be yielded in this order.

    A result that is not ``ok`` tells its ``reason``, and a ``code`` where the fault is not the
    user's to mend. Whatever a tool raises is a failure of the tool.
    """
    try:
        arguments = _arguments(tool, call, context)
        async with asyncio.timeout(tool.timeout_s):
            result = await contain(_run(tool, arguments, context, threads))
        done = ToolResult(call.call_id, ok=True, result=msgspec.to_builtins(result))
        return tuple(context.later), done
    except ToolFailed as failure:
        return (), ToolResult(call.call_id, ok=False, result={"reason": str(failure)})
    except TimeoutError:
        log.warning("tool timed out", extra=_ids(call, context))
        return (), _refusal(call, TIMED_OUT, TIMED_OUT_TEXT)
    except Exception as error:
        log.exception("tool raised", exc_info=wordless(error), extra=_ids(call, context))
        return (), _refusal(call, FAILED, FAILED_TEXT)


def _arguments(tool: Tool, call: ToolCall, context: ToolContext) -> dict[str, object]:
    """Checked against the types once more: what is called with is what was stored."""
    arguments: dict[str, object] = {
        parameter.name: parameter.converted(call.arguments[parameter.name])
        for parameter in tool.parameters
        if parameter.name in call.arguments
    }
    if tool.context_name is not None:
        arguments[tool.context_name] = context
    return arguments


async def _run(
    tool: Tool, arguments: dict[str, object], context: ToolContext, threads: ThreadPool
) -> object:
    if inspect.iscoroutinefunction(tool.function):
        return await tool.function(**arguments)
    # A thread cannot be stopped: what timed out may still come to an end.
    call = partial(tool.function, **arguments)
    result = await call_in_thread(threads, TurnIds(context.user_chat_id), call)
    return await result if inspect.isawaitable(result) else result


def _refusal(call: ToolCall, code: str, reason: str) -> ToolResult:
    return ToolResult(call.call_id, ok=False, result={"code": code, "reason": reason})


def _ids(call: ToolCall, context: ToolContext) -> dict[str, object]:
    return {"user_chat_id": context.user_chat_id, "tool": call.name, "call_id": call.call_id}
