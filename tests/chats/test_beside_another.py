"""Two nodes on one log: the turn runs on one and has readers on the other; both begin one turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.chats.faulty import FaultyEngine

from chatstream.agents.contract import Agent
from chatstream.chats.policy import SharedWriter
from chatstream.chats.service import ChatService, NoForwarder
from chatstream.domain.commands import OpenChat, RestartTurn, SendMessage
from chatstream.domain.events import ThinkingAdded
from chatstream.domain.steps import Response, Thinking
from chatstream.eventstore.log import EventStore
from chatstream.eventstore.mapper import decode
from chatstream.ids import ChatId
from chatstream.live.feed import Answer
from chatstream.live.hub import Hub
from chatstream.projections.models import ReadModels
from chatstream.testing import TestChat
from chatstream.turns.observer import Unwatched
from chatstream.turns.run_table import RunTable
from chatstream.turns.runner import NoRelay, TurnRunner


@asynccontextmanager
async def another_node(
    engine: FaultyEngine, agent: Agent | None = None
) -> AsyncIterator[ChatService]:
    """One that runs the turns that it begins, with an ``agent``."""
    store = EventStore(engine)
    hub = Hub(store)
    runs = RunTable()
    read_models = ReadModels("other", store.fetch)
    service = ChatService(store, read_models, hub, runs, NoForwarder(), SharedWriter())
    runner = None if agent is None else runner_of(service, runs, hub, agent)
    if runner is not None:
        service.subscribe(runner)
    await store.start(on_batch=service.publish)
    yield service
    if runner is not None:
        await runner.close(nothing)
    await store.close()
    await service.close()


def runner_of(service: ChatService, runs: RunTable, hub: Hub, agent: Agent) -> TurnRunner:
    return TurnRunner(
        service,
        runs,
        hub,
        NoRelay(),
        agent,
        ownership=OwnsNothing(),
        observer=Unwatched(),
        turn_timeout_s=60,
        max_attempts=3,
        now_ms=lambda: 1_000_000,
    )


class OwnsNothing:
    async def is_ours(self, _: ChatId) -> bool:
        return False


async def nothing(*_: object) -> None:
    pass


@pytest.mark.parametrize("follows", ["from the beginning", "from the end on"])
async def test_text_that_comes_after_the_end_of_its_answer_is_shown_to_nobody(follows):
    """What ends the answer is read for somebody who asks, while a command is under way: the state
    from which pieces are judged is behind the readers then."""
    engine, goes_on = FaultyEngine(), asyncio.Event()
    engine.inner = (first := FaultyEngine()).inner

    async def agent(turn):
        if turn.content == "hello":
            yield "Hel"
            await goes_on.wait()
        yield Response("Hello", is_complete=True)

    async with TestChat(agent, engine=first) as chat, another_node(engine) as there:
        turn = asyncio.create_task(chat.send("hello"))
        while (known := await there.load(chat.chat_id)).turn is None:
            pass  # each look takes its time
        piece = Answer("msg_1", "Hel", known.position)
        if follows == "from the beginning":
            feed = there.feed(chat.chat_id)
            feed.listen(lambda: None)
            feed.show(piece)
            assert feed.answer is piece
        engine.gate.clear()
        waiting = there.submit(SendMessage(**chat._base(), id="m2", content="again"))
        goes_on.set()
        await turn
        assert (await there.load(chat.chat_id)).turn is None
        assert there.state_of(chat.chat_id) is known
        feed = there.feed(chat.chat_id)
        assert feed.answer is None
        feed.show(Answer("msg_1", "Hello", known.position))
        assert feed.answer is None
        engine.gate.set()
        await waiting


async def test_a_run_that_ended_before_it_was_known_to_be_in_vain_leaves_nothing_to_the_others():
    """Here a turn is run and ended, and the next one begun, all before the disk answers; meanwhile
    another node has taken the turn over, as after a lapsed lease."""
    behind, engine, goes_on = FaultyEngine(), FaultyEngine(), asyncio.Event()
    engine.inner = behind.inner
    is_cut_off, has_ended = asyncio.Event(), asyncio.Event()

    async def quick(turn):
        await is_cut_off.wait()
        yield Thinking("plan", "here")
        yield Response(turn.content)
        asyncio.get_running_loop().call_later(0.01, has_ended.set)

    async def slow(turn):
        yield Thinking("plan", "there")
        await goes_on.wait()
        yield Response(turn.content)

    base = {"user_chat_id": ChatId("chat_1"), "user_id": "user", "now_ms": 1_000_000}
    async with another_node(behind, quick) as here, another_node(engine, slow) as there:
        await here.submit(OpenChat(**base, nonce="n0"))
        for number in (1, 2):
            content, nonce = f"message {number}", f"n{number}"
            await here.submit(SendMessage(**base, nonce=nonce, id=f"m{number}", content=content))
        behind.gate.clear()
        is_cut_off.set()
        await has_ended.wait()
        taken_over = RestartTurn(
            **base, nonce="n3", caused_by="m1", attempt=1, crashed=False, max_attempts=3
        )
        await there.submit(taken_over)
        while (await there.load(base["user_chat_id"])).turn.has_progressed is False:
            pass  # the step of the run there, too
        behind.gate.set()
        goes_on.set()
        while (await there.load(base["user_chat_id"])).turn is not None:
            pass
        facts = [
            decode(row.topic, row.body)
            for row in engine.inner.read(base["user_chat_id"], 0, 100, None)
        ]
    thoughts = [(f.caused_by, f.content) for f in facts if isinstance(f, ThinkingAdded)]
    assert thoughts == [("m1", "there"), ("m2", "there")]
