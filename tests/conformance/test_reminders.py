"""Section 6 "Reminders": turns that no message of the user causes."""

from __future__ import annotations

import asyncio

from tests.conformance.conftest import MakePerson
from tests.kit.laws import check_log
from tests.kit.server import Server
from tests.kit.wire import Talk, only, outline

SPOKEN = ["turn started", "response", "turn finished"]


async def spoken(talk: Talk, text: str) -> list:
    """The turn in which the chat said `text` by itself."""
    response = await talk.event("response", content=text)
    return await talk.turn(response["caused_by"])


async def test_it_speaks_by_itself_in_a_turn_of_its_own(talk: Talk):
    frames = await talk.say("remind 0.2 Wake up! ; complete Set.")
    noted = only(frames, "thinking", step="reminder")
    assert noted["content"] == "Wake up!"
    turn = await spoken(talk, "Wake up!")
    assert outline(turn) == SPOKEN
    assert {frame["caused_by"] for frame in turn} == {noted["data"]["reminder_id"]}
    for name in ("user_intent_id", "session_id", "socket_connection_id"):
        assert not any(name in frame for frame in turn)
    assert turn[1]["timestamp"] >= noted["data"]["due_at"]
    check_log(talk.log())


async def test_the_history_has_a_row_without_a_task(talk: Talk):
    await talk.say("remind 0 Wake up! ; complete Set.")
    await spoken(talk, "Wake up!")
    rows = (await talk.person.get(f"{talk.path}/history", message_type="ai"))["items"]
    assert [row["content"] for row in rows] == ["Set.", "Wake up!"]
    assert (rows[1]["user_intent_id"], rows[1]["is_complete"]) == (None, False)


async def test_an_open_question_stays_open(talk: Talk):
    await talk.say("remind 0 Wake up! ; ask Which day?")
    await spoken(talk, "Wake up!")
    opened = await (await talk.person.join()).opened(user_chat_id=talk.chat)
    assert opened["intent"]["status"] == "active"
    assert opened["intent"]["question"]["text"] == "Which day?"
    assert opened["turn"] is None


async def test_it_waits_until_the_running_turn_is_over(talk: Talk, server: Server):
    sent = await talk.send("remind 0 Wake up! ; wait spoken-later ; echo Done.")
    await talk.event("thinking", step="reminder")
    second = await talk.send("echo second")
    server.open_gate("spoken-later")
    await spoken(talk, "Wake up!")
    starts = [
        f["caused_by"] for f in talk.log() if (f["type"], f.get("status")) == ("turn", "started")
    ]
    assert starts[:2] == [sent["id"], second["id"]]
    check_log(talk.log())


async def test_a_cancelled_one_says_nothing(talk: Talk):
    await talk.say("remind 0.3 Wake up! ; echo a")
    frames = await talk.say("unremind ; echo b")
    assert only(frames, "thinking")["content"] == "Cancelled: Wake up!"
    await talk.say("remind 0.6 Still here ; echo c")
    await spoken(talk, "Still here")
    assert not any(f.get("content") == "Wake up!" and f["type"] == "response" for f in talk.log())


async def test_it_can_be_cancelled_in_another_chat(talk: Talk):
    await talk.say("remind 60 Wake up! ; complete Set.")
    other = await talk.person.talk()
    await other.say(f"unremind {talk.chat} ; complete Done.")
    cancelled = await talk.event("thinking", content="Cancelled: Wake up!")
    turn = await talk.turn(cancelled["caused_by"])
    assert outline(turn) == ["turn started", "thinking", "turn finished"]
    check_log(talk.log())


async def test_it_survives_a_kill_and_speaks_once_after_its_time(
    mortal: Server, people: MakePerson
):
    talk = await people(mortal).talk()
    await talk.say("remind 0.3 Wake up! ; complete Set.")
    mortal.kill()
    await asyncio.to_thread(mortal.start)
    again = await talk.person.talk(talk.chat)
    assert outline(await spoken(again, "Wake up!")) == SPOKEN
    mortal.kill()
    await asyncio.to_thread(mortal.start)
    later = await talk.person.talk(talk.chat)
    await later.say("remind 0 Still here ; echo a")
    await spoken(later, "Still here")
    said = [f["content"] for f in later.log() if f["type"] == "response"]
    assert said.count("Wake up!") == 1
    check_log(later.log())


async def test_a_closed_chat_stays_silent(talk: Talk):
    await talk.say("remind 0.2 Wake up! ; complete Set.")
    await talk.do("close")
    other = await talk.person.talk()
    await other.say("remind 0.5 Later ; echo a")
    await spoken(other, "Later")
    assert outline(await talk.stored())[-1] == "chat closed"


async def test_slots_of_the_agents_own_are_shown_nowhere(talk: Talk):
    await talk.say('slots {"to":"Oslo","_notes":{"tries":1}} ; ask Which day?')
    assert not any("_notes" in frame.text for frame in talk.log() if frame["type"] != "user")
    opened = await (await talk.person.join()).opened(user_chat_id=talk.chat)
    assert opened["intent"]["slots"] == {"to": "Oslo"}
    listed = (await talk.person.get("/intents", user_chat_id=talk.chat))["items"]
    assert listed[0]["slots"] == {"to": "Oslo"}
