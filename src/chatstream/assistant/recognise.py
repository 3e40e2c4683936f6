"""Which task an utterance asks for: TF-IDF centroids of words, word pairs and character trigrams.

Pure Python and deterministic; built once from each task's examples, asked for each message.
Measured on CLINC150 and SNIPS by ``make eval``.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

ACT_SCORE = 0.30
ACT_LEAD = 0.05
"""Both chosen on the half of CLINC150 that is not tested on: acts on at most 8 % of what no task
is meant for, and on two thirds of the rest."""
FOREIGN_SCORE = 0.12
"""Below this nothing that is known resembles the utterance: it is out of scope."""
_UNKNOWN_WEIGHT = 2 / 3
"""Of the rarest known feature. Words that no example has pull the score down."""
_PAIR_WEIGHT = 0.5
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


class Candidate(Struct, frozen=True):
    """A task and how much the utterance is like its examples, 0 to 1."""

    name: str
    score: float


class Recognition(Struct, frozen=True):
    """The tasks that resemble an utterance, best first."""

    candidates: tuple[Candidate, ...] = ()

    @property
    def name(self) -> str | None:
        """The best one's name, None where nothing resembles."""
        return self.candidates[0].name if self.candidates else None

    @property
    def score(self) -> float:
        """The best one's score."""
        return self.candidates[0].score if self.candidates else 0.0

    @property
    def lead(self) -> float:
        """By how much the best one is ahead of the second."""
        second = self.candidates[1].score if len(self.candidates) > 1 else 0.0
        return self.score - second

    @property
    def is_sure(self) -> bool:
        """Whether to act without asking."""
        return self.score >= ACT_SCORE and self.lead >= ACT_LEAD

    @property
    def is_foreign(self) -> bool:
        """Whether the utterance is out of scope."""
        return self.score < FOREIGN_SCORE

    def score_of(self, name: str) -> float:
        """The score of one task; 0 where nothing resembles."""
        return next((one.score for one in self.candidates if one.name == name), 0.0)


class Recogniser:
    """Knows tasks by their examples: task name to utterances."""

    def __init__(self, examples: Mapping[str, Iterable[str]]) -> None:
        utterances = {name: [features(text) for text in texts] for name, texts in examples.items()}
        self._rarity = _rarity(utterances)
        self._unknown = _UNKNOWN_WEIGHT * (math.log(len(utterances) + 1) + 1)
        self._tasks_of = self._index(utterances)

    def recognise(self, text: str) -> Recognition:
        """The tasks whose examples ``text`` resembles."""
        scores: defaultdict[str, float] = defaultdict(float)
        for feature, weight in self._vector(features(text)).items():
            for name, weight_in_task in self._tasks_of.get(feature, ()):
                scores[name] += weight * weight_in_task
        ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return Recognition(tuple(Candidate(name, min(score, 1.0)) for name, score in ranked))

    def _index(
        self, utterances: Mapping[str, list[dict[str, float]]]
    ) -> dict[str, list[tuple[str, float]]]:
        index: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
        for name, counted in utterances.items():
            centroid: defaultdict[str, float] = defaultdict(float)
            for one in counted:
                for feature, weight in self._vector(one).items():
                    centroid[feature] += weight
            for feature, weight in _normalised(centroid).items():
                index[feature].append((name, weight))
        return dict(index)

    def _vector(self, counted: Mapping[str, float]) -> dict[str, float]:
        return _normalised(
            {
                feature: count * self._rarity.get(feature, self._unknown)
                for feature, count in counted.items()
            }
        )


def features(text: str) -> dict[str, float]:
    """What is counted of an utterance: words, pairs of neighbours, trigrams within words."""
    words = _WORD.findall(text.lower())
    counted: defaultdict[str, float] = defaultdict(float)
    for word in words:
        counted[f"w{word}"] += 1
    for first, second in zip(["^", *words], [*words, "$"], strict=True):
        counted[f"p{first} {second}"] += _PAIR_WEIGHT
    for word in words:
        framed = f"^{word}$"
        for at in range(len(framed) - 2):
            counted[f"c{framed[at : at + 3]}"] += 1
    return counted


def _rarity(utterances: Mapping[str, list[dict[str, float]]]) -> dict[str, float]:
    """Log of how few tasks know a feature: by tasks, so that ten examples weigh like one."""
    known_by: Counter[str] = Counter()
    for counted in utterances.values():
        known_by.update({feature for one in counted for feature in one})
    return {
        feature: math.log((len(utterances) + 1) / tasks) + 1 for feature, tasks in known_by.items()
    }


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {feature: weight / length for feature, weight in weights.items()}
