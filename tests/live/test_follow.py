"""Following a chat: whatever is appended, dropped or cut when, a reader gets each frame once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatstream.eventstore.store import StoredRow
from chatstream.ids import ChatId
from chatstream.live.feed import RING_FRAMES, Answer, Feed
from chatstream.live.hub import SHORTEST_TICK_S, TICK_S, Hub, tick_s

CHAT = ChatId("chat_1")


class MemoryLog:
    """A log that answers when the test lets it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.reads = 0

    def append(self, count: int) -> tuple[int, list[bytes]]:
        first = len(self.bodies) + 1
        new = [b'{"n":%d}' % number for number in range(first, first + count)]
        self.bodies.extend(new)
        return first, new

    async def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None = None
    ) -> list[StoredRow]:
        self.reads += 1
        await asyncio.sleep(0)
        last = len(self.bodies) if upto is None else min(upto, len(self.bodies))
        stop = min(last, after + limit)
        return [
            StoredRow(chat_id, position, "t.1", self.bodies[position - 1], position)
            for position in range(after + 1, stop + 1)
        ]


async def collect(feed: Feed, after: int, upto: int) -> list[int]:
    """The positions a reader gets until it has ``upto``."""
    seen: list[int] = []
    async for frames in feed.follow(after):
        seen.extend(frame.position for frame in frames)
        if seen[-1] >= upto:
            return seen
    raise AssertionError("a feed does not end")


SCHEDULE = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("elsewhere"), st.integers(1, 5)),
        st.tuples(st.just("forget"), st.just(0)),
        st.tuples(st.just("reader"), st.integers(0, 30)),
        st.tuples(st.just("cut"), st.integers(0, 5)),
        st.tuples(st.just("pause"), st.integers(0, 3)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(schedule=SCHEDULE)
def test_every_reader_gets_every_frame_once_in_order(schedule):
    asyncio.run(_run(schedule))


async def _run(  # noqa: C901 - one arm an action
    schedule: list[tuple[str, int]],
) -> None:
    log = MemoryLog()
    feed = Feed(CHAT, 0, log)
    readers: list[tuple[int, list[int], asyncio.Task[None]]] = []

    async def follow(after: int, seen: list[int]) -> None:
        async for frames in feed.follow(after):
            seen.extend(frame.position for frame in frames)

    for action, number in schedule:
        if action == "append":
            feed.publish(*log.append(number))
        elif action == "elsewhere":  # another node wrote: only the log has it
            log.append(number)
            feed.moved_to(len(log.bodies))
        elif action == "forget":
            feed.forget()
        elif action == "reader":
            after = min(number, len(log.bodies))
            seen: list[int] = []
            readers.append((after, seen, asyncio.create_task(follow(after, seen))))
        elif action == "cut" and readers:
            readers[number % len(readers)][2].cancel()
        else:
            for _ in range(number):
                await asyncio.sleep(0)
    for _ in range(2000):
        alive = [one for one in readers if not one[2].done()]
        if all(len(seen) == len(log.bodies) - after for after, seen, _ in alive):
            break
        await asyncio.sleep(0)
    for after, seen, task in readers:
        if not task.done():
            assert seen == list(range(after + 1, len(log.bodies) + 1))
        assert seen == list(range(after + 1, after + 1 + len(seen)))
        task.cancel()
    await asyncio.gather(*(task for _, _, task in readers), return_exceptions=True)
    assert not feed.is_followed


async def test_a_reader_that_was_cut_leaves_a_feed_that_still_wakes():
    log = MemoryLog()
    feed = Feed(CHAT, 0, log)
    lost = asyncio.create_task(collect(feed, 0, 99))
    await asyncio.sleep(0)
    lost.cancel()
    kept = asyncio.create_task(collect(feed, 0, 2))
    await asyncio.sleep(0)
    feed.publish(*log.append(2))
    assert await asyncio.wait_for(kept, 1) == [1, 2]


async def test_a_late_reader_falls_back_to_the_log_and_the_ring_stays_bounded():
    log = MemoryLog()
    feed = Feed(CHAT, 0, log)
    feed.publish(*log.append(RING_FRAMES + 100))
    assert feed.ready(0, 1 << 30) is None
    assert len(feed.ready(100, 1 << 30)) == RING_FRAMES
    assert await collect(feed, 0, RING_FRAMES + 100) == list(range(1, RING_FRAMES + 101))


def test_ready_gives_at_least_one_frame_and_about_as_many_bytes_as_asked():
    log = MemoryLog()
    feed = Feed(CHAT, 0, log)
    feed.publish(*log.append(10))
    assert [frame.position for frame in feed.ready(3, 1)] == [4]
    one = len(feed.ready(3, 1)[0].data)
    assert len(feed.ready(0, 3 * one)) == 3
    assert feed.ready(10, 1) == []


def test_what_does_not_follow_the_tip_drops_the_ring():
    log = MemoryLog()
    feed = Feed(CHAT, 0, log)
    feed.publish(*log.append(3))
    log.append(2)
    feed.publish(*log.append(1))
    assert feed.tip == 6
    assert feed.ready(3, 1 << 20) is None
    assert [frame.position for frame in feed.ready(5, 1 << 20)] == [6]


async def test_answers_are_shown_on_one_common_tick():
    hub = Hub(MemoryLog())
    feeds = [hub.feed(ChatId(f"chat_{number}")) for number in range(3)]
    woken: list[str] = []
    for feed in feeds[:2]:
        feed.listen(lambda: None, lambda feed=feed: woken.append(feed.chat_id))
    for feed in feeds:
        hub.on_next_tick(lambda feed=feed: feed.show(Answer("msg_1", "He", 0)))
    ticked = asyncio.Event()
    hub.on_next_tick(ticked.set)
    assert woken == []
    await ticked.wait()
    assert sorted(woken) == ["chat_0", "chat_1"]


@pytest.mark.parametrize(
    ("pieces_a_second", "settles_at_s"),
    [(50, SHORTEST_TICK_S), (5_000, SHORTEST_TICK_S), (10_000, TICK_S)],
)
def test_few_pieces_go_soon_and_many_travel_together(pieces_a_second, settles_at_s):
    tick = tick_s(100)
    for _ in range(100):
        tick = tick_s(round(pieces_a_second * tick))
    assert tick == settles_at_s


@pytest.mark.parametrize("followed", [True, False])
def test_the_feeds_of_left_chats_are_freed(followed):
    hub = Hub(MemoryLog())
    feed = hub.feed(CHAT, 5)
    stop = feed.listen(lambda: None)
    if not followed:
        stop()
        stop()
    hub.sweep()
    assert (hub.get(CHAT) is feed) == followed
    feed.turn_running = True
    hub.sweep()
    assert (hub.get(CHAT) is feed) == followed


async def test_an_answer_that_cannot_be_shown_keeps_no_other_from_being_shown(caplog):
    hub, shown = Hub(MemoryLog()), asyncio.Event()

    def fail() -> None:
        raise ValueError("words")

    hub.on_next_tick(fail)
    hub.on_next_tick(shown.set)
    await asyncio.wait_for(shown.wait(), 1)
    assert "an answer cannot be shown" in caplog.text
    assert "ValueError: words" not in caplog.text
