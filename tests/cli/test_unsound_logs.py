"""Logs that no server wrote: ``import`` takes none of them, ``verify`` tells of each."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chatstream.cli.main import main
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.eventstore.store import Append, NewEvent, Stored
from chatstream.ids import ChatId
from chatstream.projections.models import all_tables

DIALOGUE = {
    "id": "chat-1",
    "outcome": "completed",
    "turns": [
        {"speaker": "user", "text": "Wake me at 7", "ts": 1_600_000_000},
        {"speaker": "thinking", "text": "an alarm", "ts": 1_600_000_001},
        {"speaker": "tool", "event": "call", "intent": "add_alarm", "slots": {"time": "7:00"}},
        {"speaker": "tool", "event": "result", "result": {"ok": True}},
        {"speaker": "ai", "text": "Done", "ts": 1_600_000_002},
    ],
}
COMMON = {"event_id": "evt_x", "timestamp": "2020-09-13T12:26:40.000Z", "user_id": "imported"}
Export = dict[str, Any]


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """An export of a chat that is sound."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "dialogue.jsonl").write_text(json.dumps(DIALOGUE))
    database = f"sqlite:///{folder / 'chat.db'}"
    assert run("import", str(folder / "dialogue.jsonl"), "--database", database).exit_code == 0
    assert run("verify", "--database", database).output == "whole\n"
    return json.loads(run("export", "--database", database).output)


def of(kind: str) -> Callable[[Export], dict[str, Any]]:
    """The frame of the first event of that kind."""
    return lambda chat: next(
        event["frame"] for event in chat["events"] if event["topic"] == f"{kind}.1"
    )


def setting(kind: str, **fields: object) -> Callable[[Export], None]:
    return lambda chat: of(kind)(chat).update(fields)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def drop(index: int) -> Callable[[Export], None]:
    def change(chat: Export) -> None:
        del chat["events"][index]
        for position, event in enumerate(chat["events"], 1):
            event["position"] = position

    return change


def twice(chat: Export) -> None:
    chat["events"].insert(2, copy.deepcopy(chat["events"][1]))
    drop(len(chat["events"]) - 1)(chat)


def add(topic: str, **fields: object) -> Callable[[Export], None]:
    def change(chat: Export) -> None:
        frame = {"type": topic.partition(".")[0], **COMMON, **fields}
        position = len(chat["events"]) + 1
        chat["events"].append(
            {"topic": topic, "frame": frame, "hidden": None, "position": position}
        )

    return change


def close_too_early(chat: Export) -> None:
    chat["events"].insert(
        1,
        {
            "topic": "chat.1",
            "frame": {"type": "chat", **COMMON, "status": "closed"},
            "hidden": None,
        },
    )
    drop(len(chat["events"]) - 1)(chat)


