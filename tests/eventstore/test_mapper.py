"""Stored forms: golden bytes of every version ever written, round trips, the frame's bytes."""

from __future__ import annotations

import sys
from pathlib import Path
from time import thread_time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chatstream.domain.events import (
    FACTS,
    ChatChanged,
    CommandKey,
    ComponentShown,
    ComponentSubmitted,
    ContextBrought,
    ErrorRaised,
    Hidden,
    IntentChanged,
    PartialStored,
    ReminderMark,
    ResponseGiven,
    SessionChanged,
    ThinkingAdded,
    ToolCalled,
    ToolReturned,
    TurnChanged,
    UserMessageAdded,
)
from chatstream.domain.steps import Option
from chatstream.eventstore.mapper import TOPICS, decode, encode, erase
from chatstream.eventstore.store import NewEvent
from chatstream.ids import ChatId, IntentId, SessionId, SocketId
from chatstream.protocol.event_frames import frame_of

GOLDEN = Path(__file__).parents[1] / "golden" / "stored"
IDS = {
    "timestamp": "2026-11-23T04:10:00.123Z",
    "user_id": "ann",
    "user_intent_id": IntentId("intent_1"),
    "session_id": SessionId("session_1"),
    "socket_connection_id": SocketId("socket_1"),
}
KEY = Hidden(command=CommandKey("m1", "Zm9v"))
EXAMPLES = {
    "chat": ChatChanged(
        event_id="evt_1", timestamp=IDS["timestamp"], user_id="ann", status="opened"
    ),
    "user": UserMessageAdded(event_id="evt_2", **IDS, message_id="m1", content="hé 😀", hidden=KEY),
    "user_waiting": UserMessageAdded(
        event_id="evt_3",
        timestamp=IDS["timestamp"],
        user_id="ann",
        message_id="m2",
        content="later",
        hidden=Hidden(
            command=CommandKey("m2", "YmFy"),
            wanted_intent_id=IntentId("intent_0"),
            wants_new_intent=True,
        ),
    ),
    "component_submitted": ComponentSubmitted(
        event_id="evt_4", **IDS, message_id="s1", component_id="cmp_1", values={"time": "7:00"}
    ),
    "turn": TurnChanged(event_id="evt_5", **IDS, caused_by="m1", status="started", attempt=1),
    "turn_retry": TurnChanged(
        event_id="evt_6", **IDS, caused_by="r1", status="started", attempt=1, retry_of="m1"
    ),
    "turn_restarted": TurnChanged(
        event_id="evt_7",
        **IDS,
        caused_by="m1",
        status="restarted",
        attempt=2,
        hidden=Hidden(crashes=1),
    ),
    "session": SessionChanged(event_id="evt_8", **IDS, caused_by="m1", status="started"),
    "intent": IntentChanged(
        event_id="evt_9",
        **IDS,
        caused_by="m1",
        status="active",
        name="add_alarm",
        confidence=0.75,
        slots={"time": "7:00", "name": None},
        reason="slots",
    ),
    "context": ContextBrought(
        event_id="evt_10", **IDS, source="history", hidden=Hidden(context={"time": "6:00"})
    ),
    "thinking": ThinkingAdded(
        event_id="evt_11",
        **IDS,
        caused_by="m1",
        step="intent_processing",
        status="completed",
        content="",
        attempt=1,
        of=3,
        duration_ms=12,
        data={"score": 0.5},
    ),
    "thinking_reminder": ThinkingAdded(
        event_id="evt_20",
        **IDS,
        caused_by="m1",
        step="reminder",
        status="completed",
        content="Hello",
        data={"reminder_id": "reminder_1", "due_at": "2026-11-24T04:10:00.123Z"},
        hidden=Hidden(
            reminder=ReminderMark("alarm", "reminder_1", "Hello", "2026-11-24T04:10:00.123Z")
        ),
    ),
    "turn_reminder": TurnChanged(
        event_id="evt_21",
        timestamp=IDS["timestamp"],
        user_id="ann",
        caused_by="reminder_1",
        status="started",
        attempt=1,
        hidden=Hidden(reminder=ReminderMark("alarm")),
    ),
    "intent_own_slots": IntentChanged(
        event_id="evt_22",
        **IDS,
        caused_by="m1",
        status="active",
        slots={},
        reason="slots",
        hidden=Hidden(slots={"_notes": {"tries": 1}}),
    ),
    "partial": PartialStored(event_id="evt_12", **IDS, message_id="msg_1", offset=0, text="Hel"),
    "response": ResponseGiven(
        event_id="evt_13",
        **IDS,
        message_id="msg_1",
        content="Hello",
        is_complete=False,
        follow_up=False,
        stopped=True,
    ),
    "component": ComponentShown(
        event_id="evt_14",
        **IDS,
        component_id="cmp_1",
        kind="buttons",
        title="Size?",
        options=(Option("s", "small"),),
        expires_at="2026-11-24T04:10:00.123Z",
    ),
    "component_form": ComponentShown(
        event_id="evt_15",
        **IDS,
        component_id="cmp_2",
        kind="form",
        title="When?",
        schema={"type": "object"},
        data={"hint": 1},
    ),
    "tool_call": ToolCalled(
        event_id="evt_16",
        **IDS,
        call_id="c1",
        name="add",
        idempotent=False,
        hidden=Hidden(arguments={"pin": "1234"}),
    ),
    "tool_call_visible": ToolCalled(
        event_id="evt_17", **IDS, call_id="c2", name="add", idempotent=True, arguments={"a": 1}
    ),
    "tool_result": ToolReturned(
        event_id="evt_18", **IDS, call_id="c1", ok=True, hidden=Hidden(result=[1, "x"])
    ),
    "error": ErrorRaised(
        event_id="evt_19", **IDS, code="agent_error", message="sorry", retryable=True
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_written_today_is_the_golden_form(name):
    event = encode(EXAMPLES[name])
    assert (GOLDEN / f"{name}.{event.topic}.json").read_bytes() == event.body


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_stored_form_loads_for_ever(path):
    name, *topic, _ = path.name.split(".")
    assert decode(".".join(topic), path.read_bytes()) == EXAMPLES[name]


def test_every_fact_has_a_golden_form():
    assert {type(fact) for fact in EXAMPLES.values()} == set(FACTS)
    assert len(set(TOPICS.values())) == len(FACTS)


def test_a_topic_of_a_newer_version_passes_through():
    assert decode("poll.1", b'{"type":"poll","event_id":"e"}') is None


def test_what_is_hidden_is_not_framed():
    body = encode(EXAMPLES["tool_call"]).body
    frame = frame_of(ChatId("chat_1"), 7, body).data
    assert b"1234" in body
    assert b"1234" not in frame
    assert msgspec.json.decode(frame)["position"] == 7


def test_a_frame_is_the_stored_bytes_behind_chat_and_position():
    body = encode(EXAMPLES["turn"]).body
    frame = frame_of(ChatId("chat_1"), 3, body)
    assert frame.data == b'{"user_chat_id":"chat_1","position":3,' + body[1:]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(content=TEXT, values=st.dictionaries(TEXT, JSON, max_size=3), result=JSON)
def test_facts_survive_the_round_trip(content, values, result):
    for fact in (
        UserMessageAdded(event_id="e", **IDS, message_id="m", content=content, hidden=KEY),
        ComponentSubmitted(event_id="e", **IDS, component_id="c", values=values),
        ToolReturned(event_id="e", **IDS, call_id="c", ok=True, result=result),
        ContextBrought(event_id="e", **IDS, source="s", hidden=Hidden(context=values)),
    ):
        event = encode(fact)
        framed, _, _ = event.body.partition(b"\n")
        assert b"\n" not in framed
        assert decode(event.topic, event.body) == fact


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_erased_event_keeps_ids_and_flags_and_nothing_that_was_written(name):
    event = encode(EXAMPLES[name])
    body = erase(event.topic, event.body)
    form = msgspec.json.decode(body.partition(b"\n")[0])
    assert form["erased"] is True
    assert form["event_id"] == EXAMPLES[name].event_id
    for word in ("1234", "7:00", "😀", "Hello", "sorry", "6:00", "Size?", "hint"):
        assert word not in body.decode()
    fact = decode(event.topic, body)
    assert type(fact) is type(EXAMPLES[name])
    assert erase(event.topic, body) == body


def test_repeats_of_an_erased_command_are_known_by_id_alone():
    event = encode(EXAMPLES["user"])
    fact = decode(event.topic, erase(event.topic, event.body))
    assert fact.hidden.command == CommandKey("m1", "")


def test_a_lone_surrogate_cannot_be_stored():
    with pytest.raises(UnicodeEncodeError):
        encode(UserMessageAdded(event_id="e", **IDS, message_id="m", content="\ud800"))


def test_an_event_full_of_dear_numbers_is_read_at_once():
    submitted = EXAMPLES["component_submitted"]
    stored = encode(replace(submitted, values={"a": [1e300, 5e-324] * 16_000}))
    assert decode(stored.topic, stored.body).values["a"][:2] == [1e300, 5e-324]
    assert min(seconds_for(stored) for _ in range(3)) < (0.05 if sys.gettrace() is None else 0.2)


def seconds_for(stored: NewEvent) -> float:
    """The processor's time for reading it."""
    begun_at = thread_time()
    decode(stored.topic, stored.body)
    return thread_time() - begun_at
