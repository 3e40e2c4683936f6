"""Turns in the metrics: by outcome and duration, and the time to the first text."""

from __future__ import annotations

import time

from chatstream.domain.steps import FollowUp, Response, Step
from chatstream.metrics import Metrics
from chatstream.turns.watching import RunBegan


class CountedTurns:
    """A ``TurnWatch`` that counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def began(self, _: RunBegan) -> CountedRun:
        """Measure from now on."""
        return CountedRun(self._metrics)

    def ended_without_run(self, outcome: str) -> None:
        """Count it; there is no duration."""
        self._metrics.turns.labels(outcome).inc()


class CountedRun:
    """A ``RunWatch`` with a stopwatch."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
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
        if isinstance(step, (Response, FollowUp)):
            self.answering()

    def ended(self, outcome: str) -> None:
        """Count it with its duration."""
        self._metrics.turns.labels(outcome).inc()
        self._metrics.turn_seconds.labels(outcome).observe(time.monotonic() - self._began_at)