UNSOUND: dict[str, tuple[Callable[[Export], object], str]] = {
    "an escape sequence in the chat's id": (
        lambda chat: chat.update(user_chat_id="chat\x1b]0;x\x07"),
        r"'chat\x1b]0;x\x07' is no id of a chat",
    ),
    "a path for a chat's id": (
        lambda chat: chat.update(user_chat_id="../../etc"),
        "'../../etc' is no id of a chat",
    ),
    "NUL in a content": (setting("user", content="a\x00b"), "a text holds NUL"),
    "NUL in what is hidden": (
        lambda chat: chat["events"][1].update(hidden={"context": {"a": "\x00"}}),
        "a text holds NUL",
    ),
    "another chat's id in a frame": (
        setting("user", user_chat_id="chat-2"),
        "it brings the id of a chat, or a position, along",
    ),
    "a position in a frame": (
        setting("user", position=7),
        "it brings the id of a chat, or a position, along",
    ),
    "a second user": (
        setting("response", user_id="eve"),
        "it is of the user 'eve', the chat of 'imported'",
    ),
    "no user": (setting("user", user_id=""), "the user_id '' is none"),
    "a user with an escape sequence": (
        setting("chat", user_id="a\x1b"),
        r"user_id 'a\x1b' is none",
    ),
    "a gap": (drop(2), "a turn is finished that does not run"),
    "no beginning": (drop(0), "the chat is not open"),
    "an event twice": (twice, "stands twice"),
    "an unknown tag": (add("poll.1"), "its topic 'poll.1' is not known"),
    "a time that is none": (
        setting("user", timestamp="yesterday"),
        "timestamp 'yesterday' is none",
    ),
    "a time of another form": (
        setting("user", timestamp="2020-09-13T12:26:40+00:00"),
        "timestamp '2020-09-13T12:26:40+00:00' is none",
    ),
    "an id of an event that is none": (
        setting("user", event_id="../x"),
        "event_id '../x' is no id",
    ),
    "an id that is long": (setting("user", message_id="m" * 65), "is no id"),
    "an id of an intent that is none": (
        setting("user", user_intent_id="a b"),
        "user_intent_id 'a b'",
    ),
    "a deep value": (setting("tool_call", arguments={"a": nested(200)}), "nested more than 1"),
    "a turn of a wrong attempt": (setting("turn", attempt=7), "it is of attempt 7, and 1 runs"),
    "a chat that is opened twice": (
        add("chat.1", status="opened"),
        "the chat is opened, and was opened before",
    ),
    "words after the end": (close_too_early, "the chat is not open"),
    "a session from nowhere": (
        add("session.1", status="expired", session_id="session_x"),
        "a session is expired, and was none before",
    ),
    "a turn beside another": (
        lambda chat: [
            add("turn.1", status="started", attempt=1, caused_by=cause, event_id=f"evt_{cause}")(
                chat
            )
            for cause in ("a", "b")
        ],
        "a turn starts while another one runs",
    ),
    "a hole in an answer": (
        add("partial.1", message_id="msg_x", offset=5, text="lo"),
        "a part of an answer begins at 5, and 0 are there",
    ),
    "an answer to no question": (
        add("component_submitted.1", component_id="cmp_x", values={}),
        "it answers a component that was not shown",
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_chat_is_not_imported(name: str, sound: Export, tmp_path: Path) -> None:
    change, problem = UNSOUND[name]
    chat = copy.deepcopy(sound)
    change(chat)
    result = imported(tmp_path, json.dumps(DIALOGUE | {"id": "before"}), json.dumps(chat))
    assert result.exit_code == 2
    assert problem in result.output.replace(r"\\", "\\")
    assert result.output.endswith(f"(line 2 of {tmp_path / 'x.jsonl'})\n")
    exported = run("export", "--database", f"sqlite:///{tmp_path / 'chat.db'}").output
    assert [json.loads(line)["user_chat_id"] for line in exported.splitlines()] == ["before"]


@pytest.mark.parametrize("name", UNSOUND)
def test_verify_tells_of_an_unsound_chat(name: str, sound: Export, tmp_path: Path) -> None:
    change, problem = UNSOUND[name]
    chat = copy.deepcopy(sound)
    change(chat)
    written(tmp_path, chat)
    result = run("verify", "--database", f"sqlite:///{tmp_path / 'chat.db'}")
    assert result.exit_code == 1
    assert problem in result.output.replace(r"\\", "\\")


def imported(folder: Path, *lines: str):
    (folder / "x.jsonl").write_text("\n".join(lines))
    database = f"sqlite:///{folder / 'chat.db'}"
    return run("import", str(folder / "x.jsonl"), "--database", database)


def written(folder: Path, chat: Export) -> None:
    """Put the events of ``chat`` into a database as they are."""
    engine = SqliteEngine(folder / "chat.db", all_tables())
    engine.open()
    try:
        append = Append(ChatId(chat["user_chat_id"]), 0, tuple(map(as_stored, chat["events"])))
        assert engine.write([append]) == [Stored()]
    finally:
        engine.close()


def as_stored(event: dict[str, Any]) -> NewEvent:
    body = json.dumps(event["frame"], separators=(",", ":"))
    if event["hidden"] is not None:
        body += "\n" + json.dumps(event["hidden"])
    return NewEvent(event["topic"], body.encode(), event["frame"]["event_id"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"chatstream_export":1,"user_chat_id":"a","events":[]}', "it has no events"),
        (
            '{"chatstream_export":1,"user_chat_id":"a","events":[{"topic":"user.1"}]}',
            "not a line of",
        ),
        (
            (
                '{"chatstream_export":1,"user_chat_id":"a","events":[{"topic":"user.1","frame":7,'
                '"hidden":null}]}'
            ),
            "position 1: ",
        ),
        (
            (
                '{"chatstream_export":1,"user_chat_id":"a","events":[{"topic":"user.1","frame":{},'
                '"hidden":null}]}'
            ),
            "position 1: ",
        ),
        (
            (
                '{"chatstream_export":1,"user_chat_id":"a","events":[{"topic":"user.1","frame":{},'
                '"hidden":null,"position":2}]}'
            ),
            "position 1: the event is of position 2",
        ),
        (
            '{"chatstream_export":1,"user_chat_id":"a","events":' + "[" * 100_000,
            "not a line of an export: nested more than 136 deep",
        ),
        ('{"id":"a","turns":' + "[" * 100_000, "not a dialogue: nested more than 136 deep"),
        ('{"id":"","turns":[]}', "'' is no id of a chat"),
        ('{"id":"a","turns":[{"speaker":"user","text":"\\u0000"}]}', "a text holds NUL"),
        ('{"id":"a","turns":[{"speaker":"user","text":"\\ud800"}]}', "not a dialogue"),
        ('{"id":"a","turns":[{"speaker":"user","ts":1e300}]}', "not a dialogue that can be stored"),
        ('{"id":"a","turns":[{"speaker":"user","ts":-1e15}]}', "not a dialogue that can be stored"),
    ],
)
def test_a_line_that_is_broken_is_named(line: str, said: str, tmp_path: Path) -> None:
    result = imported(tmp_path, line)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert result.output.endswith(f"(line 1 of {tmp_path / 'x.jsonl'})\n")


def test_an_export_without_positions_is_taken(sound: Export, tmp_path: Path) -> None:
    chat = copy.deepcopy(sound)
    for event in chat["events"]:
        del event["position"]
    assert imported(tmp_path, json.dumps(chat)).exit_code == 0
    assert run("verify", "--database", f"sqlite:///{tmp_path / 'chat.db'}").output == "whole\n"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"type":"user"', b'{"a":"\\ud800"}', b"[" * 100_000, b"\xff"]
)
def test_verify_tells_of_an_event_that_cannot_be_read(body: bytes, sound: Export, tmp_path: Path):
    written(tmp_path, sound | {"user_chat_id": "chat-9", "events": sound["events"][:1]})
    engine = SqliteEngine(tmp_path / "chat.db", all_tables())
    engine.open()
    engine.write([Append(ChatId("chat-9"), 1, (NewEvent("user.1", body, "evt_y"),))])
    engine.close()
    result = run("verify", "--database", f"sqlite:///{tmp_path / 'chat.db'}")
    assert result.exit_code == 1
    assert "chat chat-9 cannot be read: chat chat-9, position 2: " in result.output
    source, target = (f"sqlite:///{tmp_path / name}" for name in ("chat.db", "copy.db"))
    copied = run("copy", source, target)
    assert copied.exit_code == 2
    assert copied.output.startswith("chatstream: the database is damaged: an event cannot be read")


def test_twenty_problems_of_a_chat_are_told(sound: Export, tmp_path: Path) -> None:
    chat = copy.deepcopy(sound)
    for number in range(100):
        add("poll.1", event_id=f"evt_{number}")(chat)
    written(tmp_path, chat)
    result = run("verify", "--database", f"sqlite:///{tmp_path / 'chat.db'}")
    assert result.output.count("'poll.1' is not known") == 20
