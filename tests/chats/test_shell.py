"""The shell around the pipelines: whom it tells what and when, and what it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

import pytest
from tests.chats.faulty import FaultyEngine

from chatstream.chats.policy import SharedWriter
from chatstream.chats.service import ChatService, NoForwarder
from chatstream.domain.commands import AnyCommand, CancelTurn, OpenChat, SendMessage, Streamed
from chatstream.errors import Refused
from chatstream.eventstore.log import EventStore
from chatstream.ids import ChatId
from chatstream.live.hub import Hub
from chatstream.projections.models import ReadModels

CHAT = ChatId("chat_1")
SECRET = "what somebody said"
BASE = {"user_chat_id": CHAT, "user_id": "ann", "now_ms": 1_000_000}


@pytest.fixture(autouse=True)
def shortly(monkeypatch):
    """What takes a second takes some milliseconds."""
    monkeypatch.setattr("chatstream.chats.pipeline.ANOTHER_WITHIN_S", 0.05)
    monkeypatch.setattr("chatstream.chats.pipeline.RELOAD_AFTER_S", 0.05)


class Told:
    """Runs, forwarder, commit listener and observer of turns in one: notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.came = asyncio.Event()
        self.raises = False
        self.runs_here = False
        self.on_commit: Callable[[], None] = lambda: None

    def runs(self, _: ChatId) -> bool:
        return self.runs_here

    def streamed(self, _: ChatId) -> Streamed | None:
        return None

    def decided(self, _, events, state) -> None:
        self._note("decided", len(events), state.position)

    def committed(self, _, state_or_position) -> None:
        self.on_commit()
        self._note("committed", getattr(state_or_position, "position", None) or "listener")

    def reloaded(self, _, state, *, superseded) -> None:
        self._note("reloaded", state.position, superseded)

    def forward(self, command: AnyCommand) -> bool:
        self._note("forward", type(command).__name__)
        return True

    async def next(self) -> None:
        """Waits until there is something to tell."""
        async with asyncio.timeout(5):
            self.came.clear()
            await self.came.wait()

    def _note(self, *call: object) -> None:
        self.calls.append(call)
        self.came.set()
        if self.raises:
            raise ValueError(SECRET)


class Shell:
    """A service on an engine with faults, as an async context manager."""

    def __init__(self) -> None:
        self.engine = FaultyEngine()
        self.told = Told()

    async def __aenter__(self) -> Self:
        self.store = EventStore(self.engine)
        await self.store.start()
        self.hub = Hub(self.store)
        read_models = ReadModels("node", self.store.fetch)
        self.service = ChatService(
            self.store, read_models, self.hub, self.told, self.told, SharedWriter()
        )
        self.store.on_batch = self.service.publish
        self.service.subscribe(self.told)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.engine.gate.set()
        await self.store.close()
        await self.service.close()

    def submit(self, kind: type[AnyCommand], **fields: object) -> asyncio.Future[object]:
        return self.service.submit(kind(**BASE, nonce="n" * 16, **fields))

    async def begin_turn(self) -> None:
        await self.submit(OpenChat)
        await self.submit(SendMessage, id="m1", content="hello")
        self.told.calls.clear()


async def test_the_observer_hears_of_a_decision_at_once_and_of_its_commit_before_its_caller():
    async with Shell() as shell:
        await shell.submit(OpenChat)
        shell.told.calls.clear()
        sent = shell.submit(SendMessage, id="m1", content="hello")
        assert shell.told.calls == [("decided", 4, 5)]
        answered: list[bool] = []
        shell.told.on_commit = lambda: answered.append(sent.done())
        await sent
        assert (shell.told.calls[1:], answered) == ([("committed", 5)], [False])


async def test_a_command_without_an_event_tells_the_observer_nothing():
    async with Shell() as shell:
        await shell.submit(OpenChat)
        shell.told.calls.clear()
        await shell.submit(CancelTurn, id="x1")
        assert shell.told.calls == []


async def test_a_fault_of_the_observer_leaves_nobody_without_an_answer(caplog):
    async with Shell() as shell:
        shell.told.raises = True
        await shell.submit(OpenChat)
        shell.service.heard(CHAT, 99)
        await shell.submit(SendMessage, id="m1", content="hello")
        kinds = {call[0] for call in shell.told.calls}
        assert kinds == {"decided", "committed", "reloaded"}
    assert SECRET not in caplog.text


async def test_the_commit_listener_is_told_how_far_each_commit_took_its_chat():
    heard: list[tuple[ChatId, int]] = []

    class Listener:
        def committed(self, chat_id: ChatId, position: int) -> None:
            heard.append((chat_id, position))

    async with Shell() as shell:
        service = ChatService(
            shell.store,
            ReadModels("node", shell.store.fetch),
            shell.hub,
            shell.told,
            NoForwarder(),
            SharedWriter(),
            commits=Listener(),
        )
        await service.submit(OpenChat(**BASE, nonce="n" * 16))
        assert heard == [(CHAT, 1)]
        await service.close()


async def test_a_command_for_a_turn_that_runs_elsewhere_is_handed_to_the_forwarder():
    async with Shell() as shell:
        await shell.begin_turn()
        cancelled = shell.submit(CancelTurn, id="x1")
        await asyncio.wait({cancelled})
        assert ("forward", "CancelTurn") in shell.told.calls
        assert cancelled.result().state.turn is None


async def test_a_closed_service_has_nothing_under_way_and_refuses_what_waited():
    """One waits for another node, with a timer; one for the log; both get an answer."""
    shell = Shell()
    async with shell:
        await shell.begin_turn()
        held = shell.submit(CancelTurn, id="x1")
        await shell.told.next()
        assert shell.told.calls[-1] == ("forward", "CancelTurn")
        other = ChatId("chat_2")
        waits = shell.service.submit(OpenChat(**{**BASE, "user_chat_id": other}, nonce="m" * 16))
        assert shell.service._tasks
        assert shell.service._timers
        await shell.service.close()
        assert not shell.service._tasks
        assert not shell.service._timers
        for future in (held, waits):
            with pytest.raises(Refused, match=r"^unavailable"):
                await future
        await shell.submit(CancelTurn, id="x2")  # it may start again


async def test_a_chat_that_somebody_follows_is_read_again_once_the_storage_is_back():
    async with Shell() as shell:
        await shell.submit(OpenChat)
        shell.service.feed(CHAT).listen(lambda: None)
        shell.engine.is_down = True
        shell.service.heard(CHAT, 99)
        await asyncio.wait(shell.service._tasks)
        assert CHAT in shell.service._timers
        shell.engine.is_down = False
        shell.told.calls.clear()
        await shell.told.next()
        assert shell.told.calls == [("reloaded", 1, False)]


async def test_a_node_without_others_forwards_nothing():
    assert not NoForwarder().forward(CancelTurn(**BASE, nonce="n" * 16, id="x1"))


async def test_a_service_that_nobody_observes_handles_commands_all_the_same():
    async with Shell() as shell:
        told, shell.told = shell.told, Told()
        service = ChatService(
            shell.store,
            ReadModels("node", shell.store.fetch),
            shell.hub,
            told,
            NoForwarder(),
            SharedWriter(),
        )
        await service.submit(OpenChat(**BASE, nonce="n" * 16))
        service.heard(CHAT, 99)
        await service.submit(SendMessage(**BASE, nonce="m" * 16, id="m1", content="hello"))
        await service.close()
        assert told.calls == []
