"""The recorded dialogues, cut into exchanges: what the user did, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec

FILES = ("dialogues_star.jsonl", "dialogues_sgd.jsonl")
EXCERPT = Path(__file__).parents[2] / "tests" / "data"
CLOSING = "All done."
"""What the recordings do not have: the answer to a user who presses "done"."""
DONE = {"value": "complete"}
SHORTEST = 4
"""Turns that a dialogue of the excerpt has at least."""


class RecordedTurn(msgspec.Struct, frozen=True):
    """One line of a recording."""

    speaker: str
    text: str
    event: str | None = None
    intent: str | None = None
    slots: dict[str, object] = {}
    result: object = None


class Exchange(msgspec.Struct, frozen=True):
    """What the user said (or: pressed "done"), and everything up to the next time."""

    said: str
    pressed_done: bool
    intent: str | None
    slots: dict[str, object]
    replies: tuple[RecordedTurn, ...]
    completes: bool
    asks_whether_done: bool

    @property
    def answer(self) -> str:
        """The text that the assistant answered; empty if it did not."""
        if self.pressed_done:
            return CLOSING
        return next((turn.text for turn in self.replies if turn.speaker == "ai"), "")

    @property
    def thoughts(self) -> list[str]:
        """The thinking steps, in order."""
        return [turn.text for turn in self.replies if turn.speaker == "thinking"]


class Dialogue(msgspec.Struct, frozen=True):
    """A recorded conversation with its outcome."""

    id: str
    source: str
    outcome: str
    turns: tuple[RecordedTurn, ...]

    @property
    def exchanges(self) -> list[Exchange]:
        """The turns, each group beginning with one of the user."""
        starts = [at for at, turn in enumerate(self.turns) if turn.speaker == "user"]
        ends = [*starts[1:], len(self.turns)]
        return [self._exchange(start, end) for start, end in zip(starts, ends, strict=True)]

    @property
    def completed(self) -> bool:
        """Whether the user got what was wanted."""
        return self.outcome == "completed"

    def _exchange(self, start: int, end: int) -> Exchange:
        said, is_last = self.turns[start], end == len(self.turns)
        pressed_done = said.event == "complete"
        return Exchange(
            said=said.text,
            pressed_done=pressed_done,
            intent=said.intent,
            slots=said.slots,
            replies=self.turns[start + 1 : end],
            # Where no recorded user says "done", the last answer of a completed one is it.
            completes=pressed_done or (is_last and self.completed),
            asks_whether_done=not is_last and self.turns[end].event == "complete",
        )


def read(folder: Path) -> list[Dialogue]:
    """All dialogues of ``folder``, STAR and SGD by turns so that any part has of both."""
    decoder = msgspec.json.Decoder(Dialogue)
    star, sgd = (
        [decoder.decode(line) for line in (folder / name).read_bytes().splitlines()]
        for name in FILES
    )
    return [*_by_turns(star, sgd)]


def _by_turns(star: list[Dialogue], sgd: list[Dialogue]) -> Iterator[Dialogue]:
    for at in range(max(len(star), len(sgd))):
        yield from star[at : at + 1]
        yield from sgd[at : at + 1]


def excerpt(folder: Path, count: int) -> None:
    """Write the shortest ``count`` dialogues of each source and outcome into the tests' data."""
    for name in FILES:
        kept: dict[str, list[str]] = {}
        for line in sorted((folder / name).read_text().splitlines(), key=len):
            if len(json.loads(line)["turns"]) >= SHORTEST:
                kept.setdefault(json.loads(line)["outcome"], []).append(line)
        chosen = [line for group in kept.values() for line in group[:count]]
        (EXCERPT / name).write_text("\n".join(chosen) + "\n")
