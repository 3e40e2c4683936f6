"""A pydantic-ai ``Agent`` as an agent: its text, thoughts and tool calls become steps.

The run of pydantic-ai is a task of its own that puts steps into a bounded queue; a tool waits
there until its call is stored. The model's call ids are random: each is replaced by a hash of
the message, the tool, its arguments and a count, so that another attempt has the same ids.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec
from msgspec import Struct
from pydantic_ai import Agent as Model
from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelRetry,
    ToolFailed,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import (
    AgentStreamEvent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestContext
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python

from chatstream.domain.state import HistoryItem, PastCall
from chatstream.domain.steps import (
    Buttons,
    Delta,
    Fail,
    FollowUp,
    Option,
    Response,
    Step,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatstream.turns.agents import Agent, Steps
from chatstream.turns.turn import Turn

log = logging.getLogger(__name__)

MOST_TRIES = 3
STEPS_WAITING = 64
FAILED_TEXT = "The language model could not answer. Please try again."
TIMEOUT_TEXT = "The language model took too long. Please try again."
_encoder = msgspec.json.Encoder(order="deterministic")


class _Asked(Struct, frozen=True):
    """A tool call that waits until it is stored; the answer is an earlier attempt's result."""

    call: ToolCall
    answer: asyncio.Future[ToolResult | None]


class _Over(Struct, frozen=True):
    """The end of the model's run."""

    output: object = None
    usage: dict[str, int] | None = None
    error: BaseException | None = None


_Queue = asyncio.Queue[Step | _Asked | _Over]


def agent_from_pydantic_ai(
    model: Model[Any, Any],
    *,
    deps: Callable[[Turn], object] | None = None,
    instructions: Callable[[Turn], str] | None = None,
    tries: int = MOST_TRIES,
    timeout_s: float | None = None,
) -> Agent:
    """``model`` as an agent.

    Args:
        model: the pydantic-ai agent. A tool with ``metadata={"idempotent": True}`` may run again
            under its ``ctx.tool_call_id``; ``{"visible": True}`` shows its call to the client.
        deps: makes the dependencies of a run; without it they are the ``Turn``, which knows the
            user.
        instructions: what to tell the model besides its own instructions.
        tries: how often the model is asked before the turn fails; not once it has begun to answer.
        timeout_s: how long one try may take; None is the turn's own limit.
    """

    async def agent(turn: Turn) -> Steps:
        unknown = _unknown_call(turn)
        if unknown is not None:
            yield _ask_about(unknown)
            return
        for attempt in range(1, tries + 1):
            run = _Run(model, turn, deps, instructions, timeout_s)
            steps = run.steps(attempt, tries)
            answer: ToolResult | None = None
            try:
                while True:
                    try:
                        step = await steps.asend(answer)
                    except StopAsyncIteration:
                        break
                    answer = yield step
            finally:
                await steps.aclose()
            if not run.may_try_again:
                return

    return agent


