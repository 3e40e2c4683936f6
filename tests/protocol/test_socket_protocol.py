"""The session state machine and the reading of client frames: any message in, effects out."""

from __future__ import annotations

import json
import sys
from time import thread_time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstream.errors import Refused
from chatstream.protocol.decoding import BadFrame, decode
from chatstream.protocol.frames import (
    CLIENT_TYPES,
    Abandon,
    Cancel,
    ClientFrame,
    CloseWindow,
    Hello,
    Leave,
    Open,
    Ping,
    Pong,
    Rejected,
    Resume,
    Retry,
    Send,
    Submit,
)
from chatstream.protocol.socket_protocol import (
    Authenticate,
    Close,
    Effect,
    Execute,
    Follow,
    Greet,
    Reply,
    Session,
    SessionLimits,
    Unfollow,
)

MAX_CONTENT_BYTES = 100
LIMITS = SessionLimits(hello_timeout_s=5, idle_disconnect_s=60, max_content_bytes=100)
HELLO = '{"type":"hello","protocol":"chatstream.v1"}'
SEND = '{"type":"send","id":"i","user_chat_id":"c","content":"hi"}'


def read(text: str) -> ClientFrame | BadFrame:
    return decode(text, MAX_CONTENT_BYTES)


def open_session(limits: SessionLimits = LIMITS, expires_at: float | None = None) -> Session:
    session = Session(limits, now=0)
    session.receive(HELLO, now=0)
    session.greeted(0, expires_at)
    return session


def codes(effects: list[Effect]) -> list[str | int]:
    """The codes of refusals and closes."""
    found: list[str | int] = []
    for effect in effects:
        if isinstance(effect, Close):
            found.append(effect.code)
        elif isinstance(effect, Reply) and isinstance(effect.frame, Rejected):
            found.append(effect.frame.code)
    return found


# -- frames ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        (HELLO, Hello(protocol="chatstream.v1")),
        ('{"type":"open"}', Open()),
        (
            '{"type":"open","user_chat_id":"c","after":3,"after_event":"e","last":0}',
            Open(user_chat_id="c", after=3, after_event="e", last=0),
        ),
        (SEND, Send(id="i", user_chat_id="c", content="hi")),
        (
            '{"type":"submit","id":"i","user_chat_id":"c","component_id":"k","values":{"a":[1]}}',
            Submit(id="i", user_chat_id="c", component_id="k", values={"a": [1]}),
        ),
        ('{"type":"cancel","id":"i","user_chat_id":"c"}', Cancel(id="i", user_chat_id="c")),
        (
            '{"type":"retry","id":"i","user_chat_id":"c","message_id":"m"}',
            Retry(id="i", user_chat_id="c", message_id="m"),
        ),
        (
            '{"type":"resume","id":"i","user_chat_id":"c","user_intent_id":"n"}',
            Resume(id="i", user_chat_id="c", user_intent_id="n"),
        ),
        (
            '{"type":"abandon","id":"i","user_chat_id":"c","user_intent_id":"n"}',
            Abandon(id="i", user_chat_id="c", user_intent_id="n"),
        ),
        ('{"type":"close","id":"i","user_chat_id":"c"}', CloseWindow(id="i", user_chat_id="c")),
        ('{"type":"leave","user_chat_id":"c"}', Leave(user_chat_id="c")),
        ('{"type":"ping","nonce":1.5}', Ping(nonce=1.5)),
        ('{"unknown":{"deep":[[]]},"type":"ping"}', Ping()),
    ],
)
def test_a_client_frame_is_read_and_unknown_fields_are_ignored(text: str, frame: ClientFrame):
    assert read(text) == frame


def test_every_client_frame_has_a_known_type():
    assert len(CLIENT_TYPES) == len(get_args(ClientFrame))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "\ufeff" + SEND,
        SEND + " x",
        SEND + SEND,
        "{'type':'ping'}",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"type":"ping","nonce":NaN}',
        '{"type":"open","after":true}',
        '{"type":"open","after":1.0}',
        '{"type":"open","after":-1}',
        '{"type":"open","after":9007199254740992}',
        '{"type":"open","after":' + "9" * 5000 + "}",
        '{"type":"open","last":"1"}',
        '{"type":"open","user_chat_id":""}',
        '{"type":"open","user_chat_id":"c\\n"}',
        '{"type":"open","user_chat_id":"' + "c" * 65 + '"}',
        '{"type":"ping","nonce":{}}',
        '{"type":"ping","nonce":"' + "n" * 8193 + '"}',
        '{"type":7}',
        '{"type":null}',
        '{"type":"ping","type":"open"}',
        '{"id":"i"}',
        '{"type":"send","user_chat_id":"c","content":"hi"}',
        '{"type":"send","id":"i","user_chat_id":"c","content":null}',
        '{"type":"auth"}',
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_frame_is_an_invalid_frame(text: str):
    bad = read(text)
    assert isinstance(bad, BadFrame)
    assert bad.code == "invalid_frame"


