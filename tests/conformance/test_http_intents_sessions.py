"""Section 9: lists of intents and sessions, their filters, and clearing sessions."""

from __future__ import annotations

import asyncio

from tests.conformance.test_http_chats import problem
from tests.kit.laws import TIMESTAMP
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, of_type, outline


async def intents(person: Person, **filters) -> list[dict]:
    return (await person.get("/intents", **filters))["items"]


async def sessions(person: Person, **filters) -> list[dict]:
    return (await person.get("/sessions", **filters))["items"]


async def test_an_intent_is_shown_with_its_chat(talk: Talk):
    frames = await talk.say('recognise book 0.5 ; slots {"to":"Oslo"} ; ask Which day?')
    (intent,) = await intents(talk.person)
    assert intent["user_chat_id"] == talk.chat
    assert intent["user_intent_id"] == frames[0]["user_intent_id"]
    assert (intent["status"], intent["name"]) == ("active", "book")
    assert intent["slots"] == {"to": "Oslo"}
    assert intent["question"] == {"text": "Which day?"}
    assert TIMESTAMP.fullmatch(intent["created_at"])
    assert TIMESTAMP.fullmatch(intent["last_activity_at"])
    state = (await talk.state())["intent"]
    assert {k: v for k, v in intent.items() if k != "user_chat_id"} == state


async def test_intents_of_all_my_chats_are_listed_newest_activity_first(person: Person):
    talks = [await person.talk() for _ in range(3)]
    for talk in [talks[2], talks[0], talks[1]]:
        await talk.say("ask a")
        await asyncio.sleep(0.005)
    shown = await intents(person)
    assert [i["user_chat_id"] for i in shown] == [talks[n].chat for n in (1, 0, 2)]


async def test_intents_are_filtered(person: Person):
    talk, other = await person.talk(), await person.talk()
    await talk.say("recognise book 0.5 ; complete a")
    await talk.say("recognise cancel 0.5 ; ask a")
    gone = (await other.say("recognise book 0.5 ; give_up cannot"))[0]["user_intent_id"]
    assert len(await intents(person)) == 3
    assert [i["name"] for i in await intents(person, status="complete")] == ["book"]
    assert [i["name"] for i in await intents(person, status="active")] == ["cancel"]
    assert [i["user_intent_id"] for i in await intents(person, status="abandoned")] == [gone]
    assert len(await intents(person, name="book")) == 2
    assert len(await intents(person, user_chat_id=talk.chat)) == 2
    assert len(await intents(person, name="book", user_chat_id=talk.chat)) == 1
    assert await intents(person, name="unknown") == []
    assert await intents(person, user_chat_id=new_id("chat")) == []


async def test_intents_are_filtered_by_the_time_of_their_last_activity(talk: Talk):
    await talk.say("complete a")
    await asyncio.sleep(0.01)
    await talk.say("complete b")
    newer, older = await intents(talk.person)
    assert newer["last_activity_at"] > older["last_activity_at"]
    since = await intents(talk.person, since=newer["last_activity_at"])
    assert [i["user_intent_id"] for i in since] == [newer["user_intent_id"]]
    until = await intents(talk.person, until=older["last_activity_at"])
    assert {i["user_intent_id"] for i in until} <= {older["user_intent_id"]}
    assert await intents(talk.person, since="2099-01-01T00:00:00.000Z") == []
    assert await intents(talk.person, until="2001-01-01T00:00:00.000Z") == []


async def test_intents_come_in_pages(talk: Talk):
    made = [(await talk.say("complete a"))[0]["user_intent_id"] for _ in range(5)]
    first = await talk.person.get("/intents", limit=3)
    second = await talk.person.get("/intents", limit=3, cursor=first["next"])
    shown = [i["user_intent_id"] for i in first["items"] + second["items"]]
    assert shown == made[::-1]
    assert second["next"] is None


async def test_another_users_intents_are_not_listed(talk: Talk, stranger: Person):
    await talk.say("ask a")
    assert await intents(stranger) == []
    assert await intents(stranger, user_chat_id=talk.chat) == []


