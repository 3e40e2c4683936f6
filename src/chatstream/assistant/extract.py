"""Reads an utterance against all parameters of a tool at once: people answer more than they
were asked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from chatstream.assistant.examples import Cue
from chatstream.assistant.parameters import Kind, Parameter
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.kinds import find
from chatstream.assistant.slots.yesno import says

Values = dict[str, Found[object]]
# What says most about a piece of text comes first: "7 am" is a time before it holds a number.
_ORDER: tuple[Kind, ...] = (
    "email", "url", "money", "moment", "date", "time", "duration", "choice", "flag", "integer",
    "number",
)  # fmt: skip
_WORD = re.compile(r"[\w'’]+")
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{1,200})[\"“”«»]|(?<!\w)['‘]([^'‘’]{2,200})['’](?!\w)")
_END = re.compile(r"[.!?;\n](?:\s|$)|,\s*(?:please|thanks|thank you)\b|\s+please\b|$")
_CONNECTOR = re.compile(
    r"(?:[\s,]+(?:and|at|on|for|by|in|from|to|with|that|which|goes|is|set|due|every|the|it|time))+\s*$",
    re.IGNORECASE,
)
_EMPTY_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "at",
        "be",
        "by",
        "for",
        "from",
        "goes",
        "i",
        "in",
        "is",
        "it",
        "me",
        "my",
        "new",
        "of",
        "on",
        "one",
        "please",
        "set",
        "that",
        "the",
        "this",
        "time",
        "to",
        "up",
        "with",
    ]
)
_ROLE_WORDS = {
    "from": {"from", "leaving", "leave", "depart", "departing", "start", "source", "origin"},
    "to": {"to", "into", "in", "until", "till", "return", "returning", "end", "arriving"},
}
_ROLES = {
    "from": re.compile(r"from|start|source|origin|depart|leav|pickup|begin|check_?in"),
    "to": re.compile(r"(?:^|_)to(?:_|$)|end|target|dest|return|arriv|dropoff|until|check_?out"),
}
_LEAD_IN = re.compile(
    r"^\W*(?:(?:please|just|um+|well|ok(?:ay)?|so|sure|yes|no)\W+)*"
    r"(?:(?:it|that|this|the\s+\w+)(?:['’]s|\s+is|\s+should\s+be|\s+will\s+be|\s+would\s+be)\s+"
    r"(?:called\s+|named\s+)?|(?:let['’]s\s+)?(?:call|name|make|label|title)\s+it\s+|called\s+"
    r"|named\s+|i(?:['’]d|\s+would)\s+like\s+(?:it\s+to\s+be\s+)?(?:called\s+)?|use\s+)?",
    re.IGNORECASE,
)
_IS_NAME = re.compile(r"(?:^|_)(?:name|title|label)$")
_NAMES = re.compile(
    r"\b(?:(?:(?:re)?name|call|label|title|(?:re)?naming|calling|titling|labell?ing)\s+(?:it|this|that|(?:the|my)(?:\s+new)?\s+\w+)"
    r"(?:\s+(?:as|to))?|(?:called|named|titled|labell?ed)(?:\s+as)?"
    r"|(?:with|under|by|use|using|give\s+it|has|having)\s+(?:the\s+|a\s+)?(?:name|title|label)(?:\s+(?:of|as|is))?"
    r"|(?:name|title|label)\s*(?:is|of|as|should\s+be|(?:wi|shal)ll?\s+be|would\s+be|to\s+be|to|:))"
    r"\s+(?=\S)",
    re.IGNORECASE,
)
_CAPITALS = re.compile(
    r"(?<=[a-z,:] )(?P<name>(?!I\b|[AP]M\b|Please\b|Mon|Tue|Wed|Thu|Fri|Sat|Sun|January|February"
    r"|March|April|May|June|July|August|September|October|November|December)"
    r"[A-Z][\w'’]*(?:\s+(?:(?:of|for|the|to|and|with)\s+)?[A-Z][\w'’]*)*)"
)
_POLITE_END = re.compile(r"[\s,]*(?:please|thanks|thank you)?[\s.!?]*$", re.IGNORECASE)


def read_values(
    parameters: Sequence[Parameter], text: str, now: datetime, asked: Parameter | None = None
) -> Values:
    """What ``text`` says of the parameters. ``asked`` is the one that the user was asked for:
    there a bare answer counts, and the whole text where it is a free one."""
    values: Values = {}
    for kind in _ORDER:
        wanted = [one for one in parameters if one.kind == kind]
        if wanted:
            values |= _assigned(wanted, text, now, asked, list(values.values()))
    for parameter in parameters:
        if parameter.kind == "text":
            found = _cued(parameter, text, list(values.values()))
            if found is not None:
                values[parameter.name] = found
    if asked is not None and asked.kind == "text" and asked.name not in values:
        whole = _whole(text)
        if whole is not None:
            values[asked.name] = whole
    return values


def _assigned(
    wanted: list[Parameter],
    text: str,
    now: datetime,
    asked: Parameter | None,
    taken: list[Found[object]],
) -> Values:
    """The values of one kind, each to the parameter whose cue leads to it, else in order."""
    candidates: defaultdict[tuple[int, int], dict[str, Found[object]]] = defaultdict(dict)
    for parameter in wanted:
        for one in find(parameter, text, now, is_asked=parameter == asked):
            if not any(one.overlaps(other.start, other.end) for other in taken):
                candidates[one.start, one.end][parameter.name] = one
    values: Values = {}
    for span, by_name in sorted(candidates.items(), key=_strong_first):
        free = [one for one in wanted if one.name in by_name and one.name not in values]
        if free:
            best = max(free, key=lambda it: (_fit(it, text, span), it == asked))
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
    before = tuple(word.lower() for word in _WORD.findall(text[: span[0]]))
    after = tuple(word.lower() for word in _WORD.findall(text[span[1] :])[:2])
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


def _cued(parameter: Parameter, text: str, taken: list[Found[object]]) -> Found[str] | None:
    """A free text that quotes enclose or that one of the parameter's cues leads to."""
    quoted = _QUOTED.search(text) if parameter.cues else None
    if quoted is not None:
        group = 1 if quoted[1] else 2
        return Found(quoted[group].strip(" .,?!"), quoted.start(), quoted.end())
    naming = _naming(parameter, text)
    if naming is not None:
        return _upto(text, naming.end(), _end_of_text(Cue((), ()), text, naming.end(), taken))
    best: tuple[int, Found[str]] | None = None
    for cue in parameter.cues:
        found = _after_cue(cue, text, taken)
        if found is not None and (best is None or len(cue.before) > best[0]):
            best = (len(cue.before), found)
    if best is None and _IS_NAME.search(parameter.name):
        return _proper_name(text, taken)
    return None if best is None else best[1]


