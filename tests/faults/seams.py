"""What a test installs in a server process from outside: deaths at a step between append and
ack, commits whose outcome gets lost, a clock that jumps, a planted bug.

The product knows nothing of this: `site/sitecustomize.py` calls `install` with words such as
`die=committed:12 doubt=7:3 bug=no_dedupe clock=/path log=all`, all optional.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

POINTS: Final = ("queued", "begun", "committed", "settled", "answered", "written")
"""Where a process may die: an append is queued, its commit begins, is done, its outcome reaches
the loop, the commands are answered, the acks are written to sockets."""
BEGUN_S: Final = 0.05
"""How long a commit takes before the death in it: what leaves too early has time to leave."""


def install(words: str) -> None:
    """Install all that `words` name."""
    for word in words.split():
        name, _, value = word.partition("=")
        INSTALLERS[name](value)


def _die(where: str) -> None:
    point, _, count = where.partition(":")
    left = int(count)

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            if point == "begun":
                time.sleep(BEGUN_S)
            os.kill(os.getpid(), signal.SIGKILL)

    _at(point, pass_by)


def _at(point: str, pass_by: Callable[[], None]) -> None:
    from chatstream.chats.service import ChatService
    from chatstream.eventstore.writer import GroupCommitWriter
    from chatstream.ws.writer import Writer

    match point:
        case "queued":
            _wrap(GroupCommitWriter, "append", after=pass_by)
        case "begun":
            _wrap(_batch(), "_commit", before=pass_by)
        case "committed":
            _wrap(_batch(), "_commit", after=pass_by)
        case "settled":
            _wrap(GroupCommitWriter, "_answer", before=pass_by)
        case "answered":
            _wrap(ChatService, "publish", before=pass_by)
        case "written":
            _wrap(Writer, "_write", after=pass_by)
        case _:
            raise ValueError(point)


def _batch() -> ModuleType:
    """Where the engine of this server commits."""
    if on_postgres():
        from chatstream.eventstore.postgres import batch as postgres_batch

        return postgres_batch
    from chatstream.eventstore.sqlite import batch

    return batch


def on_postgres() -> bool:
    """Whether this server's database is a PostgreSQL."""
    return any(word.startswith("postgres") for word in sys.orig_argv)


def _nothing(*_: Any) -> None:
    pass


def _wrap(
    owner: Any,
    name: str,
    *,
    before: Callable[[], None] = _nothing,
    after: Callable[[], None] = _nothing,
    after_with: Callable[..., None] = _nothing,
) -> None:
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        before()
        result = original(*arguments, **options)
        after()
        after_with(*arguments)
        return result

    setattr(owner, name, wrapped)


def _doubt(words: str) -> None:
    """Each so-many-th commit, so many times, reports an error although the disk has it: of the
    disk, or on PostgreSQL of the connection, which is lost."""
    every, times = map(int, words.split(":"))
    passed = 0

    def fail_late(connection: Any) -> None:
        nonlocal passed
        passed += 1
        if passed % every == 0 and passed <= every * times:
            _lose_the_answer(connection)

    _wrap(_batch(), "_commit", after_with=fail_late)


def _lose_the_answer(connection: Any) -> None:
    if on_postgres():
        import psycopg

        connection.pgconn.finish()
        raise psycopg.OperationalError("the connection is lost")
    from chatstream.eventstore.sqlite import batch

    raise batch.InDoubtError from sqlite3.OperationalError("disk I/O error")


def _clock(path: str) -> None:
    """The wall clock is off by the seconds in a file, looked at 50 times a second."""
    offset_s, wall, wall_ns = 0.0, time.time, time.time_ns

    def watch() -> None:
        nonlocal offset_s
        while True:
            text = Path(path).read_text() if Path(path).exists() else ""
            offset_s = float(text or 0)
            time.sleep(0.02)

    time.time = lambda: wall() + offset_s
    time.time_ns = lambda: wall_ns() + int(offset_s * 1e9)
    threading.Thread(target=watch, daemon=True).start()


def _log(_: str) -> None:
    """Everything that anybody logs at any level."""
    import logging

    from chatstream.server import logs

    configure = logs.configure

    def configure_all(*arguments: Any) -> None:
        configure(*arguments)
        logging.getLogger().setLevel(logging.DEBUG)

    logs.configure = configure_all


def _bug(name: str) -> None:
    from tests.faults.mutants import BUGS

    BUGS[name].plant()


INSTALLERS: Final[dict[str, Callable[[str], None]]] = {
    "die": _die,
    "doubt": _doubt,
    "clock": _clock,
    "bug": _bug,
    "log": _log,
}
