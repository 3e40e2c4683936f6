"""How ``chatstream serve`` logs: as text for people or as JSON, one line a record.

Whatever a record holds, it cannot forge a line: control characters leave escaped, in the text
form too. Only the process that is ours is configured; a host application keeps its own logging.
"""

from __future__ import annotations

import logging
import sys
from typing import Final, Literal

import msgspec

from chatstream.printable import one_line, printable
from chatstream.timestamps import to_text

IDS: Final = ("user_chat_id", "caused_by", "attempt", "socket_connection_id")
"""What a record may say beside its message (``extra=``)."""

_encode = msgspec.json.Encoder().encode


def configure(form: Literal["text", "json"]) -> None:
    """Log to standard error in this form, from ``INFO`` on; in place of what was set before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class JsonLines(logging.Formatter):
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


class TextLines(logging.Formatter):
    """``LEVEL logger: message key=value``; the lines of a traceback are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and those of a traceback."""
        ids = "".join(f" {name}={value}" for name, value in _ids_of(record).items())
        line = f"{record.levelname} {record.name}: {one_line(record.getMessage())}{ids}"
        if not record.exc_info:
            return line
        traceback = printable(self.formatException(record.exc_info))
        return "\n    ".join([line, *traceback.splitlines()])


def _ids_of(record: logging.LogRecord) -> dict[str, object]:
    values = ((name, vars(record)[name]) for name in IDS if name in vars(record))
    return {
        name: value if isinstance(value, int) else one_line(str(value)) for name, value in values
    }
