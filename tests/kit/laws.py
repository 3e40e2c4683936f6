"""What holds of every frame, of every socket and of every chat's log, whatever a test was about.

`check_socket` is run on each socket when its test ends; `check_log` on a whole log; `fold` tells
the state that the page derives from a log, for comparison with what the server answers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.kit.wire import TURN_ENDS, Frame, Socket, is_event

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SERVER_MADE = {
    "event_id": "evt_",
    "user_intent_id": "intent_",
    "session_id": "session_",
    "socket_connection_id": "socket_",
    "component_id": "cmp_",
}
TURN_STATES = {"started", "restarted", *TURN_ENDS}
REQUIRED: dict[str, set[str]] = {
    "chat": {"status"},
    "user": {"content", "message_id"},
    "component_submitted": {"component_id", "values", "message_id"},
    "turn": {"status", "attempt", "caused_by"},
    "session": {"status", "session_id"},
    "intent": {"status", "user_intent_id"},
    "context": {"source"},
    "thinking": {"step", "status", "content"},
    "partial": {"message_id", "offset", "text"},
    "response": {"message_id", "content", "is_complete", "follow_up"},
    "component": {"component_id", "kind"},
    "tool_call": {"call_id", "name", "idempotent"},
    "tool_result": {"call_id", "ok"},
    "error": {"code", "message", "retryable"},
}
WRITTEN = {
    "content", "text", "values", "slots", "title", "schema", "options", "arguments", "result",
    "data", "message",
}  # fmt: skip
STATES: dict[str, set[str]] = {
    "chat": {"opened", "closed", "erased"},
    "turn": TURN_STATES,
    "session": {"started", "completed", "expired", "abandoned"},
    "intent": {"active", "complete", "abandoned"},
    "thinking": {"started", "completed", "failed"},
}
CONTROL: dict[str, set[str]] = {
    "welcome": {"socket_connection_id", "user_id", "heartbeat_seconds", "limits", "server_time"},
    "opened": {
        "user_chat_id", "created", "status", "position", "from", "intent", "session", "turn",
        "resumable",
    },
    "caught_up": {"user_chat_id", "position"},
    "ack": {"id", "user_chat_id", "position"},
    "rejected": {"id", "code", "message"},
    "delta": {"user_chat_id", "message_id", "offset", "text"},
    "resync": {"user_chat_id", "reason"},
    "heartbeat": set(),
    "drain": {"retry_after_ms"},
    "pong": set(),
}  # fmt: skip


def check_frame(frame: Frame) -> None:
    """One frame by itself: known, complete, nothing null that should be absent."""
    if is_event(frame):
        check_event(frame)
        return
    assert frame["type"] in CONTROL, frame.text
    assert CONTROL[frame["type"]] <= frame.keys(), frame.text
    if frame["type"] == "ack":
        assert frame.get("duplicate", True) is True, "a first ack has no `duplicate`"


def check_event(frame: dict[str, Any]) -> None:
    """An event frame has its common fields, its own, ids of the right make, and no null."""
    kind = frame["type"]
    assert kind in REQUIRED, frame
    assert {"user_chat_id", "position", "event_id", "timestamp", "user_id"} <= frame.keys(), frame
    assert None not in frame.values(), frame
    assert type(frame["position"]) is int, frame
    assert frame["position"] >= 1, frame
    assert TIMESTAMP.fullmatch(frame["timestamp"]), frame
    needed = REQUIRED[kind] - WRITTEN if frame.get("erased") else REQUIRED[kind]
    assert needed <= frame.keys(), frame
    assert frame.get("status") in STATES.get(kind, {None}), frame
    for name, prefix in SERVER_MADE.items():
        if name in frame:
            assert ID.fullmatch(frame[name]), frame
            assert frame[name].startswith(prefix), frame
    if kind in ("partial", "response"):
        assert frame["message_id"].startswith("msg_"), frame


def check_socket(socket: Socket) -> None:
    """All that one socket got: every frame is well made, every chat's events are without a gap."""
    for frame in socket.frames:
        check_frame(frame)
    chats = {f["user_chat_id"] for f in socket.frames if "user_chat_id" in f}
    for chat in chats:
        mine = [f for f in socket.frames if f.get("user_chat_id") == chat]
        check_following(mine)
        check_deltas(mine)
    check_answers(socket)


def check_following(frames: Sequence[Frame]) -> None:
    """Positions go up by one from each `opened`, which one `caught_up` follows."""
    at: int | None = None
    awaiting: int | None = None
    for frame in frames:
        if frame["type"] == "opened":
            at, awaiting = frame["from"], frame["position"]
        elif frame["type"] == "caught_up":
            assert awaiting is not None, "caught_up without an opened"
            assert frame["position"] == at, ("caught_up is not where the events are", frame, at)
            assert frame["position"] >= awaiting, (frame, awaiting)
            awaiting = None
        elif is_event(frame):
            assert at is not None, ("an event before any opened", frame)
            assert frame["position"] == at + 1, ("a gap or a repeat", frame, at)
            at = frame["position"]


