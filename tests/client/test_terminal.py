"""The terminal chat: what is typed, what is seen."""

from __future__ import annotations

import asyncio
import functools
import io
import os
import pty
import subprocess
import sys
from contextlib import suppress

import pytest
from fake_server import Chats, connector, serve
from virtual_time import run

from chatstream.cli.screen import Screen
from chatstream.cli.terminal import converse, socket_url
from chatstream.cli.terminal_forms import fields_of, parse, put
from chatstream.client.frames import (
    ErrorEvent,
    PartialEvent,
    ResponseEvent,
    ThinkingEvent,
    TurnEvent,
)


class Keyboard:
    """Types each line when the screen asks for it; ``then`` may do something before a line."""

    def __init__(self, *lines):
        self._lines = list(lines)

    def __aiter__(self):
        return self

    async def __anext__(self):
        while self._lines and callable(self._lines[0]):
            await asyncio.sleep(0)
            outcome = self._lines.pop(0)()
            if outcome is not None:
                await outcome
        if not self._lines:
            raise StopAsyncIteration
        return self._lines.pop(0)


def talk(chats, *lines, chat_id="chat", connect=None):
    out = io.StringIO()
    keyboard = Keyboard(*lines)
    run(converse("ws://x", keyboard, out, chat_id=chat_id, connect=connect or connector(chats)))
    return out.getvalue()


def test_an_answer_is_seen_with_its_steps_and_only_once():
    seen = talk(Chats(), "hello")
    assert seen.splitlines() == ["> · …", "Echo: hello 🎉", "> Go on with this chat: chat"]


def test_an_old_chat_is_shown_before_it_goes_on():
    chats = Chats()
    talk(chats, "hello")
    seen = talk(chats, "again")
    assert seen.splitlines()[:3] == ["you: hello", "· …", "Echo: hello 🎉"]
    assert "Echo: again 🎉" in seen


def test_a_refusal_is_explained_and_the_chat_goes_on():
    chats = Chats()
    talk(chats)
    chats.refusals = [None, {"code": "too_large", "message": "the content is too large"}]
    seen = talk(chats, "long", "short")
    assert "Not accepted: the content is too large (too_large)" in seen
    assert "Echo: short 🎉" in seen


def showing(**fields):
    """A server whose first answer shows a component."""
    chats = Chats()
    chats.shows = [{"type": "component", "component_id": "cmp_1", **fields}]
    return chats


def submitted(chats):
    return [frame["values"] for frame in chats.received if frame["type"] == "submit"]


def test_buttons_are_pressed_by_number():
    options = [{"value": "a", "label": "First"}, {"value": "b", "label": "Second"}]
    chats = showing(kind="buttons", title="Which?", options=options)
    seen = talk(chats, "hello", "2")
    assert submitted(chats) == [{"value": "b"}]
    assert "Which?\n  1  First\n  2  Second\n" in seen


def test_a_number_is_a_message_where_no_button_has_it():
    chats = showing(kind="buttons", title="Which?", options=[{"value": "a", "label": "First"}])
    talk(chats, "hello", "7")
    assert chats.user_texts("chat") == ["hello", "7"]


