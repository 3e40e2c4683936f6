"""What happens when an utterance is not understood: a chain of attempts, each a visible step.

Attempt 1 is the recogniser. Then three buttons, then a request to rephrase, then an honest word
about what the assistant can do, or a hand-over to people. Buttons and the request end the run,
so how far the chain has come is read from the history: questions in a row without a task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from chatstream.assistant import answers
from chatstream.assistant.recognise import Candidate, Recognition
from chatstream.assistant.scene import Scene
from chatstream.assistant.talk import Skills, Talk
from chatstream.domain.steps import (
    Abandon,
    Buttons,
    FollowUp,
    IntentRecognised,
    Option,
    Response,
    Thinking,
)

Attempt = Literal["recogniser", "buttons", "rephrase", "handover", "capabilities"]
OPTIONS = 3
OUT_OF_SCOPE = "out_of_scope"
"""What an intent is called that could not be served: ``GET /intents?name=out_of_scope``."""
NONE_OF_THESE = "none_of_these"


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
    number = chain.index(attempt) + 1
    match attempt:
        case "buttons":
            candidates = recognition.candidates[:OPTIONS]
            yield Thinking(
                "intent_processing", "Offering what is closest", attempt=number, of=len(chain)
            )
            yield _offer(skills, candidates)
        case "rephrase":
            yield from ask_to_rephrase(skills)
        case "handover":
            yield Thinking(
                "intent_processing", "Handing over to people", attempt=number, of=len(chain)
            )
            yield Response(skills.handover or "")
            yield Abandon("handed_over")
        case "recogniser" | "capabilities":
            yield Thinking(
                "intent_processing", "Telling what I can do", attempt=number, of=len(chain)
            )
            yield IntentRecognised(OUT_OF_SCOPE)
            offered = answers.capabilities(skills.tools.values())
            yield Response(f"I'm sorry, I cannot help with that. {offered}", is_complete=True)


def ask_to_rephrase(skills: Skills) -> Talk[None]:
    """The attempt after the buttons, or what picking none of them leads to."""
    chain = _chain(skills)
    number = chain.index("rephrase") + 1
    yield Thinking("intent_processing", "Asking for other words", attempt=number, of=len(chain))
    yield FollowUp(answers.REPHRASE)


def chosen(scene: Scene) -> str | None:
    """The tool that was picked from the buttons, or ``NONE_OF_THESE``."""
    values = scene.turn.values
    value = None if values is None else values.get("value")
    return value if isinstance(value, str) else None


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
    return ("recogniser", "buttons", "rephrase", last)


def _next(chain: Sequence[Attempt], scene: Scene, recognition: Recognition) -> Attempt:
    already = tried(scene)
    if already == 0 and recognition.is_foreign:
        return chain[-1]  # out of scope: nothing to choose from
    if already == 0 and recognition.candidates:
        return "buttons"
    return "rephrase" if already < 2 else chain[-1]


def _why(recognition: Recognition) -> str:
    if recognition.is_foreign:
        return "This is nothing that I know"
    return "I am not sure what this is about"


def _offer(skills: Skills, candidates: Sequence[Candidate]) -> FollowUp:
    options = [Option(one.name, skills.tools[one.name].title) for one in candidates]
    buttons = Buttons("Did you mean…", (*options, Option(NONE_OF_THESE, "None of these")))
    names = answers.listed([f"“{option.label}”" for option in options], "or")
    return FollowUp(f"{answers.NOT_UNDERSTOOD} Did you mean {names}?", buttons)
