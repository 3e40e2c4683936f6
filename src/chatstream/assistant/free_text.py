"""Free texts in what people write, names above all: quoted, introduced, or with capitals."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from itertools import islice

from chatstream.assistant.examples import Cue
from chatstream.assistant.parameters import Parameter
from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.dates import find_dates
from chatstream.assistant.slots.durations import find_durations
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.numbers import find_numbers
from chatstream.assistant.slots.yesno import says

_WORD = Pattern(r"[\w'’]+")
_QUOTED = Pattern(r"[\"“”«»]([^\"“”«»]{1,200})[\"“”«»]|(?<!\w)['‘]([^'‘’]{2,200})['’](?!\w)")
_END = Pattern(
    r"[.!?;\n](?:\s|$)|,\s*(?:please|thanks|thank you)\b|(?<!\s)\s+please\b"
    r"|(?:,|(?<![\s,])(?=\s))\s+(?:(?:and|but)\s+(?:please\s+)?"
    r"(?:set|make|change|put|move|schedule)|and\s+not|instead(?:\s+of)?|rather\s+than)\b|$"
)
_CONNECTOR = Pattern(
    r"[\s,]+(?:and|at|on|for|by|in|from|to|with|that|which|goes(?:\s+off)?|rings?|is|set|due"
    r"|every|(?:the|its|for|and)\s+time|the|it)$",
    re.IGNORECASE,
)
_EMPTY_WORDS = frozenset({
    "a", "an", "and", "at", "be", "by", "for", "from", "goes", "i", "in", "is", "it", "me", "my",
    "new", "of", "on", "one", "please", "set", "that", "the", "this", "time", "to", "up", "with",
})  # fmt: skip
_LEAD_IN = Pattern(
    r"^\W*(?:(?:please|just|um+|well|ok(?:ay)?|so|sure|yes|no)\W+)*"
    r"(?:(?:it|that|this|(?:the|my)\s+\w+)(?:['’]s|\s+is|\s+should\s+be|\s+will\s+be|\s+would\s+be)\s+"
    r"(?:called\s+|named\s+)?|i(?:['’]m|\s+am)\s+(?=[A-Z])|(?:let['’]s\s+)?(?:call|name|make|label|title)\s+it\s+|called\s+"
    r"|named\s+|i(?:['’]d|\s+would)\s+like\s+(?:it\s+to\s+be\s+)?(?:called\s+)?|use\s+)?",
    re.IGNORECASE,
)
_IS_NAME = Pattern(r"(?:^|_)(?:name|title|label)$")
_CAPITALS = Pattern(
    r"(?<=[a-z,:] )(?P<name>(?!I\b|[AP]M\b|Please\b|Mon|Tue|Wed|Thu|Fri|Sat|Sun|January|February"
    r"|March|April|May|June|July|August|September|October|November|December)"
    r"[A-Z][\w'’]*(?:\s+(?:(?:of|for|the|to|and|with)\s+)?[A-Z][\w'’]*)*)"
)
_AS_THE_NAME = Pattern(
    r"\buse\s+(\S.{0,80}?)\s+(?:as|for)\s+(?:the|its|a)\s+(?:name|title|label)\b", re.IGNORECASE
)
_FOR = Pattern(
    r"\bfor\s+(?!(?:my|me|our|us|you|your|him|his|her|them|their|the|an?|it|this|that|these|those|one"
    r"|another|now|later|when|what|which|every|each|all|some|any|no|please|in|at|on|example|sure)\b)"
    r"(?=[a-z])",
    re.IGNORECASE,
)
_VERB = Pattern(
    r"\b(?:like|want|need|wish|ha[sd]|have|going|try|trying|used|able|love|plan|planning|how)\s+$",
    re.IGNORECASE,
)
_ARTICLE = Pattern(r"^(?:my|an?|the)\s+(?=[A-Z])")
_POLITE = Pattern(r"(?:please|thanks|thank you)$", re.IGNORECASE)
_STOPS = Pattern(r"[\s.!?]*+")
_COMMAS = Pattern(r"[\s,]*+")
_MOST_PURPOSES = 8
_LONGEST_PURPOSE = 200


def cued(
    parameter: Parameter, text: str, taken: list[Found[object]], *, may_guess: bool
) -> Found[str] | None:
    """A free text that quotes enclose or that one of the parameter's cues leads to; of a name
    also (``may_guess``) words with capitals, or what it is for."""
    quoted = _quoted(text, taken) if parameter.cues else None
    if quoted is not None:
        return quoted
    if _IS_NAME.search(parameter.name):
        naming = _introduced(parameter, text, taken)
        if naming is not None:
            return naming
    found = [
        (len(cue.before), one)
        for cue in parameter.cues
        if (one := _after_cue(cue, text, taken)) is not None
    ]
    if found:
        return max(found, key=lambda it: it[0])[1]
    if not may_guess or not _IS_NAME.search(parameter.name):
        return None
    named = _proper_name(parameter, text, taken)
    return named if named is not None or parameter.is_required else _purpose(text, taken)


def _quoted(text: str, taken: list[Found[object]]) -> Found[str] | None:
    for match in _QUOTED.finditer(text):
        if not any(one.overlaps(match.start(), match.end()) for one in taken):
            inside = match[1] or match[2]
            return Found(inside.strip(" .,?!"), match.start(), match.end())
    return None


def _introduced(parameter: Parameter, text: str, taken: list[Found[object]]) -> Found[str] | None:
    """``call it X``, ``the name is X``, ``use X as the name``, and of an ``alarm_name`` also
    ``the alarm is X``."""
    thing = _thing(parameter.name)
    turned = _AS_THE_NAME.search(text)
    if turned is not None:
        return Found(turned[1], turned.start(1), turned.end(1))
    is_thing = _thing_is(thing).search(text)
    naming = is_thing if is_thing and says(text[is_thing.end() :]) is None else None
    naming = naming or _names(thing).search(text)
    if naming is None:
        return None
    return _upto(text, naming.end(), _end_of_text(Cue((), ()), text, naming.end(), taken))


def _thing(name: str) -> str:
    """What a name is of: ``alarm`` of ``new_alarm_name``, as a pattern that may match nothing."""
    words = [word for word in name.lower().split("_")[:-1] if word != "new"]
    return "|".join(map(re.escape, words)) or r"\b\B"


@lru_cache(maxsize=256)
def _thing_is(thing: str) -> re.Pattern[str]:
    return re.compile(rf"\bthe\s+(?:new\s+)?(?:{thing})\s+is\s+(?:for\s+)?", re.IGNORECASE)


@lru_cache(maxsize=256)
def _names(thing: str) -> re.Pattern[str]:
    of = rf"(?:(?:it|this|that|the|my)(?:\s+new)?\s+(?:{thing})|(?:the|my)(?:\s+new)?\s+\w+|it|this|that)"
    noun = r"(?:name|title|label)"
    is_to_be = (
        r"(?:is(?:\s+going\s+to\s+be)?|of|as|should\s+be|(?:wi|sha)ll\s+be|would\s+be|to\s+be|to|:)"
    )
    return re.compile(
        rf"\b(?:(?:(?:re)?name|call|label|title|(?:re)?naming|calling|titling|labell?ing)\s+{of}"
        r"(?:\s+(?:as|to))?|(?:called|named|titled|labell?ed)(?:\s+as)?"
        rf"|(?:with|under|by|use|using|give\s+it|has|having)\s+(?:the\s+|a\s+)?{noun}(?:\s+(?:of|as|is))?"
        rf"|{noun}\s*{is_to_be}|(?:it|this|that)(?:['’]s|\s+is)\s+for)\s+(?=\S)",
        re.IGNORECASE,
    )


def _proper_name(parameter: Parameter, text: str, taken: list[Found[object]]) -> Found[str] | None:
    """Words with capitals inside a sentence, where nothing else is known to stand there."""
    for match in _CAPITALS.finditer(text):
        start = match.start("name")
        if any(one.overlaps(start, match.end()) for one in taken):
            continue
        if " " in match["name"]:
            return Found(match["name"], start, match.end())
        found = _upto(text, start, _end_of_text(Cue((), ()), text, start, taken))
        return None if found is None else _without_thing(found, _thing(parameter.name))
    return None


def _purpose(text: str, taken: list[Found[object]]) -> Found[str] | None:
    """``an alarm for music practice``: what may go without a name is called for what it is for;
    ``for my daughter's game`` tells a reason."""
    for match in islice(_FOR.finditer(text), _MOST_PURPOSES):
        end = _end_of_text(Cue((), ()), text, match.end(), taken)
        if end - match.end() > _LONGEST_PURPOSE:
            continue
        if match.end() < end and not _is_when_or_many(text[match.end() : end]):
            return _upto(text, match.end(), end)
    return None


