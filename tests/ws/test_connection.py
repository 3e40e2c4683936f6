"""One connection between a fake wire and a fake service: answers, follows, limits, the clock."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from tests.ws.fakes import CHAT, USER, FakeFeed, FakeIdentities, Peer, command, settle, until

from chatstream.domain.commands import CancelTurn, OpenChat, SendMessage
from chatstream.errors import Refused
from chatstream.ids import ChatId
from chatstream.live.feed import Answer
from chatstream.protocol.event_frames import Frame
from chatstream.ws.admission import Credentials
from chatstream.ws.connection import UNANSWERED_AT_MOST
from chatstream.ws.writer import BEHIND_BYTES

OTHER = ChatId("chat_b")


async def joined(**settings) -> Peer:
    peer = Peer(**settings)
    await peer.hello()
    return peer


async def following(feed: FakeFeed, **open_fields) -> Peer:
    """A peer that has opened CHAT with this log."""
    peer = await joined()
    peer.service.has_chat(feed)
    await peer.say({"type": "open", "user_chat_id": CHAT, **open_fields})
    return peer


def outline(peer: Peer) -> list[object]:
    """Types of control frames and positions of events since ``welcome``."""
    return [f["position"] if f["type"] == "thinking" else f["type"] for f in peer.heard()[1:]]


# -- who it is -------------------------------------------------------------------------------


async def test_welcome_says_who_and_what():
    peer = Peer(max_content_bytes=10, max_frame_bytes=99, heartbeat_s=7)
    await peer.hello()
    (welcome,) = peer.heard()
    assert welcome["user_id"] == USER
    assert welcome["socket_connection_id"] == peer.connection.socket_connection_id
    assert welcome["limits"] == {"max_frame_bytes": 99, "max_content_bytes": 10}
    assert welcome["heartbeat_seconds"] == 7
    assert "token" not in welcome
    assert "token_expires_at" not in welcome


@pytest.mark.parametrize(
    ("token", "header", "cookie", "user"),
    [
        ("anna", "bert", "v_carl", "anna"),
        (None, "bert", "v_carl", "bert"),
        (None, None, "v_carl", "v_carl"),
    ],
)
async def test_the_token_of_hello_wins_then_the_header_then_the_cookie(token, header, cookie, user):
    peer = Peer(credentials=Credentials(header, cookie))
    await peer.hello(token)
    assert peer.connection.user_id == user


@pytest.mark.parametrize(
    ("token", "credentials", "code"),
    [
        ("bad", Credentials("bert"), 4401),
        (None, Credentials("bad", "v_carl"), 4401),
        (None, Credentials(None, "bad"), 4401),
        (None, Credentials(), 4401),
        ("down", Credentials(), 1012),
        (None, Credentials(None, "down"), 1012),
    ],
)
async def test_without_a_valid_identity_the_socket_is_closed(token, credentials, code):
    peer = Peer(credentials=credentials)
    await peer.hello(token)
    assert peer.close_code == code
    assert peer.heard() == []


@pytest.mark.parametrize("cookie", [None, "bad"])
async def test_where_visitors_are_welcome_who_has_nothing_becomes_one(cookie):
    identities = FakeIdentities()
    identities.anonymous_allowed = True
    peer = Peer(identities=identities, credentials=Credentials(None, cookie))
    await peer.hello(None)
    (welcome,) = peer.heard()
    assert (welcome["user_id"], welcome["token"]) == ("v_new", "v_new")


async def test_a_visitor_whose_token_grows_old_gets_a_fresh_one():
    identities = FakeIdentities()
    identities.renewal = "v_fresh"
    peer = Peer(identities=identities)
    await peer.hello("v_old")
    assert peer.heard()[0]["token"] == "v_fresh"


async def test_a_visitor_gets_a_fresh_token_by_auth_too():
    identities = FakeIdentities()
    peer = Peer(identities=identities)
    await peer.hello("v_old")
    identities.renewal = "v_old"  # a fresh one of the same user
    await peer.say({"type": "auth", "token": "v_old"})
    assert [f.get("token") for f in peer.heard()] == [None, "v_old"]


async def test_auth_of_the_same_user_is_welcomed():
    peer = await joined()
    await peer.say({"type": "auth", "token": USER})
    assert [f["type"] for f in peer.heard()] == ["welcome", "welcome"]


@pytest.mark.parametrize("token", ["mallory", "bad"])
async def test_auth_of_another_user_is_refused_and_the_old_one_stays(token):
    peer = await joined()
    await peer.say({"type": "auth", "token": token})
    (refused,) = peer.heard("rejected")
    assert (refused["code"], refused["id"]) == ("unauthenticated", None)
    await peer.say(command())
    assert peer.service.commands[0].user_id == USER


async def test_a_token_that_expires_closes_with_4401():
    identities = FakeIdentities()
    peer = Peer(identities=identities)
    identities.expires_at_ms = peer.connection.connected_at_ms + 60
    await peer.hello()
    assert peer.heard()[0]["token_expires_at"].endswith("Z")
    await until(lambda: peer.sink.closed)
    assert peer.close_code == 4401


async def test_auth_in_time_keeps_the_socket():
    identities = FakeIdentities()
    peer = Peer(identities=identities)
    identities.expires_at_ms = peer.connection.connected_at_ms + 400
    await peer.hello()
    identities.expires_at_ms = None
    await peer.say({"type": "auth", "token": USER})
    await asyncio.sleep(0.5)
    assert peer.close_code is None


async def test_tokens_do_not_show_in_a_representation():
    assert "secret" not in repr(Credentials("secret", "secret"))


# -- commands --------------------------------------------------------------------------------


async def test_a_command_is_submitted_with_who_where_and_when():
    peer = await joined()
    await peer.say(command("send", content="hi", new_intent=True))
    (sent,) = peer.service.commands
    assert isinstance(sent, SendMessage)
    assert (sent.id, sent.user_chat_id, sent.user_id) == ("i", CHAT, USER)
    assert (sent.content, sent.new_intent) == ("hi", True)
    assert sent.socket_connection_id == peer.connection.socket_connection_id
    assert sent.now_ms > 0
    assert len(sent.nonce) == 16


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("send", {"content": "a", "user_intent_id": "n"}),
        ("submit", {"component_id": "k", "values": {"a": 1}}),
        ("cancel", {"turn": "t"}),
        ("retry", {"message_id": "m"}),
        ("resume", {"user_intent_id": "n"}),
        ("abandon", {"user_intent_id": "n"}),
        ("close", {}),
    ],
)
async def test_every_command_frame_becomes_its_command(kind, fields):
    peer = await joined()
    await peer.say(command(kind, **fields))
    (sent,) = peer.service.commands
    for name, value in fields.items():
        assert getattr(sent, name) == value


async def test_the_ack_waits_for_the_service():
    peer = await joined()
    await peer.say(command())
    assert peer.heard("ack") == []
    peer.service.answer(position=9)
    await settle()
    assert peer.heard("ack") == [{"type": "ack", "id": "i", "user_chat_id": CHAT, "position": 9}]


async def test_a_repeat_is_acked_as_one():
    peer = await joined()
    await peer.say(command())
    peer.service.answer(duplicate=True)
    await settle()
    assert peer.heard("ack")[0]["duplicate"] is True


async def test_a_refused_command_is_rejected_with_its_details():
    peer = await joined()
    await peer.say(command())
    peer.service.refuse(Refused("invalid_form", "no", fields={"day": "is missing"}))
    await settle()
    assert peer.heard("rejected") == [
        {
            "type": "rejected",
            "id": "i",
            "user_chat_id": CHAT,
            "code": "invalid_form",
            "message": "no",
            "details": {"fields": {"day": "is missing"}},
        }
    ]


async def test_a_command_that_fails_unforeseen_is_unavailable_and_logged_without_content(caplog):
    peer = await joined()
    await peer.say(command("send", content="canary"))
    with caplog.at_level(logging.DEBUG):
        peer.service.refuse(RuntimeError("broken"))
        await settle()
    assert peer.heard("rejected")[0]["code"] == "unavailable"
    assert caplog.records[-1].socket_connection_id == peer.connection.socket_connection_id
    assert "canary" not in caplog.text


async def test_a_command_that_was_given_up_is_unavailable():
    peer = await joined()
    await peer.say(command())
    peer.service.futures[0].cancel()
    await settle()
    assert peer.heard("rejected")[0]["code"] == "unavailable"


async def test_too_many_unanswered_commands_are_overloaded():
    peer = await joined()
    for number in range(UNANSWERED_AT_MOST + 1):
        await peer.connection.receive(json.dumps(command(id=f"i{number}")))
    await settle()
    (refused,) = peer.heard("rejected")
    assert (refused["id"], refused["code"]) == (f"i{UNANSWERED_AT_MOST}", "overloaded")
    peer.service.answer()
    await settle()
    await peer.say(command(id="later"))
    assert len(peer.service.futures) == UNANSWERED_AT_MOST


async def test_the_rate_limit_answers_in_order_with_the_time_to_wait():
    peer = await joined(rate_limit=1)
    await peer.say(command(id="first"))
    await peer.say(command(id="second"))
    assert peer.heard()[1:] == []
    peer.service.answer()
    await settle()
    ack, refused = peer.heard()[1:]
    assert ack["id"] == "first"
    assert (refused["id"], refused["code"]) == ("second", "rate_limited")
    assert 0 < refused["retry_after"] <= 10


async def test_who_goes_on_after_a_rate_limited_is_closed_with_4429():
    peer = await joined(rate_limit=1)
    await peer.say(command())
    peer.service.answer()
    for _ in range(21):
        await peer.say(command())
    assert peer.close_code == 4429
    assert len(peer.heard("rejected")) == 21


async def test_answers_after_the_end_go_nowhere():
    peer = await joined()
    await peer.say(command())
    peer.connection.ended()
    peer.service.answer()
    await settle()
    assert len(peer.heard()) == 1


# -- open and follow -------------------------------------------------------------------------


async def test_opening_sends_the_past_caught_up_and_then_lives():
    feed = FakeFeed(3)
    peer = await following(feed, id="o")
    opened = peer.heard("opened")[0]
    assert (opened["id"], opened["created"], opened["position"], opened["from"]) == (
        "o",
        False,
        3,
        0,
    )
    assert (opened["intent"], opened["session"], opened["turn"]) == (None, None, None)
    feed.append()
    await settle()
    assert outline(peer) == ["opened", 1, 2, 3, "caught_up", 4]


async def test_open_without_an_id_makes_a_chat():
    peer = await joined()
    await peer.say({"type": "open"})
    (opened,) = peer.heard("opened")
    assert opened["created"] is True
    assert "id" not in opened
    assert peer.connection.user_chat_ids == [opened["user_chat_id"]]


async def test_commands_sent_right_after_open_come_after_it():
    peer = await joined()
    await peer.connection.receive('{"type":"open","user_chat_id":"chat_new"}')
    await peer.connection.receive(json.dumps(command(user_chat_id="chat_new")))
    assert [type(one) for one in peer.service.commands] == [OpenChat, CancelTurn]


async def test_anothers_chat_is_not_found():
    peer = Peer()
    peer.service.has_chat(FakeFeed(1))
    await peer.hello("mallory")
    await peer.say({"type": "open", "id": "o", "user_chat_id": CHAT})
    (refused,) = peer.heard("rejected")
    assert (refused["id"], refused["user_chat_id"], refused["code"]) == ("o", CHAT, "not_found")
    assert peer.connection.user_chat_ids == []


@pytest.mark.parametrize(
    ("fields", "turn_from", "start", "resync"),
    [
        ({}, 0, 0, None),
        ({"after": 4}, 0, 4, None),
        ({"after": 10}, 0, 10, None),
        ({"after": 11}, 0, 0, "unknown_position"),
        ({"after": 11, "last": 2}, 0, 8, "unknown_position"),
        ({"after": 4, "after_event": "evt_4"}, 0, 4, None),
        ({"after": 4, "after_event": "evt_5"}, 0, 0, "event_mismatch"),
        ({"after": 4, "after_event": "evt_5", "last": 1}, 0, 9, "event_mismatch"),
        ({"after": 0, "after_event": "evt_5"}, 0, 0, None),
        ({"last": 3}, 0, 7, None),
        ({"last": 0}, 0, 10, None),
        ({"last": 99}, 0, 0, None),
        ({"after": 4, "last": 3}, 0, 7, None),
        ({"after": 8, "last": 3}, 0, 8, None),
        ({"last": 0}, 6, 5, None),
        ({"last": 8}, 6, 2, None),
        ({"after": 8, "last": 0}, 6, 8, None),
    ],
)
async def test_where_an_open_begins(fields, turn_from, start, resync):
    peer = await joined()
    peer.service.has_chat(FakeFeed(10), turn_from=turn_from)
    await peer.say({"type": "open", "user_chat_id": CHAT, **fields})
    expected = [*(["resync"] if resync else []), "opened", *range(start + 1, 11), "caught_up"]
    assert outline(peer) == expected
    assert peer.heard("opened")[0]["from"] == start
    assert [f["reason"] for f in peer.heard("resync")] == ([resync] if resync else [])


async def test_opens_are_answered_in_the_order_sent():
    peer = await joined()
    peer.service.slow_opens = True
    for name in ("o1", "o2"):
        await peer.say({"type": "open", "id": name, "user_chat_id": f"chat_{name}"})
    first, second = peer.service.futures
    peer.service.futures.reverse()
    peer.service.commands.reverse()
    peer.service.open_slowly()
    await settle()
    assert second.done()
    assert peer.heard("opened") == []
    peer.service.commands.reverse()
    peer.service.open_slowly()
    await settle()
    assert first.done()
    assert [f["id"] for f in peer.heard("opened")] == ["o1", "o2"]


async def test_a_log_that_cannot_be_read_makes_an_open_unavailable():
    peer = await joined()
    feed = peer.service.has_chat(FakeFeed(5))
    feed.refusal = Refused("unavailable")
    await peer.say(
        {"type": "open", "id": "o", "user_chat_id": CHAT, "after": 2, "after_event": "e"}
    )
    assert [(f["id"], f["code"]) for f in peer.heard("rejected")] == [("o", "unavailable")]


async def test_a_feed_that_was_let_go_of_while_the_log_was_read_is_not_followed():
    peer = await joined()
    feed = peer.service.has_chat(FakeFeed(3))
    feed.held = asyncio.Event()
    await peer.say({"type": "open", "user_chat_id": CHAT, "after": 2, "after_event": "evt_2"})
    successor = peer.service.has_chat(FakeFeed(3))
    feed.held.set()
    await settle()
    successor.append()
    await settle()
    assert outline(peer) == ["opened", 3, "caught_up", 4]
    assert feed.listeners == []


async def test_open_again_moves_to_the_new_start_and_follows_once():
    feed = FakeFeed(3)
    peer = await following(feed, last=0)
    await peer.say({"type": "open", "user_chat_id": CHAT, "after": 1})
    feed.append()
    await settle()
    assert outline(peer) == ["opened", "caught_up", "opened", 2, 3, "caught_up", 4]
    assert len(feed.listeners) == 1


async def test_leave_stops_one_chat_and_no_other():
    feed, other = FakeFeed(1), FakeFeed(1)
    peer = await following(feed, last=0)
    peer.service.has_chat(other, OTHER)
    await peer.say({"type": "open", "user_chat_id": OTHER, "last": 0})
    await peer.say({"type": "leave", "user_chat_id": CHAT})
    await peer.say({"type": "leave", "user_chat_id": "chat_never"})
    before = len(peer.heard())
    feed.append()
    other.append()
    await settle()
    assert len(peer.heard()) == before + 1
    assert peer.connection.user_chat_ids == [OTHER]


async def test_leave_right_after_open_counts_after_it():
    peer = await joined()
    peer.service.has_chat(FakeFeed(1))
    peer.service.slow_opens = True
    await peer.say({"type": "open", "user_chat_id": CHAT})
    await peer.say({"type": "leave", "user_chat_id": CHAT})
    peer.service.open_slowly()
    await settle()
    assert len(peer.heard("opened")) == 1
    assert peer.connection.user_chat_ids == []


async def test_too_many_unanswered_opens_are_overloaded_and_leaves_cost_nothing():
    peer = await joined(chats_per_socket=0, new_chats_per_user=0)
    peer.service.slow_opens = True
    for _ in range(UNANSWERED_AT_MOST):
        await peer.connection.receive('{"type":"open"}')
    for _ in range(3):
        await peer.connection.receive('{"type":"leave","user_chat_id":"c"}')
    await peer.say({"type": "open", "id": "one-more"})
    assert [(f["id"], f["code"]) for f in peer.heard("rejected")] == [("one-more", "overloaded")]
    peer.connection.ended()
    await settle()


async def test_deltas_leave_on_the_tick():
    feed = FakeFeed(1)
    peer = await following(feed)
    feed.stream(Answer("m", "Hel", after=1))
    await settle()
    feed.stream(Answer("m", "Hello", after=1))
    await settle()
    assert [(f["offset"], f["text"]) for f in peer.heard("delta")] == [(0, "Hel"), (3, "lo")]


async def test_a_gap_in_the_log_closes_the_socket_and_is_logged(caplog):
    feed = FakeFeed(3)
    feed.log[1] = Frame(3, b"{}")
    peer = await following(feed)
    assert peer.close_code == 1011
    assert caplog.records[-1].socket_connection_id == peer.connection.socket_connection_id


# -- writing ---------------------------------------------------------------------------------


async def test_all_that_is_ready_leaves_in_one_write():
    feed = FakeFeed(0)
    peer = await following(feed)
    before = peer.sink.writes
    await peer.connection.receive(json.dumps(command()))
    peer.service.answer()
    feed.append(20)
    feed.append(1)
    await settle()
    assert peer.sink.writes == before + 1
    assert outline(peer)[-22:] == ["ack", *range(1, 22)]


async def test_with_batch_it_is_also_one_message():
    peer = Peer()
    peer.service.has_chat(FakeFeed(20))
    await peer.hello(batch=True)
    await peer.say({"type": "open", "user_chat_id": CHAT})
    assert [type(json.loads(one)) for one in peer.sink.messages] == [dict, list]


async def test_a_chat_with_much_to_send_does_not_starve_the_others():
    peer = await joined()
    big, small = FakeFeed(0), FakeFeed(0)
    for feed, chat_id in ((big, CHAT), (small, OTHER)):
        peer.service.has_chat(feed, chat_id)
        await peer.say({"type": "open", "user_chat_id": chat_id})
    big.append(40, size=10_000)
    small.append(1)
    await settle()
    contents = [len(one["content"]) for one in peer.heard("thinking")]
    assert contents.index(0) <= 14, "after one round of the other chat at the latest"


async def test_a_peer_that_does_not_read_is_sent_no_more_than_it_takes_and_then_everything():
    feed = FakeFeed(0)
    peer = await following(feed)
    peer.sink.stalled = True
    feed.append(100, size=10_000)
    await settle()
    assert peer.sink.buffered_bytes < 2 * 64 * 1024 + 20_000
    peer.sink.stalled = False
    peer.sink.drain()
    await settle()
    assert [f["position"] for f in peer.heard("thinking")] == list(range(1, 101))


async def test_a_reader_behind_the_ring_gets_pages_of_the_log_one_at_a_time():
    feed = FakeFeed(600, ring=10)
    peer = await following(feed)
    await until(lambda: len(peer.heard("thinking")) == 600)
    assert outline(peer) == ["opened", *range(1, 601), "caught_up"]
    assert len(feed.reads) > 1


async def test_while_a_peer_does_not_read_no_page_is_fetched_for_it():
    peer = await joined()
    feeds = [FakeFeed(600, ring=1) for _ in range(5)]
    peer.sink.high_water_bytes = 100
    peer.sink.stalled = True
    for number, feed in enumerate(feeds):
        peer.service.has_chat(feed, ChatId(f"chat_{number}"))
        await peer.say({"type": "open", "user_chat_id": f"chat_{number}"})
    await settle()
    assert sum(len(feed.reads) for feed in feeds) <= 1
    peer.sink.stalled = False
    peer.sink.drain()
    await until(lambda: len(peer.heard("caught_up")) == 5)


async def test_a_log_that_is_down_is_read_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatstream.ws.writer.LOG_RETRY_SECONDS", 0.01)
    peer = await joined()
    feed = peer.service.has_chat(FakeFeed(9, ring=1))
    feed.refusal = Refused("unavailable")
    await peer.say({"type": "open", "user_chat_id": CHAT})
    await until(lambda: len(feed.reads) > 2)
    await peer.say({"type": "ping"})
    assert len(peer.heard("pong")) == 1, "the rest of the socket lives on"
    feed.refusal = None
    await until(lambda: peer.heard("caught_up"))
    assert [f["position"] for f in peer.heard("thinking")] == list(range(1, 10))


async def test_a_read_that_fails_unforeseen_closes_the_socket():
    peer = await joined()
    feed = peer.service.has_chat(FakeFeed(9, ring=1))
    feed.refusal = RuntimeError("broken")
    await peer.say({"type": "open", "user_chat_id": CHAT})
    assert peer.close_code == 1011


async def test_who_leaves_while_a_page_is_read_gets_none_of_it():
    peer = await joined()
    feed = peer.service.has_chat(FakeFeed(9, ring=1))
    feed.held = asyncio.Event()
    await peer.say({"type": "open", "user_chat_id": CHAT})
    assert feed.reads == [0]
    await peer.say({"type": "leave", "user_chat_id": CHAT})
    feed.held.set()
    await settle()
    assert outline(peer) == ["opened"]


async def fill(peer: Peer) -> None:
    """Ask for answers that nobody reads until there are too many."""
    while not peer.connection.is_behind:
        await peer.say({"type": "ping", "nonce": "n" * 8_000})


async def test_a_peer_that_sends_and_does_not_read_is_behind_until_it_does():
    peer = await joined()
    peer.sink.stalled = True
    await fill(peer)
    assert peer.sink.buffered_bytes + BEHIND_BYTES < 1024 * 1024
    waiting = asyncio.create_task(peer.connection.caught_up())
    await settle()
    assert not waiting.done()
    peer.sink.stalled = False
    peer.sink.drain()
    await asyncio.wait_for(waiting, 1)


async def test_who_waits_for_a_peer_that_goes_waits_no_longer():
    peer = await joined()
    peer.sink.stalled = True
    await fill(peer)
    waiting = asyncio.create_task(peer.connection.caught_up())
    await settle()
    peer.connection.ended()
    await asyncio.wait_for(waiting, 1)


# -- time ------------------------------------------------------------------------------------


async def test_no_hello_in_time_closes_with_4400():
    peer = Peer(hello_timeout_s=0.02)
    await until(lambda: peer.sink.closed)
    assert peer.close_code == 4400


async def test_silence_is_broken_by_heartbeats():
    peer = Peer(heartbeat_s=0.03)
    await peer.hello()
    await until(lambda: len(peer.heard("heartbeat")) >= 3)
    peer.connection.ended()


async def test_before_welcome_there_are_no_heartbeats():
    peer = Peer(heartbeat_s=0.01, hello_timeout_s=0.1)
    await until(lambda: peer.sink.closed)
    assert peer.heard() == []


async def test_who_hears_something_needs_no_heartbeat():
    peer = Peer(heartbeat_s=0.5)
    await peer.hello()
    for _ in range(15):
        await asyncio.sleep(0.05)
        await peer.say({"type": "ping"})
    assert peer.heard("heartbeat") == []
    peer.connection.ended()


async def test_an_idle_socket_is_closed_with_4410():
    peer = Peer(idle_disconnect_s=0.05)
    await peer.hello()
    await until(lambda: peer.sink.closed)
    assert peer.close_code == 4410


async def test_a_running_turn_in_a_followed_chat_keeps_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatstream.protocol.socket_protocol._LOOK_AGAIN_SECONDS", 0.02)
    peer = Peer(idle_disconnect_s=0.05)
    feed = peer.service.has_chat(FakeFeed(1))
    feed.turn_running = True
    await peer.hello()
    await peer.say({"type": "open", "user_chat_id": CHAT})
    await asyncio.sleep(0.2)
    assert peer.close_code is None
    feed.turn_running = False
    await until(lambda: peer.sink.closed)
    assert peer.close_code == 4410


async def test_a_peer_that_reads_nothing_is_closed_with_4408():
    peer = Peer(slow_reader_s=0.08)
    await peer.hello()
    peer.sink.stalled = True
    await peer.say({"type": "ping"})
    await until(lambda: peer.sink.closed)
    assert peer.close_code == 4408


async def test_a_peer_that_reads_slowly_is_kept():
    peer = Peer(slow_reader_s=0.6)
    await peer.hello()
    peer.sink.stalled = True
    await peer.say({"type": "ping", "nonce": "n" * 1000})
    for _ in range(10):
        await asyncio.sleep(0.1)
        peer.sink.drain(10)
    assert peer.close_code is None
    peer.connection.ended()


async def test_no_heartbeats_pile_up_for_a_peer_that_does_not_read():
    peer = Peer(heartbeat_s=0.01)
    await peer.hello()
    peer.sink.stalled = True
    peer.sink.high_water_bytes = 0
    await peer.say({"type": "ping"})
    await asyncio.sleep(0.1)
    peer.sink.stalled = False
    peer.sink.drain()
    await settle()
    assert len(peer.heard("heartbeat")) <= 1
    peer.connection.ended()


# -- the end ---------------------------------------------------------------------------------


async def test_drain_is_said_before_the_close():
    peer = await joined()
    peer.connection.say_drain(700)
    peer.connection.close(1012, "the server is going away")
    assert peer.heard("drain") == [{"type": "drain", "retry_after_ms": 700}]
    assert peer.close_code == 1012


async def test_after_a_close_nothing_more_is_sent_or_taken():
    feed = FakeFeed(1)
    peer = await following(feed)
    peer.connection.close(1012, "over")
    peer.connection.close(4408, "twice")
    feed.append()
    await peer.say(command())
    assert peer.service.commands[1:] == []
    assert feed.listeners == []
    assert peer.close_code == 1012


async def test_an_open_that_is_answered_after_the_end_follows_nothing():
    peer = await joined()
    feed = peer.service.has_chat(FakeFeed(1))
    peer.service.slow_opens = True
    await peer.say({"type": "open", "user_chat_id": CHAT})
    peer.connection.close(1012, "over")
    peer.service.open_slowly()
    await settle()
    assert feed.listeners == []


async def test_an_abort_cuts_at_once():
    peer = await joined()
    peer.connection.abort()
    assert peer.sink.aborted
