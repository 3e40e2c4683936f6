"""The fold of one chat: from frames to what a window shows."""

from __future__ import annotations

import itertools
import json

from chatstream.client.frames import UnknownEvent, decode
from chatstream.client.state import ChatView, apply


class Story:
    """A chat told frame by frame; positions and ids count themselves."""

    def __init__(self):
        self.view = ChatView(user_chat_id="chat")
        self.positions = itertools.count(1)

    def event(self, type_, position=None, **fields):
        position = next(self.positions) if position is None else position
        common = {"user_chat_id": "chat", "event_id": f"evt_{position}", "user_id": "user"}
        time = f"2026-01-01T00:00:00.{position:03}Z"
        frame = {"type": type_, "position": position, "timestamp": time, **common, **fields}
        return self.frame(frame)

    def control(self, type_, **fields):
        return self.frame({"type": type_, "user_chat_id": "chat", **fields})

    def frame(self, frame):
        for decoded in decode(json.dumps(frame)):
            self.view = apply(self.view, decoded)
        return self

    def begun(self, content="hello", *, message="m1", intent="i1"):
        """A message, its turn and its intent."""
        self.event("user", message_id=message, caused_by=message, content=content)
        self.event("turn", status="started", attempt=1, caused_by=message)
        self.event("session", status="started", session_id="s1", user_intent_id=intent)
        return self.event(
            "intent", status="active", user_intent_id=intent, session_id="s1", caused_by=message
        )

    def delta(self, offset, text, message="a1"):
        return self.control("delta", message_id=message, offset=offset, text=text)


def test_a_repeated_event_changes_nothing():
    story = Story().begun()
    before = story.view
    story.event("user", position=1, message_id="m1", content="hello")
    assert story.view is before


def test_an_event_after_a_gap_changes_nothing():
    story = Story().begun()
    before = story.view
    story.event("user", position=9, message_id="m9", content="too early")
    assert story.view is before


def test_pieces_count_code_points_and_overlap_freely():
    story = Story().begun()
    story.delta(0, "Zürich 🎉").delta(7, "🎉 the").delta(0, "Zür").delta(12, " schön")
    assert story.view.answers == {"a1": "Zürich 🎉 the schön"}


def test_a_piece_beyond_the_end_waits_for_the_partial_that_fills_the_hole():
    story = Story().begun().delta(3, "lo")
    assert story.view.answers == {}
    story.event("partial", message_id="a1", offset=0, text="Hel").delta(3, "lo")
    assert story.view.answers == {"a1": "Hello"}


def test_the_response_replaces_what_was_streamed_and_late_pieces_are_nothing():
    story = Story().begun().delta(0, "Helo")
    story.event("response", message_id="a1", content="Hello!", is_complete=False, follow_up=False)
    story.delta(4, "!!")
    assert story.view.answers == {}
    assert story.view.messages[-1].content == "Hello!"


def test_a_restart_voids_the_texts_of_earlier_attempts_for_good():
    story = Story().begun().delta(0, "old")
    story.event("turn", status="restarted", attempt=2, caused_by="m1")
    story.delta(0, "old again").delta(0, "new", message="a2")
    assert story.view.answers == {"a2": "new"}
    assert (story.view.turn.message_id, story.view.turn.attempt) == ("m1", 2)


def test_the_end_of_a_turn_ends_its_texts():
    story = Story().begun().delta(0, "half")
    story.event("turn", status="cancelled", attempt=1, caused_by="m1").delta(4, "late")
    assert (story.view.turn, story.view.answers) == (None, {})


def test_slots_merge_and_null_removes():
    story = Story().begun()
    intent = {"status": "active", "user_intent_id": "i1"}
    story.event("intent", **intent, reason="recognised", name="book", confidence=0.9)
    story.event("intent", **intent, reason="slots", slots={"city": "Rome", "date": "today"})
    story.event("intent", **intent, reason="slots", slots={"city": None, "seats": 2})
    assert story.view.intent.name == "book"
    assert story.view.intent.slots == {"date": "today", "seats": 2}


def test_an_intent_is_named_for_what_the_user_said_first():
    story = Story().begun("x" * 79 + "🎉🎉")
    assert story.view.intent.title == "x" * 79 + "🎉"


def test_a_follow_up_is_the_open_question_until_the_next_answer():
    story = Story().begun()
    reply = {"user_intent_id": "i1", "is_complete": False}
    story.event("response", message_id="a1", content="Which city?", follow_up=True, **reply)
    assert story.view.intent.question.text == "Which city?"
    story.event("response", message_id="a2", content="Thanks", follow_up=False, **reply)
    assert story.view.intent.question is None


