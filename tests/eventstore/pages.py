"""The pages of a SQLite file, for tests that damage some."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path


def ruin(file: Path, page: int) -> None:
    """Make the page zeros, as a write that was lost."""
    with file.open("r+b") as pages:
        pages.seek((page - 1) * 4096 + (100 if page == 1 else 0))
        pages.write(bytes(4096 - (100 if page == 1 else 0)))


def top_of(file: Path, name: str) -> int:
    with closing(sqlite3.connect(file)) as connection:
        where = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return connection.execute(where, (name,)).fetchone()[0]


def leaves(file: Path, page: int) -> Iterator[int]:
    """The pages below ``page`` that hold rows, in order."""
    data = file.read_bytes()[(page - 1) * 4096 : page * 4096]
    if data[0] in {10, 13}:
        yield page
        return
    (cells,) = struct.unpack(">H", data[3:5])
    for place in struct.unpack(f">{cells}H", data[12 : 12 + 2 * cells]):
        yield from leaves(file, int.from_bytes(data[place : place + 4], "big"))
    yield from leaves(file, int.from_bytes(data[8:12], "big"))
