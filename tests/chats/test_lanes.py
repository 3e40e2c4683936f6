"""Which chats stay in memory: those used last, and those with something under way."""

from __future__ import annotations

from chatstream.chats.pipeline import Lanes
from chatstream.ids import ChatId

A, B, C = ChatId("chat_a"), ChatId("chat_b"), ChatId("chat_c")


def test_the_chat_not_used_for_longest_makes_room():
    lanes = Lanes(most=2)
    kept = lanes.use(A)
    lanes.use(B)
    assert lanes.use(A) is kept
    lanes.use(C)
    assert lanes.get(A) is kept
    assert lanes.get(B) is None


def test_a_chat_with_something_under_way_stays():
    lanes = Lanes(most=2)
    lanes.use(A).loading = True
    lanes.use(B)
    lanes.use(C)
    assert lanes.get(A) is not None
    assert lanes.get(B) is None


def test_what_may_be_out_of_date_goes_unless_somebody_waits_for_it():
    lanes = Lanes()
    lanes.use(A).loaded = True
    lanes.use(B)
    lanes.use(C).loading = True
    lanes.forget_behind()
    assert [lanes.get(one) is not None for one in (A, B, C)] == [True, False, True]
