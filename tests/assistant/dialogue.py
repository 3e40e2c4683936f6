"""A conversation without a server: the chat's own decisions, and an agent that runs on them.

talk = Dialogue(assistant)
await talk.say("Create alarm")     # returns what the assistant said
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from chatstream.agents.turn import Turn, turn_of
from chatstream.domain.commands import (
    AbandonIdleIntent,
    AnyCommand,
    BringContext,
    ExpireSession,
    FinishTurn,
    OpenChat,
    RecordSteps,
    RestartTurn,
    ResumeIntent,
    SendMessage,
    SubmitComponent,
)
from chatstream.domain.events import AnyFact, ErrorRaised, ResponseGiven, ThinkingAdded, TurnChanged
from chatstream.domain.steps import Delta, Step, ToolCall, ToolResult
from chatstream.domain.user_chat import INITIAL, decide, fold
from chatstream.domain.user_chat.state import Intent
from chatstream.ids import ChatId

MONDAY = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
CHAT = ChatId("chat_1")


class Crash(Exception):
    """The process was killed here."""


class Dialogue:
    """One chat of one user with one agent; time stands still but for ``wait``."""

    def __init__(self, agent, *, context: dict | None = None, now: datetime = MONDAY) -> None:
        self.agent = agent
        self.context = context
        self.now = now
        self.state = INITIAL
        self.facts: list[AnyFact] = []
        self.steps: list[Step] = []
        self._count = 0
        self._command(OpenChat)

    # -- what the user does -----------------------------------------------------------------

    async def say(self, content: str, **more) -> str:
        """Send a message, run the turn, and give what the assistant said."""
        return await self._turn(lambda: self._client(SendMessage, content=content, **more))

    async def submit(self, **values) -> str:
        """Answer the open component."""
        component = self.intent.component
        assert component is not None, "nothing is open"
        return await self._turn(
            lambda: self._client(
                SubmitComponent, component_id=component.component_id, values=values
            )
        )

    def resume(self, intent: Intent) -> None:
        """Press the resume card of a task."""
        self._client(ResumeIntent, user_intent_id=intent.user_intent_id)

    def wait(self, **length: float) -> None:
        """Let time pass."""
        self.now += timedelta(**length)

    def idle(self, **length: float) -> None:
        """Let time pass; the timer finds the task without activity."""
        self.wait(**length)
        self._command(
            AbandonIdleIntent,
            user_intent_id=self.intent.user_intent_id,
            idle_before_ms=self._now_ms,
        )

    def expire(self, **length: float) -> None:
        """Let time pass; the timer finds the sessions without activity."""
        self.wait(**length)
        for session_id in self.session_ids:
            self._command(ExpireSession, session_id=session_id, idle_before_ms=self._now_ms)

    def reconnect(self) -> None:
        """A new process and a new socket: only what is stored is left."""
        self.state = fold(self.facts)

    async def killed(self, content: str, when: Callable[[Step], bool]) -> None:
        """Send a message; the process dies right after the step that ``when`` names."""
        self._client(SendMessage, content=content)
        try:
            await self._run(when)
        except Crash:
            return
        raise AssertionError("the step did not come")

    async def recover(self) -> str:
        """The next process takes the turn over; what the assistant said."""
        turn = self.state.turn
        assert turn is not None
        before = len(self.facts)
        self._runner(RestartTurn, crashed=True, max_attempts=3)
        if self.state.turn is not None:
            await self._run(lambda _: False)
        return self._said_since(before)

    # -- what there is to see ---------------------------------------------------------------

    @property
    def intent(self) -> Intent:
        """The active task, else the newest."""
        found = self.state.intent(self.state.active_intent_id or self.state.newest_intent_id)
        assert found is not None
        return found

    @property
    def thoughts(self) -> list[ThinkingAdded]:
        """The thinking steps of the newest turn."""
        at = max(i for i, it in enumerate(self.facts) if _starts(it))
        return [it for it in self.facts[at:] if isinstance(it, ThinkingAdded)]

    @property
    def calls(self) -> list[ToolCall]:
        """Every tool call so far."""
        return [step for step in self.steps if isinstance(step, ToolCall)]

    @property
    def session_ids(self) -> list[str]:
        """The sessions of the task so far, in order."""
        intent_id = self.intent.user_intent_id
        found = [it.session_id for it in self.facts if it.user_intent_id == intent_id]
        return list(dict.fromkeys(one for one in found if one is not None))

    @property
    def _now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    @property
    def asked(self) -> str:
        """The last thing that the assistant said."""
        said = [it.content for it in self.facts if isinstance(it, ResponseGiven)]
        return said[-1] if said else ""

    @property
    def errors(self) -> list[str]:
        """The codes of the errors so far."""
        return [it.code for it in self.facts if isinstance(it, ErrorRaised)]

    @property
    def ended(self) -> str:
        """How the newest turn ended."""
        return [it.status for it in self.facts if isinstance(it, TurnChanged)][-1]

    @property
    def slots(self) -> dict:
        """The slots of the task, without the assistant's notes."""
        return {name: it for name, it in self.intent.slots.items() if not name.startswith("_")}

    # -- the runner's part ------------------------------------------------------------------

    async def _turn(self, begin: Callable[[], None]) -> str:
        before = len(self.facts)
        begin()
        await self._run(lambda _: False)
        assert self.state.turn is None, "the run did not end"
        return self._said_since(before)

    async def _run(self, dies_after: Callable[[Step], bool]) -> None:
        if self.context is not None:
            self._runner(BringContext, source="test", context=self.context)
        steps = self.agent(self._turn_now())
        answer: ToolResult | None = None
        streamed = ""
        while self.state.turn is not None:
            try:
                step = await steps.asend(answer)
            except StopAsyncIteration:
                self._runner(FinishTurn, message_id=self._id("msg"))
                break
            if isinstance(step, str | Delta):
                streamed += step if isinstance(step, str) else step.text
                answer = None
                continue
            self.steps.append(step)
            self._runner(
                RecordSteps, steps=(step,), message_id=self._id("msg"), streamed_text=streamed
            )
            answer = self._earlier(step) if isinstance(step, ToolCall) else None
            if dies_after(step):
                await steps.aclose()
                raise Crash
        await steps.aclose()

    def _turn_now(self) -> Turn:
        return turn_of(CHAT, self.state, int(self.now.timestamp() * 1000))

    def _earlier(self, step: ToolCall) -> ToolResult | None:
        call = self.state.outcome_of(step.call_id)
        return None if call is None else ToolResult(call.call_id, bool(call.ok), call.result)

    def _client(self, kind: type[AnyCommand], **fields) -> None:
        self._command(kind, id=self._id("cmd"), **fields)

    def _runner(self, kind: type[AnyCommand], **fields) -> None:
        turn = self.state.turn
        assert turn is not None
        self._command(kind, caused_by=turn.caused_by, attempt=turn.attempt, **fields)

    def _command(self, kind: type[AnyCommand], **fields) -> None:
        command = kind(
            user_chat_id=CHAT,
            user_id="ada",
            now_ms=int(self.now.timestamp() * 1000),
            nonce=self._id("n"),
            **fields,
        )
        decision = decide(command, self.state)
        self.facts += decision.facts
        self.state = decision.state

    def _id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count}"

    def _said_since(self, before: int) -> str:
        said = [it.content for it in self.facts[before:] if isinstance(it, ResponseGiven)]
        return "\n".join(said)


def _starts(fact: AnyFact) -> bool:
    return isinstance(fact, TurnChanged) and fact.status in {"started", "restarted"}
