"""One of a few: the values of an enum or ``Literal``, by their words, inflected or by place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache

from chatstream.assistant.concepts import CONCEPTS
from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.found import Found, apart
from chatstream.assistant.slots.numbers import ORDINALS

_PLACE = Pattern(
    r"\b(?:(?:the\s+)?(?P<word>first|second|third|fourth|fifth|last)(?:\s+(?:one|option|choice))?"
    r"|(?:option|number|#)\s*(?P<digit>\d))\b",
    re.IGNORECASE,
)
_WORD = Pattern(r"[^\W_]+")
_BETWEEN_WORDS = r"[\s_-]*"
ANY = Pattern(
    r"\b(?:any(?:thing| one| of them)?(?: is fine| will do| works)?|(?:i )?do(?:n't| not) (?:care|mind)"
    r"|no preference|does(?:n't| not) matter|whatever|either(?: one)?(?: is fine)?|surprise me)\b",
    re.IGNORECASE,
)


def find_choices(text: str, words: Mapping[str, Sequence[str]]) -> list[Found[str]]:
    """Every option that ``text`` names; ``words`` are what each option may be called."""
    found: list[Found[str]] = []
    for value, names in words.items():
        for name in names:
            found += [
                Found(value, match.start(), match.end()) for match in _pattern(name).finditer(text)
            ]
    return apart(found)


def find_by_concept(text: str, options: Sequence[str]) -> list[Found[str]]:
    """``a concert`` for ``Music``: only where the options were shown, and one alone fits."""
    found: list[Found[str]] = []
    near: defaultdict[str, list[str]] = defaultdict(list)
    for one in options:
        for concept in dict.fromkeys(CONCEPTS.get(one.lower(), ())):
            near[concept].append(one)
    for match in _WORD.finditer(text.lower()):
        fitting = {one for concept in CONCEPTS.get(match.group(), ()) for one in near[concept]}
        if len(fitting) == 1:
            found.append(Found(fitting.pop(), match.start(), match.end(), weak=True))
    return found


def find_by_part(text: str, options: Sequence[str]) -> list[Found[str]]:
    """``Southside`` for ``Southside Venue``: only where the options were shown, and for a word
    that no other option has."""
    having_word: defaultdict[str, list[str]] = defaultdict(list)
    for one in options:
        for word in set(_WORD.findall(" ".join(names_of(one)).lower())):
            having_word[word].append(one)
    found: list[Found[str]] = []
    for match in _WORD.finditer(text.lower()):
        having = having_word.get(match.group(), ())
        if len(having) == 1:
            found.append(Found(having[0], match.start(), match.end(), weak=True))
    return found


def find_by_place(text: str, options: Sequence[str]) -> list[Found[str]]:
    """``the second one``, ``last``, ``option 3``: only where the options were shown."""
    found: list[Found[str]] = []
    for match in _PLACE.finditer(text):
        word = (match["word"] or "").lower()
        place = len(options) if word == "last" else ORDINALS.get(word) or int(match["digit"] or 0)
        if 1 <= place <= len(options):
            found.append(Found(options[place - 1], match.start(), match.end(), weak=True))
    return found


@lru_cache(maxsize=4096)
def names_of(value: str) -> tuple[str, ...]:
    """What an option may be called: its words, without ``_``, ``-`` and capitals inside."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", value)
    return tuple(dict.fromkeys([value, " ".join(re.split(r"[\s_-]+", spaced)).strip()]))


@lru_cache(maxsize=4096)
def _pattern(name: str) -> re.Pattern[str]:
    words = _BETWEEN_WORDS.join(_inflected(word) for word in re.findall(r"\w+|[^\w\s]", name))
    return re.compile(rf"(?<!\w){words}(?!\w)" if words else r"(?!)", re.IGNORECASE)


def _inflected(word: str) -> str:
    """``mile`` and ``miles``; short words as they are."""
    if not word.isalpha() or len(word) <= 3:
        return re.escape(word)
    if word.lower().endswith("y"):
        return f"{re.escape(word[:-1])}(?:y|ies)"
    if word.lower().endswith("s"):
        return f"{re.escape(word[:-1])}s?(?:es)?"
    return f"{re.escape(word)}(?:s|es)?"
