"""Texts of a size: harmless ones, and tokens in every order. It knows nothing of the server."""

from __future__ import annotations

from collections.abc import Iterator

CONTENT_BYTES = 32_768
FRAME_BYTES = 262_144
HEAD_BYTES = 60_000
"""What the server reads of a head at most is 64 KiB."""

_WORDS = "the weather is nice today and we would like to go for a walk in the old town "


def filled(unit: str, length: int) -> str:
    """``unit`` again and again, of ``length`` characters."""
    return (unit * (length // len(unit) + 1))[:length]


def fitted(text: str, most_bytes: int) -> str:
    """As much of ``text`` as so many bytes hold."""
    return text.encode()[:most_bytes].decode(errors="ignore")


def harmless(length: int) -> str:
    """Words, of ``length`` characters."""
    return filled(_WORDS, length)


def repeated(tokens: tuple[str, ...], length: int) -> Iterator[tuple[str, str]]:
    """A name and a text of ``length`` characters: each token again and again, by turns with the
    next one, once among blanks, and with an end that spoils it."""
    for token, other in zip(tokens, (*tokens[1:], tokens[0]), strict=True):
        yield f"{token!r} again and again", filled(token, length)
        yield f"{token!r} and {other!r} by turns", filled(token + other, length)
        yield f"{token!r} and an end", filled(token, length - 1) + "~"
        yield f"{token!r} after blanks", token + " " * max(length - len(token) - 1, 0) + "x"


def nested(opening: str, closing: str, depth: int) -> Iterator[tuple[str, str]]:
    """A name and a text that is nested: closed, left open, closed without an opening."""
    yield f"{depth} {opening!r}, closed", opening * depth + closing * depth
    yield f"{depth} {opening!r}, left open", opening * depth
    yield f"{depth} {closing!r}, never opened", closing * depth
