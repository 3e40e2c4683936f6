"""Who watches the log goes on, whatever becomes of one look or of one chat."""

from __future__ import annotations

import asyncio

import pytest

from chatstream.cluster import log_watch, topology
from chatstream.cluster.log_watch import LogWatch
from chatstream.errors import Refused
from chatstream.ids import ChatId


class Chats:
    """Hears of chats; ``broken`` cannot take it."""

    def __init__(self) -> None:
        self.heard: list[tuple[ChatId, int]] = []

    def __call__(self, chat_id: ChatId, position: int) -> None:
        if chat_id == "broken":
            raise ValueError("words")
        self.heard.append((chat_id, position))


class Log:
    """Gives what the test puts in, or raises it."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.is_read = asyncio.Event()

    async def fetch(self, *_: object) -> list[tuple[object, ...]]:
        answer = self._answers.pop(0)
        if not self._answers:
            self.is_read.set()
            self._answers.append([])
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_chat_that_cannot_take_it_keeps_no_other_from_hearing_of_its_own(caplog):
    chats = Chats()
    LogWatch("node_1", Log().fetch, chats).on_wake("node_2 broken:3 chat_1:4")
    assert chats.heard == [("chat_1", 4)]
    assert "ValueError: words" not in caplog.text


@pytest.mark.parametrize("trouble", [Refused("unavailable"), ValueError("words")])
async def test_the_log_is_looked_at_again_after_any_trouble(trouble, monkeypatch, caplog):
    monkeypatch.setattr(log_watch, "LOOK_EVERY_S", 0.001)
    chats = Chats()
    log = Log([(0,)], trouble, [("broken", 1, 7), ("chat_1", 2, 8)], [])
    watch = asyncio.create_task(LogWatch("node_1", log.fetch, chats).run())
    await asyncio.wait_for(log.is_read.wait(), 1)
    watch.cancel()
    assert chats.heard == [("chat_1", 2)]
    assert "ValueError: words" not in caplog.text


class Parts:
    """Stands for all that a node has beside others; its relay fails at first."""

    def __init__(self) -> None:
        self.asked = 0
        self.has_asked_again = asyncio.Event()
        self.closed: list[str] = []

    def request_followed(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise ValueError("words")
        self.has_asked_again.set()

    def open(self, _: str) -> None:
        pass

    async def start(self) -> None:
        pass

    async def run(self, *_: object) -> None:
        raise ValueError("words")

    async def close(self) -> None:
        self.closed.append("closed")


async def test_neighbours_ask_for_answers_again_and_close_all_though_a_task_has_failed(
    monkeypatch, caplog
):
    monkeypatch.setattr(topology, "_REQUEST_EVERY_S", 0.001)
    parts = Parts()
    others = topology._OtherNodes(parts, parts, parts, lambda _: None, parts, parts, parts)
    await others.start("a secret")
    await asyncio.wait_for(parts.has_asked_again.wait(), 1)
    await others.close()
    assert parts.closed == ["closed"] * 3  # membership, publisher and bus
    assert "ValueError: words" not in caplog.text
