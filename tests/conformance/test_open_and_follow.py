"""Sections 2 (G4, G5), 4 and 5: `open`, where following starts, `leave`, `ping`, heartbeats."""

from __future__ import annotations

import asyncio

import pytest
from tests.conformance.conftest import MakePerson
from tests.kit.laws import TIMESTAMP
from tests.kit.server import Server
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Socket, Talk, of_type, outline


async def long_talk(talk: Talk, turns: int = 5) -> int:
    """Say something a few times; the newest position."""
    for number in range(turns):
        await talk.say(f"echo {number}")
    return talk.log()[-1]["position"]


async def test_open_without_a_chat_makes_one(person: Person):
    socket = await person.join()
    opened, events, caught_up = await socket.read_chat()
    assert opened["created"] is True
    assert (opened["position"], opened["from"]) == (1, 0)
    assert opened["status"] == "open"
    assert opened["intent"] is None
    assert opened["session"] is None
    assert opened["turn"] is None
    assert opened["resumable"] == []
    assert outline(events) == ["chat opened"]
    assert events[0]["position"] == caught_up["position"] == 1


async def test_the_three_frames_of_a_new_chat_come_in_order(person: Person):
    socket = await person.join()
    await socket.read_chat()
    assert [f["type"] for f in socket.frames[1:]] == ["opened", "chat", "caught_up"]


async def test_open_with_an_unknown_id_makes_that_chat(person: Person):
    socket = await person.join()
    chosen = new_id("mine")
    opened, _, _ = await socket.read_chat(user_chat_id=chosen)
    assert (opened["user_chat_id"], opened["created"]) == (chosen, True)
    again, events, _ = await (await person.join()).read_chat(user_chat_id=chosen)
    assert again["created"] is False
    assert outline(events) == ["chat opened"]


async def test_two_sockets_that_make_one_chat_at_once_make_one(person: Person):
    sockets = [await person.join() for _ in range(4)]
    chosen = new_id("mine")
    answers = await asyncio.gather(*(s.read_chat(user_chat_id=chosen) for s in sockets))
    assert sorted(opened["created"] for opened, _, _ in answers) == [False, False, False, True]
    assert {tuple(f.text for f in events) for _, events, _ in answers} == {
        tuple(f.text for f in answers[0][1])
    }


async def test_another_users_chat_is_not_found(talk: Talk, stranger: Person):
    socket = await stranger.join()
    await socket.post({"type": "open", "id": "mark", "user_chat_id": talk.chat})
    rejected = await socket.until(of_type("rejected"))
    assert (rejected["id"], rejected["code"]) == ("mark", "not_found")
    assert rejected["user_chat_id"] == talk.chat
    await talk.say("echo private")
    await socket.settle()
    assert socket.events(talk.chat) == []


async def test_the_id_of_open_only_marks_its_answer(person: Person, talk: Talk):
    socket = await person.join()
    for _ in range(2):
        await socket.post({"type": "open", "id": "same", "user_chat_id": talk.chat})
    await socket.post({"type": "open", "user_chat_id": talk.chat})
    await socket.until(lambda f: f["type"] == "opened" and "id" not in f)
    answers = [f for f in socket.frames if f["type"] == "opened"]
    assert [f.get("id") for f in answers] == ["same", "same", None]
    assert "id" not in answers[2]


async def test_opens_are_answered_in_the_order_sent(person: Person):
    socket = await person.join()
    chats = [new_id("c") for _ in range(8)]
    for chat in chats:
        await socket.post({"type": "open", "user_chat_id": chat})
    await socket.until(of_type("caught_up", user_chat_id=chats[-1]))
    assert [f["user_chat_id"] for f in socket.frames if f["type"] == "opened"] == chats


async def test_one_socket_follows_many_chats(person: Person):
    socket = await person.join()
    talks = [await person.talk(socket=socket) for _ in range(5)]
    logs = await asyncio.gather(*(talk.say(f"echo {talk.chat}") for talk in talks))
    for talk, log in zip(talks, logs, strict=True):
        assert log[-2]["content"] == talk.chat


@pytest.mark.parametrize("after", [1, 2, 7])
async def test_after_is_the_position_before_the_first_event(person: Person, talk: Talk, after: int):
    newest = await long_talk(talk)
    opened, events, caught_up = await (await person.join()).read_chat(
        user_chat_id=talk.chat, after=after
    )
    assert opened["from"] == after
    assert opened["position"] == newest
    assert [f["position"] for f in events] == list(range(after + 1, newest + 1))
    assert caught_up["position"] == newest


