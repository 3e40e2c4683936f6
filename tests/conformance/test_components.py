"""Sections 4, 5 and 6: forms, buttons and other components, and what may be submitted to them."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.kit.forms import FORM_SCHEMA
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, of_type, only, outline


async def shown(talk: Talk, script: str = "form") -> str:
    """Have the agent show a component; its id."""
    return only(await talk.say(script), "component")["component_id"]


async def submit_code(talk: Talk, component: str, values: object = None) -> str:
    """The code with which a submit is refused."""
    rejected = await talk.refused(
        "submit", component_id=component, values=values or {"city": "Oslo"}
    )
    return rejected["code"]


async def test_a_form_has_title_and_schema(talk: Talk):
    component = only(await talk.say("form Where to?"), "component")
    assert component["kind"] == "form"
    assert component["title"] == "Where to?"
    assert component["schema"] == FORM_SCHEMA
    assert not {"options", "expires_at", "data"} & component.keys()


async def test_buttons_have_options(talk: Talk):
    component = only(await talk.say("buttons Which colour?"), "component")
    assert (component["kind"], component["title"]) == ("buttons", "Which colour?")
    assert component["options"] == [
        {"value": "red", "label": "Red"},
        {"value": "blue", "label": "Blue"},
    ]
    assert not {"schema", "expires_at", "data"} & component.keys()


async def test_an_agents_own_component_has_its_kind_and_data(talk: Talk):
    component = only(await talk.say("custom seat_map"), "component")
    assert (component["kind"], component["title"]) == ("seat_map", "Seats")
    assert component["data"] == {"rows": [1, 2]}
    assert not {"schema", "options", "expires_at"} & component.keys()


@pytest.mark.parametrize("script", ["form", "buttons"])
async def test_a_form_or_buttons_as_the_last_step_needs_input(talk: Talk, script: str):
    assert outline(await talk.say(script))[-2:] == ["component", "turn needs_input"]


async def test_a_follow_up_may_bring_a_component(talk: Talk):
    frames = await talk.say("ask_form Tell me more")
    assert outline(frames)[-1] == "turn needs_input"
    assert only(frames, "response")["follow_up"] is True
    assert only(frames, "component")["kind"] == "form"


async def test_a_submit_is_stored_and_runs_the_agent_with_empty_content(talk: Talk):
    component = await shown(talk)
    ack = await talk.do("submit", component_id=component, values={"city": "Oslo", "count": 2})
    frames = await talk.turn(ack["id"])
    assert outline(frames) == ["component_submitted", "turn started", "response", "turn finished"]
    stored = frames[0]
    assert stored["position"] == ack["position"]
    assert stored["message_id"] == ack["id"]
    assert stored["component_id"] == component
    assert stored["values"] == {"city": "Oslo", "count": 2}
    seen = json.loads(only(frames, "response")["content"])
    assert seen == {"content": "", "values": {"city": "Oslo", "count": 2}}


async def test_a_submits_turn_belongs_to_the_components_intent(talk: Talk):
    first = await talk.say("form")
    component = only(first, "component")["component_id"]
    frames = await talk.submit(component, {"city": "Oslo", "script": "complete done"})
    assert {f["user_intent_id"] for f in frames} == {first[0]["user_intent_id"]}
    assert frames[0]["session_id"] == first[0]["session_id"]
    assert outline(frames)[-1] == "turn finished"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "city"),
        ({"city": ""}, "city"),
        ({"city": 7}, "city"),
        ({"city": "Oslo", "count": 0}, "count"),
        ({"city": "Oslo", "count": "two"}, "count"),
    ],
)
async def test_values_against_the_schema_are_an_invalid_form(talk: Talk, values: dict, field: str):
    component = await shown(talk)
    newest = talk.log()[-1]["position"]
    rejected = await talk.refused("submit", component_id=component, values=values)
    assert rejected["code"] == "invalid_form"
    assert list(rejected["details"]["fields"]) == [field]
    assert isinstance(rejected["details"]["fields"][field], str)
    assert (await talk.state())["position"] == newest


async def test_every_wrong_field_has_its_reason(talk: Talk):
    component = await shown(talk)
    rejected = await talk.refused("submit", component_id=component, values={"city": "", "count": 0})
    assert set(rejected["details"]["fields"]) == {"city", "count"}


async def test_a_form_can_be_submitted_after_it_was_refused(talk: Talk):
    component = await shown(talk)
    await talk.refused("submit", id="again", component_id=component, values={})
    await talk.submit(component, {"city": "Oslo"}, id="again")


async def test_buttons_take_one_of_their_options(talk: Talk):
    component = await shown(talk, "buttons")
    frames = await talk.submit(component, {"value": "blue"})
    assert frames[0]["values"] == {"value": "blue"}


@pytest.mark.parametrize("values", [{"value": "green"}, {"value": 1}, {}, {"value": None}])
async def test_buttons_take_nothing_else(talk: Talk, values: dict):
    component = await shown(talk, "buttons")
    rejected = await talk.refused("submit", component_id=component, values=values)
    assert rejected["code"] == "invalid_form"
    assert "fields" in rejected["details"]


async def test_an_agents_own_component_takes_any_object(talk: Talk):
    component = await shown(talk, "custom seat_map")
    frames = await talk.submit(component, {"seat": {"row": 1, "letters": ["a", None, 1.5]}})
    assert frames[0]["values"] == {"seat": {"row": 1, "letters": ["a", None, 1.5]}}


@pytest.mark.parametrize("values", [None, 7, "Oslo", ["Oslo"], True])
async def test_values_that_are_no_object_are_an_invalid_frame(talk: Talk, values: object):
    component = await shown(talk, "custom seat_map")
    rejected = await talk.refused("submit", component_id=component, values=values)
    assert rejected["code"] == "invalid_frame"


@pytest.mark.parametrize("values", [{"city": "a\x00"}, {"city": "a", "\x00": 1}])
async def test_a_nul_anywhere_in_the_values_is_invalid_content(talk: Talk, values: dict):
    component = await shown(talk)
    rejected = await talk.refused("submit", component_id=component, values=values)
    assert rejected["code"] == "invalid_content"


async def test_values_that_nest_far_too_deep_are_an_invalid_frame(talk: Talk):
    component = await shown(talk, "custom seat_map")
    values: dict = {}
    for _ in range(64):
        values = {"a": values}
    rejected = await talk.refused("submit", component_id=component, values=values)
    assert rejected["code"] == "invalid_frame"


async def test_an_unknown_component_is_refused(talk: Talk):
    assert await submit_code(talk, new_id("cmp")) == "no_such_component"


async def test_a_component_of_another_chat_is_no_such_component(person: Person, talk: Talk):
    component = await shown(talk)
    other = await person.talk()
    assert await submit_code(other, component) == "no_such_component"


async def test_a_component_of_another_users_chat_is_not_found(talk: Talk, stranger: Person):
    component = await shown(talk)
    theirs = await stranger.talk()
    rejected = await theirs.refused(
        "submit", user_chat_id=talk.chat, component_id=component, values={"city": "Oslo"}
    )
    assert rejected["code"] == "not_found"


async def test_a_submit_closes_the_component(talk: Talk):
    component = await shown(talk)
    await talk.submit(component, {"city": "Oslo"})
    assert await submit_code(talk, component) == "component_closed"


async def test_two_submits_at_once_let_one_in(person: Person, talk: Talk):
    component = await shown(talk)
    other = await person.talk(talk.chat)
    answers = await asyncio.gather(
        *(t.ask("submit", component_id=component, values={"city": "Oslo"}) for t in (talk, other))
    )
    assert sorted(a.get("code", "ack") for a in answers) == ["ack", "component_closed"]


async def test_a_plain_message_does_not_close_it(talk: Talk):
    component = await shown(talk)
    await talk.say("echo what is this?")
    await talk.submit(component, {"city": "Oslo"})


async def test_a_newer_component_of_the_intent_closes_it(talk: Talk):
    older = await shown(talk)
    newer = await shown(talk, "buttons")
    assert await submit_code(talk, older) == "component_closed"
    await talk.submit(newer, {"value": "red"})


async def test_a_component_of_another_intent_does_not_close_it(talk: Talk):
    first = await talk.say("form")
    component = only(first, "component")["component_id"]
    await talk.say("buttons", new_intent=True)
    frames = await talk.submit(component, {"city": "Oslo"})
    assert frames[-1]["user_intent_id"] == first[0]["user_intent_id"]


async def test_the_end_of_its_intent_closes_it(talk: Talk):
    component = await shown(talk)
    await talk.say("complete done")
    assert await submit_code(talk, component) == "component_closed"


async def test_it_expires(talk: Talk):
    frames = await talk.say("form_for 1")
    component = only(frames, "component")
    assert component["expires_at"] > component["timestamp"]
    await asyncio.sleep(1.3)
    assert await submit_code(talk, component["component_id"]) == "component_closed"


async def test_it_can_be_submitted_before_it_expires(talk: Talk):
    component = await shown(talk, "form_for 60")
    await talk.submit(component, {"city": "Oslo"})


async def test_a_submit_to_an_abandoned_intents_component_resumes_it_first(talk: Talk):
    first = await talk.say("form")
    component = only(first, "component")["component_id"]
    intent = first[0]["user_intent_id"]
    await talk.do("abandon", user_intent_id=intent)
    frames = await talk.submit(component, {"city": "Oslo"})
    assert outline(frames)[:3] == ["component_submitted", "turn started", "intent active"]
    assert (frames[2]["reason"], frames[2]["user_intent_id"]) == ("resumed", intent)


async def test_a_submitted_forms_history_row_is_a_user_row_with_its_values(talk: Talk):
    component = await shown(talk)
    frames = await talk.submit(component, {"city": "Oslo", "count": 3})
    rows = (await talk.person.get(f"{talk.path}/history"))["items"]
    row = next(row for row in rows if row["position"] == frames[0]["position"])
    assert row["message_type"] == "user"
    assert json.loads(row["content"]) == {"city": "Oslo", "count": 3}


async def test_a_form_before_an_answer_stays_open_and_the_turn_finishes(talk: Talk):
    frames = await talk.say("form ; echo please fill it in")
    assert outline(frames)[-3:] == ["component", "response", "turn finished"]
    await talk.submit(only(frames, "component")["component_id"], {"city": "Oslo"})


async def test_of_two_components_of_one_turn_the_newer_is_open(talk: Talk):
    frames = await talk.say("form ; buttons")
    older, newer = [f["component_id"] for f in frames if f["type"] == "component"]
    assert await submit_code(talk, older) == "component_closed"
    await talk.submit(newer, {"value": "red"})


async def test_values_may_nest(talk: Talk):
    component = await shown(talk, "custom seat_map")
    values: dict = {}
    for _ in range(24):
        values = {"a": values}
    frames = await talk.submit(component, values)
    assert frames[0]["values"] == values


async def test_a_component_stays_open_when_its_intent_is_abandoned(talk: Talk):
    first = await talk.say("form")
    await talk.say("echo b", new_intent=True)
    frames = await talk.submit(only(first, "component")["component_id"], {"city": "Oslo"})
    assert outline(frames)[:4] == [
        "component_submitted",
        "turn started",
        "intent abandoned",
        "intent active",
    ]
    assert frames[-1]["user_intent_id"] == first[0]["user_intent_id"]


async def test_a_lone_surrogate_in_the_values_is_refused(talk: Talk):
    component = await shown(talk)
    before = len(talk.socket.frames)
    await talk.socket.post_text(
        f'{{"type":"submit","id":"s","user_chat_id":"{talk.chat}","component_id":"{component}",'
        '"values":{"city":"a\\ud800"}}'
    )
    rejected = await talk.socket.until(of_type("rejected"), before)
    assert rejected["code"] in ("invalid_content", "invalid_frame")
    await talk.submit(component, {"city": "Oslo"}, id="s")
