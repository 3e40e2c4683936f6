"""Yes or no, said to a question; and yes or no about a thing (``with breakfast``, ``no garage``)."""

from __future__ import annotations

import re

from chatstream.assistant.slots.found import Found, apart

_YES = (
    r"yes(?:,?\s+please)?|yes+|yeah|yea|yep|yup|ya|aye|sure(?:\s+thing)?|of\s+course|certainly"
    r"|absolutely|definitely|indeed(?:\s+i\s+do)?|ok(?:ay)?|alright|all\s+right|fine|correct|right"
    r"|exactly|precisely|perfect|great|go\s+ahead|go\s+for\s+it|do\s+it|do\s+that|please\s+do"
    r"|sounds\s+(?:good|great|fine|right|perfect)|i\s+(?:do|would|confirm|agree)|confirm(?:ed)?"
    r"|(?:that|it|this|everything|all)(?:['’]s|\s+is|\s+looks|\s+sounds|\s+seems|\s+would\s+be)"
    r"(?:\s+\w+){0,2}?\s+(?:correct|right|fine|good|great|perfect|okay|ok|it)"
    r"|(?:that|it|this)(?:\s+will)?\s+works?|you\s+got\s+it|works(?:\s+for\s+me)?"
    r"|affirmative|proceed|looks\s+(?:good|right|great|fine|correct)|why\s+not|please|true"
)
_NO = (
    r"no(?:,?\s+(?:thanks|thank\s+you))?|nope|nah|nay|not?\s+(?:really|quite|exactly|right|correct)"
    r"|negative|never|don['’]?t(?:\s+do\s+(?:it|that))?|do\s+not|wrong|incorrect"
    r"|that(?:['’]s|\s+is)\s+(?:not|wrong|incorrect)\b[\w\s]{0,12}|i\s+(?:don['’]?t|do\s+not)"
    r"(?:\s+(?:want|think))?\b[\w\s]{0,12}|rather\s+not|false|not"
)
_LEAD = r"^\W*(?:(?:oh|well|um+|uh+|hmm+|so|ah)\b\W*)*"
_SAYS_NO = re.compile(rf"{_LEAD}(?P<said>{_NO})(?!\w|['’])", re.IGNORECASE)
_SAYS_YES = re.compile(rf"{_LEAD}(?P<said>{_YES})(?!\w|['’])", re.IGNORECASE)
_NEGATED = re.compile(
    r"\b(?:no|not|without|don['’]?t|doesn['’]?t|do not|does not|isn['’]?t|never)\b[\w\s'’]{0,24}$",
    re.IGNORECASE,
)
_PARTICLES = {"has", "have", "is", "in", "of", "with", "the", "a", "an", "want", "needs", "need"}


def says(text: str) -> Found[bool] | None:
    """The yes or no that ``text`` begins with, and where it ends."""
    for pattern, value in ((_SAYS_NO, False), (_SAYS_YES, True)):
        match = pattern.match(text)
        if match is not None:
            return Found(value, match.start("said"), match.end("said"))
    return None


def find_flags(text: str, name: str) -> list[Found[bool]]:
    """Where the thing that a flag is named for (``has_garage``) is wanted, or not."""
    words = [word for word in re.split(r"[\s_]+", name.lower()) if word and word not in _PARTICLES]
    found: list[Found[bool]] = []
    for word in words:
        stem = re.escape(word.removesuffix("s"))
        for match in re.finditer(rf"(?<!\w){stem}\w{{0,3}}(?!\w)", text, re.IGNORECASE):
            wanted = _NEGATED.search(text[: match.start()]) is None
            found.append(Found(wanted, match.start(), match.end()))
    return apart(found)
