"""A node that has readers of a chat whose turn another node runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.service.faulty import FaultyEngine

from chatstream.domain.commands import SendMessage
from chatstream.domain.steps import Response
from chatstream.eventstore.log import EventStore
from chatstream.live.feed import Answer
from chatstream.live.hub import Hub
from chatstream.projections.models import ReadModels
from chatstream.service import ChatService
from chatstream.testing import TestChat


@asynccontextmanager
async def another_node(engine: FaultyEngine) -> AsyncIterator[ChatService]:
    store = EventStore(engine)
    await store.start()
    service = ChatService(store, ReadModels("other", store.fetch), Hub(store), is_shared=True)
    store.on_batch = service.publish
    yield service
    await store.close()


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
