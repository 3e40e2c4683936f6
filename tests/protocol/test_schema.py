"""The published JSON Schema takes what is sent, and refuses what the server refuses."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from chatstream.domain.user_chat.state import UserChat
from chatstream.domain.views import chat_view
from chatstream.ids import ChatId
from chatstream.protocol.frames import (
    Ack,
    CaughtUp,
    Delta,
    Details,
    Drain,
    FrameLimits,
    Heartbeat,
    OpenedHead,
    Pong,
    Rejected,
    Resync,
    ServerFrame,
    Welcome,
    encode,
    encode_opened,
)
from chatstream.protocol.schema import frames_schema

CHAT = ChatId("c")
CONTROL_FRAMES: list[ServerFrame] = [
    Welcome(
        socket_connection_id="s",
        user_id="u",
        heartbeat_seconds=20,
        limits=FrameLimits(1, 2),
        server_time="2026-11-23T04:10:00.123Z",
    ),
    CaughtUp(user_chat_id=CHAT, position=1),
    Ack(id="i", user_chat_id="c", position=1),
    Ack(id="i", user_chat_id="c", position=1, duplicate=True),
    Rejected(id=None, code="invalid_form", message="m", details=Details({"a": "b"})),
    Delta(user_chat_id=CHAT, message_id="m", offset=0, text="t"),
    Resync(user_chat_id=CHAT, reason="event_mismatch"),
    Heartbeat(),
    Drain(retry_after_ms=1),
    Pong(nonce="n"),
    Pong(),
]


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({**frames_schema(), "anyOf": [{"$ref": f"#/$defs/{name}"}]})


def test_it_is_a_schema():
    Draft202012Validator.check_schema(frames_schema())


@pytest.mark.parametrize("frame", CONTROL_FRAMES, ids=lambda frame: type(frame).__name__)
def test_every_control_frame_fits(frame: ServerFrame):
    validator("ControlFrame").validate(json.loads(encode(frame)))


def test_opened_fits():
    view = chat_view(CHAT, UserChat(1, "open", "u"), 1000)
    opened = json.loads(encode_opened(OpenedHead(id="o", created=True, start=0), view))
    validator("ControlFrame").validate(opened)
    assert opened["from"] == 0
    assert opened["intent"] is opened["session"] is opened["turn"] is None


@pytest.mark.parametrize(
    ("frame", "fits"),
    [
        ({"type": "ping"}, True),
        ({"type": "send", "id": "i", "user_chat_id": "c", "content": "x", "more": 1}, True),
        ({"type": "send", "id": "a b", "user_chat_id": "c", "content": "x"}, False),
        ({"type": "send", "id": "i\n", "user_chat_id": "c", "content": "x"}, False),
        ({"type": "open", "after": -1}, False),
        ({"type": "teleport"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_client_frames_fit_as_the_server_takes_them(frame: dict, fits: bool):
    assert validator("ClientFrame").is_valid(frame) is fits
