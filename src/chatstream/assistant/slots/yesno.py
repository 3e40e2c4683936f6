"""Yes or no, said to a question; and yes or no about a thing (``with breakfast``, ``no garage``)."""

from __future__ import annotations

import re
from functools import lru_cache

from chatstream.assistant.pattern import LONGEST_TEXT, Pattern
from chatstream.assistant.slots.found import Found, apart

_GOOD = (
    r"(?:correct|right|fine|good|great|perfect|okay|ok|it|al(?:l\s+)?right|wonderful|excellent"
    r"|what\s+i\s+(?:want|need|said|mean|meant|like)(?:ed)?)"
)
_THIS = r"(?:(?:that|it|this)\s+all|that|it|this|everything|all|those|they|these|the\s+\w+)"
_YES = (
    r"yes(?:,?\s+please)?|yes+|yeah|yea|yep|yup|ya|aye|sure(?:\s+thing)?|of\s+course|certainly"
    r"|absolutely|definitely|indeed(?:\s+i\s+do)?|ok(?:ay)?|al(?:r)?ight|all\s+right|fine|correct"
    r"|right|exactly|precisely|perfect|great|super|wonderful|excellent|awesome|lovely|brilliant"
    r"|very\s+(?:good|well)|uh[\s-]?huh|mm+[\s-]?h+m+|i\s+think\s+so|why\s+not|please|true"
    r"|affirmative|confirm(?:ed)?|proceed|go\s+ahead|go\s+for\s+it|(?:do|set|book|send)\s+(?:it|that)"
    r"|sounds\s+(?:good|great|fine|right|perfect|like\s+a\s+plan)|all\s+(?:good|set|fine|correct)"
    r"|i\s+(?:do|would|confirm|agree)|i['’]d\s+like\s+(?:that|it)(?=\W*$)"
    r"|i(?:['’]?m|\s+am)\s+(?:happy|fine|good|okay|ok)\s+with"
    rf"|{_THIS}(?:['’](?:s|re|ll\s+be)|\s+(?:is|are|looks?|sounds?|seems?|(?:would|should|will)\s+be))"
    rf"(?:\s+(?!not\b|wrong\b)\w+){{0,2}}?\s+{_GOOD}"
    rf"|{_THIS}(?:['’]ll|\s+will|\s+should|\s+would)?\s+(?:works?|do|does)(?:\s+it)?(?!\s+not\b)"
    rf"|{_THIS}\s+suits(?:\s+me)?|it['’]?s\s+exactly\s+what"
    r"|you(?:['’]ve)?\s+(?:have\s+)?(?:got|have)\s+(?:it|that)(?:\s+right)?|works(?:\s+for\s+me)?"
    rf"|looks\s+{_GOOD}"
)
_NO = (
    r"no(?:,?\s+(?:thanks|thank\s+you))?|nope|nah|nay|not?\s+(?:really|quite|exactly|right|correct)"
    r"|negative|never|don['’]?t(?:\s+do\s+(?:it|that))?|do\s+not|wrong|incorrect"
    r"|that(?:['’]s|\s+is)\s+(?:not|wrong|incorrect)\b[\w\s]{0,12}|i\s+(?:don['’]?t|do\s+not)"
    r"(?:\s+(?:want|think))?\b[\w\s]{0,12}|rather\s+not|false|not"
)
_LEAD = r"^\W*(?:(?:oh|well|um+|uh+|hmm+|so|ah)\b\W*)*"
_SAYS_NO = Pattern(rf"{_LEAD}(?P<said>{_NO})(?!\w|['’])", re.IGNORECASE)
_SAYS_YES = Pattern(rf"{_LEAD}(?P<said>{_YES})(?!\w|['’])", re.IGNORECASE)
_NEGATED = Pattern(
    r"\b(?:no|not|without|don['’]?t|doesn['’]?t|do not|does not|isn['’]?t|never)\b[\w\s'’]{0,24}$",
    re.IGNORECASE,
)
_ABSENCE = {"free", "no", "non", "without"}
_PARTICLES = {"has", "have", "is", "in", "of", "with", "the", "a", "an", "want", "needs", "need"}


def says(text: str) -> Found[bool] | None:
    """The yes or no that ``text`` begins with, and where it ends."""
    text = text[:LONGEST_TEXT]
    for pattern, value in ((_SAYS_NO, False), (_SAYS_YES, True)):
        match = pattern.match(text)
        if match is not None:
            return Found(value, match.start("said"), match.end("said"))
    return None


def find_flags(text: str, name: str) -> list[Found[bool]]:
    """Where the thing that a flag is named for (``has_garage``) is wanted, or not; ``no_fee`` and
    ``free_entry`` are true where the fee is not wanted."""
    words = [word for word in re.split(r"[\s_]+", name.lower()) if word and word not in _PARTICLES]
    is_absence = len(words) > 1 and words[0] in _ABSENCE
    found: list[Found[bool]] = []
    for place, word in enumerate(words):
        for match in _naming(word.removesuffix("s")).finditer(text):
            wanted = _NEGATED.search_before(text, match.start()) is None
            meant = not wanted if is_absence and place > 0 else wanted
            found.append(Found(meant, match.start(), match.end()))
    return apart(found)


@lru_cache(maxsize=1024)
def _naming(stem: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(stem)}\w{{0,3}}(?!\w)", re.IGNORECASE)
