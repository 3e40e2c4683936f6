"""Numbers in digits and in words: ``1,250``, ``-3.5``, ``twenty-five``, ``a dozen``."""

from __future__ import annotations

import re

from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.found import Found, apart

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
]
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
SMALL: dict[str, int] = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: (value + 2) * 10 for value, word in enumerate(_TENS)},
}
"""Number words below a hundred, without compounds."""
ORDINALS: dict[str, int] = {
    **{word: value for value, word in enumerate(_ORDINALS)},
    "twentieth": 20,
    "thirtieth": 30,
}
_MAX_DIGITS = 15
_LARGEST = 10**_MAX_DIGITS
_NOTHING = r"(?![\w])"
_DIGITS = Pattern(
    r"(?<![\w.,:/-])(?:minus\s+|-)?"
    rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,{_MAX_DIGITS}}})(?:\.\d{{1,6}})?(?![\d:/])"
)
_WORD = "|".join([*SMALL, *_SCALES])
_WORDS = Pattern(
    rf"(?<!\w)(?:(?:a|an)\s+(?:{'|'.join(_SCALES)}|dozen)|(?:{_WORD})"
    rf"(?:(?:\s+and\s+|[\s-]+)(?:{_WORD}))*(?:\s+dozen)?){_NOTHING}",
    re.IGNORECASE,
)
_HALF = Pattern(r"\s+and\s+a\s+half\b", re.IGNORECASE)


def find_numbers(text: str) -> list[Found[float]]:
    """Every number in ``text``; whole ones too are floats here."""
    found = [
        Found(value(match.group()), match.start(), match.end())
        for pattern, value in ((_DIGITS, _of_digits), (_WORDS, _of_words))
        for match in pattern.finditer(text)
    ]
    return [_with_half(text, one) for one in apart(found)]


def of_words(words: str) -> int:
    """The value of number words, as ``find_numbers`` finds them; 0 for other words. Beyond what
    fifteen digits hold it stays as it is: ``hundred hundred hundred …`` is no number."""
    total, part = 0, 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if total + part >= _LARGEST:
            break
        if word in SMALL:
            part += SMALL[word]
        elif word == "hundred":
            part = (part or 1) * 100
        elif word in _SCALES:
            total, part = total + (part or 1) * _SCALES[word], 0
        elif word == "dozen":
            part = (part or 1) * 12
    return total + part


def _of_words(text: str) -> float:
    return float(of_words(text))


def _of_digits(text: str) -> float:
    plain = text.lower().replace("minus", "-").replace(",", "").replace(" ", "")
    return float("".join(plain.split()))


def _with_half(text: str, one: Found[float]) -> Found[float]:
    half = _HALF.match(text, one.end)
    return one if half is None else Found(one.value + 0.5, one.start, half.end())
