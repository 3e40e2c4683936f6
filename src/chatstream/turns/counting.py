"""Turns in the metrics: by outcome and duration, and the time to the first text."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import Counter, Histogram

from chatstream.domain.steps import FollowUp, Response, Step
from chatstream.metrics import Metrics
from chatstream.turns.observer import RunBegan

_ANSWERS = {Response, FollowUp}


class CountedTurns:
    """A ``TurnWatch`` that counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._by_outcome: dict[str, tuple[Counter, Histogram]] = {}

    def began(self, _: RunBegan) -> CountedRun:
        """Measure from now on."""
        return CountedRun(self._metrics, self.of_outcome)

    def ended_without_run(self, outcome: str) -> None:
        """Count it; there is no duration."""
        self.of_outcome(outcome)[0].inc()

    def of_outcome(self, outcome: str) -> tuple[Counter, Histogram]:
        """What counts turns that end so, and what takes their time."""
        # At hand, as a label looked up costs three times what counting does.
        found = self._by_outcome.get(outcome)
        if found is None:
            metrics = self._metrics
            found = (metrics.turns.labels(outcome), metrics.turn_seconds.labels(outcome))
            self._by_outcome[outcome] = found
        return found


class CountedRun:
    """A ``RunWatch`` with a stopwatch."""

    def __init__(
        self, metrics: Metrics, of_outcome: Callable[[str], tuple[Counter, Histogram]]
    ) -> None:
        self._metrics = metrics
        self._of_outcome = of_outcome
        self._began_at = time.monotonic()
        self._has_text = False

    def entered(self) -> None:
        """Time counts from the decision, not from here: waiting for the loop is part of it."""

    def answering(self) -> None:
        """The first text of any answer of the run counts."""
        if not self._has_text:
            self._has_text = True
            self._metrics.first_text_seconds.observe(time.monotonic() - self._began_at)

    def took(self, step: Step) -> None:
        """An answer in one piece is a first text too."""
        if type(step) in _ANSWERS:
            self.answering()

    def ended(self, outcome: str) -> None:
        """Count it with its duration."""
        turns, seconds = self._of_outcome(outcome)
        turns.inc()
        seconds.observe(time.monotonic() - self._began_at)