async def test_after_the_newest_brings_nothing_but_what_is_to_come(person: Person, talk: Talk):
    newest = await long_talk(talk, 1)
    other = await person.join()
    opened, events, caught_up = await other.read_chat(user_chat_id=talk.chat, after=newest)
    assert (opened["from"], events, caught_up["position"]) == (newest, [], newest)
    await talk.say("echo live")
    live = await other.until(of_type("response", content="live"))
    assert live["position"] > newest


async def test_what_is_old_can_still_be_asked_for(person: Person, talk: Talk):
    newest = await long_talk(talk, 60)
    _, events, _ = await (await person.join()).read_chat(user_chat_id=talk.chat, after=1)
    assert len(events) == newest - 1


async def test_after_beyond_the_newest_is_a_resync_from_the_beginning(person: Person, talk: Talk):
    newest = await long_talk(talk, 1)
    socket = await person.join()
    opened, events, _ = await socket.read_chat(user_chat_id=talk.chat, after=newest + 1)
    assert [f["type"] for f in socket.frames[1:3]] == ["resync", "opened"]
    assert socket.frames[1]["reason"] == "unknown_position"
    assert socket.frames[1]["user_chat_id"] == talk.chat
    assert opened["from"] == 0
    assert len(events) == newest


async def test_the_largest_integer_is_still_a_position(person: Person, talk: Talk):
    socket = await person.join()
    await socket.read_chat(user_chat_id=talk.chat, after=2**53 - 1)
    assert socket.frames[1]["reason"] == "unknown_position"


@pytest.mark.parametrize("field", ["after", "last"])
@pytest.mark.parametrize("bad", [-1, 2**53, 2**63, 10**400, 1.5, "1", [], True])
async def test_a_number_out_of_range_is_an_invalid_frame(talk: Talk, field: str, bad: object):
    socket = await talk.person.join()
    await socket.post({"type": "open", "id": "m", "user_chat_id": talk.chat, field: bad})
    rejected = await socket.until(of_type("rejected"))
    assert (rejected["id"], rejected["code"]) == ("m", "invalid_frame")


async def test_the_right_after_event_is_taken(person: Person, talk: Talk):
    newest = await long_talk(talk, 2)
    held = talk.log()[2]
    socket = await person.join()
    opened, events, _ = await socket.read_chat(
        user_chat_id=talk.chat, after=held["position"], after_event=held["event_id"]
    )
    assert opened["from"] == 3
    assert len(events) == newest - 3
    assert not any(f["type"] == "resync" for f in socket.frames)


async def test_a_wrong_after_event_is_a_resync(person: Person, talk: Talk):
    newest = await long_talk(talk, 2)
    socket = await person.join()
    opened, events, _ = await socket.read_chat(
        user_chat_id=talk.chat, after=3, after_event=talk.log()[3]["event_id"]
    )
    assert socket.frames[1]["type"] == "resync"
    assert socket.frames[1]["reason"] == "event_mismatch"
    assert opened["from"] == 0
    assert len(events) == newest


async def test_another_chats_event_is_a_resync(person: Person, talk: Talk):
    await long_talk(talk, 1)
    other = await person.talk()
    await long_talk(other, 1)
    socket = await person.join()
    await socket.read_chat(user_chat_id=talk.chat, after=3, after_event=other.log()[2]["event_id"])
    assert socket.frames[1]["reason"] == "event_mismatch"


async def test_after_event_is_ignored_where_after_is_0(person: Person, talk: Talk):
    socket = await person.join()
    opened, _, _ = await socket.read_chat(
        user_chat_id=talk.chat, after=0, after_event=new_id("evt")
    )
    assert opened["from"] == 0
    assert not any(f["type"] == "resync" for f in socket.frames)


async def test_a_resync_with_last_begins_where_last_begins(person: Person, talk: Talk):
    newest = await long_talk(talk)
    opened, events, _ = await (await person.join()).read_chat(
        user_chat_id=talk.chat, after=newest + 5, last=4
    )
    assert opened["from"] == newest - 4
    assert len(events) == 4