def _naming(parameter: Parameter, text: str) -> re.Match[str] | None:
    """``call it X``, ``the name is X``, and of an ``alarm_name`` also ``the alarm is X``."""
    if not _IS_NAME.search(parameter.name):
        return None
    for word in parameter.name.lower().split("_")[:-1]:
        match = re.search(rf"\bthe\s+(?:new\s+)?{word}\s+is\s+(?:for\s+)?", text, re.IGNORECASE)
        if match is not None and says(text[match.end() :]) is None:
            return match
    return _NAMES.search(text)


def _proper_name(text: str, taken: list[Found[object]]) -> Found[str] | None:
    """Words with capitals inside a sentence, where nothing else is known to stand there."""
    for match in _CAPITALS.finditer(text):
        start = match.start("name")
        if any(one.overlaps(start, match.end()) for one in taken):
            continue
        if " " in match["name"]:
            return Found(match["name"], start, match.end())
        return _upto(text, start, _end_of_text(Cue((), ()), text, start, taken))
    return None


def _after_cue(cue: Cue, text: str, taken: list[Found[object]]) -> Found[str] | None:
    if not cue.before:
        return None
    lead = re.search(
        r"(?<!\w)" + r"\W+".join(map(re.escape, cue.before)) + r"(?!\w)[\s:,]*", text, re.IGNORECASE
    )
    if lead is None:
        return None
    return _upto(text, lead.end(), _end_of_text(cue, text, lead.end(), taken))


def _upto(text: str, start: int, end: int) -> Found[str] | None:
    value = _CONNECTOR.sub("", text[start:end]).strip(" \t,:.?!\"'“”")
    if all(word.lower() in _EMPTY_WORDS for word in _WORD.findall(value)):
        return None
    return Found(value, start, start + len(value))


def _end_of_text(cue: Cue, text: str, start: int, taken: list[Found[object]]) -> int:
    stop = _END.search(text, start)
    ends = [len(text) if stop is None else stop.start()]
    ends += [one.start for one in taken if one.start >= start]
    if cue.after:
        after = re.search(
            r"\W+" + r"\W+".join(map(re.escape, cue.after)) + r"(?!\w)", text[start:], re.IGNORECASE
        )
        if after is not None:
            ends.append(start + after.start())
    return min(ends)


def _whole(text: str) -> Found[str] | None:
    """All of an answer but the words that introduce it and thank for it."""
    lead = _LEAD_IN.match(text)
    start = lead.end() if lead is not None else 0
    end = len(text)
    polite = _POLITE_END.search(text, start)
    if polite is not None:
        end = polite.start()
    value = text[start:end].strip(" \t\"'“”")
    if value:
        return Found(value, start, end)
    return Found(text.strip(), 0, len(text)) if text.strip() else None
