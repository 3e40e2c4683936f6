"""The public test kit: a whole chat server in memory, with a clock of your own.

    async with TestChat(my_agent) as chat:
        turn = await chat.send("Create an alarm")
        assert turn.answer == "For when?"

Nothing is faked but the disk and the clock: commands, turns, timers and read models are the
server's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self, TypedDict

from msgspec import Struct

from chatstream.agent_loading import as_agent
from chatstream.agents.context import ContextManager
from chatstream.agents.contract import Agent, Steps
from chatstream.agents.turn import Turn
from chatstream.chats.receipt import Receipt
from chatstream.chats.repository import PAGE
from chatstream.config import Settings
from chatstream.domain.commands import (
    AbandonIntent,
    AnyCommand,
    CancelTurn,
    CloseChat,
    EraseChat,
    OpenChat,
    ResumeIntent,
    RetryMessage,
    SendMessage,
    SubmitComponent,
)
from chatstream.domain.events import AnyFact, ResponseGiven, ThinkingAdded, TurnChanged
from chatstream.domain.steps import Step
from chatstream.domain.user_chat.state import UserChat
from chatstream.domain.views import IntentView, intent_view
from chatstream.errors import Refused
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.sqlite.memory import MemoryEngine
from chatstream.eventstore.store import Engine
from chatstream.ids import ChatId, IntentId, new_chat_id, new_command_id, new_nonce
from chatstream.node import Node
from chatstream.projections.models import all_tables
from chatstream.timestamps import now_ms

__all__ = ["FakeClock", "MemoryEngine", "TestChat", "TestTurn", "memory_engine", "scripted"]

WAIT_S = 10.0
"""How long a test waits for a turn to end before it fails."""


def memory_engine() -> MemoryEngine:
    """A database in memory, with every table of the server."""
    return MemoryEngine(all_tables())


class FakeClock:
    """A wall clock that only moves when told to. Called, it gives Unix milliseconds."""

    def __init__(self, start_ms: int | None = None) -> None:
        self._now_ms = now_ms() if start_ms is None else start_ms

    def __call__(self) -> int:
        return self._now_ms

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self._now_ms += round(seconds * 1000)


def scripted(*runs: Sequence[Step | str]) -> Agent:
    """An agent that yields the steps of ``runs``: the first run's for its first turn, and so
    on; the last run's for every turn after."""
    left = list(runs)

    async def agent(_: Turn) -> Steps:
        steps = left.pop(0) if len(left) > 1 else left[0]
        for step in steps:
            await asyncio.sleep(0)
            yield step

    return agent


class TestTurn(Struct, frozen=True):
    """What one turn stored, in order, and the receipt of the command that caused it."""

    __test__ = False  # no test case, whatever its name says

    receipt: Receipt
    facts: tuple[AnyFact, ...]

    @property
    def answer(self) -> str | None:
        """The newest response, or None if there was none."""
        answers = [fact.content for fact in self.facts if isinstance(fact, ResponseGiven)]
        return answers[-1] if answers else None

    @property
    def thinking(self) -> list[str]:
        """The names of the completed steps, in order."""
        steps = [fact for fact in self.facts if isinstance(fact, ThinkingAdded)]
        return [fact.step for fact in steps if fact.status == "completed"]

    @property
    def end(self) -> str:
        """How the turn ended."""
        return next(fact.status for fact in reversed(self.facts) if isinstance(fact, TurnChanged))


class _Base(TypedDict):
    user_chat_id: ChatId
    user_id: str
    now_ms: int
    nonce: str


