"""The shared transcripts: the Python client folds them as the browser's client does."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from chatstream.client.frames import decode
from chatstream.client.state import ChatView, apply

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "frames").glob("*.json"))


def folded(golden):
    view = ChatView(user_chat_id=golden["state"]["user_chat_id"])
    for frame in decode(json.dumps(golden["frames"])):
        view = apply(view, frame) if hasattr(frame, "user_chat_id") else view
    return view


def of_browser(state):
    """The browser's state, in the words of the Python view."""
    answers = state["answers"].items()
    return {
        "position": state["position"],
        "event_id": state["event_id"],
        "status": state["status"],
        "turn": state["turn"] and (state["turn"]["message_id"], state["turn"]["attempt"]),
        "answers": {key: one["text"] for key, one in answers if not one.get("done")},
        "intent": state["intent"],
        "intents": {key: intent_of(one) for key, one in state["intents"].items()},
        "components": {
            key: (one["status"], one.get("values", {})) for key, one in state["components"].items()
        },
    }


def intent_of(intent):
    names = ("status", "name", "title", "session_id", "created_at", "last_activity_at", "question")
    reason = intent.get("reason") if intent["status"] == "abandoned" else None
    return {name: intent.get(name) for name in names} | {
        "reason": reason,
        "slots": intent.get("slots", {}),
    }


def of_python(view):
    intents = msgspec.to_builtins(view.intents)
    return {
        "position": view.position,
        "event_id": view.event_id,
        "status": view.status,
        "turn": view.turn and (view.turn.message_id, view.turn.attempt),
        "answers": view.answers,
        "intent": view.intent and view.intent.user_intent_id,
        "intents": {key: intent_of({"title": "", **one}) for key, one in intents.items()},
        "components": {one.event.component_id: (one.state, one.values) for one in view.components},
    }


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_same_frames_give_the_same_chat_as_in_the_browser(path):
    golden = json.loads(path.read_text())
    assert of_python(folded(golden)) == of_browser(golden["state"])


def test_there_are_transcripts():
    assert len(GOLDEN) >= 12