async def test_last_is_the_newest_so_many(person: Person, talk: Talk):
    newest = await long_talk(talk)
    opened, events, _ = await (await person.join()).read_chat(user_chat_id=talk.chat, last=4)
    assert opened["from"] == newest - 4
    assert [f["position"] for f in events] == list(range(newest - 3, newest + 1))


async def test_last_beyond_all_is_all(person: Person, talk: Talk):
    newest = await long_talk(talk, 1)
    opened, events, _ = await (await person.join()).read_chat(user_chat_id=talk.chat, last=999)
    assert (opened["from"], len(events)) == (0, newest)


async def test_last_0_is_live_only(person: Person, talk: Talk):
    newest = await long_talk(talk, 1)
    other = await person.join()
    opened, events, _ = await other.read_chat(user_chat_id=talk.chat, last=0)
    assert (opened["from"], events) == (newest, [])
    await talk.say("echo live")
    await other.until(of_type("response", content="live"))


@pytest.mark.parametrize(("after", "last", "expected"), [(10, 999, 10), (2, 3, -3), (0, 2, -2)])
async def test_of_after_and_last_the_later_start_counts(
    person: Person, talk: Talk, after: int, last: int, expected: int
):
    newest = await long_talk(talk)
    opened, _, _ = await (await person.join()).read_chat(
        user_chat_id=talk.chat, after=after, last=last
    )
    assert opened["from"] == (expected if expected > 0 else newest + expected)


@pytest.mark.parametrize("last", [0, 1])
async def test_last_never_starts_later_than_the_running_turn(person: Person, talk: Talk, last: int):
    await long_talk(talk, 2)
    gate = new_id("gate")
    ack = await talk.send(f"think a ; think b ; think c ; think d ; wait {gate} ; echo x")
    await talk.event("thinking", step="d")
    _, events, _ = await (await person.join()).read_chat(user_chat_id=talk.chat, last=last)
    begun = next(f for f in talk.log() if f.get("caused_by") == ack["id"])
    assert events[0]["position"] <= begun["position"]
    talk.person.server.open_gate(gate)
    await talk.end(ack["id"])


async def test_last_never_starts_later_than_the_message_that_had_to_wait_for_the_running_turn(
    person: Person, talk: Talk
):
    first, second = new_id("gate"), new_id("gate")
    ahead = await talk.send(f"think a ; wait {first} ; echo x")
    waiting = await talk.send(f"think b ; wait {second} ; echo y")
    talk.person.server.open_gate(first)
    await talk.end(ahead["id"])
    await talk.event("thinking", step="b")
    opened, events, _ = await (await person.join()).read_chat(user_chat_id=talk.chat, last=0)
    assert opened["turn"] == {"message_id": waiting["id"], "attempt": 1}
    assert events[0]["message_id"] == waiting["id"]
    talk.person.server.open_gate(second)
    await talk.end(waiting["id"])


async def test_open_again_moves_to_the_new_start(talk: Talk):
    newest = await long_talk(talk, 2)
    _, tail, _ = await talk.socket.read_chat(user_chat_id=talk.chat, after=newest - 2)
    assert [f["position"] for f in tail] == [newest - 1, newest]
    _, whole, _ = await talk.socket.read_chat(user_chat_id=talk.chat)
    assert len(whole) == newest
    before = len(talk.socket.frames)
    await talk.say("echo once")
    responses = [f for f in talk.socket.frames[before:] if f["type"] == "response"]
    assert len(responses) == 1, "a chat that is opened twice is followed once"


async def test_caught_up_stands_between_the_past_and_the_present(person: Person, talk: Talk):
    newest = await long_talk(talk, 2)
    socket = await person.join()
    _, _, caught_up = await socket.read_chat(user_chat_id=talk.chat)
    assert caught_up["position"] == newest
    await talk.say("echo later")
    await socket.until(of_type("response", content="later"))
    seams = [f for f in socket.frames if f["type"] == "caught_up"]
    assert len(seams) == 1


async def test_following_while_others_write_leaves_no_gap(person: Person, talk: Talk):
    async def write() -> None:
        for number in range(25):
            await talk.send(f"echo {number}")

    async def follow() -> Socket:
        socket = await person.join()
        await socket.read_chat(user_chat_id=talk.chat)
        return socket

    _, *followers = await asyncio.gather(write(), *(follow() for _ in range(5)))
    await talk.socket.until(of_type("response", content="24"))
    for socket in followers:
        await socket.until(of_type("response", content="24"))
        positions = [f["position"] for f in socket.events(talk.chat)]
        assert positions == list(range(1, len(positions) + 1))


