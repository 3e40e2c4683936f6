"""Which texts and values a frame can hold: the text rule and the depth rule.

``refuse_unstorable`` is the one text rule for everything that would be stored, whether a person
or an agent wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Final, cast

from msgspec import Meta

from chatstream.errors import Refused

MAX_DEPTH: Final = 32
"""Objects and arrays inside one another, the frame itself included."""

MAX_CONTAINERS: Final = 20_000
"""Objects and arrays in all, the frame itself included: more than a form may hold, and so few that
they are read at once."""

WireInt = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""An integer field of the protocol's own."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Takes an unfinished text to its end, never back: a scan is linear whatever was sent.
_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"
_NO_BRACKETS = bytes(set(range(256)) - {*_OPENING, *_CLOSING})
_STEPS = bytes.maketrans(_OPENING + _CLOSING, b"\x01\x01\xff\xff")
"""Each bracket as a signed byte: one level deeper, one level up."""


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
        raise _nested_too_deep()


def refuse_shape(document: bytes) -> None:
    """Refuse a JSON document that is nested deeper than a frame may be, or that holds more objects
    and arrays; to be asked before it is decoded, which is recursive, and makes each of them.

    Raises:
        Refused: ``invalid_frame``.
    """
    if _most_containers(document) <= MAX_DEPTH:
        return
    steps = _bracket_steps(document)
    if _deepest(steps) > MAX_DEPTH:
        raise _nested_too_deep()
    if steps.count(1) > MAX_CONTAINERS:
        raise Refused("invalid_frame", f"it holds more than {MAX_CONTAINERS} objects and arrays")


def too_deep(document: bytes, deepest: int = MAX_DEPTH) -> bool:
    """Whether a JSON document is nested deeper than ``deepest``; to be asked before it is decoded,
    which is recursive. What is no JSON gets some answer."""
    return _most_containers(document) > deepest and _deepest(_bracket_steps(document)) > deepest


def _most_containers(document: bytes) -> int:
    """No fewer than the objects and arrays in a JSON document; its texts may hold brackets, too."""
    return document.count(b"{") + document.count(b"[")


def _bracket_steps(document: bytes) -> bytes:
    return _TEXTS.sub(b"", document).translate(_STEPS, _NO_BRACKETS)


def _deepest(steps: bytes) -> int:
    # All of it at the speed of C: a frame has room for a quarter of a million brackets.
    return max(accumulate(memoryview(steps).cast("b")), default=0)


def _nested_too_deep() -> Refused:
    return Refused("invalid_frame", f"objects and arrays are nested more than {MAX_DEPTH} deep")
