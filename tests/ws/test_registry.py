"""The goodbye of many sockets: all hear it, what was asked is answered, who stays is cut."""

from __future__ import annotations

import asyncio
import time

from tests.ws.fakes import settle

from chatstream.ids import ChatId, SocketId
from chatstream.ws.registry import ConnectionRegistry


class Socket:
    """A connection as the registry sees it; ``stays`` through its close."""

    def __init__(self, registry: ConnectionRegistry, name: str, *, stays: bool = False) -> None:
        self.socket_connection_id = SocketId(name)
        self.user_id = "alice"
        self.connected_at_ms = 1
        self.user_chat_ids: list[ChatId] = []
        self.unanswered: set[asyncio.Future[object]] = set()
        self.calls: list[object] = []
        self._registry = registry
        self._stays = stays
        registry.add(self)

    def say_drain(self, retry_after_ms: int) -> None:
        self.calls.append(retry_after_ms)

    def close(self, code: int, reason: str) -> None:
        self.calls.append(code)
        if not self._stays:
            self._registry.remove(self)

    def abort(self) -> None:
        self.calls.append("abort")


async def test_live_sockets_are_those_whose_caller_is_known():
    registry = ConnectionRegistry()
    known, unknown = Socket(registry, "a"), Socket(registry, "b")
    unknown.user_id = ""
    assert list(registry) == [known]
    assert registry.of_user("alice") == [known]
    assert registry.of_user("") == []
    assert len(registry) == 2


async def test_every_socket_hears_it_at_a_time_of_its_own():
    registry = ConnectionRegistry()
    sockets = [Socket(registry, f"s{n}") for n in range(50)]
    await registry.drain(1)
    assert {one.calls[1] for one in sockets} == {1012}
    assert len({one.calls[0] for one in sockets}) > 10
    assert len(registry) == 0


async def test_with_nobody_there_it_takes_no_time():
    started = time.monotonic()
    await ConnectionRegistry().drain(60)
    assert time.monotonic() - started < 1


async def test_the_close_waits_for_answers_under_way():
    registry = ConnectionRegistry()
    socket = Socket(registry, "a")
    answer = asyncio.get_running_loop().create_future()
    socket.unanswered.add(answer)
    draining = asyncio.create_task(registry.drain(60))
    await settle()
    assert 1012 not in socket.calls
    answer.set_result(None)
    await asyncio.wait_for(draining, 5)
    assert 1012 in socket.calls


async def test_who_stays_is_cut_in_time():
    registry = ConnectionRegistry()
    socket = Socket(registry, "a", stays=True)
    socket.unanswered.add(asyncio.get_running_loop().create_future())
    await asyncio.wait_for(registry.drain(0.1), 5)
    assert socket.calls[1:] == [1012, "abort"]


async def test_who_comes_too_late_hears_it_too():
    registry = ConnectionRegistry()
    await registry.drain(0)
    late = Socket(registry, "late", stays=True)
    assert late.calls[1:] == [1012]
    registry.remove(late)
    registry.remove(late)
    assert len(registry) == 0
