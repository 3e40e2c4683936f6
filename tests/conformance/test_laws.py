"""The suite fails where it should: each planted fault of a frame, socket or log is caught."""

from __future__ import annotations

import json

import pytest
from tests.kit.laws import check_deltas, check_event, check_following, check_log, fold
from tests.kit.wire import Frame, array_items, member_items

HEAD = {
    "user_chat_id": "chat_a",
    "timestamp": "2026-11-23T04:10:00.123Z",
    "user_id": "ann",
    "event_id": "evt_a",
}
CHAT = {"type": "chat", "status": "opened"}
USER = {"type": "user", "content": "hi", "message_id": "m", "user_intent_id": "intent_a"}
STARTED = {
    "type": "turn",
    "status": "started",
    "attempt": 1,
    "caused_by": "m",
    "user_intent_id": "intent_a",
}
WAITING = {"type": "user", "content": "ho", "message_id": "n"}
COMPLETE = {"type": "intent", "status": "complete", "user_intent_id": "intent_a"}
COMPLETED = {"type": "session", "status": "completed", "session_id": "session_a"}
BEGUN = {**COMPLETED, "status": "started"}
ERROR = {"type": "error", "code": "x", "message": "y", "retryable": False}
FORM = {
    "type": "component", "component_id": "cmp_a", "kind": "form", "user_intent_id": "intent_a",
}  # fmt: skip
SUBMITTED = {
    "type": "component_submitted", "component_id": "cmp_a", "values": {}, "message_id": "s",
    "user_intent_id": "intent_a",
}  # fmt: skip
FINISHED = {**STARTED, "status": "finished"}
ACTIVE = {"type": "intent", "status": "active", "user_intent_id": "intent_a"}
RESPONSE = {
    "type": "response",
    "message_id": "msg_a",
    "content": "yo",
    "is_complete": False,
    "follow_up": False,
    "user_intent_id": "intent_a",
}
PARTIAL = {"type": "partial", "message_id": "msg_a", "offset": 0, "text": "yo"}
DELTA = {"type": "delta", "user_chat_id": "chat_a", "message_id": "msg_a", "offset": 0, "text": "y"}
OPENED = {"type": "opened", "user_chat_id": "chat_a", "from": 0, "position": 2}
CAUGHT_UP = {"type": "caught_up", "user_chat_id": "chat_a", "position": 2}


def frame(body: dict) -> Frame:
    return Frame(json.dumps(body))


def log(*bodies: dict) -> list[Frame]:
    """A log of these bodies, positions and ids filled in."""
    return [
        frame({**HEAD, "position": at, "event_id": f"evt_{at}", **body})
        for at, body in enumerate(bodies, 1)
    ]


def test_good_logs_of_every_kind_pass():
    done = {**RESPONSE, "is_complete": True}
    asks = {**RESPONSE, "follow_up": True}
    check_log(log(CHAT, USER, STARTED, BEGUN, ACTIVE, done, COMPLETE, COMPLETED, FINISHED))
    needs_input = {**STARTED, "status": "needs_input"}
    second = {**STARTED, "caused_by": "s"}
    check_log(
        log(
            CHAT,
            USER,
            STARTED,
            asks,
            FORM,
            needs_input,
            SUBMITTED,
            second,
            ERROR,
            {**second, "status": "failed"},
        )
    )
    check_log(log(CHAT, USER, STARTED, WAITING, FINISHED, {**STARTED, "caused_by": "n"}))


def test_a_good_log_passes():
    events = log(CHAT, USER, STARTED, ACTIVE, PARTIAL, RESPONSE, FINISHED)
    check_log(events)
    for event in events:
        check_event(event)
    assert fold(events)["intents"]["intent_a"]["status"] == "active"


