"""Columns of a batch as PostgreSQL takes arrays in binary.

Packed here because psycopg asks for each text whether it needs quotes, which was a third of the
processor time of a batch of a hundred events.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from psycopg.adapt import Dumper
from psycopg.pq import Format

from chatstream.eventstore.postgres.connections import Connection

# Of the elements, as every PostgreSQL numbers them.
_BIGINT: Final = 20
_TEXT: Final = 25
_BYTEA: Final = 17
# One dimension, no NULLs, the element's type, how many, counted from 1.
_HEAD: Final = struct.Struct("!iiIii")
_LENGTH: Final = struct.Struct("!i")


class Array(bytes):
    """An array without NULLs, for a parameter ``%b`` that the statement casts to its type."""


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


def register(connection: Connection) -> None:
    """Let ``connection`` take an ``Array``."""
    connection.adapters.register_dumper(Array, _ArrayDumper)


def texts(values: Sequence[str]) -> Array:
    """A ``text[]``."""
    return _array(_TEXT, [value.encode() for value in values])


def byteas(values: Sequence[bytes]) -> Array:
    """A ``bytea[]``."""
    return _array(_BYTEA, values)


def bigints(values: Sequence[int]) -> Array:
    """A ``bigint[]``."""
    pack = struct.Struct("!q").pack
    return _array(_BIGINT, [pack(value) for value in values])


def _array(element: int, values: Sequence[bytes]) -> Array:
    length = _LENGTH.pack
    parts = [part for value in values for part in (length(len(value)), value)]
    return Array(_HEAD.pack(1, 0, element, len(values), 1) + b"".join(parts))
