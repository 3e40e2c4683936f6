"""Who looks on while turns run, for metrics and traces; told by ``Run`` and its runner.

Told of whole steps and of the first text of an answer, never of each piece: those cost nothing.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from chatstream.domain.steps import Step
from chatstream.ids import ChatId


class RunBegan(Struct, frozen=True):
    """Which run it is."""

    user_chat_id: ChatId
    caused_by: str
    attempt: int
    user_intent_id: str | None
    session_id: str | None


class RunWatch(Protocol):
    """Looks on at one run. Nothing here may raise or wait."""

    def entered(self) -> None:
        """Called once, in the task that will run the agent."""
        ...

    def answering(self) -> None:
        """The first text of an answer was yielded."""
        ...

    def took(self, step: Step) -> None:
        """A step other than text was yielded."""
        ...

    def ended(self, outcome: str) -> None:
        """``outcome`` is that of the turn, or ``handed_over``: another run goes on with it."""
        ...


class TurnWatch(Protocol):
    """Looks on at the turns of a node."""

    def began(self, run: RunBegan, /) -> RunWatch: ...

    def ended_without_run(self, outcome: str) -> None:
        """A turn ended that no run of this process had."""
        ...


class Unwatched:
    """Nobody looks on."""

    def began(self, _: RunBegan) -> RunWatch:
        """Nobody looks on at this run either."""
        return self

    def ended_without_run(self, outcome: str) -> None:
        """Nothing."""

    def entered(self) -> None:
        """Nothing."""

    def answering(self) -> None:
        """Nothing."""

    def took(self, step: Step) -> None:
        """Nothing."""

    def ended(self, outcome: str) -> None:
        """Nothing."""


class Watches:
    """Several that look on, told one after the other."""

    def __init__(self, *watches: TurnWatch) -> None:
        self._watches = watches

    def began(self, run: RunBegan) -> RunWatch:
        """Each looks on at the run."""
        return _RunWatches([one.began(run) for one in self._watches])

    def ended_without_run(self, outcome: str) -> None:
        """Tell each."""
        for one in self._watches:
            one.ended_without_run(outcome)


class _RunWatches:
    def __init__(self, watches: list[RunWatch]) -> None:
        self._watches = watches

    def entered(self) -> None:
        for one in self._watches:
            one.entered()

    def answering(self) -> None:
        for one in self._watches:
            one.answering()

    def took(self, step: Step) -> None:
        for one in self._watches:
            one.took(step)

    def ended(self, outcome: str) -> None:
        for one in self._watches:
            one.ended(outcome)