async def test_opened_is_at_least_as_new_as_every_ack(person: Person, talk: Talk):
    other = await person.join()
    for number in range(15):
        ack = await talk.send(f"echo {number}")
        opened = await other.opened(user_chat_id=talk.chat, last=0)
        assert opened["position"] >= ack["position"]


async def test_opened_shows_the_active_intent_and_its_session(person: Person, talk: Talk):
    script = 'recognise book_flight 0.9 ; slots {"to":"Oslo"} ; ask Which day?'
    frames = await talk.say(script)
    opened = await (await person.join()).opened(user_chat_id=talk.chat)
    intent, session = opened["intent"], opened["session"]
    first = next(f for f in frames if f["type"] == "intent")
    assert intent["user_intent_id"] == first["user_intent_id"]
    assert intent["status"] == "active"
    assert intent["name"] == "book_flight"
    assert intent["slots"] == {"to": "Oslo"}
    assert intent["question"]["text"] == "Which day?"
    assert intent["title"] == script[:80]
    assert intent["session_id"] == first["session_id"] == session["session_id"]
    assert TIMESTAMP.fullmatch(intent["created_at"])
    assert TIMESTAMP.fullmatch(intent["last_activity_at"])
    assert TIMESTAMP.fullmatch(session["expires_at"])
    assert isinstance(session["status"], str)
    assert opened["turn"] is None


async def test_opened_shows_the_most_recent_intent_where_none_is_active(person: Person, talk: Talk):
    frames = await talk.say("complete done")
    opened = await (await person.join()).opened(user_chat_id=talk.chat)
    assert opened["intent"]["user_intent_id"] == frames[0]["user_intent_id"]
    assert opened["intent"]["status"] == "complete"
    assert opened["session"] is None


async def test_opened_shows_the_running_turn(person: Person, talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"wait {gate} ; echo x")
    opened = await (await person.join()).opened(user_chat_id=talk.chat)
    assert opened["turn"] == {"message_id": ack["id"], "attempt": 1}
    person.server.open_gate(gate)
    await talk.end(ack["id"])
    assert (await (await person.join()).opened(user_chat_id=talk.chat))["turn"] is None


async def test_leave_stops_the_frames_of_that_chat_and_no_others(person: Person, talk: Talk):
    watcher = await person.join()
    await watcher.read_chat(user_chat_id=talk.chat)
    other = await person.talk(socket=watcher)
    await watcher.post({"type": "leave", "user_chat_id": talk.chat})
    await watcher.settle()
    before = len(watcher.frames)
    await talk.say("echo unseen")
    await other.say("echo seen")
    await watcher.settle()
    since = watcher.frames[before:]
    assert not [f for f in since if f.get("user_chat_id") == talk.chat]


async def test_leave_is_not_answered(talk: Talk):
    before = len(talk.socket.frames)
    await talk.socket.post({"type": "leave", "user_chat_id": talk.chat})
    await talk.socket.post({"type": "leave", "user_chat_id": new_id("never")})
    await talk.socket.settle()
    assert [f["type"] for f in talk.socket.frames[before:]] == ["pong"]


async def test_commands_need_no_open_and_bring_only_their_ack(person: Person, talk: Talk):
    socket = await person.join()
    ack = await socket.ask(
        {"type": "send", "id": new_id(), "user_chat_id": talk.chat, "content": "echo hi"}
    )
    assert ack["type"] == "ack"
    await talk.end(ack["id"])
    await socket.settle()
    assert [f["type"] for f in socket.frames] == ["welcome", "ack", "pong"]


async def test_a_pong_has_the_nonce_of_its_ping(person: Person):
    socket = await person.join()
    await socket.post({"type": "ping", "nonce": "abc"})
    await socket.post({"type": "ping"})
    await socket.settle()
    first, second, _ = [f for f in socket.frames if f["type"] == "pong"]
    assert first["nonce"] == "abc"
    assert "nonce" not in second