@pytest.mark.parametrize("kind", ["teleport", "", "SEND", "ack", "hello "])
def test_a_type_that_nobody_knows_is_an_unknown_type(kind: str):
    bad = read(json.dumps({"type": kind, "id": "i"}))
    assert bad == BadFrame("i", None, "unknown_type", "this type is not known")


def test_a_bad_frame_names_the_valid_ids_it_came_with():
    bad = read('{"type":"send","id":"i","user_chat_id":"c","content":7}')
    assert isinstance(bad, BadFrame)
    assert (bad.id, bad.user_chat_id) == ("i", "c")


@pytest.mark.parametrize("bad_id", ["0", "null", '""', '"a b"', '"../x"', "[]", "{}"])
def test_a_bad_frame_names_no_id_that_is_not_valid(bad_id: str):
    bad = read('{"type":"cancel","user_chat_id":"c","id":' + bad_id + "}")
    assert isinstance(bad, BadFrame)
    assert (bad.id, bad.user_chat_id, bad.code) == (None, "c", "invalid_frame")


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00\\ud800", "\\ud800x"])
def test_a_lone_surrogate_is_refused_and_the_id_is_found_all_the_same(escape: str):
    bad = read('{"type":"send","id":"i","user_chat_id":"c","content":"' + escape + '"}')
    assert isinstance(bad, BadFrame)
    assert (bad.id, bad.code) == ("i", "invalid_frame")


def test_the_refusal_does_not_repeat_what_the_client_wrote():
    bad = read('{"type":"canary-in-a-type","id":7,"x":"canary"}')
    assert "canary" not in repr(bad)


def nested(depth: int) -> str:
    """A frame with ``depth`` objects and arrays inside one another, itself included."""
    return '{"type":"ping","x":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


def test_a_frame_may_be_32_deep_and_no_deeper():
    assert read(nested(32)) == Ping()
    assert isinstance(read(nested(33)), BadFrame)


def test_many_brackets_side_by_side_or_in_a_text_are_not_deep():
    assert read('{"type":"ping","x":[' + "[]," * 50 + "0]}") == Ping()
    assert read('{"type":"ping","x":"' + "[{" * 50 + '\\"[["}') == Ping()


ROOM = 262_000
UNITS = (
    *("1e300,", "4e-324,", "-1.7976931348623157e308,", "0,", "NaN,", '"",'),
    *("[],", "{},", "[[[[]]]],", '{"a":[]},', '{"a":1},'),
)
ENVELOPES = (
    '{"type":"ping","x":@}',
    '{"type":"submit","id":"i","user_chat_id":"c","component_id":"k","values":{"a":@}}',
    '{"type":"open","id":"i","after":@}',
    '{"type":"nothing","id":@}',
)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("envelope", ENVELOPES)
def test_the_longest_frame_is_read_at_once(unit: str, envelope: str):
    text = envelope.replace("@", f"[{unit * (ROOM // len(unit))}0]")
    assert min(seconds_for(text) for _ in range(3)) < (0.05 if sys.gettrace() is None else 0.2)


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_number_that_no_float_holds_is_refused(number: str):
    bad = read(ENVELOPES[1].replace("@", f"[1.5,{number}]"))
    assert isinstance(bad, BadFrame)
    assert (bad.id, bad.code) == ("i", "invalid_frame")


def seconds_for(text: str) -> float:
    """The processor's time for reading it."""
    begun_at = thread_time()
    read(text)
    return thread_time() - begun_at


def test_a_frame_with_more_objects_and_arrays_than_may_be_is_refused_by_its_name():
    frame = '{"type":"ping","id":"i","x":[@]}'
    assert read(frame.replace("@", ",".join(["[]"] * 19_998))) == Ping()
    bad = read(frame.replace("@", ",".join(["[]"] * 19_999)))
    assert isinstance(bad, BadFrame)
    assert (bad.id, bad.code) == ("i", "invalid_frame")
    assert "20000 objects and arrays" in bad.message