def test_a_form_asks_until_it_is_submitted():
    story = Story().begun()
    form = {"kind": "form", "title": "Your trip", "user_intent_id": "i1"}
    story.event("component", component_id="c1", **form)
    question = story.view.intent.question
    assert (question.text, question.component_id) == ("Your trip", "c1")
    story.event(
        "component_submitted", component_id="c1", values={"to": "Rome"}, user_intent_id="i1"
    )
    assert story.view.intent.question is None
    assert story.view.components[0].state == "submitted"
    assert story.view.components[0].values == {"to": "Rome"}


def test_a_newer_component_of_the_task_closes_the_older_but_not_another_tasks():
    story = Story().begun().begun(message="m2", intent="i2")
    story.event("component", component_id="c1", kind="form", user_intent_id="i1")
    story.event("component", component_id="c2", kind="form", user_intent_id="i2")
    story.event("component", component_id="c3", kind="form", user_intent_id="i2")
    assert [one.component_id for one in story.view.open_components] == ["c1", "c3"]
    story.event("intent", status="complete", user_intent_id="i2")
    assert [one.component_id for one in story.view.open_components] == ["c1"]
    story.event("chat", status="closed")
    assert story.view.open_components == ()


def test_a_task_set_aside_can_be_resumed_newest_activity_first():
    story = Story().begun().begun(message="m2", intent="i2")
    story.event("thinking", step="x", status="completed", content="", user_intent_id="i1")
    story.event("intent", status="abandoned", reason="idle", user_intent_id="i2")
    story.event("intent", status="abandoned", reason="idle", user_intent_id="i1")
    assert [intent.user_intent_id for intent in story.view.resumable] == ["i1", "i2"]
    assert story.view.resumable[0].reason == "idle"
    story.event("intent", status="active", reason="resumed", user_intent_id="i2")
    assert story.view.intent.user_intent_id == "i2"
    assert [intent.user_intent_id for intent in story.view.resumable] == ["i1"]


def test_what_opened_tells_fills_in_what_lies_before_the_start():
    story = Story()
    intent = {"user_intent_id": "i1", "status": "active", "title": "hello", "slots": {"a": 1}}
    story.control(
        "opened",
        created=False,
        status="open",
        position=40,
        **{"from": 38},
        intent=intent,
        session={"session_id": "s1", "status": "started"},
        turn={"message_id": "m1", "attempt": 1},
        resumable=[],
    )
    story.event(
        "intent", position=39, status="active", reason="slots", slots={"b": 2}, user_intent_id="i1"
    )
    assert story.view.position == 39
    assert story.view.intent.slots == {"a": 1, "b": 2}
    assert story.view.intent.title == "hello"
    assert story.view.session.session_id == "s1"


def test_a_resync_forgets_the_chat():
    story = Story().begun().control("resync", reason="event_mismatch")
    assert story.view == ChatView(user_chat_id="chat")


def test_an_erased_chat_keeps_its_position_and_loses_its_words():
    story = Story().begun("secret").event("chat", status="erased")
    assert (story.view.status, story.view.position) == ("erased", 5)
    assert story.view.messages == ()
    assert "secret" not in repr(story.view)


def test_the_reason_of_a_failed_turn_is_held_until_the_next_turn():
    story = Story().begun()
    story.event("error", code="agent_error", message="It broke", retryable=True)
    story.event("turn", status="failed", attempt=1, caused_by="m1")
    assert story.view.error.message == "It broke"
    story.event("turn", status="started", attempt=1, caused_by="r1", retry_of="m1")
    assert story.view.error is None


def test_an_event_of_an_unknown_type_or_form_moves_the_position():
    story = Story().begun().event("hologram", shape="cube").event("turn", status="paused")
    assert story.view.position == 6


def test_an_unknown_event_tells_its_type():
    frame = {"type": "hologram", "user_chat_id": "c", "position": 1, "event_id": "e"}
    (event,) = decode(json.dumps(frame))
    assert isinstance(event, UnknownEvent)
    assert event.original_type == "hologram"


def test_a_batch_is_its_frames_in_order():
    frames = [{"type": "heartbeat"}, {"type": "new"}, {"type": "drain", "retry_after_ms": 5}]
    decoded = [*decode(" " + json.dumps(frames))]
    assert [type(frame).__name__ for frame in decoded] == ["Heartbeat", "Drain"]
