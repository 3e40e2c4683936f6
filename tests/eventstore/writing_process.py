"""A process that stores what it is told to, line by line, for tests that harm it.

Each line of standard input is the text of an event for the next position of one chat; each
line of standard output is the outcome. ``-`` as text asks for the chat's bodies instead.
"""

from __future__ import annotations

import json
import os
import sys

from tests.eventstore.contract import TABLES, A, append, everything

from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.eventstore.store import Failed, Stored


def main() -> None:
    engine = SqliteEngine(sys.argv[1], TABLES)
    engine.open()
    say("ready")
    for line in sys.stdin:
        text = line.rstrip("\n")
        rows = everything(engine, A)
        if text == "-":
            say(json.dumps([row.body.decode() for row in rows]))
            continue
        (outcome,) = engine.write([append(A, len(rows), text)])
        match outcome:
            case Stored():
                say("stored")
            case Failed(code, doubtful):
                say(f"{code}{' in doubt' if doubtful else ''}")
            case _:
                say("conflict")


def say(text: str) -> None:
    # One system call a line: the tests read its place in a trace.
    os.write(1, f"{text}\n".encode())


main()
