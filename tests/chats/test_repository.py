"""What a read of the log brings: the state, what is new, and when everything is read anew."""

from __future__ import annotations

from tests.chats.one_chat import CHAT, OneChat, at_once

from chatstream.chats import repository
from chatstream.domain.commands import EraseChat
from chatstream.domain.user_chat.evolution import INITIAL


def test_of_a_chat_that_is_not_known_everything_is_read():
    chat = OneChat()
    caught_up = at_once(chat.repository.catch_up(CHAT, INITIAL))
    assert (caught_up.state.position, caught_up.is_whole, caught_up.bodies) == (1, True, ())


def test_what_is_new_comes_with_its_position():
    chat = OneChat()
    known = chat.pipeline.committed
    chat.elsewhere(chat.send("m1"))
    caught_up = at_once(chat.repository.catch_up(CHAT, known))
    assert (caught_up.first_position, len(caught_up.bodies)) == (2, chat.log.position - 1)
    assert caught_up.state == at_once(chat.repository.state_at(CHAT))


def test_a_state_with_words_that_were_erased_since_is_of_no_use():
    chat = OneChat()
    chat.elsewhere(chat.send("m1", "sesame"))
    known = at_once(chat.repository.load(CHAT)).state
    chat.elsewhere(EraseChat(**chat.base()))
    caught_up = at_once(chat.repository.catch_up(CHAT, known))
    assert caught_up.is_whole
    assert "sesame" not in repr(caught_up.state)


def test_commands_without_an_event_are_read_where_they_are_asked_for():
    chat = OneChat()
    known = chat.pipeline.committed
    chat.elsewhere(chat.cancel("x1"))
    assert "x1" not in at_once(chat.repository.catch_up(CHAT, known)).state.commands
    caught_up = at_once(chat.repository.catch_up(CHAT, known, with_command_ids=True))
    assert "x1" in caught_up.state.commands


def test_a_long_log_is_read_page_by_page(monkeypatch):
    chat = OneChat()
    known = chat.pipeline.committed
    chat.elsewhere(chat.send("m1"))
    whole = at_once(chat.repository.state_at(CHAT))
    monkeypatch.setattr(repository, "PAGE", 2)
    assert at_once(chat.repository.state_at(CHAT)) == whole
    assert at_once(chat.repository.catch_up(CHAT, known)).state == whole
    assert at_once(chat.repository.state_at(CHAT, 2)).position == 2
