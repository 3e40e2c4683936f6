"""Text that was written by others, as a terminal or a log may show it.

A terminal obeys control characters: ESC and U+009B begin sequences that move the cursor, set the
clipboard (OSC 52) or rename the window. Bidirectional controls show a text in another order
than it has, and invisible characters hide some of it. All of them are shown as escapes.
"""

from __future__ import annotations

import json
import re
from typing import Final

# U+200C and U+200D join letters and emoji, and variation selectors choose their form: they stay.
_CONTROLS: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the order of letters
    "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\U000e0000-\U000e007f"  # invisible letters
    "\ud800-\udfff"  # no characters at all: they cannot be printed
    "]"
)


def printable(text: str, *, line_feed: str = "\n") -> str:
    r"""``text`` with its control characters as escapes: ``\x1b``, ``\u202e``.

    Args:
        text: of whoever; a tab stays.
        line_feed: what stands for each line feed: itself, with an indent so that no line can be
            taken for one of the program's own, or ``\n`` as an escape for one line in all.
    """
    shown = _CONTROLS.sub(_escape, text)
    return shown if line_feed == "\n" else shown.replace("\n", line_feed)


def one_line(text: str) -> str:
    r"""``text`` as one line, its line feeds shown as ``\n``."""
    return printable(text, line_feed=r"\n")


def printable_json(line: str) -> str:
    r"""The same JSON value as ``line``, which has no line feed between its parts, with the
    control characters in its texts as ``\u`` escapes."""
    return _CONTROLS.sub(lambda found: json.dumps(found.group())[1:-1], line)


def _escape(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape", "surrogatepass").decode()
