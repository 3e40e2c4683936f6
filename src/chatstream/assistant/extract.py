"""Reads an utterance against all parameters of a tool at once: people answer more than they
were asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence
from datetime import datetime

from chatstream.assistant.free_text import cued, whole
from chatstream.assistant.parameters import Kind, Parameter
from chatstream.assistant.pattern import LONGEST_TEXT, Pattern
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.kinds import Finding, find
from chatstream.assistant.slots.languages import Languages

Values = dict[str, Found[object]]
# What says most about a piece of text comes first: "7 am" is a time before it holds a number.
_ORDER: tuple[Kind, ...] = (
    "email", "url", "money", "moment", "date", "time", "duration", "choice", "flag", "integer",
    "number",
)  # fmt: skip
_SHORT_ANSWER = 4
_NEAR = 100
"""Characters around a value that speak for a parameter: a few words."""
_WORD = Pattern(r"[\w'’]+")
_ROLE_WORDS = {
    "from": {"from", "leaving", "leave", "depart", "departing", "start", "source", "origin"},
    "to": {"to", "into", "in", "until", "till", "return", "returning", "end", "arriving"},
}
_ROLES = {
    "from": Pattern(r"from|start|source|origin|depart|leav|pickup|begin|check_?in"),
    "to": Pattern(r"(?:^|_)to(?:_|$)|end|target|dest|return|arriv|dropoff|until|check_?out"),
}


def read_values(
    parameters: Sequence[Parameter],
    text: str,
    now: datetime,
    asked: Parameter | None = None,
    *,
    known: Container[str] = (),
    languages: Languages | None = None,
) -> Values:
    """What ``text`` says of the parameters, as ``read_from`` reads it."""
    return read_from(parameters, Finding(text, now, languages), asked, known=known)


def read_from(
    parameters: Sequence[Parameter],
    finding: Finding,
    asked: Parameter | None = None,
    *,
    known: Container[str] = (),
) -> Values:
    """What a text says of the parameters; of one that is too long, nothing. ``asked`` is the one
    that the user was asked for: there a bare answer counts, and the whole text where it is a free
    one. What is ``known`` is corrected by what is said, not by a guess."""
    text = finding.text
    values: Values = {}
    if len(text) > LONGEST_TEXT:
        return values
    for kind in _ORDER:
        wanted = [one for one in parameters if one.kind == kind]
        if wanted:
            values |= _assigned(wanted, finding, asked, list(values.values()))
    for parameter in parameters:
        if parameter.kind == "text":
            may_guess = parameter.name not in known and _is_sentence_for(parameter, asked, text)
            found = cued(parameter, text, list(values.values()), may_guess=may_guess)
            if found is not None:
                values[parameter.name] = found
    if asked is not None and asked.kind == "text" and asked.name not in values:
        rest = whole(text)
        if rest is not None:
            values[asked.name] = rest
    return values


def _is_sentence_for(parameter: Parameter, asked: Parameter | None, text: str) -> bool:
    """Whether a name may be guessed from ``text``: a short answer to a question for a text is
    that text, and nobody else's."""
    if asked is None or asked.kind != "text":
        return True
    return asked == parameter and len(text.split()) > _SHORT_ANSWER


def _assigned(
    wanted: list[Parameter],
    finding: Finding,
    asked: Parameter | None,
    taken: list[Found[object]],
) -> Values:
    """The values of one kind, each to the parameter whose cue leads to it, else in order."""
    candidates: defaultdict[tuple[int, int], dict[str, Found[object]]] = defaultdict(dict)
    for parameter in wanted:
        for one in find(parameter, finding, is_asked=parameter == asked):
            if not any(one.overlaps(other.start, other.end) for other in taken):
                candidates[one.start, one.end][parameter.name] = one
    values: Values = {}
    for span, by_name in sorted(candidates.items(), key=_strong_first):
        free = [one for one in wanted if one.name in by_name and one.name not in values]
        if free:
            best = max(free, key=lambda it: (_fit(it, finding.text, span), it == asked))
            values[best.name] = by_name[best.name]
    return values


def _strong_first(
    candidate: tuple[tuple[int, int], dict[str, Found[object]]],
) -> tuple[bool, tuple[int, int]]:
    """``one for 4:15``: the bare number counts last."""
    span, by_name = candidate
    return all(one.weak for one in by_name.values()), span


def _fit(parameter: Parameter, text: str, span: tuple[int, int]) -> int:
    """How well the words around ``span`` speak for the parameter: ``from``, ``3 rooms``."""
    near = slice(max(0, span[0] - _NEAR), span[0])
    before = tuple(word.lower() for word in _WORD.findall(text[near]))
    after = tuple(word.lower() for word in _WORD.findall(text[span[1] : span[1] + _NEAR])[:2])
    own = [word.rstrip("s") for word in parameter.name.lower().split("_") if len(word) > 3]
    is_named = any(word.startswith(stem) for stem in own for word in (*before[-2:], *after))
    return _lead_of(parameter, before) + is_named


def _lead_of(parameter: Parameter, before: tuple[str, ...]) -> int:
    cue = max((_common_end(cue.before, before) for cue in parameter.cues), default=0)
    near = set(before[-2:])
    for role, pattern in _ROLES.items():
        if pattern.search(parameter.name) and near & _ROLE_WORDS[role]:
            return cue + 1
    return cue


def _common_end(cue: tuple[str, ...], words: tuple[str, ...]) -> int:
    length = 0
    while length < min(len(cue), len(words)) and cue[-1 - length] == words[-1 - length]:
        length += 1
    return length
