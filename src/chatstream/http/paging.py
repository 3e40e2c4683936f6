"""Pages of lists: how many items, where the next one begins.

A cursor is opaque to clients. For lists by activity it holds the last item's activity and id;
for what is ordered by position it is that position.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter
from msgspec import Struct

from chatstream.errors import Refused
from chatstream.ids import is_id
from chatstream.projections.rows import After
from chatstream.timestamps import to_ms, to_text

LAST_POSITION = 2**53 - 1

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many items at most")]
Position = Annotated[int, QueryParameter(ge=0, le=LAST_POSITION)]
MaybePosition = Annotated[int | None, QueryParameter(ge=0, le=LAST_POSITION)]
Cursor = Annotated[str | None, QueryParameter(description="The `next` of the page before")]

T = TypeVar("T")
_cursor = msgspec.json.Decoder(After)


class Page(Struct, Generic[T], frozen=True):
    """A page of a list; ``next`` is the cursor of the following page, null on the last one."""

    items: list[T]
    next: str | None


def page(rows: list[T], limit: int, place: Callable[[T], After]) -> Page[T]:
    """The page of ``limit`` items; ``rows`` has one more where there are further ones."""
    items = rows[:limit]
    return Page(items, encode_cursor(place(items[-1])) if len(rows) > limit else None)


def encode_cursor(after: After) -> str:
    """``after`` as a text for a URL."""
    return urlsafe_b64encode(msgspec.json.encode(after)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None) -> After | None:
    """What ``encode_cursor`` made a cursor of; None for None.

    Raises:
        Refused: ``invalid_frame`` for anything else.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        after = _cursor.decode(urlsafe_b64decode(padded))
        if is_id(after.id) and encode_cursor(after) == cursor and _is_moment(after):
            return after
    except (ValueError, RecursionError):
        pass
    raise Refused("invalid_frame", "the cursor is not valid")


def _is_moment(after: After) -> bool:
    return to_text(to_ms(after.last_activity_at)) == after.last_activity_at


def id_wanted(name: str, text: str | None) -> str | None:
    """The id in a filter.

    Raises:
        Refused: ``invalid_frame`` for what is no id.
    """
    if text is not None and not is_id(text):
        raise Refused("invalid_frame", f"{name} is not an id")
    return text


def position_of(cursor: str | None, otherwise: int) -> int:
    """The position in the cursor of a list by position; ``otherwise`` for None.

    Raises:
        Refused: ``invalid_frame`` for what is no such cursor.
    """
    if cursor is None:
        return otherwise
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 16):
        raise Refused("invalid_frame", "the cursor is not valid")
    position = int(cursor)
    if position > LAST_POSITION:
        raise Refused("invalid_frame", "the cursor is not valid")
    return position
