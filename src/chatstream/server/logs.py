"""How ``chatstream serve`` logs: as text for people or as JSON, one line a record.

Whatever a record holds, it cannot forge a line: control characters leave escaped, in the text
form too. Only the process that is ours is configured; a host application keeps its own logging.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, Final, Literal

import msgspec

from chatstream.errors import Wordless, WordlessGroup, original_of, wordless
from chatstream.printable import one_line, printable
from chatstream.timestamps import to_text

_log = logging.getLogger(__name__)

IDS: Final = ("user_chat_id", "caused_by", "attempt", "socket_connection_id")
"""What a record may say beside its message (``extra=``)."""

_encode = msgspec.json.Encoder().encode


MOST_ERROR_CHARACTERS: Final = 65_536
"""Of one record's errors: with their words they may be as long as a message."""
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(form: Literal["text", "json"], errors: Literal["place", "full"] = "place") -> None:
    """Log to standard error in this form, from ``INFO`` on; in place of what was set before.
    ``errors``: an error is told by kind and place, or with its words. What nobody caught, in a
    thread or in the interpreter's own clean-up, is told the same way."""
    handler = logging.StreamHandler(sys.stderr)
    lines = JsonLines if form == "json" else TextLines
    handler.setFormatter(lines(shows_words=errors == "full"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    threading.excepthook = _raised_in_thread
    sys.unraisablehook = _raised_in_clean_up


def on_uncaught(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The exception handler of a loop, where the loop's own would print the errors' words."""
    # Its own message is a sentence of asyncio's; what that adds are objects in their own words.
    said = str(context.get("message")).partition("\n")[0]
    error = context.get("exception")
    if isinstance(error, BaseException):
        _log.error("%s", said, exc_info=wordless(error))
    else:
        _log.error("%s", said)


def _raised_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is None or isinstance(told.exc_value, SystemExit):
        return
    _log.error("a thread raised", exc_info=wordless(told.exc_value))


def _raised_in_clean_up(told: sys.UnraisableHookArgs) -> None:
    if told.exc_value is not None:
        _log.error("raised in a clean-up", exc_info=wordless(told.exc_value))


class _Lines(logging.Formatter):
    """Tells errors by kind and place, or with ``shows_words`` in their own words, too."""

    def __init__(self, *, shows_words: bool = False) -> None:
        super().__init__()
        self._shows_words = shows_words

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the base class's name
        """The traceback, of a length that a log can take."""
        error = ei[1]
        if error is None:
            return ""
        shown = original_of(error) if self._shows_words else _redacted(error)
        text = "".join(traceback.format_exception(shown)).rstrip("\n")
        return text if len(text) <= MOST_ERROR_CHARACTERS else f"{text[:MOST_ERROR_CHARACTERS]}…"


def _redacted(error: BaseException) -> BaseException:
    """Records of other libraries come with the error itself."""
    return error if isinstance(error, Wordless | WordlessGroup) else wordless(error)


class JsonLines(_Lines):
    """A JSON object a record: ``time``, ``level``, ``logger``, ``message``, the ids, ``error``
    (the traceback)."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        line: dict[str, object] = {
            "time": to_text(round(record.created * 1000)),
            "level": record.levelname,
            "logger": record.name,
            "message": one_line(record.getMessage()),
            **_ids_of(record),
        }
        if record.exc_info:
            line["error"] = printable(self.formatException(record.exc_info))
        return _encode(line).decode()


class TextLines(_Lines):
    """``LEVEL logger: message key=value``; the lines of a traceback are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and those of a traceback."""
        ids = "".join(f" {name}={value}" for name, value in _ids_of(record).items())
        line = f"{record.levelname} {record.name}: {one_line(record.getMessage())}{ids}"
        if not record.exc_info:
            return line
        told = printable(self.formatException(record.exc_info))
        return "\n    ".join([line, *told.splitlines()])


def _ids_of(record: logging.LogRecord) -> dict[str, object]:
    values = ((name, vars(record)[name]) for name in IDS if name in vars(record))
    return {
        name: value if isinstance(value, int) else one_line(str(value)) for name, value in values
    }
