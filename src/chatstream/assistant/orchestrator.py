"""The built-in assistant as an agent: runs the policy, and the tools that it calls for.

``assistant_from_tools([...])`` makes one of typed functions.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, tzinfo

import msgspec

from chatstream.assistant.calling import FAILED, TIMED_OUT
from chatstream.assistant.conversation import converse
from chatstream.assistant.recognise import Recogniser
from chatstream.assistant.run import Run
from chatstream.assistant.scene import scene_of
from chatstream.assistant.talk import Skills
from chatstream.assistant.tools import Tool, ToolContext, ToolFailed
from chatstream.domain.steps import ToolCall, ToolResult
from chatstream.errors import ConfigurationError
from chatstream.turns.agents import Agent, Steps
from chatstream.turns.turn import Turn

log = logging.getLogger(__name__)

FAILED_TEXT = "Something went wrong while doing that. You can try it again."
TIMED_OUT_TEXT = "That took too long, and I cannot tell whether it was done. Please check first."


def assistant_from_tools(
    tools: Sequence[Tool | Callable[..., object]],
    *,
    zone: tzinfo | None = None,
    handover: str | None = None,
    model: Agent | None = None,
) -> Assistant:
    """An agent that understands what the user wants, asks for what is missing, and calls tools.

    Args:
        tools: typed functions, with ``@tool`` or bare.
        zone: where the users are: in it "7 am" is read; None: where the server is.
        handover: what to say when nothing else helps and people take over; the task is then
            abandoned as ``handed_over``.
        model: an agent, of a language model say, that takes on what this one does not
            understand when the user could not make it clearer.

    Raises:
        ConfigurationError: there is no tool, two have one name, or one cannot be used.
    """
    return Assistant(tools, zone=zone, handover=handover, model=model)


class Assistant:
    """The agent; it has no state but what it can do."""

    def __init__(
        self,
        tools: Sequence[Tool | Callable[..., object]],
        *,
        zone: tzinfo | None = None,
        handover: str | None = None,
        model: Agent | None = None,
    ) -> None:
        made = [one if isinstance(one, Tool) else Tool(one) for one in tools]
        by_name = {one.name: one for one in made}
        if not made:
            raise ConfigurationError("an assistant needs at least one tool")
        if len(by_name) < len(made):
            raise ConfigurationError("two tools of one assistant have the same name")
        self.skills = Skills(
            tools=by_name,
            recogniser=Recogniser({one.name: one.utterances for one in made}),
            zone=zone or datetime.now(UTC).astimezone().tzinfo or UTC,
            handover=handover,
            has_model=model is not None,
        )
        self._model = model

    async def __call__(self, turn: Turn) -> Steps:
        """One run."""
        run = Run(converse(self.skills, turn), self._model, turn)
        answer: ToolResult | None = None
        async with aclosing(run):
            while (step := await run.next(answer)) is not None:
                answer = yield step
                if run.is_own and isinstance(step, ToolCall) and answer is None:
                    answer = await self._run(turn, step)
                    yield answer

    async def _run(self, turn: Turn, call: ToolCall) -> ToolResult:
        tool = self.skills.tools[call.name]
        try:
            arguments = _arguments(tool, call, self._context(turn, call))
            async with asyncio.timeout(tool.timeout_s):
                result = await _invoke(tool, arguments)
            return ToolResult(call.call_id, ok=True, result=msgspec.to_builtins(result))
        except ToolFailed as failure:
            return ToolResult(call.call_id, ok=False, result={"reason": str(failure)})
        except TimeoutError:
            log.warning("tool timed out", extra=_ids(turn, call))
            return _refusal(call, TIMED_OUT, TIMED_OUT_TEXT)
        except Exception:
            log.exception("tool raised", extra=_ids(turn, call))
            return _refusal(call, FAILED, FAILED_TEXT)

    def _context(self, turn: Turn, call: ToolCall) -> ToolContext:
        now = scene_of(turn, self.skills.tools, self.skills.zone).now
        return ToolContext(turn.user_id, turn.user_chat_id, call.call_id, now, turn.content)


def _arguments(tool: Tool, call: ToolCall, context: ToolContext) -> dict[str, object]:
    """Checked against the types once more: what is called with is what was stored."""
    arguments: dict[str, object] = {
        parameter.name: msgspec.convert(call.arguments[parameter.name], parameter.type)
        for parameter in tool.parameters
        if parameter.name in call.arguments
    }
    if tool.context_name is not None:
        arguments[tool.context_name] = context
    return arguments


async def _invoke(tool: Tool, arguments: dict[str, object]) -> object:
    if inspect.iscoroutinefunction(tool.function):
        return await tool.function(**arguments)
    # A sync tool may block. A thread cannot be stopped: what timed out may still come to an end.
    return await asyncio.to_thread(tool.function, **arguments)


def _refusal(call: ToolCall, code: str, reason: str) -> ToolResult:
    return ToolResult(call.call_id, ok=False, result={"code": code, "reason": reason})


def _ids(turn: Turn, call: ToolCall) -> dict[str, object]:
    return {
        "user_chat_id": turn.user_chat_id,
        "caused_by": turn.message_id,
        "tool": call.name,
        "call_id": call.call_id,
    }