@pytest.mark.parametrize("odd", ['"\\ud800"', "NaN", "1e999"])
def test_what_is_hardly_json_is_told_by_its_id_all_the_same(odd: str):
    bad = read(f'{{"type":{odd},"id":"i","x":{odd}}}')
    assert isinstance(bad, BadFrame)
    assert bad.id == "i"
    long = read(f'{{"id":"i","x":{odd},"y":[{",".join(["[]"] * 20_000)}]}}')
    assert isinstance(long, BadFrame)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("x" * 100, None),
        ("x" * 101, "too_large"),
        ("é" * 50, None),
        ("é" * 51, "too_large"),
        ("👍" * 25, None),
        ("👍" * 26, "too_large"),
        ("", "invalid_content"),
        ("a\0b", "invalid_content"),
        (" ", None),
    ],
)
def test_content_is_measured_in_bytes_and_must_be_storable(content: str, code: str | None):
    frame = {"type": "send", "id": "i", "user_chat_id": "c", "content": content}
    for text in (json.dumps(frame), json.dumps(frame, ensure_ascii=False)):
        if code is not None and "\0" in text:
            continue  # a raw NUL is no JSON
        found = read(text)
        assert getattr(found, "code", None) == code


@pytest.mark.parametrize("values", [{"a": "\0"}, {"\0": 1}, {"a": [{"b": "x\0"}]}])
def test_values_must_be_storable(values: dict):
    frame = {"type": "submit", "id": "i", "user_chat_id": "c", "component_id": "k"}
    bad = read(json.dumps(frame | {"values": values}))
    assert isinstance(bad, BadFrame)
    assert (bad.id, bad.code) == ("i", "invalid_content")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
FIELDS = ["type", "id", "user_chat_id", "content", "values", "after", "last", "nonce", "token"]
LIKE_FRAMES = st.dictionaries(
    st.sampled_from(FIELDS), st.sampled_from(sorted(CLIENT_TYPES)) | JSON, max_size=6
).map(json.dumps)


@given(st.lists(st.text() | st.binary() | LIKE_FRAMES | st.sampled_from([HELLO, SEND])))
def test_any_messages_give_effects_and_never_an_exception(messages: list[str | bytes]):
    session = Session(LIMITS, now=0)
    for now, message in enumerate(messages):
        for effect in session.receive(message, now):
            assert isinstance(effect, Effect)
            if isinstance(effect, Greet):
                session.greeted(now, None)


@given(LIKE_FRAMES)
def test_a_message_after_hello_has_at_most_one_effect(text: str):
    assert len(open_session().receive(text, now=1)) == 1


# -- the order of things ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        '{"type":"ping"}',
        SEND,
        "",
        "{",
        '{"type":"hello"}',
        '{"type":"hello","protocol":"chatstream.v2"}',
        '{"type":"hello","protocol":"chatstream.v1","token":7}',
        HELLO.encode(),
    ],
)
def test_the_first_frame_must_be_a_hello_of_this_protocol(first: str | bytes):
    session = Session(LIMITS, now=0)
    assert codes(session.receive(first, now=0)) == [4400]
    assert session.receive(HELLO, now=0) == []


def test_hello_asks_who_it_is():
    session = Session(LIMITS, now=0)
    hello = '{"type":"hello","protocol":"chatstream.v1","token":"t","batch":true}'
    assert session.receive(hello, now=0) == [Greet("t", batch=True)]


def test_the_hello_must_come_in_time():
    session = Session(LIMITS, now=10)
    assert session.deadline() == 15
    assert session.on_time(14.9, turn_running=False) == []
    assert codes(session.on_time(15, turn_running=False)) == [4400]
    assert session.deadline() is None


def test_while_the_token_is_looked_at_no_deadline_runs():
    session = Session(LIMITS, now=0)
    session.receive(HELLO, now=0)
    assert session.deadline() is None
    assert session.on_time(1000, turn_running=False) == []


def test_a_second_hello_is_an_invalid_frame():
    assert codes(open_session().receive(HELLO, now=1)) == ["invalid_frame"]


def test_a_binary_message_is_an_invalid_frame():
    assert codes(open_session().receive(b"{}", now=1)) == ["invalid_frame"]


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ('{"type":"ping","nonce":"n"}', Reply(Pong(nonce="n"))),
        ('{"type":"auth","token":"t"}', Authenticate("t")),
        ('{"type":"leave","user_chat_id":"c"}', Unfollow("c")),
        ('{"type":"open","last":3}', Follow(Open(last=3))),
        (SEND, Execute(Send(id="i", user_chat_id="c", content="hi"))),
    ],
)
def test_each_frame_has_its_effect(text: str, effect: Effect):
    assert open_session().receive(text, now=1) == [effect]


