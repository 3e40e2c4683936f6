"""A pydantic-ai ``Agent`` as an agent: its text, thoughts and tool calls become steps.

The run of pydantic-ai is a task of its own that puts steps into a bounded queue (``watching``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from pydantic_ai import Agent as Model
from pydantic_ai import DeferredToolRequests
from pydantic_ai.exceptions import AgentRunError, ModelAPIError, UnexpectedModelBehavior
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python

from chatstream.adapters.approvals import ask, begin, described, kept_as
from chatstream.adapters.watching import Asked, Over, Queue, Watch
from chatstream.agents.containment import contain, contained
from chatstream.agents.contract import Agent, Steps
from chatstream.agents.turn import Turn
from chatstream.domain.steps import Delta, Fail, Response, Step, Thinking, ToolResult
from chatstream.errors import wordless

log = logging.getLogger(__name__)

MOST_TRIES = 3
STEPS_WAITING = 64
FAILED_TEXT = "The language model could not answer. Please try again."
TIMEOUT_TEXT = "The language model took too long. Please try again."
STEP = "response_generation"


def agent_from_pydantic_ai(
    model: Model[Any, Any],
    *,
    deps: Callable[[Turn], object] | None = None,
    instructions: Callable[[Turn], str] | None = None,
    question: Callable[[Turn, ToolCallPart], str] | None = None,
    tries: int = MOST_TRIES,
    timeout_s: float | None = None,
) -> Agent:
    """``model`` as an agent.

    Args:
        model: the pydantic-ai agent. A tool with ``metadata={"idempotent": True}`` may run again
            under its ``ctx.tool_call_id``; ``{"visible": True}`` shows its call to the client.
            With ``DeferredToolRequests`` among its output types, the user is asked before a tool
            that requires approval.
        deps: makes the dependencies of a run; without it they are the ``Turn``, which knows the
            user.
        instructions: what to tell the model besides its own instructions.
        question: what to ask the user before a call that needs approval.
        tries: how often the model is asked before the turn fails; not once it has begun to answer.
        timeout_s: how long one try may take; None is the turn's own limit.
    """

    async def agent(turn: Turn) -> Steps:
        for attempt in range(1, tries + 1):
            run = _Run(
                model,
                turn,
                deps=turn if deps is None else deps(turn),
                instructions=None if instructions is None else instructions(turn),
                question=question,
                timeout_s=timeout_s,
            )
            answer: ToolResult | None = None
            async with aclosing(run.steps(attempt, tries)) as steps:
                while True:
                    try:
                        step = await steps.asend(answer)
                    except StopAsyncIteration:
                        break
                    answer = yield step
            if not run.may_try_again:
                return

    return agent


class _Run:
    """One try: one run of the model."""

    def __init__(
        self,
        model: Model[Any, Any],
        turn: Turn,
        *,
        deps: object,
        instructions: str | None,
        question: Callable[[Turn, ToolCallPart], str] | None,
        timeout_s: float | None,
    ) -> None:
        self.may_try_again = False
        self._is_left = False
        self._model = model
        self._turn = turn
        self._deps = deps
        self._instructions = instructions
        self._question = question
        self._timeout_s = timeout_s
        self._start = begin(turn)
        self._waiting = self._start.waiting
        self._queue: Queue = asyncio.Queue(STEPS_WAITING)
        self._text = ""

    async def steps(self, attempt: int, tries: int) -> Steps:
        """What the run yields; afterwards ``may_try_again`` tells whether it was in vain."""
        if self._start.asks is not None:
            for step in self._start.asks:
                yield step
            return
        yield Thinking(STEP, "Asking the model", "started")
        task = asyncio.create_task(self._drive())
        try:
            while True:
                match await self._queue.get():
                    case Asked(call, future):
                        # In one append: from then on nothing waits that this yes was for.
                        for step in self._taken_up(call.call_id):
                            yield step
                        answer = yield call
                        if not future.done():
                            future.set_result(answer)
                    case Over() as over:
                        break
                    case step:
                        self._text += step.text if isinstance(step, Delta) else ""
                        yield step
        finally:
            self._is_left = True
            task.cancel()
            await asyncio.wait({task})
        for step in self._ending(over, attempt, tries):
            yield step

    def _taken_up(self, call_id: str) -> Sequence[Step]:
        """The call waits no longer."""
        rest = tuple(one for one in self._waiting if one.call_id != call_id)
        if rest == self._waiting:
            return ()
        self._waiting = rest
        return (kept_as(rest),)

    async def _drive(self) -> None:
        try:
            over = await contain(self._asked())
        except Exception as error:  # noqa: BLE001 - told to whoever runs the turn
            over = Over(error=error)
        except asyncio.CancelledError as error:
            if self._is_left:
                raise
            over = Over(error=contained(error))  # by somebody else: whoever waits must hear of it
        await self._queue.put(over)

    async def _asked(self) -> Over:
        start = self._start
        async with asyncio.timeout(self._timeout_s):
            result = await self._model.run(
                start.prompt,
                message_history=start.history,
                deferred_tool_results=start.results,
                deps=self._deps,
                instructions=self._instructions,
                capabilities=[Watch(self._queue, self._turn, start.known_ids)],
            )
        return Over(result.output, _usage(result.usage))

    def _ending(self, over: Over, attempt: int, tries: int) -> Sequence[Step]:
        if over.error is not None:
            return self._failed(over.error, attempt, tries)
        if isinstance(over.output, DeferredToolRequests):
            return self._asking(over.output.approvals, over.usage)
        # What was denied is over once the answer is there: another attempt decides the same.
        decided = [kept_as(())] if self._waiting else []
        wrote = Thinking(STEP, "Wrote the answer", data={"usage": over.usage})
        return [wrote, *decided, Response(self._content(over.output))]

    def _content(self, output: object) -> str | None:
        if isinstance(output, str):
            return None if self._text else output
        return msgspec.json.encode(to_jsonable_python(output)).decode()

    def _asking(
        self, calls: Sequence[ToolCallPart], usage: dict[str, int] | None
    ) -> Sequence[Step]:
        asked = Thinking(STEP, "Asking before I do it", data={"usage": usage})
        questions = [
            described(call) if self._question is None else self._question(self._turn, call)
            for call in calls
        ]
        return [asked, *ask(calls, "\n\n".join(filter(None, [self._text, *questions])))]

    def _failed(self, error: BaseException, attempt: int, tries: int) -> Sequence[Step]:
        if not isinstance(error, AgentRunError | TimeoutError | UnexpectedModelBehavior):
            raise error  # the agent's own fault: the runner says so and logs it
        log.warning(
            "model failed", exc_info=wordless(error), extra={"caused_by": self._turn.message_id}
        )
        passing = isinstance(error, ModelAPIError | TimeoutError)
        self.may_try_again = passing and not self._text and attempt < tries
        failed = Thinking(STEP, "The model failed", "failed", attempt=attempt, of=tries)
        if self.may_try_again:
            return [failed]
        if isinstance(error, TimeoutError):
            return [failed, Fail("model_timeout", TIMEOUT_TEXT)]
        return [failed, Fail("model_failed", FAILED_TEXT)]


def _usage(usage: RunUsage) -> dict[str, int]:
    names = ("requests", "tool_calls", "input_tokens", "output_tokens")
    return {name: int(getattr(usage, name)) for name in names}
