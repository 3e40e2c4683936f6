"""What an utterance does to a conversation, whatever its task: gives up, skips, asks back, greets.

The checklist of conversation repair; a fixed English lexicon, because these must not depend on
the examples of anybody's tools.
"""

from __future__ import annotations

import re
from typing import Literal

from chatstream.assistant.pattern import Pattern

Act = Literal[
    "cancel", "skip", "status", "repeat", "help", "resume", "greeting", "thanks", "goodbye",
    "praise", "how_are_you", "who_are_you", "rude", "human",
]  # fmt: skip
SMALL_TALK: frozenset[Act] = frozenset(
    {"greeting", "thanks", "goodbye", "praise", "how_are_you", "who_are_you", "rude"}
)

_THING = r"(?:it|that|this|everything|all(?:\s+of\s+(?:it|that))?|the\s+(?:whole\s+)?(?:thing|task|request))"
_LEAD = (
    r"(?:(?:oh|ok(?:ay)?|no|well|hmm+|um+|uh+|wait|actually|sorry|hey|please|alright|all\s+right"
    r"|yes|yeah|yep|sure|great|perfect|good|nice|you\s+know\s+what|can\s+you|could\s+you|i\s+think)\b[\s,.!]*)*"
)
_HUMAN = (
    r"(?:an?\s+)?(?:humans?(?:\s+(?:being|agent|operator))?"
    r"|(?:real|live|actual)\s+(?:human|person|people|agent))"
)
_TAIL = r"(?:[\s,.!?]*(?:please|thanks|thank\s+you|then|now|anymore|any\s+more|for\s+now|sorry|again|though|so\s+much|very\s+much|a\s+lot))*[\s.!?]*"
_ACTS: tuple[tuple[Act, str], ...] = (
    (
        "cancel",
        rf"(?:cancel|stop|abort|quit|exit|drop|scrap|leave)(?:\s+{_THING})?"
        r"|(?:i\s+(?:want|need|would\s+like)|i['’]d\s+like)\s+to\s+(?:cancel|stop|quit|abort)"
        rf"(?:\s+{_THING})?"
        rf"|(?:just\s+)?forget(?:\s+(?:about\s+)?{_THING})?|never\s*mind(?:\s+{_THING})?"
        r"|(?:i(?:['’]ve|\s+have)?\s+)?changed\s+my\s+mind|don['’]?t\s+bother"
        rf"|don['’]?t\s+(?:do\s+)?{_THING}|i\s+(?:don['’]?t|do\s+not)\s+(?:want|need)\s+{_THING}"
        r"|no\s+thanks?(?:\s+you)?|no,?\s+thank\s+you|not\s+(?:now|today|interested|at\s+this\s+time)|maybe\s+later"
        r"|let['’]?s\s+(?:not|forget\s+it|stop|leave\s+it)",
    ),
    (
        "skip",
        r"skip(?:\s+(?:it|that|this(?:\s+(?:one|question))?|the\s+question))?|pass|next(?:\s+question)?"
        r"|(?:leave|keep)\s+(?:it|that)\s+(?:empty|blank|out|as\s+it\s+is)|no\s+(?:name|need|idea|preference)"
        r"|none|nothing|(?:i\s+)?don['’]?t\s+(?:know|care|mind)|whatever|doesn['’]?t\s+matter"
        r"|i['’]?d\s+rather\s+not(?:\s+say)?|not\s+sure|any(?:thing)?(?:\s+is\s+fine|\s+doesn['’]?t\s+matter)?|the\s+default",
    ),
    (
        "status",
        r"what(?:['’]s|\s+is|\s+was)\s+(?:going\s+on|happening|this(?:\s+about)?|that\s+about|the\s+(?:status|state))"
        r"|where\s+(?:are|were|was)\s+(?:we|i)(?:\s+at)?|what\s+(?:are|were)\s+(?:we|you)\s+(?:doing|talking\s+about|up\s+to)"
        r"|what\s+(?:do\s+you|did\s+you|have\s+you)\s+(?:have|got|know|write\s+down)(?:\s+so\s+far)?"
        r"|what\s+(?:did\s+i|have\s+i)\s+(?:say|said|told\s+you)(?:\s+so\s+far)?|what\s+do\s+you\s+(?:need|want)(?:\s+(?:from\s+me|to\s+know))?"
        r"|why(?:\s+(?:do\s+you\s+(?:ask|need\s+(?:that|this|it|to\s+know))|are\s+you\s+asking))?|status|i['’]?m\s+(?:lost|confused)"
        r"|what\s+now|what\s+next|summari[sz]e",
    ),
    (
        "repeat",
        r"(?:what|huh|pardon(?:\s+me)?|excuse\s+me|come\s+again)(?:\s+did\s+you\s+(?:say|ask))?"
        r"|(?:repeat|say)\s+(?:that|it|this|the\s+question|what\s+you\s+said)(?:\s+(?:again|once\s+more))?|repeat|again"
        r"|what\s+was\s+(?:the|your)\s+question|(?:i\s+)?(?:didn['’]?t|did\s+not|don['’]?t)\s+(?:get|hear|catch|understand)(?:\s+(?:that|it|you))?"
        r"|(?:one|once)\s+more(?:\s+time)?",
    ),
    (
        "help",
        r"help(?:\s+me)?|what\s+(?:can|could|do|else\s+can)\s+(?:you|i)\s+(?:do|say|ask)(?:\s+(?:for\s+me|here|with\s+you|you))?"
        r"|how\s+(?:can|could)\s+you\s+help(?:\s+me)?|what\s+are\s+(?:my|the|your)\s+(?:options|commands|features|skills|abilities)"
        r"|how\s+does\s+(?:this|it)\s+work|menu|commands|what\s+do\s+you\s+do",
    ),
    (
        "resume",
        r"(?:let['’]?s\s+|shall\s+we\s+|i\s+want\s+to\s+)?(?:go\s+on|continue|resume|carry\s+on|go\s+ahead|proceed|keep\s+going"
        r"|(?:go|get|come|take\s+me|back)\s*(?:back)?\s*(?:to|with)\b[\w\s'’]{1,60}"
        r"|(?:where|what)\s+we\s+left(?:\s+off)?|go\s+back|pick\s+up\s+where\s+we\s+left(?:\s+off)?)"
        r"(?:\s+with\b[\w\s'’]{1,60}|\s+where\s+we\s+left(?:\s+off)?)?",
    ),
    (
        "greeting",
        r"(?:hi+|hello+|hey+|hiya|howdy|yo|greetings|good\s+(?:morning|afternoon|evening|day))"
        r"(?:\s+(?:there|everyone|again|you|bot|assistant|all))?",
    ),
    (
        "how_are_you",
        r"how\s+(?:are|r)\s+(?:you|u)(?:\s+(?:doing|today|feeling))*|how['’]?s\s+(?:it\s+going|life|everything)|what['’]?s\s+up|sup",
    ),
    (
        "who_are_you",
        r"(?:who|what)\s+are\s+you|what['’]?s\s+your\s+name|what\s+is\s+your\s+name|are\s+you\s+(?:a\s+)?(?:robot|bot|human|real|an?\s+ai)(?:\s+person)?"
        r"|who\s+(?:made|built|created)\s+you",
    ),
    (
        "rude",
        r"(?:go\s+)?(?:f+u+c+k+|f\*+(?:ck|k)?|screw|damn)(?:\s+(?:off|you|u|yourself|this|it))?|(?:shut\s+up|go\s+to\s+hell|piss\s+off|wtf|what\s+the\s+(?:fuck|hell))"
        r"|(?:you(?:['’]re|\s+are)?|this(?:\s+is)?|that(?:['’]s|\s+is)?)\s+(?:so\s+|really\s+|very\s+|just\s+|such\s+)?(?:an?\s+)?(?:stupid|dumb|useless|idiot|moron|terrible|awful|the\s+worst|bullshit|crap|shit|suck(?:s)?)(?:\s+(?:bot|robot|assistant|idiot))?"
        r"|(?:stupid|dumb|useless)(?:\s+(?:bot|robot|assistant|thing|machine))?|idiot|moron",
    ),
    (
        "human",
        r"(?:(?:(?:i\s+(?:want|need|would\s+like)|i['’]d\s+like)\s+to|(?:can|could|may)\s+i|let\s+me)\s+)?"
        rf"(?:speak|talk|chat)\s+(?:to|with)\s+(?:{_HUMAN}|someone|somebody|people|an?\s+(?:person|agent|operator|representative))"
        rf"|(?:(?:connect\s+me\s+(?:to|with)|(?:get|give)\s+me|i\s+(?:want|need))\s+)?{_HUMAN}",
    ),
    (
        "goodbye",
        r"(?:good\s*)?bye+(?:\s*bye)?|see\s+(?:you|ya)(?:\s+(?:later|soon|tomorrow))?|cya|farewell|good\s*night|have\s+a\s+(?:nice|good|great)\s+\w+"
        r"|(?:no[\s,]*)?(?:that|this)(?:['’]s|\s+is|\s+will\s+be|['’]ll\s+be|\s+was)\s+(?:all|it|everything)\b(?!\s+(?:is\s+|looks\s+|sounds\s+)?(?:correct|right|good|great|fine|ok|perfect))[\w\s'’]{0,40}|nothin[g'’]?\s+(?:else|more)|that(?:['’]?ll|\s+will)\s+do(?:\s+it)?"
        r"|nothin[g'’]?(?:\s+(?:for\s+(?:the\s+moment|now|today)|thanks?))+"
        r"|i\s+(?:don['’]?t|do\s+not|won['’]?t|will\s+not)\s+(?:need|want|be\s+(?:need|want)ing)\s+any(?:thing)?(?:\s+(?:else|more))?"
        r"|(?:no[\s,]*)?(?:i['’]?m|we['’]?re)\s+(?:good|done|all\s+set|fine)",
    ),
    (
        "thanks",
        r"(?:many\s+|ok(?:ay)?\s+)?(?:thanks?|thansk|thx|ty|cheers|thank\s+you|much\s+appreciated|(?:i\s+)?(?:do\s+|really\s+)?appreciate\b)\b[\w\s'’]{0,60}"
        r"|i(?:['’]?m|\s+am)\s+(?:so\s+|very\s+|really\s+)?(?:thankful|grateful|glad)\b[\w\s'’]{0,40}"
        r"|(?:you(?:['’]ve|\s+have)\s+been|that(?:['’]s|\s+is|\s+was))\s+(?:going\s+to\s+be\s+)?(?:of\s+)?(?:a\s+)?(?:very\s+)?(?:great|big|huge|real|helpful|so\s+helpful)(?:\s+help)?",
    ),
    (
        "praise",
        r"(?:that(?:['’]s|\s+is)\s+|very\s+|really\s+|so\s+)?(?:ok(?:ay)?|cool|great|nice|good|perfect|awesome|fantastic|super|brilliant|terrific|excellent|wonderful|amazing|lovely|fine|alright|all\s+right|got\s+it|i\s+see|well\s+done|good\s+(?:job|work)|sounds\s+good|that\s+works|you(?:['’]re|\s+are)\s+(?:great|awesome|the\s+best|amazing))"
        r"|l+o+l|ha(?:ha)+|:\)|👍",
    ),
)
_PATTERNS: tuple[tuple[Act, Pattern], ...] = tuple(
    (act, Pattern(rf"\W*(?:{pattern}){_TAIL}", re.IGNORECASE)) for act, pattern in _ACTS
)
_LED: tuple[tuple[Act, Pattern], ...] = tuple(
    (act, Pattern(rf"\W*{_LEAD}(?:{pattern}){_TAIL}", re.IGNORECASE)) for act, pattern in _ACTS
)
_LONGEST = 120
_CORRECTS = Pattern(
    r"^\W*(?:(?:no+|nope|nah|wait|actually|sorry|oops|hold\s+on|hmm+|well|oh|ok(?:ay)?|yes|yeah)\b[\s,.!]*)*"
    r"(?:(?:actually|rather|instead|i\s+mean(?:t)?|i\s+said|(?:let['’]?s\s+)?(?:make|change|set|move|put|switch|update)\b"
    r"|(?:it|that|this)\s+(?:should|must)|not\b|let\s+me\s+(?:do|have|take)|(?:how|what)\s+about"
    r"|i(?:['’]d|\s+would)\s+(?:prefer|rather)|(?:[^.!?]{1,30}\s)?instead\b|can\s+you\s+(?:make|change)|could\s+you\s+(?:make|change)))",
    re.IGNORECASE,
)
_SAME = Pattern(
    r"\b(?:(?:the\s+)?same\b(?:[\s\w]{0,20}?\b(?:as|like)\s+(?:yesterday|last\s+time|before|always|usual|the\s+last\s+(?:one|time)))?"
    r"|as\s+(?:usual|always|before|last\s+time)|like\s+last\s+time|the\s+usual)\b",
    re.IGNORECASE,
)
_AGAIN = Pattern(r"\b(?:try\s+(?:it\s+)?again|retry|once\s+more|again)\b", re.IGNORECASE)


