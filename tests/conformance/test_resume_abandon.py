"""Section 4: `resume` and `abandon`, and what they do to a running turn."""

from __future__ import annotations

from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, of_type, outline


async def intent_of(talk: Talk, content: str = "echo a", **fields) -> str:
    """Say something; the intent that its turn ended in."""
    return (await talk.say(content, **fields))[-1]["user_intent_id"]


async def tail(talk: Talk, ack: dict) -> list[str]:
    """What was stored from the position of an ack on."""
    return outline([f for f in await talk.stored() if f["position"] >= ack["position"]])


async def test_abandon_abandons(talk: Talk):
    intent = await intent_of(talk)
    ack = await talk.do("abandon", user_intent_id=intent)
    event = await talk.event("intent", status="abandoned")
    assert event["position"] == ack["position"]
    assert (event["user_intent_id"], event["reason"]) == (intent, "user")
    assert await tail(talk, ack) == ["intent abandoned"]


async def test_abandon_of_one_not_active_does_nothing(talk: Talk):
    done = await intent_of(talk, "complete a")
    newest = talk.log()[-1]["position"]
    ack = await talk.do("abandon", user_intent_id=done)
    assert ack["position"] == newest
    assert (await talk.state())["position"] == newest


async def test_abandon_twice_abandons_once(talk: Talk):
    intent = await intent_of(talk)
    first = await talk.do("abandon", user_intent_id=intent)
    second = await talk.do("abandon", user_intent_id=intent)
    assert second["position"] == first["position"]
    assert "duplicate" not in second


async def test_an_unknown_intent_is_not_found(talk: Talk):
    for kind in ("abandon", "resume"):
        rejected = await talk.refused(kind, user_intent_id=new_id("intent"))
        assert rejected["code"] == "not_found"


async def test_another_users_intent_is_not_found(talk: Talk, stranger: Person):
    intent = await intent_of(talk)
    theirs = await stranger.talk()
    for kind in ("abandon", "resume"):
        assert (await theirs.refused(kind, user_intent_id=intent))["code"] == "not_found"
        rejected = await theirs.refused(kind, user_intent_id=intent, user_chat_id=talk.chat)
        assert rejected["code"] == "not_found"


async def test_resume_makes_an_abandoned_intent_active_again(talk: Talk):
    intent = await intent_of(talk)
    await talk.do("abandon", user_intent_id=intent)
    ack = await talk.do("resume", user_intent_id=intent)
    event = await talk.event("intent", status="active", reason="resumed")
    assert event["position"] == ack["position"]
    assert event["user_intent_id"] == intent
    assert (await talk.state())["intent"]["status"] == "active"


async def test_resume_runs_no_turn(talk: Talk):
    intent = await intent_of(talk)
    await talk.do("abandon", user_intent_id=intent)
    ack = await talk.do("resume", user_intent_id=intent)
    assert (await talk.state())["turn"] is None
    assert await tail(talk, ack) == ["intent active"]


async def test_resume_abandons_another_active_intent_first(talk: Talk):
    first = await intent_of(talk)
    second = await intent_of(talk, "echo b", new_intent=True)
    ack = await talk.do("resume", user_intent_id=first)
    events = [f for f in await talk.stored() if f["position"] >= ack["position"]]
    assert outline(events) == ["intent abandoned", "intent active"]
    assert (events[0]["user_intent_id"], events[0]["reason"]) == (second, "superseded")
    assert (events[1]["user_intent_id"], events[1]["reason"]) == (first, "resumed")


async def test_resume_of_the_active_one_does_nothing(talk: Talk):
    intent = await intent_of(talk)
    newest = talk.log()[-1]["position"]
    ack = await talk.do("resume", user_intent_id=intent)
    assert ack["position"] == newest
    assert (await talk.state())["position"] == newest


async def test_resume_of_a_complete_one_is_refused(talk: Talk):
    done = await intent_of(talk, "complete a")
    rejected = await talk.refused("resume", user_intent_id=done)
    assert rejected["code"] == "intent_not_resumable"


async def test_a_resumed_intent_goes_on_in_its_living_session(talk: Talk):
    frames = await talk.say('slots {"to":"Oslo"} ; ask Which day?')
    intent = frames[0]["user_intent_id"]
    await talk.do("abandon", user_intent_id=intent)
    await talk.do("resume", user_intent_id=intent)
    again = await talk.say("echo Monday")
    assert outline(again) == ["user", "turn started", "response", "turn finished"]
    assert again[0]["user_intent_id"] == intent
    assert again[0]["session_id"] == frames[0]["session_id"]