def test_a_closed_session_has_no_effects_and_stays_closed():
    session = open_session()
    session.closed()
    session.greeted(1, None)
    assert session.receive(SEND, now=1) == []
    assert session.deadline() is None


# -- floods ----------------------------------------------------------------------------------


def limited(session: Session, now: float) -> list[Effect]:
    """A command that the rate limit refuses."""
    (effect,) = session.receive(SEND, now)
    assert isinstance(effect, Execute)
    refused = Refused("rate_limited", retry_after=2.5)
    return session.rate_limited(effect.frame, refused, now)


def test_a_rate_limited_command_is_answered_with_the_time_to_wait():
    (reply,) = limited(open_session(), now=1)
    assert isinstance(reply, Reply)
    assert isinstance(reply.frame, Rejected)
    assert (reply.frame.id, reply.frame.code, reply.frame.retry_after) == ("i", "rate_limited", 2.5)


def test_20_more_commands_within_10_seconds_close_the_socket():
    session = open_session()
    limited(session, now=1)
    for number in range(19):
        assert codes(session.receive(SEND, now=2 + number / 4)) == []
    assert codes(session.receive(SEND, now=11)) == ["rate_limited", 4429]


def test_what_comes_later_than_10_seconds_does_not_count():
    session = open_session()
    limited(session, now=1)
    for _ in range(19):
        session.receive(SEND, now=2)
    assert codes(session.receive(SEND, now=11.1)) == []


def test_each_rate_limited_answer_starts_a_count_of_its_own():
    session = open_session()
    for number in range(20):
        limited(session, now=1 + number)
    assert codes(session.receive(SEND, now=21)) == []
    for _ in range(9):
        session.receive(SEND, now=21)
    assert codes(session.receive(SEND, now=21)) == ["rate_limited", 4429]


def test_bad_frames_and_pings_are_no_commands():
    session = open_session()
    limited(session, now=1)
    for _ in range(50):
        session.receive("{", now=2)
        session.receive('{"type":"ping"}', now=2)
        session.receive('{"type":"open"}', now=2)
    assert codes(session.receive(SEND, now=2)) == []


# -- time ------------------------------------------------------------------------------------


def test_an_idle_socket_is_closed_when_no_turn_runs():
    session = open_session()
    assert session.deadline() == 60
    assert session.on_time(59, turn_running=False) == []
    assert codes(session.on_time(60, turn_running=False)) == [4410]


def test_a_running_turn_keeps_an_idle_socket_open_until_it_ends():
    session = open_session()
    assert session.on_time(60, turn_running=True) == []
    assert session.deadline() == 61
    assert codes(session.on_time(61, turn_running=False)) == [4410]


@pytest.mark.parametrize(
    ("text", "deadline"),
    [
        ('{"type":"ping"}', 60),
        ('{"type":"auth","token":"t"}', 60),
        ("{", 70),
        (SEND, 70),
        ('{"type":"open"}', 70),
        ('{"type":"leave","user_chat_id":"c"}', 70),
    ],
)
def test_any_frame_but_ping_and_auth_is_a_sign_of_life(text: str, deadline: float):
    session = open_session()
    session.receive(text, now=10)
    assert session.deadline() == deadline


def test_idle_0_is_never():
    limits = SessionLimits(hello_timeout_s=5, idle_disconnect_s=0, max_content_bytes=1)
    assert open_session(limits).deadline() is None


def test_a_token_that_expires_closes_the_socket_even_while_a_turn_runs():
    session = open_session(expires_at=30)
    assert session.deadline() == 30
    assert codes(session.on_time(30, turn_running=True)) == [4401]


def test_a_fresh_token_moves_the_end():
    session = open_session(expires_at=30)
    session.greeted(20, 50)
    assert session.deadline() == 50
    assert session.on_time(31, turn_running=False) == []


def test_a_fresh_token_is_no_sign_of_life():
    session = open_session()
    session.greeted(20, 900)
    assert session.deadline() == 60


def test_an_expiry_counts_without_an_idle_limit_too():
    limits = SessionLimits(hello_timeout_s=5, idle_disconnect_s=0, max_content_bytes=1)
    assert open_session(limits, expires_at=30).deadline() == 30
