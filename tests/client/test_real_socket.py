"""The client over real WebSockets: the same promises as in memory."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys

import pytest
from fake_server import Chats, serve

from chatstream.client import ChatClient, Live, TransportLost, Waiting, connect_websocket


async def test_a_conversation_survives_cuts_at_random_moments():
    chats, chance = Chats(), random.Random(7)
    chats.answer = lambda content: f"{content} " * 200
    step = chats.step

    def step_or_cut():
        """Between any two frames: by the clock, a fast machine is done before the first cut."""
        if chance.random() < 0.15:
            chats.cut_all(chance.choice([None, 1012, 1001, 4408]))
        return step()

    chats.step = step_or_cut
    async with serve(chats) as url, ChatClient(url) as client:
        hurrying = asyncio.create_task(back_at_once(client))
        chat = await client.open()
        for number in range(20):
            answer = await chat.answer_to(await chat.send(f"message {number} 🎉"))
            assert answer.content == f"message {number} 🎉 " * 200
        hurrying.cancel()
        await client.until(lambda state: isinstance(state, Live))
        await chat.caught_up()
        assert chats.user_texts(chat.id) == [f"message {number} 🎉" for number in range(20)]
        assert chat.view.position == len(chats.events[chat.id])
        assert len(chats.hellos) > 10


async def back_at_once(client):
    """Each time that the connection is lost, try again without a pause."""
    while True:
        await client.until(lambda state: isinstance(state, Waiting))
        client.retry_now()
        await client.until(lambda state: not isinstance(state, Waiting))


async def test_a_goodbye_of_the_server_has_its_code():
    chats = Chats()
    async with serve(chats) as url:
        transport = await connect_websocket(url)
        await transport.send('{"type": "hello", "protocol": "chatstream.v1"}')
        await transport.receive()
        chats.cut_all(4401)
        with pytest.raises(TransportLost) as lost:
            await transport.receive()
        assert lost.value.code == 4401
        with pytest.raises(TransportLost):
            await transport.send("{}")
        await transport.close()


async def test_a_cut_has_no_code():
    async with serve(Chats()) as url:
        transport = await connect_websocket(url)
        transport.abort()
        with pytest.raises(TransportLost) as lost:
            await transport.receive()
        assert lost.value.code is None


async def test_no_server_is_a_loss():
    with pytest.raises(TransportLost):
        await connect_websocket("ws://127.0.0.1:9/")


def test_the_client_needs_nothing_of_the_server():
    script = (
        "import sys, chatstream.client\n"
        "print(*sorted(name for name in sys.modules if name.startswith('chatstream.')))\n"
        "print('litestar' in sys.modules, 'eventsourcing' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    modules, server = done.stdout.splitlines()
    foreign = [name for name in modules.split() if not name.startswith("chatstream.client")]
    assert set(foreign) <= {
        "chatstream.errors",
        "chatstream.ids",
        "chatstream.protocol",
        "chatstream.protocol.numbers",  # how a number on the wire is read
        "chatstream.timestamps",
    }
    assert server == "False False"
