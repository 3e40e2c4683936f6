"""Text that cannot be stored (NUL, halves of surrogate pairs), made storable.

Agents get such text from tools, file names and models; it is no reason to fail a turn. Halves that
belong together are joined, everything else becomes U+FFFD. Pure.
"""

from __future__ import annotations

from typing import Final, cast

from chatstream.protocol.content import is_storable

REPLACEMENT: Final = "\ufffd"


def plain_text(text: str) -> str:
    """``text`` as a plain ``str``, of whatever class of texts it is: some say what it means to add
    to them (``markupsafe.Markup`` escapes what stands before it), and not all give a text."""
    return text if type(text) is str else str.__str__(text)


def mended_text(text: str) -> str:
    """``text`` as it can be stored; the same object where nothing is wrong with it."""
    if is_storable(text):
        return text
    # UTF-16 is what the halves are of: read back, those that make a pair are one character.
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", REPLACEMENT)


def mended(value: object) -> object:
    """``value``, made of JSON's types, with every text in it mended, the keys too."""
    match value:
        case str():
            return mended_text(value)
        case dict():
            items = cast("dict[object, object]", value).items()
            return {mended(key): mended(item) for key, item in items}
        case list() | tuple():
            return [mended(item) for item in cast("list[object]", value)]
        case _:
            return value


def without_half(text: str) -> tuple[str, str]:
    """``text`` without the first half of a pair at its end, and that half: the other one may be
    the beginning of what comes next."""
    if text and "\ud800" <= text[-1] <= "\udbff":
        return text[:-1], text[-1]
    return text, ""
