"""What happens when an utterance is not understood: a chain of attempts, each a visible step.

Attempt 1 is the recogniser. Then three buttons, then a request to rephrase, then the language
model if there is one, then an honest word about what the assistant can do, or a hand-over to
people. Buttons and the request end the run,
so how far the chain has come is read from the history: questions in a row without a task.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from chatstream.assistant import answers
from chatstream.assistant.pattern import Pattern
from chatstream.assistant.recognise import Candidate, Recognition
from chatstream.assistant.scene import Scene
from chatstream.assistant.slots.choices import find_by_place
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.yesno import says
from chatstream.assistant.talk import AskModel, Skills, Talk
from chatstream.domain.steps import (
    Abandon,
    Buttons,
    FollowUp,
    IntentRecognised,
    Option,
    Response,
    Thinking,
    ThinkingStatus,
)

Attempt = Literal["recogniser", "buttons", "rephrase", "model", "handover", "capabilities"]
OPTIONS = 3
WITH_MODEL = "conversation"
"""What an intent is called that the model has taken on: its next message goes there, too."""
OUT_OF_SCOPE = "out_of_scope"
"""What an intent is called that could not be served: ``GET /intents?name=out_of_scope``."""
TOO_LONG = "too_long"
"""What an intent is called whose message was too long to be read."""
NONE_OF_THESE = "none_of_these"
_OTHER_WORDS = Pattern(r"\b(?!please\b|thanks?\b)[^\W_]{4,}", re.IGNORECASE)
_NONE = Pattern(r"\W*+(?:none|neither|nothing)(?:\s+of\s+(?:them|these|those))?\W*", re.IGNORECASE)


def fall_back(skills: Skills, scene: Scene, recognition: Recognition) -> Talk[None]:
    """Go one attempt further down the chain; always ends the run."""
    chain = _chain(skills)
    yield Thinking(
        "intent_processing",
        _why(recognition),
        status="failed",
        attempt=1,
        of=len(chain),
        data={"confidence": round(recognition.score, 3), "lead": round(recognition.lead, 3)},
    )
    attempt = _next(chain, scene, recognition)
    match attempt:
        case "buttons":
            yield _tried(chain, attempt, "Offering what is closest")
            yield _offer(skills, recognition.candidates[:OPTIONS])
        case "rephrase":
            yield from ask_to_rephrase(skills)
        case "model":
            yield from ask_model(skills)
        case "recogniser" | "handover" | "capabilities":
            yield from _give_up(skills)


def ask_model(skills: Skills) -> Talk[None]:
    """The attempt that the language model makes; it ends the run unless the model fails."""
    chain = _chain(skills)
    yield IntentRecognised(WITH_MODEL)
    yield _tried(chain, "model", "Asking the language model")
    yield AskModel()
    yield _tried(chain, "model", "The language model did not answer", "failed")
    yield from _give_up(skills)


def hand_over(skills: Skills, words: str) -> Talk[None]:
    """Leave the user to people, with these ``words``."""
    yield _tried(_chain(skills), "handover", "Handing over to people")
    yield Response(words)
    yield Abandon("handed_over")


def _give_up(skills: Skills) -> Talk[None]:
    if skills.handover is not None:
        yield from hand_over(skills, skills.handover)
        return
    yield _tried(_chain(skills), "capabilities", "Telling what I can do")
    yield IntentRecognised(OUT_OF_SCOPE)
    offered = answers.capabilities(skills.tools.values())
    yield Response(f"I'm sorry, I cannot help with that. {offered}", is_complete=True)


def ask_to_rephrase(skills: Skills) -> Talk[None]:
    """The attempt after the buttons, or what picking none of them leads to."""
    yield _tried(_chain(skills), "rephrase", "Asking for other words")
    yield FollowUp(answers.REPHRASE)


def chosen(scene: Scene) -> str | None:
    """The tool that was picked from the buttons, or ``NONE_OF_THESE``; by a press or in words."""
    values = scene.turn.values
    if values is None:
        return _chosen_in_words(scene)
    value = values.get("value")
    return value if isinstance(value, str) else None


def _chosen_in_words(scene: Scene) -> str | None:
    """``the second one``, ``none of them``, ``yes`` to a single offer."""
    shown = scene.turn.component
    options = [] if shown is None else [one.value for one in shown.options or ()]
    if NONE_OF_THESE not in options or scene.question is None:
        return None
    text = scene.turn.content
    picked = find_by_place(text, options[:-1])
    if len(picked) == 1 and not _OTHER_WORDS.search(_without(text, picked[0])):
        return picked[0].value
    said = says(text)
    if said is not None and said.end >= len(text.rstrip(" .!")):
        return options[0] if said.value and len(options) == 2 else NONE_OF_THESE
    return NONE_OF_THESE if _NONE.fullmatch(text) else None


def _without(text: str, found: Found[str]) -> str:
    return text[: found.start] + text[found.end :]


def tried(scene: Scene) -> int:
    """How many questions of this chain the user has answered in vain."""
    count = 0
    for item in reversed(scene.before):
        if item.role == "ai" and not item.follow_up:
            break
        count += item.role == "ai"
    return count


def _chain(skills: Skills) -> tuple[Attempt, ...]:
    last: Attempt = "capabilities" if skills.handover is None else "handover"
    model: tuple[Attempt, ...] = ("model",) if skills.has_model else ()
    return ("recogniser", "buttons", "rephrase", *model, last)


def _tried(
    chain: Sequence[Attempt], attempt: Attempt, text: str, status: ThinkingStatus = "completed"
) -> Thinking:
    number = chain.index(attempt) + 1
    return Thinking("intent_processing", text, status, attempt=number, of=len(chain))


def _next(chain: Sequence[Attempt], scene: Scene, recognition: Recognition) -> Attempt:
    already = tried(scene)
    if already == 0 and recognition.is_foreign:
        return chain[3]  # out of scope: nothing to choose from
    if already == 0 and recognition.candidates:
        return "buttons"
    return "rephrase" if already < 2 else chain[3]


def _why(recognition: Recognition) -> str:
    if recognition.is_foreign:
        return "This is nothing that I know"
    return "I am not sure what this is about"


def _offer(skills: Skills, candidates: Sequence[Candidate]) -> FollowUp:
    options = [Option(one.name, skills.tools[one.name].title) for one in candidates]
    buttons = Buttons("Did you mean…", (*options, Option(NONE_OF_THESE, "None of these")))
    names = answers.listed([f"“{option.label}”" for option in options], "or")
    return FollowUp(f"{answers.NOT_UNDERSTOOD} Did you mean {names}?", buttons)