def check_deltas(frames: Sequence[Frame]) -> None:
    """Deltas of an answer never overlap backwards and never follow its response."""
    finished: set[str] = set()
    for frame in frames:
        if frame["type"] == "opened":
            finished.clear()
        if frame["type"] == "response":
            finished.add(frame["message_id"])
        if frame["type"] == "delta":
            assert frame["message_id"] not in finished, ("a delta after its response", frame)
            assert frame["text"], frame


def check_answers(socket: Socket) -> None:
    """No command is answered twice as new: of one id in one chat at most one ack is the first."""
    firsts = [
        (f["id"], f["user_chat_id"])
        for f in socket.frames
        if f["type"] == "ack" and not f.get("duplicate")
    ]
    assert len(firsts) == len(set(firsts)), "two first acks of one id"


def check_log(events: Sequence[dict[str, Any]]) -> None:
    """A whole log: gapless, unique ids, one active intent, turns one after another, each ended."""
    assert [e["position"] for e in events] == list(range(1, len(events) + 1))
    assert len({e["event_id"] for e in events}) == len(events)
    assert (events[0]["type"], events[0].get("status")) == ("chat", "opened")
    check_turns(events)
    check_intents(events)
    check_partials(events)
    check_belonging(events)
    check_appends(events)
    check_starts(events)
    check_submits(events)


def check_turns(events: Sequence[dict[str, Any]]) -> None:
    """Turns do not overlap; each begins once and ends at most once, the attempts counted."""
    running: str | None = None
    attempt = 0
    seen: set[str] = set()
    for event in events:
        if event["type"] != "turn":
            continue
        cause, status = event["caused_by"], event["status"]
        if status == "started":
            assert running is None, ("two turns at once", event)
            assert cause not in seen, ("a turn twice", event)
            running, attempt = cause, 1
            seen.add(cause)
        else:
            assert running == cause, ("not the running turn", event)
            if status == "restarted":
                attempt += 1
            else:
                running = None
        assert event["attempt"] == attempt, event


def check_intents(events: Sequence[dict[str, Any]]) -> None:
    """At most one intent is active; a complete one stays so; sessions end once."""
    intents: dict[str, str] = {}
    sessions: dict[str, str] = {}
    for event in events:
        if event["type"] == "intent":
            name = event["user_intent_id"]
            assert intents.get(name) != "complete", ("a complete intent changed", event)
            intents[name] = event["status"]
            assert list(intents.values()).count("active") <= 1, ("two active intents", event)
        if event["type"] == "session":
            name = event["session_id"]
            expected = None if event["status"] == "started" else "started"
            assert sessions.get(name) == expected, ("a session out of order", event)
            sessions[name] = event["status"]


def check_partials(events: Sequence[dict[str, Any]]) -> None:
    """The partials of an answer are contiguous from 0 and come before its response."""
    held: dict[str, int] = {}
    finished: set[str] = set()
    for event in events:
        if event.get("erased"):
            continue
        if event["type"] == "response":
            finished.add(event["message_id"])
        if event["type"] == "partial":
            answer = event["message_id"]
            assert answer not in finished, ("a partial after its response", event)
            assert event["offset"] == held.get(answer, 0), ("a hole between partials", event)
            held[answer] = event["offset"] + len(event["text"])


def check_belonging(events: Sequence[dict[str, Any]]) -> None:
    """Every event that a turn caused stands between its start and its end."""
    running: str | None = None
    for event in events:
        if event["type"] == "turn" and event["status"] == "started":
            running = event["caused_by"]
        is_cause = event["type"] in ("user", "component_submitted")
        if "caused_by" in event and not is_cause:
            assert event["caused_by"] == running, ("outside of its turn", event)
        if event["type"] == "turn" and event["status"] in TURN_ENDS:
            running = None


def check_appends(events: Sequence[dict[str, Any]]) -> None:
    """What ends a turn, the states that it changes and the end stand directly one after another."""
    for at, event in enumerate(events):
        following = [f"{e['type']} {e.get('status')}" for e in events[at + 1 : at + 4]]
        if event["type"] == "error":
            assert following[:1] == ["turn failed"], event
        if event["type"] == "response" and event.get("stopped"):
            failed = ["error None", "turn failed"]
            assert "turn cancelled" in following[:1] or following[:2] == failed, event
        if event["type"] == "response" and event["is_complete"]:
            whole = ["intent complete", "session completed", "turn finished"]
            assert following == whole, (event, following)
        if event["type"] == "response" and event["follow_up"]:
            rest = [word for word in following if not word.startswith("component")]
            assert rest[:1] == ["turn needs_input"], (event, following)
        if event["type"] == "session" and event["status"] == "completed":
            before = events[at - 1]
            assert (before["type"], before["status"]) == ("intent", "complete"), event


