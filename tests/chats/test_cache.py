"""Which chats stay in memory: those used last, and those with something under way."""

from __future__ import annotations

from chatstream.chats.cache import ChatCache
from chatstream.ids import ChatId

A, B, C = ChatId("chat_a"), ChatId("chat_b"), ChatId("chat_c")


class FakeChat:
    """A chat in memory."""

    def __init__(self, _: ChatId) -> None:
        self.is_idle = True
        self.is_current = False


def test_the_chat_not_used_for_longest_makes_room():
    chats = ChatCache(FakeChat, most=2)
    kept = chats.use(A)
    chats.use(B)
    assert chats.use(A) is kept
    chats.use(C)
    assert chats.get(A) is kept
    assert chats.get(B) is None


def test_a_chat_with_something_under_way_stays():
    chats = ChatCache(FakeChat, most=2)
    chats.use(A).is_idle = False
    chats.use(B)
    chats.use(C)
    assert chats.get(A) is not None
    assert chats.get(B) is None


def test_a_new_chat_stays_where_all_others_have_something_under_way():
    """Two commands of it, one right after the other, would have a pipeline each."""
    chats = ChatCache(FakeChat, most=2)
    chats.use(A).is_idle = chats.use(B).is_idle = False
    assert chats.use(C) is chats.use(C)


def test_what_may_be_out_of_date_goes_unless_somebody_waits_for_it():
    chats = ChatCache(FakeChat)
    chats.use(A).is_current = True
    chats.use(B)
    chats.use(C).is_idle = False
    chats.forget_stale()
    assert [chats.get(one) is not None for one in (A, B, C)] == [True, False, True]


def test_all_chats_can_be_listed_and_forgotten():
    chats = ChatCache(FakeChat)
    held = [chats.use(A), chats.use(B)]
    assert list(chats) == held
    chats.clear()
    assert list(chats) == []