async def test_a_heartbeat_follows_so_much_silence(brisk: Server, people: MakePerson):
    socket = await people(brisk).join()
    first = await socket.index_of(of_type("heartbeat"))
    second = await socket.index_of(of_type("heartbeat"), first + 1)
    assert socket.frames[first] == {"type": "heartbeat"}
    assert socket.arrivals[first] - socket.arrivals[first - 1] >= 0.3
    assert socket.arrivals[second] - socket.arrivals[first] >= 0.3


async def test_a_mismatch_with_last_begins_where_last_begins(person: Person, talk: Talk):
    newest = await long_talk(talk)
    socket = await person.join()
    opened, events, _ = await socket.read_chat(
        user_chat_id=talk.chat, after=5, after_event=new_id("evt"), last=3
    )
    assert socket.frames[1]["reason"] == "event_mismatch"
    assert (opened["from"], len(events)) == (newest - 3, 3)


async def test_two_users_who_want_one_new_id_at_once_get_it_once(person: Person, stranger: Person):
    chosen = new_id("ours")
    sockets = [await p.join() for p in (person, stranger) for _ in range(3)]
    for socket in sockets:
        await socket.post({"type": "open", "id": "o", "user_chat_id": chosen})
    answers = [
        await s.until(lambda f: f["type"] in ("opened", "rejected") and f["id"] == "o")
        for s in sockets
    ]
    kinds = [a["type"] for a in answers]
    assert kinds in (["opened"] * 3 + ["rejected"] * 3, ["rejected"] * 3 + ["opened"] * 3)
    assert sum(a.get("created", False) for a in answers) == 1
    assert {a["code"] for a in answers if a["type"] == "rejected"} == {"not_found"}


async def test_very_many_chats_can_be_opened_at_once(person: Person):
    socket = await person.join()
    for _ in range(80):
        await socket.post({"type": "open"})
    for _ in range(2):
        await socket.settle()
    await socket.until(lambda _: sum(f["type"] == "caught_up" for f in socket.frames) == 80)
    opened = [f["user_chat_id"] for f in socket.frames if f["type"] == "opened"]
    assert len(set(opened)) == 80


async def test_opened_shows_the_living_session_of_an_abandoned_intent(person: Person, talk: Talk):
    frames = await talk.say("ask a")
    await talk.do("abandon", user_intent_id=frames[0]["user_intent_id"])
    opened = await (await person.join()).opened(user_chat_id=talk.chat)
    assert opened["intent"]["status"] == "abandoned"
    assert opened["session"]["session_id"] == frames[0]["session_id"]


async def test_an_open_while_text_streams_is_followed_by_what_is_to_come(
    person: Person, talk: Talk
):
    gate = new_id("gate")
    ack = await talk.send(f"piece Hello ; wait {gate} ; piece World ; answer complete")
    await talk.socket.until(of_type("delta"))
    others = [await person.talk(talk.chat) for _ in range(3)]
    person.server.open_gate(gate)
    await talk.end(ack["id"])
    for other in others:
        await other.end(ack["id"])
        assert outline(other.log()) == outline(talk.log())


async def test_ids_that_differ_in_case_are_two_chats(person: Person):
    socket = await person.join()
    chosen = new_id("abc")
    for chat in (chosen, chosen.upper()):
        assert (await socket.opened(user_chat_id=chat))["created"] is True


async def test_a_long_chat_does_not_change_the_order_of_answers(person: Person, talk: Talk):
    await talk.say("burst 1500")
    socket = await person.join()
    for number in range(5):
        await socket.post({"type": "open", "id": f"long{number}", "user_chat_id": talk.chat})
        await socket.post({"type": "open", "id": f"new{number}"})
    await socket.until(of_type("opened", id="new4"))
    answers = [f["id"] for f in socket.frames if f["type"] == "opened"]
    assert answers == [f"{kind}{n}" for n in range(5) for kind in ("long", "new")]


async def test_forty_readers_of_one_chat_get_all_of_it(person: Person, talk: Talk):
    sockets = [await person.join(batch=n % 2 == 0) for n in range(40)]
    await asyncio.gather(*(socket.read_chat(user_chat_id=talk.chat) for socket in sockets))
    frames = await talk.say("burst 100 ; stream 5 0.02 ; complete done")
    newest = frames[-1]["position"]
    for socket in sockets:
        await socket.until(lambda f: f.is_event and f["position"] == newest)
        assert [f.text for f in socket.events(talk.chat)] == [f.text for f in talk.log()]
