"""``chatstream import``: the lines of a file, whichever kind each is."""

from __future__ import annotations

from pathlib import Path

from chatstream.cli.dialogues import import_dialogue
from chatstream.config import Settings
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.store import Engine
from chatstream.maintenance.exclusive import refuse_beside_nodes
from chatstream.maintenance.export import ImportFailed, import_chat
from chatstream.projections.models import ReadModels, all_tables
from chatstream.projections.turn_work import LOCAL_OWNER


def import_file(settings: Settings, path: Path, user_id: str) -> tuple[int, int]:
    """Store every line of ``path``; gives the numbers of chats and of events.

    Raises:
        ConfigurationError: a server runs on the database.
        ImportFailed: a line cannot be taken in; those before it are stored.
    """
    engine = engine_of(settings.database, all_tables)
    engine.open()
    try:
        refuse_beside_nodes(engine)
        with path.open("rb") as lines:
            counts = [
                _import_line(engine, settings, line, user_id, f"line {number} of {path}")
                for number, line in enumerate(lines, 1)
                if line.strip()
            ]
    finally:
        engine.close()
    return len(counts), sum(counts)


def _import_line(engine: Engine, settings: Settings, line: bytes, user_id: str, where: str) -> int:
    try:
        return _import(engine, settings, line, user_id)
    except ImportFailed as error:
        raise ImportFailed(f"{error} ({where})") from error


def _import(engine: Engine, settings: Settings, line: bytes, user_id: str) -> int:
    models = ReadModels(LOCAL_OWNER, _no_fetch)
    if b'"chatstream_export"' in line:
        return import_chat(engine, models, line)
    return import_dialogue(engine, models, line, user_id, round(settings.abandon_after_s * 1000))


async def _no_fetch(*_: object) -> list[tuple[str | int | float | bytes | None, ...]]:
    return []  # an import decides on what it writes itself