_REFUSES = re.compile(
    r"\W*(?:no[\s,]+|please\s+)*(?:i\s+(?:really\s+)?(?:don['’]?t|do\s+not)\s+(?:want|need)\s+(?:an?|any|my|your|the)\b"
    r"|(?:don['’]?t|do\s+not|never)\s+(?:remind|wake|set|add|create|make|start|delete|remove|book|order|send|play|call)\b)"
    r"[^.,;!?]*+[\s.!]*+",
    re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Whether ``text``, with no task open, asks for nothing: ``I don't want an alarm``."""
    return _REFUSES.fullmatch(text) is not None


def act_of(text: str) -> Act | None:
    """What ``text`` does, if it is nothing but that."""
    if len(text) > _LONGEST:
        return None  # nor its parts together
    whole = _act_of(text)
    if whole is not None:
        return whole
    acts = _acts_of(text, r"[.!?;]+") or _acts_of(text, r"[.!?,;]+")
    return max(acts, key=_telling, default=None)


def _telling(act: Act) -> int:
    """``Nothing. I'm good for now``: what says most is what counts."""
    return {"praise": 0, "skip": 1}.get(act, 2)


def first_act(text: str) -> Act | None:
    """What ``text`` begins with: ``never mind! I just saw some scooters`` gives up."""
    firsts = (re.split(ends, text.strip(), maxsplit=1)[0] for ends in (r"[.!?;]", r"[.!?;,]"))
    return next((act for first in firsts if (act := _act_of(first)) is not None), None)


def _acts_of(text: str, ends: str) -> list[Act]:
    """What each part does; nothing where one part does nothing of the kind."""
    acts: list[Act] = []
    for part in re.split(ends, text):
        act = _act_of(part)
        if act is None and part.strip():
            return []
        if act is not None:
            acts.append(act)
    return acts


def _act_of(text: str) -> Act | None:
    if len(text) > _LONGEST:
        return None
    for patterns in (_PATTERNS, _LED):
        for act, pattern in patterns:
            if pattern.fullmatch(text):
                return act
    return None


def corrects(text: str) -> bool:
    """Whether ``text`` begins like a correction: ``no, make it 8``, ``actually …``."""
    return _CORRECTS.match(text) is not None


def wants_the_same(text: str) -> bool:
    """Whether ``text`` asks for what an earlier task had: ``the same time as yesterday``."""
    return _SAME.search(text) is not None


def wants_again(text: str) -> bool:
    """Whether ``text`` asks for another try."""
    return _AGAIN.search(text) is not None
