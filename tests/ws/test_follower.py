"""A reader's place in a chat: every event once and in order, deltas only where they belong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ws.fakes import CHAT, FakeFeed

from chatstream.live.feed import Answer
from chatstream.protocol.event_frames import Frame
from chatstream.ws.follower import ROUND_BYTES, Follower, GapError


def follower_of(feed: FakeFeed, start: int = 0) -> Follower:
    return Follower(CHAT, feed, start, feed.tip)


async def take_all(follower: Follower) -> list[dict]:
    """Everything that can go out now, with pages of the log where they are needed."""
    taken: list[bytes] = []
    while True:
        some = follower.take()
        taken += some
        if some and not follower.may_have_more:
            assert follower.take() == []  # else it would stay: nobody asks again
        if follower.needs_log:
            follower.give(await follower.feed.read(follower.position, 3))
        elif not some:
            return [json.loads(one) for one in taken]


def shape(frames: list[dict]) -> list[object]:
    """Positions of events, types of control frames."""
    return [one["type"] if one["type"] != "thinking" else one["position"] for one in frames]


def position_of(frame: bytes) -> int:
    return json.loads(frame)["position"]


async def test_the_past_then_caught_up_then_live():
    feed = FakeFeed(3)
    follower = follower_of(feed)
    feed.append(1)
    assert shape(await take_all(follower)) == [1, 2, 3, "caught_up", 4]


async def test_caught_up_names_the_position_of_opened():
    feed = FakeFeed(3)
    follower = follower_of(feed)
    feed.append(2)
    caught_up = next(f for f in await take_all(follower) if f["type"] == "caught_up")
    assert caught_up == {"type": "caught_up", "user_chat_id": CHAT, "position": 3}


async def test_who_starts_at_the_tip_is_caught_up_at_once():
    assert shape(await take_all(follower_of(FakeFeed(3), start=3))) == ["caught_up"]


async def test_what_the_ring_does_not_hold_comes_from_the_log():
    feed = FakeFeed(10, ring=2)
    assert shape(await take_all(follower_of(feed))) == [*range(1, 11), "caught_up"]
    assert feed.reads == [0, 3, 6]


async def test_nothing_is_taken_while_a_page_is_awaited():
    follower = follower_of(FakeFeed(10, ring=2))
    assert follower.take() == []
    assert follower.needs_log
    assert follower.take() == []


async def test_a_page_goes_out_in_rounds_so_that_no_chat_holds_the_others_up():
    feed = FakeFeed(0, ring=0)
    feed.append(9, size=ROUND_BYTES // 3)
    follower = follower_of(feed)
    assert follower.take() == []
    follower.give(await feed.read(0))
    rounds = [[position_of(frame) for frame in follower.take()] for _ in range(3)]
    assert rounds == [[1, 2], [3, 4], [5, 6]]


async def test_a_gap_is_an_error_and_never_passed_over():
    feed = FakeFeed(3)
    feed.log[1] = Frame(3, b"{}")
    with pytest.raises(GapError):
        follower_of(feed).take()


async def test_an_answer_is_sent_piece_by_piece_with_offsets_in_code_points():
    feed = FakeFeed(2)
    follower = follower_of(feed)
    follower.listen(lambda _: None)
    await take_all(follower)
    feed.stream(Answer("m", "Hé👍", after=2))
    feed.stream(Answer("m", "Hé👍 you", after=2))
    feed.append()
    assert [f for f in await take_all(follower) if f["type"] == "delta"] == [
        {"type": "delta", "user_chat_id": CHAT, "message_id": "m", "offset": 0, "text": "Hé👍 you"}
    ]
    feed.stream(Answer("m", "Hé👍 you!", after=3))
    (delta,) = await take_all(follower)
    assert (delta["offset"], delta["text"]) == (7, "!")


async def test_a_delta_waits_for_the_events_before_its_text():
    feed = FakeFeed(2)
    follower = follower_of(feed)
    follower.listen(lambda _: None)
    await take_all(follower)
    feed.stream(Answer("m", "early", after=3))
    assert await take_all(follower) == []
    feed.append()
    assert shape(await take_all(follower)) == [3, "delta"]


async def test_who_was_sent_all_there_is_need_not_be_asked_again():
    feed = FakeFeed(2)
    follower = follower_of(feed)
    follower.listen(lambda _: None)
    await take_all(follower)
    feed.stream(Answer("m", "text", after=3))
    feed.append()
    follower.take()
    assert follower.may_have_more  # the text
    follower.take()
    assert not follower.may_have_more


async def test_without_a_tick_no_delta_is_sent():
    feed = FakeFeed(2)
    follower = follower_of(feed)
    await take_all(follower)
    feed.answer = Answer("m", "text", after=2)
    feed.append()
    assert shape(await take_all(follower)) == [3]


async def test_who_comes_late_gets_the_text_so_far_after_caught_up():
    feed = FakeFeed(2)
    feed.answer = Answer("m", "so far", after=1)
    assert shape(await take_all(follower_of(feed))) == [1, 2, "caught_up", "delta"]


async def test_a_new_answer_begins_at_offset_0():
    feed = FakeFeed(1)
    follower = follower_of(feed)
    follower.listen(lambda _: None)
    feed.stream(Answer("m", "first", after=1))
    await take_all(follower)
    feed.stream(Answer("n", "next", after=1))
    (delta,) = await take_all(follower)
    assert (delta["message_id"], delta["offset"]) == ("n", 0)


async def test_after_the_response_there_is_no_delta():
    feed = FakeFeed(1)
    follower = follower_of(feed)
    follower.listen(lambda _: None)
    await take_all(follower)
    feed.stream(Answer("m", "text", after=1))
    feed.answer = None
    feed.append()
    assert shape(await take_all(follower)) == [2]


async def test_who_stops_is_called_no_more():
    feed = FakeFeed(1)
    follower = follower_of(feed)
    follower.listen(lambda _: None)
    follower.stop()
    follower.stop()
    assert feed.listeners == []


@given(
    start=st.integers(0, 20),
    ring=st.integers(1, 30),
    schedule=st.lists(st.sampled_from(["append", "take", "drop", "tick"]), max_size=40),
)
async def test_whatever_happens_each_event_comes_once_and_in_order(
    start: int, ring: int, schedule: list[str]
):
    feed = FakeFeed(20, ring=ring)
    follower = follower_of(feed, start)
    follower.listen(lambda _: None)
    taken: list[dict] = []
    text = ""
    for step in schedule:
        if step == "append":
            feed.append()
        elif step == "drop":
            feed.ring_size = 1
        elif step == "tick":
            text += "ab"
            feed.stream(Answer("m", text, after=feed.tip))
        else:
            taken += await take_all(follower)
    taken += await take_all(follower)
    assert [f for f in shape(taken) if isinstance(f, int)] == list(range(start + 1, feed.tip + 1))
    assert shape(taken).count("caught_up") == 1
    assert "".join(f["text"] for f in taken if f["type"] == "delta") == text
