"""The small parts: ledger, forms, titles, upcasting of stored forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.builder import Chat

from chatstream.domain.events import (
    ChatChanged,
    ComponentShown,
    ComponentSubmitted,
    ContextBrought,
    Fact,
    IntentChanged,
    PartialStored,
    ResponseGiven,
    SessionChanged,
    ToolCalled,
    ToolReturned,
    TurnChanged,
)
from chatstream.domain.upcasting import erased, upcast
from chatstream.domain.user_chat.evolution import INITIAL, evolve, fold
from chatstream.domain.user_chat.forms import check_values
from chatstream.domain.user_chat.ledger import Ledger
from chatstream.domain.user_chat.state import ShownComponent
from chatstream.errors import Refused
from chatstream.ids import IntentId


@given(st.lists(st.tuples(st.integers(0, 9), st.integers())))
def test_every_version_of_a_ledger_keeps_what_it_held(entries):
    versions = [(Ledger[int, int](), dict[int, int]())]
    for key, value in entries:
        ledger, model = versions[-1]
        versions.append((ledger.put(key, value), {key: value, **model}))
    for ledger, model in versions:
        assert {key: ledger.get(key) for key in range(10) if ledger.get(key) is not None} == model
        assert len(ledger) == len(model)
        assert sorted(ledger.values()) == sorted(model.values())


def test_a_branch_of_a_ledger_does_not_reach_the_other():
    root = Ledger[str, int]().put("a", 1)
    left, right = root.put("b", 2), root.put("c", 3)
    assert (left.get("c"), right.get("b"), root.get("b")) == (None, None, None)
    assert left == Ledger[str, int]().put("a", 1).put("b", 2)
    assert left != right
    assert left != {"a": 1}


def test_a_title_is_the_first_eighty_code_points():
    chat = Chat()
    chat.send(content="😀" * 100)
    assert chat.state.title == "😀" * 80
    assert chat.state.unfinished[chat.intent_id].title == "😀" * 80


BARE = {"event_id": "e", "timestamp": "2026-01-01T00:00:00.000Z", "user_id": "u"}


@pytest.mark.parametrize(
    "fact",
    [
        TurnChanged(**BARE, status="started", attempt=1),
        TurnChanged(**BARE, status="restarted", attempt=2),
        TurnChanged(**BARE, status="finished", attempt=1),
        TurnChanged(**BARE, status="started", attempt=1, retry_of="m", caused_by="r"),
        SessionChanged(**BARE, status="completed"),
        SessionChanged(**BARE, status="expired", session_id="s", user_intent_id="i"),
        IntentChanged(**BARE, status="active"),
        IntentChanged(**BARE, status="active", user_intent_id="i"),
        IntentChanged(**BARE, status="complete", user_intent_id="i"),
        IntentChanged(**BARE, status="abandoned", user_intent_id="i"),
        ContextBrought(**BARE, source="x"),
        PartialStored(**BARE, offset=0, text="x"),
        ResponseGiven(**BARE, content="x", is_complete=False, follow_up=False),
        ComponentShown(**BARE, component_id="c", kind="form"),
        ComponentSubmitted(**BARE, component_id="c", values={}),
        ToolCalled(**BARE, call_id="c", name="n", idempotent=False),
        ToolReturned(**BARE, call_id="c", ok=True),
        None,
    ],
)
def test_evolve_takes_any_fact_at_any_time(fact: Fact | None):
    opened = evolve(INITIAL, ChatChanged(**BARE, status="opened"))
    assert evolve(opened, fact).position == 2


def test_a_fact_of_an_unknown_topic_moves_the_position_only():
    chat = Chat()
    moved = fold([None], chat.state)
    assert moved.position == chat.state.position + 1
    assert moved.last_event_id == chat.state.last_event_id


def form(schema) -> ShownComponent:
    return ShownComponent("c", IntentId("i"), "form", schema=schema)


def problems(schema, values) -> dict[str, str]:
    try:
        check_values(form(schema), values)
    except Refused as refused:
        return refused.fields or {}
    return {}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("date", "2026-11-23", "23.11.2026"),
        ("date", "2026-11-23", "20261123"),
        ("time", "07:30", "half past seven"),
        ("date-time", "2026-11-23T07:30:00Z", "tomorrow"),
        ("email", "a@b.example", "a@b@c"),
        ("uri", "https://a.example/x", "no uri"),
    ],
)
def test_formats_are_checked(kind, good, bad):
    schema = {"properties": {"x": {"type": "string", "format": kind}}}
    assert problems(schema, {"x": good}) == {}
    assert set(problems(schema, {"x": bad})) == {"x"}


def test_a_format_says_nothing_of_other_types():
    assert problems({"properties": {"x": {"format": "date"}}}, {"x": 1}) == {}


def test_nested_fields_are_named_by_their_path():
    schema = {"properties": {"a": {"type": "object", "required": ["b"]}}, "required": ["c"]}
    assert set(problems(schema, {"a": {}})) == {"a.b", "c"}


def test_a_pattern_cannot_stop_the_server():
    schema = {"properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}
    assert set(problems(schema, {"x": "a" * 40 + "b"})) == {"x"}
    simple = {"properties": {"x": {"pattern": "^[a-z]+$"}}}
    assert problems(simple, {"x": "abc"}) == {}
    assert problems(simple, {"x": 5}) == {}
    assert set(problems(simple, {"x": "A"})) == {"x"}
    assert set(problems(simple, {"x": "a" * 300})) == {"x"}


@pytest.mark.parametrize("schema", [{"type": 5}, {"$ref": "#/nowhere"}, {"properties": 3}])
def test_an_agents_broken_schema_refuses_and_does_not_raise(schema):
    assert "" in problems(schema, {"x": 1})


def test_an_old_form_is_upcast_step_by_step():
    chain = {
        "user.0": ("user.0b", lambda form: {**form, "content": form["text"]}),
        "user.0b": ("user.1", lambda form: {k: v for k, v in form.items() if k != "text"}),
    }
    topic, form = upcast("user.0", {"type": "user", "text": "hi"}, chain)
    assert (topic, form) == ("user.1", {"type": "user", "content": "hi"})


def test_an_erased_form_keeps_its_ids_and_folds():
    kept = erased({"type": "user", "event_id": "e", "content": "secret"})
    assert kept == {"type": "user", "event_id": "e", "erased": True}
    assert upcast("user.1", kept)[1]["content"] == ""
