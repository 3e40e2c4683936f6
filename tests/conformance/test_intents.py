"""Sections 4 and 5: which intent a message belongs to, and what an intent shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.conftest import MakePerson
from tests.kit.server import SECRET, Server
from tests.kit.wire import Talk, only, outline


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"ABANDON_AFTER": 0.3, "SECRET": SECRET}
    with Server(tmp_path_factory.mktemp("forgetful"), **settings) as server:
        yield server


async def intent_of(talk: Talk, content: str = "echo a", **fields) -> str:
    """Say something; the intent that its turn ended in."""
    return (await talk.say(content, **fields))[-1]["user_intent_id"]


async def test_new_intent_starts_one_and_supersedes_the_active_one(talk: Talk):
    old = await intent_of(talk)
    frames = await talk.say("echo b", new_intent=True)
    assert outline(frames) == [
        "user",
        "turn started",
        "intent abandoned",
        "session started",
        "intent active",
        "response",
        "turn finished",
    ]
    assert (frames[2]["user_intent_id"], frames[2]["reason"]) == (old, "superseded")
    assert frames[0]["user_intent_id"] == frames[4]["user_intent_id"] != old
    assert "reason" not in frames[4]


async def test_new_intent_where_none_is_active_abandons_none(talk: Talk):
    await talk.say("complete a")
    frames = await talk.say("echo b", new_intent=True)
    assert outline(frames)[:4] == ["user", "turn started", "session started", "intent active"]


async def test_new_intent_wins_over_a_named_one(talk: Talk):
    old = await intent_of(talk)
    assert await intent_of(talk, "echo b", new_intent=True, user_intent_id=old) != old


async def test_the_named_intent_is_taken(talk: Talk):
    active = await intent_of(talk)
    assert await intent_of(talk, "echo b", user_intent_id=active) == active


async def test_a_named_abandoned_intent_is_resumed_first(talk: Talk):
    old = await intent_of(talk)
    new = await intent_of(talk, "echo b", new_intent=True)
    frames = await talk.say("echo c", user_intent_id=old)
    assert outline(frames)[:4] == ["user", "turn started", "intent abandoned", "intent active"]
    assert (frames[2]["user_intent_id"], frames[2]["reason"]) == (new, "superseded")
    assert (frames[3]["user_intent_id"], frames[3]["reason"]) == (old, "resumed")
    assert frames[0]["user_intent_id"] == frames[-1]["user_intent_id"] == old


async def test_a_complete_intent_is_not_resumable(talk: Talk):
    done = await intent_of(talk, "complete a")
    rejected = await talk.refused("send", content="echo b", user_intent_id=done)
    assert rejected["code"] == "intent_not_resumable"


async def test_a_message_after_the_user_abandoned_starts_a_new_intent(talk: Talk):
    old = await intent_of(talk)
    await talk.do("abandon", user_intent_id=old)
    assert await intent_of(talk) != old


async def test_a_message_after_the_agent_gave_up_starts_a_new_intent(talk: Talk):
    old = await intent_of(talk, "give_up cannot")
    assert await intent_of(talk) != old


async def test_a_message_after_an_idle_intent_resumes_it(forgetful: Server, people: MakePerson):
    talk = await people(forgetful).talk()
    frames = await talk.say("echo a")
    await talk.event("intent", status="abandoned", reason="idle")
    again = await talk.say("echo b")
    assert outline(again)[:3] == ["user", "turn started", "intent active"]
    assert again[2]["reason"] == "resumed"
    assert again[0]["user_intent_id"] == frames[0]["user_intent_id"]
    assert again[0]["session_id"] == frames[0]["session_id"]


async def test_only_the_most_recently_created_intent_is_resumed_from_idleness(
    forgetful: Server, people: MakePerson
):
    talk = await people(forgetful).talk()
    older = await intent_of(talk)
    await talk.event("intent", status="abandoned", user_intent_id=older)
    newer = await intent_of(talk, "complete b", new_intent=True)
    third = await intent_of(talk)
    assert third not in (older, newer)


async def test_the_title_is_the_first_80_code_points_of_the_first_message(talk: Talk):
    content = "echo 👍é" + "x" * 200
    await talk.say(content)
    await talk.say("echo something else")
    assert (await talk.state())["intent"]["title"] == content[:80]


async def test_the_question_is_the_newest_follow_up(talk: Talk):
    await talk.say("ask Where to?")
    assert (await talk.state())["intent"]["question"] == {"text": "Where to?"}
    await talk.say("ask Which day?")
    assert (await talk.state())["intent"]["question"]["text"] == "Which day?"


async def test_the_question_is_gone_after_an_answer_that_asks_nothing(talk: Talk):
    await talk.say("ask Where to?")
    await talk.say("echo I see")
    assert "question" not in (await talk.state())["intent"]


async def test_the_question_stays_while_nothing_answers(talk: Talk):
    await talk.say("ask Where to?")
    await talk.say("think a")
    assert (await talk.state())["intent"]["question"]["text"] == "Where to?"


async def test_the_question_is_gone_when_the_intent_completes(talk: Talk):
    await talk.say("ask Where to?")
    await talk.say("complete done")
    assert "question" not in (await talk.state())["intent"]


async def test_an_open_components_title_is_the_question(talk: Talk):
    component = only(await talk.say("form Where to go?"), "component")
    question = (await talk.state())["intent"]["question"]
    assert question == {"text": "Where to go?", "component_id": component["component_id"]}


async def test_a_follow_up_is_the_question_before_its_component(talk: Talk):
    frames = await talk.say("ask_form Please tell me where")
    assert outline(frames)[-1] == "turn needs_input"
    question = (await talk.state())["intent"]["question"]
    assert question["text"] == "Please tell me where"


async def test_a_slot_that_is_set_to_null_is_removed(talk: Talk):
    await talk.say('slots {"a":1,"b":{"c":[null]}} ; echo a')
    assert (await talk.state())["intent"]["slots"] == {"a": 1, "b": {"c": [None]}}
    await talk.say('slots {"a":null} ; echo b')
    assert (await talk.state())["intent"]["slots"] == {"b": {"c": [None]}}


async def test_an_intents_state_says_why_it_was_abandoned(talk: Talk):
    intent = await intent_of(talk)
    await talk.do("abandon", user_intent_id=intent)
    shown = (await talk.state())["intent"]
    assert (shown["status"], shown["reason"]) == ("abandoned", "user")
