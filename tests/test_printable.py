"""What a terminal must not be given."""

from __future__ import annotations

import json
import unicodedata

import pytest

from chatstream.printable import one_line, printable, printable_json

ORDER = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"


def is_harmful(character: str) -> bool:
    return (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(character) in ORDER
        or character in MARKS
    )


def test_no_control_character_is_left():
    shown = printable("".join(map(chr, range(0x110000))))
    assert {character for character in shown if is_harmful(character)} == {"\t", "\n"}


def test_what_people_write_is_left_as_it_is():
    text = "é 😀 👩‍💻 ❤️ نص عربي 日本語\tline\nline \\x1b"
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("\r\x00\x7f", r"\r\x00\x7f"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\U000e0041\ud800", r"\U000e0041\ud800"),
    ],
)
def test_a_control_character_is_shown_as_an_escape(text: str, shown: str):
    assert printable(text) == shown


def test_one_line_is_one_line():
    assert one_line("a\nb\r\nc\u2028d\x85e") == r"a\nb\r\nc\u2028d\x85e"
    assert printable("a\nb", line_feed="\n  ") == "a\n  b"


def test_json_stays_the_same_value():
    value = {"a\x9b": [*"\x1b\x7f\u202e\u200b\U000e0041é😀\n"]}
    line = json.dumps(value, ensure_ascii=False)
    assert json.loads(printable_json(line)) == value
    assert printable_json(line).isprintable()
