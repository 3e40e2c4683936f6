"""The checker finds each violation that is planted in a history, and none in a clean one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.checker import check
from tests.faults.history import (
    Answered,
    Began,
    CaughtUp,
    Grew,
    History,
    Item,
    Reading,
    Saw,
    Sent,
)

CHAT = "chat_1"


def frame(position: int, kind: str, **fields: object) -> bytes:
    whole = {"type": kind, "position": position, "event_id": f"evt_{position}", **fields}
    return json.dumps(whole).encode()


def turn_of(number: int, first: int) -> list[bytes]:
    cause = f"send_{number}"
    after = {"caused_by": cause}
    answer = {"message_id": f"msg_{number}", **after}
    return [
        frame(first, "user", message_id=cause),
        frame(first + 1, "turn", status="started", attempt=1, **after),
        frame(first + 2, "thinking", **after),
        frame(first + 3, "partial", offset=0, text="ab", **answer),
        frame(first + 4, "response", content="abc", **answer),
        frame(first + 5, "turn", status="finished", attempt=1, **after),
    ]


def clean(messages: int = 3) -> History:
    """Each message is sent after the ack of the one before; a reader sees all."""
    log = [frame(1, "chat", status="opened")]
    history = History(calm={"a#1"})
    for number in range(messages):
        position = len(log) + 1
        log += turn_of(number, position)
        sent_at = 10.0 * number
        command = (CHAT, f"send_{number}", "a#1")
        history.sent.append(Sent(*command, number, sent_at))
        history.answered.append(Answered(*command, sent_at + 1, position))
    history.log = {CHAT: log}
    items: list[Item] = [Began(0, 0, 0.0, 1), Saw(1, log[0]), CaughtUp(1)]
    items += [Saw(place, data) for place, data in enumerate(log[1:], 2)]
    history.readings = [Reading("r", CHAT, items)]
    return history


def kinds(history: History) -> set[str]:
    return {one.kind for one in check(history)}


@given(st.integers(0, 12))
def test_a_clean_history_has_no_violation(messages):
    assert check(clean(messages)) == []


@given(st.integers(0, 2))
def test_an_acked_message_that_is_gone_is_lost(number):
    history = clean()
    history.answered.append(Answered(CHAT, f"send_9{number}", "b#1", 1.0, 2))
    assert "lost" in kinds(history)


def test_an_ack_beyond_the_end_is_lost():
    history = clean()
    history.answered.append(Answered(CHAT, "cancel_1", "b#1", 1.0, 99))
    assert "lost" in kinds(history)


def test_an_ack_of_another_position_is_found():
    history = clean()
    history.answered[1] = Answered(CHAT, "send_1", "a#1", 11.0, 3)
    assert "moved" in kinds(history)


def test_a_message_stored_twice_is_doubled():
    history = clean()
    log = history.log[CHAT]
    log += turn_of(1, len(log) + 1)
    assert "doubled" in kinds(history)


@given(st.data())
def test_a_reader_that_misses_an_event_has_a_gap(data):
    history = clean()
    items = history.readings[0].items
    places = [place for place, item in enumerate(items[:-1]) if isinstance(item, Saw)]
    del items[data.draw(st.sampled_from(places))]
    assert "gap" in kinds(history)


@given(st.data())
def test_a_reader_that_gets_an_event_twice_has_it_doubled(data):
    history = clean()
    items = history.readings[0].items
    place = data.draw(st.sampled_from([n for n, one in enumerate(items) if isinstance(one, Saw)]))
    items.insert(place, items[place])
    assert "doubled" in kinds(history)


@given(st.data())
def test_events_that_change_places_are_found(data):
    history = clean()
    items = history.readings[0].items
    place = data.draw(st.integers(3, len(items) - 2))
    items[place], items[place + 1] = items[place + 1], items[place]
    assert kinds(history) >= {"gap", "doubled"}


@given(st.integers(2, 19))
def test_other_bytes_are_a_disagreement(position):
    history = clean()
    items = history.readings[0].items
    place = next(
        n for n, one in enumerate(items) if isinstance(one, Saw) and one.position == position
    )
    items[place] = Saw(position, items[place].data + b" ")
    assert kinds(history) == {"disagreement"}


def test_an_event_beyond_the_log_is_a_disagreement():
    history = clean()
    history.readings[0].items.append(Saw(20, frame(20, "chat")))
    assert kinds(history) == {"disagreement"}


def test_a_reader_that_stopped_short_is_stuck():
    history = clean()
    history.readings[0].items.pop()
    assert kinds(history) == {"stuck"}
    history.readings[0].complete = False
    assert kinds(history) == set()


def test_a_resync_without_a_cause_is_found():
    history = clean()
    history.readings[0].items.append(Began(19, 0, 50.0, 19, "event_mismatch"))
    assert kinds(history) == {"resync"}


def test_a_start_elsewhere_than_asked_is_a_gap():
    history = clean()
    history.readings[0].items.append(Began(19, 18, 50.0, 19))
    assert kinds(history) == {"gap"}


def test_a_message_sent_after_an_ack_must_stand_above_it():
    history = clean()
    first = history.sent[2]
    history.sent[2] = Sent(CHAT, first.id, "a#1", 2, first.at)
    history.answered[0] = Answered(CHAT, "send_0", "a#1", 1.0, 19)
    assert "real time" in kinds(history)


def test_an_open_must_see_what_was_acked_before():
    history = clean()
    history.readings[0].items.append(Began(19, 19, 50.0, 3))
    assert kinds(history) == {"real time"}


def test_messages_of_one_connection_keep_their_order():
    history = clean()
    history.sent = [Sent(CHAT, one.id, "a#1", 9 - one.number, 0.0) for one in history.sent]
    assert kinds(history) == {"reordered"}


def test_two_answers_and_none_are_found():
    history = clean()
    history.answered.append(history.answered[0])
    assert kinds(history) == {"answers"}
    history = clean()
    del history.answered[0]
    assert kinds(history) == {"answers", "unanswered"}


def test_a_refusal_of_what_is_right_is_found():
    history = clean()
    history.answered.append(Answered(CHAT, "send_2", "b#1", 99.0, code="id_conflict"))
    history.sent.append(Sent(CHAT, "send_2", "b#1", 1, 98.0))
    assert kinds(history) == {"refused"}


@pytest.mark.parametrize(
    ("place", "other"),
    [
        (7, frame(7, "chat")),  # no end
        (3, frame(3, "chat")),  # no start
        (5, frame(5, "turn", status="finished", attempt=1, caused_by="send_0")),  # two ends
        (5, frame(5, "thinking", caused_by="send_0")),  # a step twice
        (5, frame(5, "turn", status="restarted", attempt=3, caused_by="send_0")),
        (6, frame(6, "thinking", caused_by="send_0")),  # no answer, a step twice
    ],
)
def test_a_turn_begins_once_ends_once_and_its_steps_are_stored_once(place, other):
    history = clean(1)
    history.log[CHAT][place - 1] = other
    history.readings = []
    assert kinds(history) == {"turn"}


def test_a_step_after_the_end_of_its_turn_is_found():
    history = clean(1)
    history.log[CHAT].append(frame(8, "intent", status="active", caused_by="send_0"))
    history.readings = []
    assert kinds(history) == {"turn"}


@pytest.mark.parametrize(
    "delta", [Grew("msg_0", 0, "x"), Grew("msg_0", 1, "c"), Grew("msg_0", 2, "d")]
)
def test_a_delta_of_other_text_is_found(delta):
    history = clean(1)
    history.readings[0].items.insert(4, delta)
    assert kinds(history) == {"stream"}


def test_a_delta_after_its_response_is_found():
    history = clean(1)
    history.readings[0].items.append(Grew("msg_0", 2, "c"))
    assert kinds(history) == {"stream"}


def test_partials_that_do_not_join_are_found():
    history = clean(1)
    after = {"message_id": "msg_0", "caused_by": "send_0"}
    history.log[CHAT][4] = frame(5, "partial", offset=1, text="b", **after)
    history.readings = []
    assert "stream" in kinds(history)
