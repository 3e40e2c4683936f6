"""Texts of answers between two nodes, piece by piece: nothing wrong is shown, whatever is lost."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chatstream.cluster import answer_relay
from chatstream.cluster.answer_relay import AnswerPublisher, AnswerSubscriber
from chatstream.cluster.forwarding import command_of, message_of
from chatstream.cluster.messages import (
    CHUNK_CODE_POINTS,
    LARGEST_MESSAGE_BYTES,
    AnswerChunk,
    AnswerRequest,
    ForwardCommand,
    Socket,
    SocketsQuery,
    SocketsReply,
    chunks_of,
    decode,
    encode,
    replies_to,
)
from chatstream.domain.commands import CancelTurn, SendMessage, Streamed
from chatstream.domain.user_chat.evolution import INITIAL
from chatstream.domain.user_chat.state import HistoryItem, Intent, Message, Turn
from chatstream.ids import ChatId, IntentId
from chatstream.live.hub import Hub
from chatstream.security.sealing import SENDER_BYTES, Sealer, channel_of
from chatstream.timestamps import now_ms

CHAT = ChatId("chat_1")
INTENT = IntentId("intent_1")
TURN = Turn("m1", Message("m1", 2, "2026-01-01T00:00:00.000Z"), 1, 2, INTENT)
STATE = replace(INITIAL, position=5, status="open", turn=TURN)


SEALER = Sealer(channel_of("a secret", "words"), bytes(SENDER_BYTES), now_ms)


def fits(word: object) -> bool:
    """Whether a database takes the word as it is sent."""
    return len(SEALER.seal(encode(word))) < LARGEST_MESSAGE_BYTES


class Pair:
    """A node that runs the turn and one that has a reader, and what is lost between them."""

    def __init__(self, loses=lambda _: False) -> None:
        self.state = STATE
        self.text = ""
        self._loses = loses
        self._hub = Hub(None)
        self.feed = self._hub.feed(CHAT)
        self.stop_listening = self.feed.listen(lambda: None)
        self.publisher = AnswerPublisher(self._to_reader)
        self.subscriber = AnswerSubscriber(self._hub, self._to_runner, lambda _: self.state)

    def _to_reader(self, words) -> None:
        for word in words:
            assert fits(word)
            if not self._loses(word):
                self.subscriber.take(decode(encode(word)))

    def _to_runner(self, words) -> None:
        for word in words:
            if not self._loses(word):
                self.publisher.on_request(word, self.streamed, 5)

    @property
    def streamed(self) -> Streamed | None:
        return Streamed("msg_1", self.text) if self.text else None

    def say(self, text: str, after: int = 5) -> None:
        self.text += text
        self.publisher.publish(CHAT, "m1", 1, self.streamed, after)

    @property
    def seen(self) -> str | None:
        return None if self.feed.answer is None else self.feed.answer.text


async def test_a_reader_elsewhere_sees_the_text_grow():
    pair = Pair()
    pair.say("Hel")
    assert pair.seen is None
    pair.subscriber.request_followed()
    assert pair.seen == "Hel"
    pair.say("lo")
    assert (pair.seen, pair.feed.answer.after) == ("Hello", 5)


async def test_long_texts_come_whole_in_words_that_fit():
    pair = Pair()
    pair.subscriber.request_followed()
    for _ in range(20):
        pair.say('\x01"é🙂' * 500)
    assert pair.seen == pair.text


async def test_what_was_lost_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(answer_relay, "REQUEST_AGAIN_AFTER_S", -1)
    chance = random.Random(1)
    pair = Pair(lambda word: isinstance(word, AnswerChunk) and chance.random() < 0.5)
    pair.subscriber.request_followed()
    for number in range(200):
        pair.say(f"{number} ")
        assert pair.text.startswith(pair.seen or "")
    assert len(pair.seen) > len(pair.text) - 50


async def test_an_answer_that_nobody_follows_any_more_is_let_go_of_and_asked_for_anew():
    pair = Pair()
    pair.subscriber.request_followed()
    pair.say("Hello")
    pair.stop_listening()
    pair.subscriber.request_followed()
    assert not pair.subscriber._subscriptions
    pair.feed.listen(lambda: None)
    pair.subscriber.request_followed()
    assert pair.seen == "Hello"


async def test_who_asked_once_long_ago_is_forgotten_though_the_turn_says_no_more():
    publisher = AnswerPublisher(lambda _: None)
    for number in range(100):
        publisher.on_request(AnswerRequest(ChatId(f"chat_{number}"), "m1", 1, "", 0), None, 5)
    for requested in publisher._requested.values():
        requested.until = 0
    publisher.on_request(AnswerRequest(CHAT, "m1", 1, "", 0), None, 5)
    assert list(publisher._requested) == [CHAT]


async def test_text_that_a_partial_holds_need_not_be_sent_again():
    pair = Pair()
    pair.subscriber.request_followed()
    pair.state = replace(STATE, turn=replace(TURN, answer_id="msg_1", answer="Hel"))
    pair.subscriber.take(AnswerChunk(CHAT, "m1", 1, "msg_1", 5, 3, "lo"))
    assert pair.seen == "Hello"


@pytest.mark.parametrize(
    "void",
    [
        AnswerChunk(CHAT, "m1", 0, "msg_1", 5, 0, "x"),
        AnswerChunk(CHAT, "m0", 1, "msg_1", 5, 0, "x"),
        AnswerChunk(CHAT, "m1", 1, "msg_1", 3, 0, "x"),
        AnswerChunk(ChatId("chat_2"), "m1", 1, "msg_1", 5, 0, "x"),
    ],
    ids=["an older attempt", "another turn", "before the newest answer", "another chat"],
)
async def test_what_is_over_is_void(void):
    pair = Pair()
    said = HistoryItem("ai", "done", 4, "2026-01-01T00:00:00.000Z")
    intent = Intent(INTENT, "active", "t", "", "", messages=(said,))
    pair.state = replace(STATE, unfinished={INTENT: intent})
    pair.subscriber.request_followed()
    pair.subscriber.take(void)
    assert pair.seen is None


async def test_an_answer_is_no_longer_shown_once_it_is_whole_or_its_turn_is_over():
    pair = Pair()
    pair.say("Hello")
    pair.subscriber.request_followed()
    said = HistoryItem("ai", "Hello", 6, "2026-01-01T00:00:00.000Z")
    intent = Intent(INTENT, "active", "t", "", "", messages=(said,))
    pair.state = replace(STATE, position=6, unfinished={INTENT: intent})
    pair.subscriber.moved(CHAT, pair.state)
    assert pair.seen is None
    pair.say(" more", after=6)
    assert pair.seen == "Hello more"
    pair.state = replace(pair.state, turn=None)
    pair.subscriber.moved(CHAT, pair.state)
    assert pair.seen is None


async def test_nothing_is_sent_where_nobody_wants_it_any_more(monkeypatch):
    monkeypatch.setattr(answer_relay, "REQUEST_HOLDS_S", -1)
    pair = Pair()
    pair.say("Hel")
    pair.subscriber.request_followed()
    pair.say("lo")
    assert pair.seen is None
    await asyncio.sleep(0)


@given(st.text(max_size=5_000))
def test_pieces_are_small_and_make_the_whole(text):
    parts = list(chunks_of(AnswerChunk(CHAT, "m1", 1, "msg_1", 5, 7, text)))
    assert "".join(part.text for part in parts) == text
    assert [part.offset for part in parts] == [7 + n * CHUNK_CODE_POINTS for n in range(len(parts))]
    assert all(fits(part) for part in parts)


def test_the_largest_words_fit_sealed():
    longest = ChatId("c" * 64)
    worst = AnswerChunk(longest, "m" * 64, 2**31, "i" * 64, 2**40, 2**40, "\x01" * 5_000)
    assert all(map(fits, chunks_of(worst)))
    sockets = [Socket("s" * 64, "2026-01-01T00:00:00.000Z", [longest] * 200)] * 9
    assert all(map(fits, replies_to(SocketsQuery("a" * 64, None), "n" * 64, "o" * 64, sockets)))
    assert fits(SocketsQuery("a" * 64, "🙂" * 255))
    command = CancelTurn(
        user_chat_id=longest, user_id="🙂" * 255, now_ms=2**40, nonce="n" * 64, id="i" * 64
    )
    assert fits(message_of(command))


@given(st.lists(st.integers(0, 130), max_size=12))
def test_sockets_are_told_whole_in_words_that_fit(counts):
    sockets = [
        Socket(f"socket_{n}", "2026-01-01T00:00:00.000Z", [ChatId("c" * 64)] * count)
        for n, count in enumerate(counts)
    ]
    words = list(replies_to(SocketsQuery("a", None), "node", "owner", sockets))
    assert all(fits(word) for word in words)
    assert [word.is_last for word in words] == [False] * (len(words) - 1) + [True]
    told: dict[str, int] = {}
    for word in words:
        assert isinstance(word, SocketsReply)
        for one in word.sockets:
            told[one.socket_connection_id] = told.get(one.socket_connection_id, 0) + len(
                one.user_chat_ids
            )
    assert told == {f"socket_{n}": count for n, count in enumerate(counts)}


def test_a_command_comes_out_at_the_other_node_as_it_went_in():
    command = CancelTurn(user_chat_id=CHAT, user_id="u", now_ms=1, nonce="n", id="c1", turn="m1")
    assert command_of(decode(encode(message_of(command)))) == command
    send = SendMessage(user_chat_id=CHAT, user_id="u", now_ms=1, nonce="n", id="c1", content="x")
    assert command_of(message_of(send)) is None
    assert isinstance(decode(encode(AnswerRequest(CHAT, "m1", 1))), AnswerRequest)
    assert isinstance(message_of(command), ForwardCommand)
