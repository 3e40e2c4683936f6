"""Texts that are hard on a grammar, made of its own words: each repeated, two by turns, with
blanks after and between them, and near misses."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from types import ModuleType

from chatstream.assistant.pattern import Pattern

BLANKS = (" ", "\n", "\u00a0", " \t ")
FIGURES = ("1", "12", "1,000", "1:30", "1/2", "2026-01-01", "1.", "-1", "5m", "3rd", "#1")
MARKS = ("-", ",", ".", "!", "?", "'", "’", "“", '"', "$", "€", "@", "a@a.", "www.", "_", "(", "A ")


def words_of(*modules: ModuleType) -> list[str]:
    """The words in the patterns of ``modules``."""
    found: dict[str, None] = {}
    for module in modules:
        for pattern in _patterns(list(vars(module).values())):
            found |= dict.fromkeys(re.findall(r"[a-z][a-z'’]*", _as_said(pattern)))
    return list(found)


def _patterns(values: list[object]) -> Iterator[str]:
    for value in values:
        match value:
            case Pattern():
                yield value.compiled.pattern
            case re.Pattern():
                yield str(value.pattern)
            case tuple() | list():
                yield from _patterns(list(value))
            case dict():
                yield from _patterns(list(value.values()))
            case _:
                pass


def _as_said(pattern: str) -> str:
    """Without the names of groups and the signs that stand for characters."""
    return re.sub(r"\(\?P?<\w+>|\\[a-zA-Z]", " ", pattern)


def worst_cases(words: list[str], length: int, most: int = 120) -> Iterator[str]:
    """Texts of ``length`` characters: always the same ones."""
    chance = random.Random(len(words))
    tokens = [*BLANKS, *FIGURES, *MARKS, *words]
    made = [text for token in tokens for text in _of_one(token, length)]
    pairs = [(chance.choice(tokens), chance.choice(tokens)) for _ in range(most)]
    made += [text for one, two in pairs for text in _of_two(one, two, length)]
    always = list(_proofs(length))
    yield from always
    yield from chance.sample(made, min(most, len(made)))


def _proofs(length: int) -> Iterator[str]:
    """What was seen to stop the server."""
    yield _filled("1 ", length)
    yield _filled("1+", length)
    yield from ("set an alarm".ljust(length), "set an alarm".ljust(length - 1) + "x")


def _of_one(token: str, length: int) -> Iterator[str]:
    yield _filled(token, length)
    yield _filled(f"{token} ", length)
    yield token + " " * (length - len(token) - 1) + "x"
    yield " " * (length // 2) + token + " " * (length - length // 2 - len(token) - 1) + "~"
    yield _filled(token + " " * 20, length - 1) + "~"


def _of_two(one: str, two: str, length: int) -> Iterator[str]:
    yield _filled(f"{one} {two} ", length)
    yield _filled(one + two, length - 1) + "~"
    yield _filled(f"{one}\n{two}, ", length)


def _filled(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]