class _Run:
    """One try: one run of the model."""

    def __init__(
        self,
        model: Model[Any, Any],
        turn: Turn,
        deps: Callable[[Turn], object] | None,
        instructions: Callable[[Turn], str] | None,
        timeout_s: float | None,
    ) -> None:
        self.may_try_again = False
        self._model = model
        self._turn = turn
        self._deps = turn if deps is None else deps(turn)
        self._instructions = None if instructions is None else instructions(turn)
        self._timeout_s = timeout_s
        self._queue: _Queue = asyncio.Queue(STEPS_WAITING)
        self._has_text = False

    async def steps(self, attempt: int, tries: int) -> Steps:
        """What the run yields; afterwards ``may_try_again`` tells whether it was in vain."""
        yield Thinking("response_generation", "Asking the model", "started")
        task = asyncio.create_task(self._drive())
        try:
            while True:
                match await self._queue.get():
                    case _Asked(call, future):
                        answer = yield call
                        if not future.done():
                            future.set_result(answer)
                    case _Over() as over:
                        break
                    case step:
                        self._has_text = self._has_text or isinstance(step, Delta)
                        yield step
        finally:
            task.cancel()
            await asyncio.wait({task})
        for step in self._ending(over, attempt, tries):
            yield step

    async def _drive(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await self._model.run(
                    prompt_of(self._turn),
                    message_history=messages_of(history_before(self._turn)),
                    deps=self._deps,
                    instructions=self._instructions,
                    capabilities=[_Watch(self._queue, self._turn)],
                )
            over = _Over(result.output, _usage(result.usage))
        except Exception as error:  # noqa: BLE001 - told to whoever runs the turn
            over = _Over(error=error)
        await self._queue.put(over)

    def _ending(self, over: _Over, attempt: int, tries: int) -> Sequence[Step]:
        if over.error is not None:
            return self._failed(over.error, attempt, tries)
        data = None if over.usage is None else {"usage": over.usage}
        wrote = Thinking("response_generation", "Wrote the answer", data=data)
        if isinstance(over.output, str):
            return [wrote, Response(None if self._has_text else over.output)]
        return [wrote, Response(_encoder.encode(to_jsonable_python(over.output)).decode())]

    def _failed(self, error: BaseException, attempt: int, tries: int) -> Sequence[Step]:
        if not isinstance(error, AgentRunError | TimeoutError | UnexpectedModelBehavior):
            raise error  # the agent's own fault: the runner says so and logs it
        log.warning("model failed", exc_info=error, extra={"caused_by": self._turn.message_id})
        passing = isinstance(error, ModelAPIError | TimeoutError)
        self.may_try_again = passing and not self._has_text and attempt < tries
        failed = Thinking(
            "response_generation", "The model failed", "failed", attempt=attempt, of=tries
        )
        if self.may_try_again:
            return [failed]
        if isinstance(error, TimeoutError):
            return [failed, Fail("model_timeout", TIMEOUT_TEXT)]
        return [failed, Fail("model_failed", FAILED_TEXT)]


class _Watch(AbstractCapability[Any]):
    """Turns what happens in a run into steps; the ids of its calls are this turn's own."""

    def __init__(self, queue: _Queue, turn: Turn) -> None:
        self._queue = queue
        self._turn = turn
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
        metadata = tool_def.metadata or {}
        step = ToolCall(
            call.tool_name,
            to_jsonable_python(args),
            call.tool_call_id,
            idempotent=bool(metadata.get("idempotent")),
            visible=bool(metadata.get("visible")),
        )
        earlier = await self._stored(step)
        if earlier is not None:
            return _result_of(earlier)
        try:
            result = await handler(args)
        except (ModelRetry, ToolFailed) as error:
            await self._queue.put(ToolResult(step.call_id, ok=False, result=_told(error)))
            raise
        except Exception:
            failed = {"reason": "the tool failed", "retry": False}
            await self._queue.put(ToolResult(step.call_id, ok=False, result=failed))
            raise
        await self._queue.put(ToolResult(step.call_id, ok=True, result=to_jsonable_python(result)))
        return result

    async def _say(self, text: str) -> None:
        if text:
            await self._queue.put(Delta(text))

    async def _stored(self, call: ToolCall) -> ToolResult | None:
        answer: asyncio.Future[ToolResult | None] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Asked(call, answer))
        return await answer

    def _id_of(self, part: ToolCallPart) -> str:
        said = f"{part.tool_name}\n{_canonical(part.args)}"
        self._counted[said] += 1
        return _prefix(self._turn) + _digest(f"{said}\n{self._counted[said]}")[:16]


def history_before(turn: Turn) -> tuple[HistoryItem, ...]:
    """The intent's messages before the one that is answered now."""
    users = [at for at, item in enumerate(turn.history) if item.role == "user"]
    return turn.history[: users[-1]] if users else turn.history


def messages_of(history: Sequence[HistoryItem]) -> list[ModelMessage]:
    """Messages as a model reads them; what was submitted is told as JSON."""
    return [
        ModelRequest(parts=[UserPromptPart(_said(item.content, item.values))])
        if item.role == "user"
        else ModelResponse(parts=[TextPart(item.content)])
        for item in history
    ]


def prompt_of(turn: Turn) -> str:
    """What the user says with this turn."""
    return _said(turn.content, turn.values)


def _said(content: str, values: object) -> str:
    return content or _encoder.encode(values).decode()


def _unknown_call(turn: Turn) -> PastCall | None:
    """A call of an earlier attempt of this turn that may have been done, and must not be twice."""
    for call in turn.tool_calls:
        if call.ok is None and not call.idempotent and call.call_id.startswith(_prefix(turn)):
            return call
    return None


def _ask_about(call: PastCall) -> FollowUp:
    name = call.name.replace("_", " ")
    question = f"I was interrupted, and may already have done this: {name}. Shall I do it again?"
    return FollowUp(question, Buttons(name, (Option("yes", "Yes"), Option("no", "No"))))


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


def _prefix(turn: Turn) -> str:
    return f"call_{_digest(turn.message_id)[:8]}_"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _usage(usage: RunUsage) -> dict[str, int]:
    names = ("requests", "tool_calls", "input_tokens", "output_tokens")
    return {name: int(getattr(usage, name)) for name in names}
