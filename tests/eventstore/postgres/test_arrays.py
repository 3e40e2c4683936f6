"""What is packed here for PostgreSQL is read there as the same array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit.postgres import new_database

from chatstream.eventstore.postgres.arrays import Array, bigints, byteas, register, texts
from chatstream.eventstore.postgres.connections import connect

pytestmark = pytest.mark.postgres

TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"))


@pytest.fixture(scope="module")
def connection() -> Iterator[psycopg.Connection[Any]]:
    with connect(new_database()) as connection:
        register(connection)
        yield connection


@pytest.mark.parametrize(
    ("kind", "pack", "values"),
    [
        ("text", texts, TEXTS),
        ("bytea", byteas, st.binary()),
        ("bigint", bigints, st.integers(-(2**63), 2**63 - 1)),
    ],
)
@given(data=st.data())
def test_every_array_arrives_as_it_was_packed(
    connection: psycopg.Connection[Any],
    kind: str,
    pack: Callable[[Sequence[Any]], Array],
    values: st.SearchStrategy[Any],
    data: st.DataObject,
):
    packed = data.draw(st.lists(values, min_size=1, max_size=20))
    rows = connection.execute(f"SELECT * FROM unnest(%b::{kind}[])".encode(), (pack(packed),))
    assert [value for (value,) in rows.fetchall()] == packed
