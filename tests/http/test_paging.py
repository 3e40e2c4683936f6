"""Cursors and the waits of streams: pure pieces."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstream.errors import Refused
from chatstream.http.paging import (
    LAST_POSITION,
    decode_cursor,
    encode_cursor,
    page,
    position_of,
)
from chatstream.http.streams import Streams
from chatstream.projections.rows import After
from chatstream.timestamps import to_text

afters = st.builds(
    After,
    st.integers(0, 4_000_000_000_000).map(to_text),
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
)


@given(afters)
def test_a_cursor_brings_back_the_place_it_was_made_of(after):
    cursor = encode_cursor(after)
    assert decode_cursor(cursor) == after
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text() | st.binary().map(lambda data: data.hex()))
def test_any_other_text_is_refused(text):
    with pytest.raises(Refused) as refused:
        decode_cursor(text)
    assert refused.value.code == "invalid_frame"


@given(afters, st.data())
def test_a_changed_cursor_is_refused_or_another_place(after, data):
    cursor = encode_cursor(after)
    at = data.draw(st.integers(0, len(cursor) - 1))
    changed = cursor[:at] + data.draw(st.characters(codec="ascii")) + cursor[at + 1 :]
    with contextlib.suppress(Refused):
        assert encode_cursor(decode_cursor(changed)) == changed


def test_no_cursor_is_the_beginning():
    assert decode_cursor(None) is None
    assert position_of(None, 7) == 7


@given(st.integers(0, LAST_POSITION))
def test_a_position_is_its_own_cursor(position):
    assert position_of(str(position), 0) == position


@pytest.mark.parametrize("cursor", ["", "-1", "1.5", "x", "\u0661", str(2**53), "9" * 50, " 1"])
def test_what_is_no_position_is_refused(cursor):
    with pytest.raises(Refused):
        position_of(cursor, 0)


@given(st.lists(afters, unique=True, max_size=30), st.integers(1, 10))
def test_pages_together_are_the_whole_list(rows, limit):
    rows = sorted(rows, reverse=True)
    found, cursor = [], None
    while True:
        after = decode_cursor(cursor)
        rest = [row for row in rows if after is None or row < after]
        one = page(rest[: limit + 1], limit, lambda row: row)
        found += one.items
        cursor = one.next
        if cursor is None:
            break
    assert found == rows


def test_closing_wakes_every_stream_and_is_for_good():
    streams, woken = Streams(), []
    with streams.opened(lambda: woken.append(1)), streams.opened(lambda: woken.append(2)):
        assert len(streams) == 2
        streams.close()
    assert (woken, len(streams), streams.closed) == ([1, 2], 0, True)
