"""The outbox: order, repeats, bounds. And the back-off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstream.client.backoff import Backoff
from chatstream.client.errors import OutboxFull
from chatstream.client.frames import Rejected, Send
from chatstream.client.outbox import Outbox


def send(number):
    return Send(id=f"m{number}", user_chat_id="chat", content=str(number))


def filled(count, bound=50):
    outbox = Outbox(bound)
    for number in range(count):
        outbox.add(send(number))
    return outbox


def test_one_command_is_under_way_at_a_time():
    outbox = filled(2)
    assert outbox.take(0).command.id == "m0"
    assert outbox.take(0) is None
    assert outbox.acked("m0")
    assert outbox.take(0).command.id == "m1"


def test_after_a_loss_the_same_frame_is_sent_again():
    outbox = filled(1)
    first = outbox.take(0)
    outbox.disconnected()
    assert outbox.take(0) == first


def test_an_ack_of_something_else_changes_nothing():
    outbox = filled(1)
    assert not outbox.acked("other")
    assert len(outbox) == 1


def test_a_late_ack_counts_even_while_the_command_waits_to_be_sent_again():
    outbox = filled(1)
    outbox.take(0)
    outbox.disconnected()
    assert outbox.acked("m0")


def test_a_refusal_for_now_keeps_the_place_and_waits_as_told():
    outbox = filled(2)
    outbox.take(10.0)
    assert not outbox.rejected(Rejected(id="m0", code="rate_limited", retry_after=2.5), 10.0)
    assert outbox.due_at() == 12.5
    assert outbox.take(12.4) is None
    assert outbox.take(12.5).command.id == "m0"


def test_a_refusal_for_good_makes_room_for_the_next():
    outbox = filled(2)
    outbox.take(0)
    assert outbox.rejected(Rejected(id="m0", code="too_large"), 0)
    assert outbox.take(0).command.id == "m1"


def test_the_bound_is_said_aloud():
    outbox = filled(3, bound=3)
    with pytest.raises(OutboxFull):
        outbox.add(send(3))
    outbox.acked("m0")
    outbox.add(send(3))


def test_a_text_that_cannot_be_sent_is_refused_before_it_blocks_the_others():
    outbox = filled(0)
    with pytest.raises(UnicodeEncodeError):
        outbox.add(Send(id="m", user_chat_id="chat", content="\ud800"))
    assert len(outbox) == 0


@given(st.floats(0, 0.999), st.integers(0, 2000))
def test_delays_are_spread_from_zero_to_a_ceiling_that_doubles_up_to_ten_seconds(chance, tries):
    backoff = Backoff(lambda: chance)
    delay = 0.0
    for _ in range(tries + 1):
        delay = backoff.next_delay()
    assert delay == pytest.approx(chance * min(10.0, 0.25 * 2 ** min(tries, 20)))
    assert backoff.attempt == tries + 1