@pytest.mark.parametrize(
    "bodies",
    [
        (USER,),
        (CHAT, {**USER, "position": 3}),
        (CHAT, {**USER, "event_id": "evt_1"}),
        (CHAT, USER, STARTED, STARTED),
        (CHAT, USER, STARTED, FINISHED, FINISHED),
        (CHAT, USER, FINISHED),
        (CHAT, STARTED, {**STARTED, "caused_by": "n"}),
        (CHAT, STARTED, FINISHED, STARTED),
        (CHAT, STARTED, {**FINISHED, "attempt": 2}),
        (CHAT, ACTIVE, {**ACTIVE, "user_intent_id": "intent_b"}),
        (CHAT, {**ACTIVE, "status": "complete"}, ACTIVE),
        (CHAT, {"type": "session", "status": "expired", "session_id": "session_a"}),
        (CHAT, PARTIAL, PARTIAL),
        (CHAT, {**PARTIAL, "offset": 1}),
        (CHAT, RESPONSE, PARTIAL),
        (CHAT, WAITING),
        (CHAT, USER, STARTED, {**WAITING, "user_intent_id": "intent_a"}),
        (CHAT, USER, ACTIVE, STARTED),
        (CHAT, USER, {**STARTED, "user_intent_id": "intent_b"}),
        (
            CHAT,
            USER,
            STARTED,
            WAITING,
            {**WAITING, "message_id": "o"},
            FINISHED,
            {**STARTED, "caused_by": "o"},
        ),
        (CHAT, USER, STARTED, FINISHED, {**ACTIVE, "caused_by": "m"}),
        (CHAT, USER, STARTED, {**ACTIVE, "caused_by": "n"}),
        (CHAT, USER, STARTED, {**RESPONSE, "is_complete": True}, COMPLETE, FINISHED),
        (
            CHAT,
            USER,
            STARTED,
            BEGUN,
            {**RESPONSE, "is_complete": True},
            ACTIVE,
            COMPLETE,
            COMPLETED,
            FINISHED,
        ),
        (CHAT, USER, STARTED, {**RESPONSE, "stopped": True}, ACTIVE),
        (CHAT, USER, STARTED, {**RESPONSE, "follow_up": True}, FINISHED),
        (CHAT, USER, STARTED, ERROR, FINISHED),
        (CHAT, USER, STARTED, BEGUN, COMPLETED),
        (CHAT, FORM, SUBMITTED, {**STARTED, "caused_by": "s"}, SUBMITTED),
        (CHAT, FORM, {**FORM, "component_id": "cmp_b"}, SUBMITTED, {**STARTED, "caused_by": "s"}),
    ],
)
def test_a_log_with_a_fault_is_caught(bodies: tuple):
    with pytest.raises(AssertionError):
        check_log(log(*bodies))


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": None},
        {"event_id": "x"},
        {"position": 0},
        {"position": "1"},
        {"timestamp": "2026-11-23T04:10:00Z"},
        {"timestamp": "2026-11-23T04:10:00.123+00:00"},
        {"type": "mystery"},
        {"socket_connection_id": "chat_a"},
        {"user_intent_id": None},
    ],
)
def test_an_event_with_a_fault_is_caught(change: dict):
    with pytest.raises(AssertionError):
        check_event({**log(CHAT, USER)[1], **change})


@pytest.mark.parametrize("name", ["content", "message_id", "timestamp", "user_id", "event_id"])
def test_an_event_that_lacks_a_field_is_caught(name: str):
    event = dict(log(CHAT, USER)[1])
    del event[name]
    with pytest.raises(AssertionError):
        check_event(event)


def test_good_following_passes():
    check_following(
        [frame(OPENED), *log(CHAT, USER), frame(CAUGHT_UP), *log(CHAT, USER, STARTED)[2:]]
    )


@pytest.mark.parametrize(
    "order", [[0, 2, 3], [0, 1, 1, 2, 3], [0, 2, 1, 3], [1, 2], [0, 1, 3], [3]]
)
def test_following_with_a_gap_repeat_or_wrong_seam_is_caught(order: list[int]):
    frames = [frame(OPENED), *log(CHAT, USER), frame(CAUGHT_UP)]
    with pytest.raises(AssertionError):
        check_following([frames[index] for index in order])


def test_a_delta_after_its_response_is_caught():
    response = log(CHAT, RESPONSE)[1]
    check_deltas([frame(DELTA), response])
    with pytest.raises(AssertionError):
        check_deltas([response, frame(DELTA)])


def test_the_text_of_items_is_kept_as_it_stood():
    text = '{"next": null, "x": "\\"items\\":[", "items": [{"a":1.0}, {"b": "]"}], "y": 1}'
    assert member_items(text, "items") == ['{"a":1.0}', '{"b": "]"}']
    assert array_items("[]") == []
