"""What a turn leaves in the file, and what that is spent on."""

from __future__ import annotations

import sqlite3

from benchmarks.load import closed_loop
from benchmarks.servers import chatstream
from benchmarks.table import Line, Scale


async def measure(scale: Scale) -> list[Line]:
    server = chatstream().start()
    try:
        await closed_loop(server, 16, 2 * scale.seconds)
        server.stop()
        database = sqlite3.connect(f"file:{server.home}/chat.db?mode=ro", uri=True)
        with database:
            lines = _lines(database)
        database.close()
    finally:
        server.remove()
    return lines


def _lines(database: sqlite3.Connection) -> list[Line]:
    (turns,) = database.execute(
        "SELECT count(*) FROM stored_events WHERE topic = 'turn.1' AND cast(state AS text) LIKE '%\"finished\"%'"
    ).fetchone()
    (bodies,) = database.execute("SELECT sum(length(state)) FROM stored_events").fetchone()
    (pages, page_bytes) = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    kept = pages * page_bytes / 1024 / turns
    lines = [Line("kept a turn", kept, bodies / 1024 / turns, "KiB", "the events' bodies")]
    for name, size in _spent(database):
        lines.append(Line(f"of which {name}", size / 1024 / turns, kept, "KiB", "all of it"))
    return lines


def _spent(database: sqlite3.Connection) -> list[tuple[str, int]]:
    try:
        found = database.execute(
            "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 6"
        ).fetchall()
    except sqlite3.OperationalError:  # a SQLite without that table
        return []
    return [(str(name), int(size)) for name, size in found]