def _is_when_or_many(text: str) -> bool:
    today = date(2000, 1, 1)  # which day it is does not matter here
    return bool(find_dates(text, today) or find_durations(text) or find_numbers(text))


def _without_thing(found: Found[str], thing: str) -> Found[str]:
    """``a Laundry alarm`` is called ``Laundry``."""
    short = re.sub(rf"(?<=\S)\s+(?:{thing})$", "", found.value, flags=re.IGNORECASE)
    return Found(short, found.start, found.start + len(short))


def _after_cue(cue: Cue, text: str, taken: list[Found[object]]) -> Found[str] | None:
    if not cue.before:
        return None
    lead = _before(cue).search(text)
    if lead is None or (cue.before[0] == "to" and _VERB.search_before(text, lead.start())):
        return None
    return _upto(text, lead.end(), _end_of_text(cue, text, lead.end(), taken))


@lru_cache(maxsize=4096)
def _before(cue: Cue) -> re.Pattern[str]:
    words = r"\W+".join(map(re.escape, cue.before))
    return re.compile(rf"(?<!\w){words}(?!\w)[\s:,]*", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _after(cue: Cue) -> re.Pattern[str]:
    words = r"\W+".join(map(re.escape, cue.after))
    return re.compile(rf"(?<!\W)\W+{words}(?!\w)", re.IGNORECASE)


def _upto(text: str, start: int, end: int) -> Found[str] | None:
    value = _without_connectors(_ARTICLE.sub("", text[start:end])).strip(" \t,:.?!\"'“”")
    words = _WORD.findall(value)
    if all(word.lower() in _EMPTY_WORDS or word.isdigit() for word in words) or words[0] == "I":
        return None
    return Found(value, start, start + len(value))


def _without_connectors(text: str) -> str:
    """``the gym at the`` as ``the gym``: one word after another from the end."""
    text = text.rstrip()
    while (last := _CONNECTOR.search_before(text, len(text))) is not None:
        text = text[: last.start()].rstrip()
    return text


def _end_of_text(cue: Cue, text: str, start: int, taken: list[Found[object]]) -> int:
    stop = _END.search(text, start)
    ends = [len(text) if stop is None else stop.start()]
    ends += [one.start for one in taken if one.start >= start]
    if cue.after:
        after = _after(cue).search(text[start:])
        if after is not None:
            ends.append(start + after.start())
    return min(ends)


def leading(text: str, taken: list[Found[object]]) -> Found[str] | None:
    """The free text that ``text`` begins with, up to a value of another kind."""
    return _upto(text, 0, _end_of_text(Cue((), ()), text, 0, taken)) or whole(text)


def whole(text: str) -> Found[str] | None:
    """All of an answer but the words that introduce it and thank for it."""
    lead = _LEAD_IN.match(text)
    start = lead.end() if lead is not None else 0
    end = max(start, _polite_end(text))
    value = text[start:end].strip(" \t\"'“”")
    if value:
        return Found(value, start, end)
    return Found(text.strip(), 0, len(text)) if text.strip() else None


def _polite_end(text: str) -> int:
    """Where the thanks, the stops and the blanks at the end begin. From the end on: a search from
    each place for what reaches the end would read a run of blanks once for each of them."""
    end = len(text) - _length(_STOPS, text)
    polite = _POLITE.search_before(text, end)
    end = end if polite is None else polite.start()
    return end - _length(_COMMAS, text[:end])


def _length(pattern: Pattern, text: str) -> int:
    match = pattern.match(text[::-1])
    return 0 if match is None else match.end()
