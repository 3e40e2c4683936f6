"""Which texts and values a frame can hold: the text rule and the depth rule.

``refuse_unstorable`` is the one text rule for everything that would be stored, whether a person
or an agent wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final, cast

from msgspec import Meta

from chatstream.errors import Refused

MAX_DEPTH: Final = 32
"""Objects and arrays inside one another, the frame itself included."""

WireInt = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""An integer field of the protocol's own."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Takes an unfinished text to its end, never back: a scan is linear whatever was sent.
_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def is_storable(text: str) -> bool:
    """Whether ``text`` is free of NUL and lone surrogates."""
    if text.isascii():  # nearly all is, and the pattern takes five times as long
        return "\x00" not in text
    return _UNSTORABLE.search(text) is None


def has_escaped_nul(document: bytes) -> bool:
    """Whether NUL, or a text that looks like an escaped one, is in a JSON document."""
    # A search for one byte is so much faster, and few documents have any escape.
    return b"\\" in document and b"\\u0000" in document


def refuse_content(content: str, max_bytes: int) -> None:
    """Refuse a message that cannot be stored.

    Raises:
        Refused: ``too_large`` for more than ``max_bytes`` of UTF-8, ``invalid_content`` for
            none, NUL or a lone surrogate.
    """
    if not content or not is_storable(content):
        raise Refused("invalid_content")
    if len(content.encode()) > max_bytes:
        raise Refused("too_large", f"the content is larger than {max_bytes} bytes")


def refuse_unstorable(value: object, depth: int = 1) -> None:
    """Refuse a value, made of JSON's types, that a frame cannot hold.

    ``depth`` is that of the object the value stands in; a frame's own is 1.

    Raises:
        Refused: ``invalid_content`` for NUL or a lone surrogate in a text or a key,
            ``invalid_frame`` for more nesting than a frame may have.
    """
    match value:
        case str():
            if not is_storable(value):
                raise Refused("invalid_content")
        case dict():
            _refuse_depth(depth + 1)
            for key, item in cast("dict[object, object]", value).items():
                refuse_unstorable(key)
                refuse_unstorable(item, depth + 1)
        case list() | tuple():
            _refuse_depth(depth + 1)
            for item in cast("Sequence[object]", value):
                refuse_unstorable(item, depth + 1)
        case _:
            pass


def _refuse_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused("invalid_frame", f"objects and arrays are nested more than {MAX_DEPTH} deep")


def too_deep(document: bytes, deepest: int = MAX_DEPTH) -> bool:
    """Whether a JSON document is nested deeper than a frame may be, or than ``deepest``; to be
    asked before it is decoded, which is recursive. What is no JSON gets some answer."""
    # Counting runs at the speed of C, and few documents have so many brackets at all.
    if document.count(b"{") + document.count(b"[") <= deepest:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_TEXTS.sub(b"", document)):
        depth += 1 if bracket in b"{[" else -1
        if depth > deepest:
            return True
    return False
