"""Section 6 "Idle": intents that nobody goes on with, and sessions that outlive them a while."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Iterator

import pytest
from tests.conformance.conftest import Launch, MakePerson
from tests.kit.laws import check_log
from tests.kit.server import SECRET, Server
from tests.kit.tokens import new_id
from tests.kit.wire import Talk, outline

ABANDON_AFTER = 1.0
SESSION_TTL = 2.5


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"ABANDON_AFTER": ABANDON_AFTER, "SESSION_TTL": SESSION_TTL, "SECRET": SECRET}
    with Server(tmp_path_factory.mktemp("hasty"), **settings) as server:
        yield server


@pytest.fixture
async def talk(hasty: Server, people: MakePerson) -> Talk:
    return await people(hasty).talk()


def moment(frame: dict) -> float:
    return dt.datetime.fromisoformat(frame["timestamp"]).timestamp()


async def test_an_idle_intent_is_abandoned_within_2_seconds(talk: Talk):
    frames = await talk.say("ask Which day?")
    event = await talk.event("intent", status="abandoned")
    assert event["reason"] == "idle"
    assert event["user_intent_id"] == frames[0]["user_intent_id"]
    late = moment(event) - moment(frames[-1]) - ABANDON_AFTER
    assert -0.01 <= late <= 2.0
    assert "socket_connection_id" not in event


async def test_it_can_be_found_and_shows_what_was_asked(talk: Talk):
    await talk.say('recognise book 0.5 ; slots {"to":"Oslo"} ; ask Which day?')
    await talk.event("intent", status="abandoned")
    shown = (await talk.person.get("/intents", status="abandoned"))["items"][0]
    assert (shown["reason"], shown["name"]) == ("idle", "book")
    assert shown["slots"] == {"to": "Oslo"}
    assert shown["question"]["text"] == "Which day?"
    opened = await (await talk.person.join()).opened(user_chat_id=talk.chat)
    assert opened["resumable"][0]["user_intent_id"] == shown["user_intent_id"]


async def test_it_is_abandoned_once_and_its_session_lives_on_until_it_expires(talk: Talk):
    frames = await talk.say("ask Which day?")
    await talk.event("intent", status="abandoned")
    living = (await talk.person.get("/sessions"))["items"]
    assert [s["session_id"] for s in living] == [frames[0]["session_id"]]
    expired = await talk.event("session", status="expired")
    assert expired["session_id"] == frames[0]["session_id"]
    late = moment(expired) - moment(frames[-1]) - SESSION_TTL
    assert -0.01 <= late <= 2.5
    assert (await talk.person.get("/sessions"))["items"] == []
    listed = (await talk.person.get("/sessions", status="expired"))["items"]
    assert [s["session_id"] for s in listed] == [frames[0]["session_id"]]
    assert outline(talk.log())[-2:] == ["intent abandoned", "session expired"]
    check_log(talk.log())


async def test_an_intent_that_outlived_its_session_gets_a_new_one(talk: Talk):
    frames = await talk.say('slots {"to":"Oslo"} ; ask Which day?')
    await talk.event("session", status="expired")
    again = await talk.say("inspect")
    assert sorted(outline(again)[2:4]) == ["intent active", "session started"]
    assert again[-1]["user_intent_id"] == frames[0]["user_intent_id"]
    assert again[-1]["session_id"] != frames[0]["session_id"]
    response = next(f for f in again if f["type"] == "response")
    assert '"to": "Oslo"' in response["content"]
    assert "Which day?" in response["content"]


async def test_a_resumed_intent_whose_session_expired_gets_a_new_one_at_the_next_turn(talk: Talk):
    frames = await talk.say("ask Which day?")
    intent = frames[0]["user_intent_id"]
    await talk.event("session", status="expired")
    await talk.do("resume", user_intent_id=intent)
    again = await talk.say("echo Monday")
    assert outline(again)[:3] == ["user", "turn started", "session started"]
    assert again[-1]["user_intent_id"] == intent


async def test_a_message_is_activity(talk: Talk):
    await talk.say("ask a")
    last = []
    for _ in range(4):
        await asyncio.sleep(ABANDON_AFTER * 0.5)
        last = await talk.say("ask b")
    event = await talk.event("intent", status="abandoned")
    assert event["position"] > last[-1]["position"]
    assert moment(event) - moment(last[-1]) >= ABANDON_AFTER - 0.01


async def test_opens_reads_and_pings_are_no_activity(talk: Talk):
    frames = await talk.say("ask a")
    abandoned = asyncio.create_task(talk.event("intent", status="abandoned"))
    while not abandoned.done():
        await talk.socket.settle()
        await (await talk.person.join()).opened(user_chat_id=talk.chat)
        await talk.state()
        await asyncio.wait([abandoned], timeout=0.2)
    assert moment(abandoned.result()) - moment(frames[-1]) <= ABANDON_AFTER + 2.0


async def test_an_intent_whose_turn_runs_is_not_idle(talk: Talk):
    gate = new_id("gate")
    sent = await talk.send(f"think a ; wait {gate} ; ask b")
    await asyncio.sleep(ABANDON_AFTER + 2.2)
    assert not [f for f in talk.log() if f.get("reason") == "idle"]
    talk.person.server.open_gate(gate)
    end = await talk.end(sent["id"])
    event = await talk.event("intent", status="abandoned")
    assert moment(event) - moment(end) >= ABANDON_AFTER - 0.01


async def test_a_complete_intent_is_never_abandoned(talk: Talk):
    frames = await talk.say("complete a")
    await asyncio.sleep(ABANDON_AFTER + 2.2)
    assert (await talk.state())["position"] == frames[-1]["position"]


async def test_a_resumed_intent_becomes_idle_again(talk: Talk):
    await talk.say("ask a")
    first = await talk.event("intent", status="abandoned")
    await talk.do("resume", user_intent_id=first["user_intent_id"])
    second = await talk.socket.until(
        lambda f: f.get("reason") == "idle" and f["position"] > first["position"]
    )
    assert second["user_intent_id"] == first["user_intent_id"]


async def test_what_fell_due_while_the_server_was_down_is_done_soon_after(
    launch: Launch, people: MakePerson
):
    server = launch(ABANDON_AFTER=1)
    talk = await people(server).talk()
    await talk.say("ask a")
    server.kill()
    await asyncio.sleep(1.2)
    await asyncio.to_thread(server.start)
    ready = time.monotonic()
    again = await talk.person.talk(talk.chat)
    await again.event("intent", status="abandoned", reason="idle")
    assert time.monotonic() - ready < 3.0


async def test_a_changed_setting_counts_for_what_is_already_waiting(
    launch: Launch, people: MakePerson
):
    server = launch(ABANDON_AFTER=300)
    talk = await people(server).talk()
    await talk.say("ask a")
    server.kill()
    server.settings["ABANDON_AFTER"] = 0.5
    await asyncio.to_thread(server.start)
    again = await talk.person.talk(talk.chat)
    await again.event("intent", status="abandoned", reason="idle")
