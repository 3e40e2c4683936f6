"""Which task an utterance asks for: TF-IDF centroids of words, pairs, characters and concepts.

Pure Python and deterministic; built once from each task's examples, asked for each message.
Measured on CLINC150 and SNIPS by ``make eval``.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from chatstream.assistant.concepts import CONCEPTS
from chatstream.assistant.pattern import LONGEST_TEXT, Pattern

ACT_LEAD = 0.05
FOREIGN_SHARE = 0.4
"""Below this share of the score to act on, nothing that is known resembles the utterance."""
_UNKNOWN_WEIGHT = 2 / 3
"""Of the rarest known feature. Words that no example has pull the score down."""
_PAIR_WEIGHT = 0.5
_CONCEPT_WEIGHT = 1.5
_NUMBER = "#"
_ROUNDS, _MARGIN, _STEP = 6, 0.7, 0.1
"""Of the sharpening: a point more of the accuracy, for a start that is still short."""
_WORD = Pattern(r"[^\W_]+(?:'[^\W_]+)?")

_Vector = dict[str, float]
_Weights = defaultdict[str, dict[int, float]]


class Candidate(Struct, frozen=True):
    """A task and how much the utterance is like its examples, 0 to 1."""

    name: str
    score: float


class Recognition(Struct, frozen=True):
    """The tasks that resemble an utterance, best first."""

    candidates: tuple[Candidate, ...] = ()
    act_score: float = 0.0

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
        return self.score >= self.act_score and self.lead >= ACT_LEAD

    @property
    def is_foreign(self) -> bool:
        """Whether the utterance is out of scope."""
        return self.score < FOREIGN_SHARE * self.act_score

    def score_of(self, name: str) -> float:
        """The score of one task; 0 where nothing resembles."""
        return next((one.score for one in self.candidates if one.name == name), 0.0)


class Recogniser:
    """Knows tasks by their examples: task name to utterances."""

    def __init__(self, examples: Mapping[str, Iterable[str]]) -> None:
        self._names = tuple(sorted(examples))
        counted = [
            (place, features(text))
            for place, name in enumerate(self._names)
            for text in examples[name]
        ]
        self._rarity = _rarity(counted, len(self._names))
        self._unknown = _UNKNOWN_WEIGHT * max(self._rarity.values(), default=1.0)
        vectors = [(place, self._vector(one)) for place, one in counted]
        weights = _sharpened(_centroids(vectors, len(self._names)), vectors, len(self._names))
        self._weights = {feature: tuple(of.items()) for feature, of in weights.items()}

    def recognise(self, text: str) -> Recognition:
        """The tasks whose examples ``text`` resembles."""
        scores = [0.0] * len(self._names)
        weights = self._weights
        for feature, weight in self._vector(features(text[:LONGEST_TEXT])).items():
            for place, weight_in_task in weights.get(feature, ()):
                scores[place] += weight * weight_in_task
        ranked = sorted(zip(scores, self._names, strict=True), key=lambda one: -one[0])
        candidates = (Candidate(name, min(score, 1.0)) for score, name in ranked if score > 0)
        return Recognition(tuple(candidates), act_score(len(self._names)))

    def _vector(self, counted: Mapping[str, float]) -> _Vector:
        rarity, unknown = self._rarity, self._unknown
        return _normalised(
            {feature: count * rarity.get(feature, unknown) for feature, count in counted.items()}
        )


def act_score(tasks: int) -> float:
    """The score to act on: the more tasks there are, the more resembles one of them by chance.

    With it assistants of 3 to 150 tasks act on about 7 % of what is out of scope (on the part of
    CLINC150 that is not tested on).
    """
    return 0.28 + 0.085 * math.log(max(tasks, 8) / 8)


def features(text: str) -> _Vector:
    """What is counted of an utterance: words (a number is one as any other), pairs of neighbours,
    four characters of a word, and what a word is about."""
    words = [_NUMBER if word[0].isdigit() else word for word in _WORD.findall(text.lower())]
    counted: defaultdict[str, float] = defaultdict(float)
    for word in words:
        counted[f"w{word}"] += 1
        for concept in CONCEPTS.get(word, ()):
            counted[f"k{concept}"] += _CONCEPT_WEIGHT
    for first, second in zip(["^", *words], [*words, "$"], strict=True):
        counted[f"p{first} {second}"] += _PAIR_WEIGHT
    for word in words:
        framed = f"^{word}$"
        for at in range(max(1, len(framed) - 3)):
            counted[f"c{framed[at : at + 4]}"] += 1
    return counted


def _rarity(counted: Sequence[tuple[int, _Vector]], tasks: int) -> dict[str, float]:
    """How telling a feature is: the mean of what few tasks and what few examples say. The first
    counts where tasks are many, the second where they are few."""
    examples = Counter(feature for _, one in counted for feature in one)
    pairs = {(feature, place) for place, one in counted for feature in one}
    known_by = Counter(feature for feature, _ in pairs)
    return {
        feature: (
            math.log((tasks + 1) / known_by[feature])
            + math.log((len(counted) + 1) / examples[feature])
        )
        / 2
        + 1
        for feature in examples
    }


def _centroids(vectors: Sequence[tuple[int, _Vector]], tasks: int) -> _Weights:
    """Feature to task to weight: each task's examples added up to a vector of length 1."""
    sums: list[defaultdict[str, float]] = [defaultdict(float) for _ in range(tasks)]
    for place, vector in vectors:
        for feature, weight in vector.items():
            sums[place][feature] += weight
    weights: _Weights = defaultdict(dict)
    for place, added in enumerate(sums):
        for feature, weight in _normalised(added).items():
            weights[feature][place] = weight
    return weights


def _sharpened(weights: _Weights, vectors: Sequence[tuple[int, _Vector]], tasks: int) -> _Weights:
    """Pull each example that is too near to another task's centroid a little to its own."""
    for _ in range(_ROUNDS):
        for own, vector in vectors:
            scores = [0.0] * tasks
            for feature, weight in vector.items():
                for place, weight_in_task in weights[feature].items():
                    scores[place] += weight * weight_in_task
            right, scores[own] = scores[own], float("-inf")
            rival = max(range(tasks), key=scores.__getitem__)
            if right - scores[rival] >= _MARGIN or rival == own:
                continue
            for feature, weight in vector.items():
                of = weights[feature]
                of[own] = of.get(own, 0.0) + _STEP * weight
                of[rival] = of.get(rival, 0.0) - _STEP * weight
    return weights


def _normalised(weights: Mapping[str, float]) -> _Vector:
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {feature: weight / length for feature, weight in weights.items()}