class TestChat:
    """One chat of ``user_id`` on a server in memory, as an async context manager."""

    __test__ = False

    def __init__(
        self,
        agent: object,
        *,
        settings: Settings | None = None,
        clock: FakeClock | None = None,
        engine: Engine | None = None,
        context: ContextManager | None = None,
        user_id: str = "user",
    ) -> None:
        self.clock = clock or FakeClock()
        self.chat_id = new_chat_id()
        self.user_id = user_id
        self.node = Node(
            settings or Settings(),
            engine or memory_engine(),
            as_agent(agent),
            context=context,
            now_ms=self.clock,
        )

    async def __aenter__(self) -> Self:
        await self.node.start()
        await self.submit(OpenChat(**self._base()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.node.close()

    # -- what a user does -----------------------------------------------------------------

    async def send(
        self,
        content: str,
        *,
        id: str | None = None,  # noqa: A002 - the protocol's name
        user_intent_id: str | None = None,
        new_intent: bool = False,
    ) -> TestTurn:
        """Say ``content`` and wait for the end of its turn."""
        command = SendMessage(
            **self._base(),
            id=id or new_command_id(),
            content=content,
            user_intent_id=None if user_intent_id is None else IntentId(user_intent_id),
            new_intent=new_intent,
        )
        return await self._turn(command.id, command)

    async def answer(self, values: dict[str, Any], component_id: str | None = None) -> TestTurn:
        """Submit the open component (or the one named) and wait for the end of the turn."""
        command = SubmitComponent(
            **self._base(),
            id=new_command_id(),
            component_id=component_id or await self._open_component(),
            values=values,
        )
        return await self._turn(command.id, command)

    async def retry(self, message_id: str) -> TestTurn:
        """Run the agent again on a message and wait for the end of the turn."""
        command = RetryMessage(**self._base(), id=new_command_id(), message_id=message_id)
        return await self._turn(command.id, command)

    async def cancel(self) -> Receipt:
        """Stop the running turn."""
        return await self.submit(CancelTurn(**self._base(), id=new_command_id()))

    async def resume(self, user_intent_id: str) -> Receipt:
        """Make an abandoned intent active again."""
        wanted = IntentId(user_intent_id)
        command = ResumeIntent(**self._base(), id=new_command_id(), user_intent_id=wanted)
        return await self.submit(command)

    async def abandon(self, user_intent_id: str) -> Receipt:
        """Give an intent up."""
        wanted = IntentId(user_intent_id)
        command = AbandonIntent(**self._base(), id=new_command_id(), user_intent_id=wanted)
        return await self.submit(command)

    async def close(self) -> Receipt:
        """Close the chat window for good."""
        return await self.submit(CloseChat(**self._base(), id=new_command_id()))

    async def erase(self) -> Receipt:
        """Erase what was written."""
        return await self.submit(EraseChat(**self._base()))

    async def submit(self, command: AnyCommand) -> Receipt:
        """Hand any command to the server; raises what it raises."""
        return await self.node.service.submit(command)

    async def pass_time(self, seconds: float) -> None:
        """Let ``seconds`` pass and everything that falls due happen."""
        self.clock.advance(seconds)
        await self.node.timers.sweep()

    # -- what is seen ---------------------------------------------------------------------

    async def state(self) -> UserChat:
        """The chat's committed state."""
        return await self.node.service.load(self.chat_id)

    async def intents(self) -> list[IntentView]:
        """The chat's intents, oldest first."""
        state = await self.state()
        every = sorted(state.intents(), key=lambda intent: intent.user_intent_id)
        return [intent_view(state, intent) for intent in every]

    async def facts(self, after: int = 0) -> list[AnyFact]:
        """Everything stored after a position."""
        return await self._facts(after)

    # -- helpers --------------------------------------------------------------------------

    async def _facts(self, after: int, upto: int | None = None) -> list[AnyFact]:
        found: list[AnyFact | None] = []
        while rows := await self.node.store.read(self.chat_id, after, PAGE, upto):
            found += [decode(row.topic, row.body) for row in rows]
            after = rows[-1].position
        return [fact for fact in found if fact is not None]

    def _base(self) -> _Base:
        return _Base(
            user_chat_id=self.chat_id,
            user_id=self.user_id,
            now_ms=self.clock(),
            nonce=new_nonce(),
        )

    async def _open_component(self) -> str:
        state = await self.state()
        shown = [one.component for one in state.unfinished.values() if one.component is not None]
        assert shown, "no component is open"
        return shown[-1].component_id

    async def _turn(self, caused_by: str, command: AnyCommand) -> TestTurn:
        receipt = await self.submit(command)
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    facts = await self._until_end(caused_by, receipt.position - 1)
                except Refused:  # the storage is down: a test may have done that on purpose
                    await asyncio.sleep(0.05)
                else:
                    return TestTurn(receipt, tuple(facts))

    async def _until_end(self, caused_by: str, after: int) -> list[AnyFact]:
        found: list[AnyFact] = []
        async for frames in self.node.service.feed(self.chat_id).follow(after):
            for fact in await self._facts(frames[0].position - 1, frames[-1].position):
                if caused_by not in {fact.caused_by, fact.message_id}:
                    continue
                found.append(fact)
                if _ends(fact, caused_by):
                    return found
        raise AssertionError("a feed does not end")


def _ends(fact: AnyFact, caused_by: str) -> bool:
    if not isinstance(fact, TurnChanged) or fact.caused_by != caused_by:
        return False
    return fact.status not in {"started", "restarted"}