def check_starts(events: Sequence[dict[str, Any]]) -> None:
    """A message starts its turn directly, or waits while one runs; those that wait run in order."""
    running, waiting = False, list[str]()
    for at, event in enumerate(events):
        if event["type"] in ("user", "component_submitted"):
            after = events[at + 1] if at + 1 < len(events) else {}
            if "user_intent_id" in event:
                assert not running, ("has its intent though it must wait", event)
                assert after.get("caused_by") == event["message_id"], (event, after)
                assert after.get("user_intent_id") == event["user_intent_id"], (event, after)
            else:
                assert running, ("waits though no turn runs", event)
            waiting.append(event["message_id"])
        if event["type"] == "turn":
            if event["status"] == "started" and event["caused_by"].startswith("reminder_"):
                assert not waiting, ("speaks before what waits", event)
                assert "user_intent_id" not in event, event
            elif event["status"] == "started" and "retry_of" not in event:
                assert waiting.pop(0) == event["caused_by"], ("out of its order", event)
            running = event["status"] not in TURN_ENDS


def check_submits(events: Sequence[dict[str, Any]]) -> None:
    """A component takes one submit, and only while it is the newest of its intent."""
    newest: dict[str, str] = {}
    owner: dict[str, str] = {}
    submitted: set[str] = set()
    for event in events:
        if event["type"] == "component":
            owner[event["component_id"]] = event["user_intent_id"]
            newest[event["user_intent_id"]] = event["component_id"]
        if event["type"] == "component_submitted":
            component = event["component_id"]
            assert component not in submitted, ("submitted twice", event)
            assert newest[owner[component]] == component, ("an older component", event)
            submitted.add(component)


def fold(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The state that a log means: status, position, intents, sessions, the running turn."""
    state: dict[str, Any] = {
        "status": "open", "position": 0, "intents": {}, "sessions": {}, "turn": None,
    }  # fmt: skip
    for event in events:
        state["position"] = event["position"]
        FOLDS.get(event["type"], fold_other)(state, event)
    return state


def fold_chat(state: dict[str, Any], event: dict[str, Any]) -> None:
    state["status"] = "open" if event["status"] == "opened" else event["status"]


def fold_turn(state: dict[str, Any], event: dict[str, Any]) -> None:
    running = event["status"] in ("started", "restarted")
    turn = {"message_id": event["caused_by"], "attempt": event["attempt"]}
    state["turn"] = turn if running else None
    touch(state, event)


def fold_intent(state: dict[str, Any], event: dict[str, Any]) -> None:
    name = event["user_intent_id"]
    intent = state["intents"].setdefault(
        name, {"slots": {}, "name": None, "created_at": event["timestamp"], "question": None}
    )
    intent["status"], intent["reason"] = event["status"], event.get("reason")
    intent["name"] = event.get("name", intent["name"])
    slots = {**intent["slots"], **event.get("slots", {})}
    intent["slots"] = {key: value for key, value in slots.items() if value is not None}
    if event["status"] == "complete":
        intent["question"] = None
    if event.get("reason") != "idle":
        touch(state, event)


def fold_session(state: dict[str, Any], event: dict[str, Any]) -> None:
    started = event["status"] == "started"
    state["sessions"][event["session_id"]] = "living" if started else event["status"]
    if event["status"] != "expired":
        touch(state, event)


def fold_response(state: dict[str, Any], event: dict[str, Any]) -> None:
    if "user_intent_id" not in event:
        return  # a reminder that spoke
    intent = state["intents"][event["user_intent_id"]]
    intent["question"] = event["content"] if event["follow_up"] else None
    touch(state, event)


def fold_other(state: dict[str, Any], event: dict[str, Any]) -> None:
    touch(state, event)


def touch(state: dict[str, Any], event: dict[str, Any]) -> None:
    """Note activity of the intent that an event belongs to."""
    intent = state["intents"].get(event.get("user_intent_id"))
    if intent is not None:
        intent["last_activity_at"] = event["timestamp"]


FOLDS: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "chat": fold_chat,
    "turn": fold_turn,
    "intent": fold_intent,
    "session": fold_session,
    "response": fold_response,
}


def gaps(numbers: Sequence[float]) -> list[float]:
    """The differences between neighbours."""
    return [later - earlier for earlier, later in itertools.pairwise(numbers)]
