"""Log lines: one record a line, whatever is in it."""

from __future__ import annotations

import json
import logging
import sys
import threading

import pytest

from chatstream.server.logs import JsonLines, TextLines, configure

FORGERY = "hello\r\n\x1b[2JERROR chatstream: all chats are lost\u2028\x85next\x00"


def record(message: str, error: Exception | None = None, **extra: object) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("chatstream.x", logging.ERROR, "x.py", 1, message, (), exc_info)
    vars(made).update(extra)
    return made


@pytest.mark.parametrize("form", [JsonLines(), TextLines()])
def test_a_message_cannot_forge_a_line(form: logging.Formatter):
    line = form.format(record(FORGERY, user_chat_id=FORGERY))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


@pytest.mark.parametrize("form", [JsonLines(), TextLines()])
def test_a_traceback_cannot_forge_a_line_either(form: logging.Formatter):
    try:
        raise RuntimeError(FORGERY)  # noqa: TRY301
    except RuntimeError as error:
        lines = form.format(record("agent raised", error)).splitlines()
    assert all(line.startswith("    ") for line in lines[1:])
    assert "\x1b" not in "".join(lines)


def test_a_json_line_holds_the_ids():
    line = json.loads(JsonLines().format(record("turn", user_chat_id="chat_1", attempt=2, x="y")))
    assert line["time"].endswith("Z")
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "chatstream.x", "turn")
    assert (line["user_chat_id"], line["attempt"]) == ("chat_1", 2)
    assert "x" not in line


def test_a_text_line_holds_the_ids():
    line = TextLines().format(record("turn timed out", user_chat_id="chat_1", attempt=2))
    assert line == "ERROR chatstream.x: turn timed out user_chat_id=chat_1 attempt=2"


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_process_logs_in_the_form_that_is_set(form: str, monkeypatch: pytest.MonkeyPatch):
    root = logging.Logger("root")  # noqa: LOG001
    monkeypatch.setattr(logging, "root", root)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    configure(form)
    (handler,) = root.handlers
    assert isinstance(handler.formatter, JsonLines if form == "json" else TextLines)
    assert handler.stream is sys.stderr