async def test_a_session_is_shown_while_it_lives(talk: Talk):
    frames = await talk.say("ask a")
    (session,) = await sessions(talk.person)
    assert session["session_id"] == frames[0]["session_id"]
    assert session["user_chat_id"] == talk.chat
    assert session["user_intent_id"] == frames[0]["user_intent_id"]
    assert isinstance(session["status"], str)
    for name in ("started_at", "last_activity_at", "expires_at"):
        assert TIMESTAMP.fullmatch(session[name]), name
    assert session["expires_at"] > session["last_activity_at"] >= session["started_at"]


async def test_a_completed_session_does_not_live(talk: Talk):
    frames = await talk.say("complete a")
    assert await sessions(talk.person) == []
    (session,) = await sessions(talk.person, status="completed")
    assert session["session_id"] == frames[0]["session_id"]


async def test_sessions_come_in_pages(talk: Talk):
    made = [(await talk.say("complete a"))[0]["session_id"] for _ in range(5)]
    first = await talk.person.get("/sessions", status="completed", limit=3)
    second = await talk.person.get("/sessions", status="completed", limit=3, cursor=first["next"])
    shown = [s["session_id"] for s in first["items"] + second["items"]]
    assert shown == made[::-1]
    assert second["next"] is None


async def test_another_users_sessions_are_not_listed(talk: Talk, stranger: Person):
    await talk.say("ask a")
    assert await sessions(stranger) == []


async def test_clearing_a_session_abandons_it_and_its_intent(talk: Talk):
    frames = await talk.say("ask a")
    answer = await talk.person.http.delete(f"/sessions/{frames[0]['session_id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    session = await talk.event("session", status="abandoned")
    intent = await talk.event("intent", status="abandoned")
    assert session["session_id"] == frames[0]["session_id"]
    assert intent["reason"] == "user"
    assert await sessions(talk.person) == []
    assert (await sessions(talk.person, status="abandoned"))[0]["user_chat_id"] == talk.chat


async def test_clearing_the_running_turns_session_cancels_the_turn_first(talk: Talk):
    sent = await talk.send("piece Hel ; hang")
    await talk.socket.until(of_type("delta"))
    session = (await talk.event("session"))["session_id"]
    assert (await talk.person.http.delete(f"/sessions/{session}")).status_code == 204
    end = await talk.end(sent["id"])
    assert end["status"] == "cancelled"
    await talk.event("session", status="abandoned")
    await talk.event("intent", status="abandoned")
    stored = [f for f in await talk.stored() if f["position"] >= end["position"] - 1]
    assert outline(stored)[:2] == ["response", "turn cancelled"]
    assert sorted(outline(stored)[2:]) == ["intent abandoned", "session abandoned"]


async def test_a_resumed_intent_whose_session_was_cleared_gets_a_new_one(talk: Talk):
    frames = await talk.say("ask a")
    await talk.person.http.delete(f"/sessions/{frames[0]['session_id']}")
    await talk.do("resume", user_intent_id=frames[0]["user_intent_id"])
    again = await talk.say("echo b")
    assert outline(again)[:3] == ["user", "turn started", "session started"]
    assert again[-1]["user_intent_id"] == frames[0]["user_intent_id"]


async def test_all_sessions_can_be_cleared(person: Person, stranger: Person):
    for _ in range(3):
        await (await person.talk()).say("ask a")
    other = await stranger.talk()
    await other.say("ask a")
    answer = await person.http.delete("/sessions")
    assert (answer.status_code, answer.json()) == (200, {"cleared": 3})
    assert await sessions(person) == []
    assert len(await sessions(stranger)) == 1
    assert (await person.http.delete("/sessions")).json() == {"cleared": 0}


async def test_an_unknown_session_is_not_found(person: Person):
    answer = await person.http.delete(f"/sessions/{new_id('session')}")
    problem(answer, 404, "not_found")
