"""One run of the assistant: the steps of its policy, or of the model that the policy turns to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from concurrent.futures import Executor
from typing import Final

from chatstream.assistant.talk import AskModel, Pause, Talk
from chatstream.domain.steps import Fail, Step, Thinking, ToolCall, ToolResult
from chatstream.errors import wordless
from chatstream.turns.agents import Agent, Steps
from chatstream.turns.turn import Turn

log = logging.getLogger(__name__)
HOLDS_S: Final = 0.01
"""How long the policy may hold the loop before others have their turn. Seldom reached: what is
yielded without a pause is stored as one."""

PolicyStep = Step | AskModel | None
"""What the policy gives; None at its end."""


class Run:
    """Where the steps of a run come from. A model that fails before the user sees anything of
    it counts as not asked: the policy goes on to its next attempt. Where the policy takes long,
    ``reader`` has a thread for it."""

    def __init__(
        self, talk: Talk[None], model: Agent | None, turn: Turn, reader: Executor | None = None
    ) -> None:
        self._talk = talk
        self._reader = reader
        self._ready: deque[PolicyStep] = deque()
        self._model = model
        self._turn = turn
        self._asked: Steps | None = None
        self._has_spoken = False
        self._held_s = 0.0

    @property
    def is_own(self) -> bool:
        """Whether the last step is the policy's, whose tools are still to be run."""
        return self._asked is None

    async def next(self, answer: ToolResult | None) -> Step | str | None:
        """The next step, where ``answer`` is what the last one was given; None at the end.

        Raises:
            Exception: what the model raises once it has spoken.
        """
        if self._asked is not None:
            step = await self._of_model(self._asked, answer)
            if step is not None or self._has_spoken:
                return step
            await self.aclose()
            answer = None
        return await self._of_policy(answer)

    async def aclose(self) -> None:
        """Let go of the model's run, if there is one."""
        asked, self._asked = self._asked, None
        if asked is not None:
            await asked.aclose()

    async def _of_policy(self, answer: ToolResult | None) -> Step | str | None:
        if not self._ready:
            self._ready.extend(await self._read_on(answer))
        step = self._ready.popleft()
        if not isinstance(step, AskModel):
            return step
        assert self._model is not None
        self._asked = self._model(self._turn)
        return await self.next(None)

    async def _read_on(self, answer: ToolResult | None) -> list[PolicyStep]:
        if self._reader is not None:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._reader, self._until_it_waits, answer)
        step = await self._one(answer)
        while isinstance(step, Pause):
            step = await self._one(None)
        return [step]

    async def _one(self, answer: ToolResult | None) -> PolicyStep | Pause:
        if self._held_s > HOLDS_S:
            self._held_s = 0.0
            await asyncio.sleep(0)
        begun_at = time.perf_counter()
        step = self._send(answer)
        self._held_s += time.perf_counter() - begun_at
        return step

    def _until_it_waits(self, answer: ToolResult | None) -> list[PolicyStep]:
        """The steps up to the next that has to be answered, at once: a thread for each of them
        would have each stored alone."""
        steps: list[PolicyStep] = []
        while True:
            step = self._send(answer)
            answer = None
            if isinstance(step, Pause):
                continue
            steps.append(step)
            if step is None or isinstance(step, ToolCall | AskModel):
                return steps

    def _send(self, answer: ToolResult | None) -> PolicyStep | Pause:
        try:
            return self._talk.send(answer)
        except StopIteration:
            return None

    async def _of_model(self, steps: Steps, answer: ToolResult | None) -> Step | str | None:
        try:
            step = await steps.asend(answer)
        except StopAsyncIteration:
            return None
        except Exception as error:
            if self._has_spoken:
                raise
            ids = {"user_chat_id": self._turn.user_chat_id, "caused_by": self._turn.message_id}
            log.exception("model failed", exc_info=wordless(error), extra=ids)
            return None
        if isinstance(step, Fail) and not self._has_spoken:
            return None
        self._has_spoken = self._has_spoken or not isinstance(step, Thinking)
        return step