SCHEMA = {
    "type": "object",
    "required": ["name", "seats"],
    "properties": {
        "name": {"type": "string", "title": "Your name"},
        "seats": {"type": "integer", "default": 2},
        "size": {"enum": ["small", "large"]},
        "extras": {"type": "array", "items": {"enum": ["tea", "cake"]}},
        "window": {"type": "boolean"},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def test_a_form_is_asked_field_by_field():
    chats = showing(kind="form", title="Booking", schema=SCHEMA)
    seen = talk(chats, "book", "", "Ada", "two", "", "2", "1, cake", "maybe", "yes", "Rome")
    assert submitted(chats) == [
        {
            "name": "Ada",
            "seats": 2,
            "size": "large",
            "extras": ["tea", "cake"],
            "window": True,
            "address": {"city": "Rome"},
        }
    ]
    assert "an answer is needed." in seen
    assert "'two' is no whole number." in seen
    assert "'maybe' is neither yes nor no." in seen


def test_a_form_that_the_server_refuses_is_asked_again():
    schema = {"properties": {"name": {"type": "string"}}}
    chats = showing(kind="form", title="Booking", schema=schema)
    refusal = {"code": "invalid_form", "details": {"fields": {"name": "too short"}}}
    chats.refusals = [None, None, refusal]
    seen = talk(chats, "book", "A", "Ada")
    assert submitted(chats) == [{"name": "A"}, {"name": "Ada"}]
    assert "Please again. name: too short" in seen


WHEN = {"type": "string", "format": "date-time", "title": "When"}


def test_a_time_that_is_all_a_form_asks_may_be_said_in_words():
    chats = showing(kind="form", title="Alarm", schema={"properties": {"when": WHEN}})
    seen = talk(chats, "wake me", "tomorrow at 5pm")
    assert "When (like 2026-11-24 17:00" in seen
    assert submitted(chats) == []
    assert chats.user_texts("chat") == ["wake me", "tomorrow at 5pm"]


def test_a_time_among_other_fields_is_asked_for_as_the_form_takes_it():
    schema = {"properties": {"text": {"type": "string"}, "when": WHEN}}
    chats = showing(kind="form", title="Reminder", schema=schema)
    seen = talk(chats, "remind me", "call mum", "tomorrow at 5pm", "2026-11-24 17:00")
    assert "'tomorrow at 5pm' is not written like 2026-11-24 17:00." in seen
    assert submitted(chats) == [{"text": "call mum", "when": "2026-11-24 17:00"}]


def test_a_form_may_be_left_for_other_things():
    chats = showing(kind="form", title="Booking", schema=SCHEMA)
    talk(chats, "book", "/skip", "something else")
    assert submitted(chats) == []
    assert chats.user_texts("chat") == ["book", "something else"]


def test_an_unfinished_task_is_offered_and_resumed():
    chats = Chats()
    talk(chats, "book a table")
    active = {"type": "intent", "status": "active", "user_intent_id": "intent_1"}
    chats.append("chat", {**active, "caused_by": chats.events["chat"][1]["message_id"]})
    chats.append("chat", {**active, "status": "abandoned", "reason": "idle"})
    seen = talk(chats, "/resume 1", "/resume 5")
    assert "Unfinished: 'book a table'. /resume 1 goes on." in seen
    assert "There is no such unfinished task." in seen
    resumes = [frame for frame in chats.received if frame["type"] == "resume"]
    assert [frame["user_intent_id"] for frame in resumes] == ["intent_1"]


def test_commands_reach_the_server():
    chats = Chats()
    seen = talk(chats, "/new fresh start", "/retry", "/help", "", "/abandon", "/close")
    kinds = [frame["type"] for frame in chats.received]
    assert kinds == ["hello", "open", "send", "retry", "close"]
    assert chats.received[2]["new_intent"] is True
    assert chats.received[3]["message_id"] == chats.received[2]["id"]
    assert "Ctrl-D leaves" in seen


def test_without_a_server_the_user_is_told_and_what_is_typed_is_sent_later():
    chats, down = Chats(), [True]

    async def come_back():
        await asyncio.sleep(10)
        down[0] = False

    seen = talk(chats, come_back, "kept", connect=connector(chats, down=lambda: down[0]))
    assert "No connection; trying again." in seen
    assert "Connected again." in seen
    assert chats.user_texts("chat") == ["kept"]


def test_a_refused_identity_ends_the_chat():
    chats = Chats()
    handle = chats.handle

    def refuse(socket, frame):
        handle(socket, frame)
        socket.close(4401)

    chats.handle = refuse
    seen = talk(chats, lambda: asyncio.sleep(60), "late")
    assert "unauthenticated" in seen
    assert chats.events == {} or chats.user_texts("chat") == []


def test_escape_sequences_of_other_people_do_not_reach_the_terminal():
    chats = Chats()
    chats.answer = lambda _content: "\x1b]0;owned\x07\x9b31mred\u202e\ttab\nline"
    assert r"\x1b]0;owned\x07\x9b31mred\u202e" + "\ttab\nline" in talk(chats, "hi")


@pytest.mark.parametrize("shown", [Screen.prompt, Screen.note])
def test_what_a_form_asks_reaches_the_terminal_without_escape_sequences(shown):
    out = io.StringIO()
    shown(Screen(out), "Your name\x1b[2J\u2066")
    assert out.getvalue().strip() == r"Your name\x1b[2J\u2066"


def test_a_restarted_answer_is_written_anew():
    out = io.StringIO()
    screen = Screen(out)
    screen.growing("a1", "Half an answer of")
    common = {"user_chat_id": "c", "event_id": "e"}
    screen.event(TurnEvent(position=1, status="restarted", attempt=2, **common))
    screen.growing("a2", "A whole")
    screen.event(ResponseEvent(position=2, message_id="a2", content="A whole answer", **common))
    assert out.getvalue() == "Half an answer of\n(interrupted; once more)\nA whole answer\n"


def test_a_step_in_the_middle_of_an_answer_does_not_have_it_written_twice():
    out = io.StringIO()
    screen = Screen(out)
    common = {"user_chat_id": "c", "event_id": "e"}
    screen.growing("a1", "All of")
    screen.event(ThinkingEvent(position=1, step="x", content="Written", **common))
    screen.event(ResponseEvent(position=2, message_id="a1", content="All of it", **common))
    screen.growing("a2", "Done")
    screen.event(ThinkingEvent(position=3, step="x", content="Written", **common))
    screen.event(ResponseEvent(position=4, message_id="a2", content="Done", **common))
    assert out.getvalue() == "All of\n· Written\n it\nDone\n· Written\n"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws/chat"),
        ("https://chat.example/", "wss://chat.example/ws/chat"),
        ("ws://host/api/v1/chat/ws/chat", "ws://host/api/v1/chat/ws/chat"),
    ],
)
def test_the_servers_address_is_enough(address, url):
    assert socket_url(address) == url


