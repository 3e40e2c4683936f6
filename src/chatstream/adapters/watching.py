"""What happens in a run of a model, as steps: its text, its thoughts, its tool calls.

A tool waits until its call is stored. The model's call ids are random: each is replaced by a hash
of the message, the tool, its arguments and a count, so that another attempt has the same ids.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import msgspec
from msgspec import Struct
from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import ModelRetry, ToolFailed
from pydantic_ai.messages import (
    AgentStreamEvent,
    ModelResponse,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ToolCallPart,
)
from pydantic_ai.models import ModelRequestContext
from pydantic_ai.tools import ToolDefinition
from pydantic_core import to_jsonable_python

from chatstream.agents.containment import contain
from chatstream.agents.turn import Turn
from chatstream.domain.steps import Delta, Step, Thinking, ToolCall, ToolResult

_encoder = msgspec.json.Encoder(order="deterministic")


class Asked(Struct, frozen=True):
    """A tool call that waits until it is stored; the answer is an earlier attempt's result."""

    call: ToolCall
    answer: asyncio.Future[ToolResult | None]


class Over(Struct, frozen=True):
    """The end of the model's run."""

    output: object = None
    usage: dict[str, int] | None = None
    error: BaseException | None = None


class Done(Struct, frozen=True):
    """What a tool may return: its result, and steps that belong to it and come before it."""

    result: object
    steps: tuple[Step, ...] = ()


Queue = asyncio.Queue[Step | Asked | Over]


class Watch(AbstractCapability[Any]):
    """Puts steps into ``queue``; the ids of calls are this turn's own. ``known_ids`` are those of
    calls that the model is told of: if it calls the same again, it means another call."""

    def __init__(self, queue: Queue, turn: Turn, known_ids: frozenset[str]) -> None:
        self._queue = queue
        self._turn = turn
        self._known_ids = known_ids
        self._counted: Counter[str] = Counter()
        self._texts = 0

    async def wrap_run_event_stream(
        self,
        ctx: RunContext[Any],  # noqa: ARG002 - the signature is pydantic-ai's
        *,
        stream: AsyncIterable[AgentStreamEvent],
    ) -> AsyncIterator[AgentStreamEvent]:
        async for event in stream:
            match event:
                case PartStartEvent(part=TextPart(content=text)):
                    self._texts += 1
                    await self._say(f"\n\n{text}" if self._texts > 1 else text)
                case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                    await self._say(text)
                case PartEndEvent(part=ThinkingPart(content=thought)) if thought:
                    await self._queue.put(Thinking("reasoning", thought))
                case _:
                    pass
            yield event

    async def after_model_request(
        self,
        ctx: RunContext[Any],  # noqa: ARG002
        *,
        request_context: ModelRequestContext,  # noqa: ARG002
        response: ModelResponse,
    ) -> ModelResponse:
        parts = [
            replace(part, tool_call_id=self._id_of(part))
            if isinstance(part, ToolCallPart)
            else part
            for part in response.parts
        ]
        return replace(response, parts=parts)

    async def wrap_tool_execute(
        self,
        ctx: RunContext[Any],  # noqa: ARG002
        *,
        call: ToolCallPart,
        tool_def: ToolDefinition,
        args: dict[str, Any],
        handler: Callable[[dict[str, Any]], Awaitable[Any]],
    ) -> object:
        step = _stored_call(call, tool_def, args)
        earlier = await self._stored(step)
        if earlier is not None:
            return _result_of(earlier)
        try:
            result = await contain(handler(args))
        except (ModelRetry, ToolFailed) as error:
            await self._queue.put(ToolResult(step.call_id, ok=False, result=_told(error)))
            raise
        except Exception:
            failed = {"reason": "the tool failed", "retry": False}
            await self._queue.put(ToolResult(step.call_id, ok=False, result=failed))
            raise
        return await self._returned(step, result if isinstance(result, Done) else Done(result))

    async def _returned(self, call: ToolCall, done: Done) -> object:
        for step in done.steps:
            await self._queue.put(step)
        result = _jsonable(done.result)
        await self._queue.put(ToolResult(call.call_id, ok=True, result=result))
        return done.result

    async def _say(self, text: str) -> None:
        if text:
            await self._queue.put(Delta(text))

    async def _stored(self, call: ToolCall) -> ToolResult | None:
        answer: asyncio.Future[ToolResult | None] = asyncio.get_running_loop().create_future()
        await self._queue.put(Asked(call, answer))
        return await answer

    def _id_of(self, part: ToolCallPart) -> str:
        said = f"{part.tool_name}\n{_canonical(part.args)}"
        # Of the message that is run again, so that a tool knows the call of a retry, too.
        message = self._turn.retry_of or self._turn.message_id
        while True:
            self._counted[said] += 1
            call_id = f"call_{_digest(message, said, str(self._counted[said]))[:24]}"
            if call_id not in self._known_ids:
                return call_id


def _stored_call(call: ToolCallPart, tool_def: ToolDefinition, args: dict[str, Any]) -> ToolCall:
    metadata = tool_def.metadata or {}
    return ToolCall(
        call.tool_name,
        _jsonable(args),
        call.tool_call_id,
        idempotent=bool(metadata.get("idempotent")),
        visible=bool(metadata.get("visible")),
    )


def _jsonable(value: object) -> Any:  # noqa: ANN401 - any JSON
    """The call has been carried out: what is no JSON must not make it look as if it had not."""
    return to_jsonable_python(
        value, bytes_mode="base64", fallback=lambda other: f"<{type(other).__name__}>"
    )


def _result_of(earlier: ToolResult) -> object:
    if earlier.ok:
        return earlier.result
    told = cast("dict[str, Any]", earlier.result or {})
    reason = str(told.get("reason"))
    raise ModelRetry(reason) if told.get("retry") else ToolFailed(reason)


def _told(error: ModelRetry | ToolFailed) -> dict[str, Any]:
    return {"reason": error.message, "retry": isinstance(error, ModelRetry)}


def _canonical(args: str | dict[str, Any] | None) -> str:
    """One text for the same arguments, whatever their order; malformed ones as they came."""
    try:
        parsed = msgspec.json.decode(args) if isinstance(args, str) else args
    except msgspec.DecodeError:
        return str(args)
    return _encoder.encode(parsed).decode()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
