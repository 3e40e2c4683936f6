"""Reads the sample data and splits it: what the assistant may learn from, and what it is tested on.

The split is fixed: utterances by a seed, the dialogues about alarms by their ids in ``split.json``
(one that is in neither part is fresh, and tested on), those about all else by their place in the
file. How clean it is stands in docs/reference/evaluation.md.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

SEED = 1
OUT_OF_SCOPE = "oos"
ALARM_SERVICE = "Alarm_1"
SPLIT = Path(__file__).with_name("split.json")
LEARNED_DIALOGUES = 3
"""Of the other services every third dialogue."""


class Utterance(Struct, frozen=True):
    text: str
    intent: str


class Line(Struct, frozen=True):
    """A line of a dialogue; ``result`` is a tool's, ``slots`` those known after a user's line."""

    speaker: str
    text: str = ""
    intent: str | None = None
    event: str | None = None
    slots: dict[str, str] = {}
    acts: list[str] = []
    result: Any = None


class Dialogue(Struct, frozen=True):
    id: str
    services: list[str]
    turns: list[Line]


class Split(Struct, frozen=True):
    """Intent to texts."""

    examples: dict[str, list[str]]
    tests: dict[str, list[str]]


def intents(path: Path) -> Split:
    """The utterances of a file, each intent's shuffled and cut in the middle."""
    by_intent: dict[str, list[str]] = defaultdict(list)
    for one in _records(path, Utterance):
        by_intent[one.intent].append(one.text)
    return halved(by_intent)


def halved(by_intent: Mapping[str, list[str]]) -> Split:
    """Each intent's utterances, shuffled by the seed and cut in the middle."""
    chance = random.Random(SEED)
    examples: dict[str, list[str]] = {}
    tests: dict[str, list[str]] = {}
    for name in sorted(by_intent):
        texts = list(by_intent[name])
        chance.shuffle(texts)
        examples[name], tests[name] = texts[: len(texts) // 2], texts[len(texts) // 2 :]
    return Split(examples, tests)


def alarm_dialogues(folder: Path) -> tuple[list[Dialogue], list[Dialogue]]:
    """The dialogues about alarms: to learn from, to test on."""
    development = frozenset(json.loads(SPLIT.read_text())["development"])
    found = [it for it in _dialogues(folder) if ALARM_SERVICE in it.services]
    return (
        [it for it in found if it.id in development],
        [it for it in found if it.id not in development],
    )


def other_dialogues(folder: Path) -> tuple[list[Dialogue], list[Dialogue]]:
    """The dialogues about all else: to learn from, to test on."""
    found = [it for it in _dialogues(folder) if ALARM_SERVICE not in it.services]
    learned = found[::LEARNED_DIALOGUES]
    ids = {it.id for it in learned}
    return learned, [it for it in found if it.id not in ids]


def schema(folder: Path) -> dict[str, dict[str, Any]]:
    """Service to its schema, with ``slots`` and ``intents`` by name."""
    services = json.loads((folder / "sgd_schema.json").read_text())
    return {
        service["service_name"]: {
            "slots": {slot["name"]: slot for slot in service["slots"]},
            "intents": {intent["name"]: intent for intent in service["intents"]},
        }
        for service in services
    }


def _dialogues(folder: Path) -> Iterator[Dialogue]:
    return _records(folder / "dialogues_sgd.jsonl", Dialogue)


def _records(path: Path, kind: type[Any]) -> Iterator[Any]:
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as lines:
        for line in lines:
            if line.strip():
                yield decoder.decode(line)