async def test_what_was_asked_last_is_still_the_question_after_resume(talk: Talk):
    frames = await talk.say("ask Which day?")
    intent = frames[0]["user_intent_id"]
    await talk.do("abandon", user_intent_id=intent)
    opened = await (await talk.person.join()).opened(user_chat_id=talk.chat)
    assert opened["resumable"][0]["question"]["text"] == "Which day?"
    await talk.do("resume", user_intent_id=intent)
    assert (await talk.state())["intent"]["question"]["text"] == "Which day?"


async def test_abandon_of_the_running_turns_intent_cancels_the_turn_first(talk: Talk):
    sent = await talk.send("piece Hel ; piece lo ; hang")
    await talk.socket.until(of_type("delta"))
    intent = (await talk.event("intent"))["user_intent_id"]
    ack = await talk.do("abandon", user_intent_id=intent)
    await talk.event("intent", status="abandoned")
    stored = [f for f in await talk.stored() if f["position"] >= ack["position"]]
    assert outline(stored) == ["response", "turn cancelled", "intent abandoned"]
    assert stored[0]["stopped"] is True
    assert stored[1]["caused_by"] == sent["id"]


async def test_abandon_of_another_intent_lets_the_turn_run(talk: Talk):
    old = await intent_of(talk)
    gate = new_id("gate")
    sent = await talk.send(f"wait {gate} ; echo b", new_intent=True)
    await talk.do("abandon", user_intent_id=old)
    talk.person.server.open_gate(gate)
    assert (await talk.end(sent["id"]))["status"] == "finished"


async def test_resume_of_another_intent_cancels_the_running_turn_first(talk: Talk):
    first = await intent_of(talk)
    sent = await talk.send("think a ; hang", new_intent=True)
    await talk.event("thinking", caused_by=sent["id"])
    ack = await talk.do("resume", user_intent_id=first)
    await talk.event("intent", reason="resumed")
    stored = [f for f in await talk.stored() if f["position"] >= ack["position"]]
    assert outline(stored) == ["turn cancelled", "intent abandoned", "intent active"]
    assert stored[1]["reason"] == "superseded"


async def test_resume_of_the_running_turns_own_intent_does_nothing(talk: Talk):
    gate = new_id("gate")
    sent = await talk.send(f"think a ; wait {gate} ; echo b")
    intent = (await talk.event("intent"))["user_intent_id"]
    await talk.do("resume", user_intent_id=intent)
    talk.person.server.open_gate(gate)
    assert (await talk.end(sent["id"]))["status"] == "finished"


async def test_resumable_are_the_abandoned_newest_activity_first_at_most_20(talk: Talk):
    intents = [await intent_of(talk, f"echo {n}", new_intent=True) for n in range(23)]
    opened = await (await talk.person.join()).opened(user_chat_id=talk.chat)
    shown = opened["resumable"]
    assert [i["user_intent_id"] for i in shown] == intents[-2:-22:-1]
    assert {i["status"] for i in shown} == {"abandoned"}
    assert {i["reason"] for i in shown} == {"superseded"}
    assert [i["title"] for i in shown][:2] == ["echo 21", "echo 20"]


async def test_resumable_holds_neither_active_nor_complete_intents(talk: Talk):
    done = await intent_of(talk, "complete a")
    gone = await intent_of(talk, "give_up cannot")
    active = await intent_of(talk)
    opened = await (await talk.person.join()).opened(user_chat_id=talk.chat)
    assert [i["user_intent_id"] for i in opened["resumable"]] == [gone]
    assert opened["resumable"][0]["reason"] == "cannot"
    assert done != active == opened["intent"]["user_intent_id"]


async def test_resumable_is_ordered_by_activity_not_by_birth(talk: Talk):
    older = await intent_of(talk)
    newer = await intent_of(talk, "echo b", new_intent=True)
    await intent_of(talk, "echo c", user_intent_id=older)
    await intent_of(talk, "echo d", new_intent=True)
    opened = await (await talk.person.join()).opened(user_chat_id=talk.chat)
    assert [i["user_intent_id"] for i in opened["resumable"]] == [older, newer]


async def test_an_abandoned_intents_session_lives_on(talk: Talk):
    frames = await talk.say("ask a")
    await talk.do("abandon", user_intent_id=frames[0]["user_intent_id"])
    living = (await talk.person.get("/sessions"))["items"]
    assert [s["session_id"] for s in living] == [frames[0]["session_id"]]