def test_an_optional_field_may_stay_empty_and_a_choice_may_be_named():
    fields = {field.path[-1]: field for field in fields_of(SCHEMA)}
    assert parse(fields["size"], "") is None
    assert parse(fields["size"], "small") == "small"
    with pytest.raises(ValueError, match="none of the choices"):
        parse(fields["size"], "3")
    assert fields["size"].prompt == "size (1 small; 2 large, may be empty)"
    assert put({"a": {"b": 1}}, ("a", "c"), 2) == {"a": {"b": 1, "c": 2}}


async def test_in_a_real_terminal_ctrl_c_stops_the_answer_and_ctrl_d_leaves():
    chats = Chats(hold_turns=True)
    async with serve(chats) as url:
        person = Person(url)
        await person.sees("> ")
        person.types("hello\n")
        await happens(lambda: chats.work)
        chats.step()
        chats.step()
        await person.sees("Echo")
        person.types("\x03")
        await happens(lambda: any(frame["type"] == "cancel" for frame in chats.received))
        chats.work.clear()
        caused_by = chats.events[person_chat(chats)][1]["message_id"]
        cancelled = {"type": "turn", "status": "cancelled", "attempt": 1, "caused_by": caused_by}
        chats.append(person_chat(chats), cancelled)
        await person.sees("(stopped)")
        await person.sees("> ")
        person.types("\x04")
        assert await person.leaves() == 0


def person_chat(chats):
    (chat_id,) = chats.events
    return chat_id


async def happens(condition):
    """Another process does something sooner or later."""
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Person:
    """Somebody in front of a pseudo-terminal in which the chat runs."""

    def __init__(self, url):
        # The session's first terminal is the one whose Ctrl-C is heard.
        code = (
            "import asyncio, fcntl, termios, chatstream.cli.terminal as terminal\n"
            "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
            f"asyncio.run(terminal.chat({url!r}))\n"
        )
        self._keys, end = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=end, stdout=end, stderr=end, start_new_session=True
        )
        os.close(end)
        os.set_blocking(self._keys, False)
        self._seen = ""

    def types(self, keys):
        os.write(self._keys, keys.encode())

    async def sees(self, text):
        await happens(lambda: text in self._read())
        self._seen = self._seen[self._seen.index(text) + len(text) :]

    async def leaves(self):
        await happens(lambda: self._read() and self._process.poll() is not None)
        os.close(self._keys)
        return self._process.wait(1)

    def _read(self):
        # A terminal whose other end is closed cannot be read.
        with suppress(OSError):
            self._seen += os.read(self._keys, 65536).decode(errors="replace")
        return self._seen


def told(*events, growing=()):
    """What a terminal shows of ``events``; ``growing`` are texts seen before the last of them."""
    out = io.StringIO()
    screen = Screen(out)
    for position, event in enumerate(events, start=1):
        if position == len(events) - 1:
            for message_id, text in growing:
                screen.growing(message_id, text)
        screen.event(event(position=position, user_chat_id="c", event_id="e"))
    return out.getvalue()


FAILED = (
    functools.partial(ErrorEvent, code="agent_error", message="It broke."),
    functools.partial(TurnEvent, status="failed"),
)


def test_the_text_of_an_answer_that_failed_stays_and_is_told_as_such():
    whole = functools.partial(ResponseEvent, message_id="a1", content="Once upon", stopped=True)
    assert told(whole, *FAILED) == "Once upon\n(broken off)\nError: It broke. (agent_error)\n"


@pytest.mark.parametrize("growing", [(), [("a1", "Once upon")]])
def test_pieces_of_an_answer_that_failed_are_shown_where_no_whole_is_stored(growing):
    first = functools.partial(PartialEvent, message_id="a1", offset=0, text="Once ")
    second = functools.partial(PartialEvent, message_id="a1", offset=5, text="upon")
    beyond = functools.partial(PartialEvent, message_id="a1", offset=99, text="a hole")
    seen = told(first, second, beyond, *FAILED, growing=growing)
    assert seen == "Once upon\n(broken off)\nError: It broke. (agent_error)\n"


def test_an_answer_that_was_stopped_is_told_to_be_stopped():
    piece = functools.partial(PartialEvent, message_id="a1", offset=0, text="Once")
    cancelled = functools.partial(TurnEvent, status="cancelled")
    assert told(piece, cancelled) == "Once\n(stopped)\n"
    whole = functools.partial(ResponseEvent, message_id="a1", content="Once", stopped=True)
    assert told(piece, whole, cancelled) == "Once\n(stopped)\n"


def test_pieces_are_not_shown_where_the_whole_is():
    piece = functools.partial(PartialEvent, message_id="a1", offset=0, text="Onse")
    whole = functools.partial(ResponseEvent, message_id="a1", content="Once.")
    finished = functools.partial(TurnEvent, status="finished")
    assert told(piece, whole, finished) == "Once.\n"
    started = functools.partial(TurnEvent, status="started")
    restarted = functools.partial(TurnEvent, status="restarted", attempt=2)
    assert told(started, piece, restarted, *FAILED) == (
        "(interrupted; once more)\nError: It broke. (agent_error)\n"
    )
