"""``RunTable``: the turns that run on this node."""

from __future__ import annotations

from collections.abc import Iterator

from chatstream.domain.commands import Streamed
from chatstream.ids import ChatId
from chatstream.turns.run import Run


class RunTable:
    """Holds the run of each chat whose turn runs here. Passive: whoever runs turns fills it."""

    def __init__(self) -> None:
        self._runs: dict[ChatId, Run] = {}

    def get(self, chat_id: ChatId) -> Run | None:
        """Returns the chat's run, if its turn runs here."""
        return self._runs.get(chat_id)

    def runs(self, chat_id: ChatId) -> bool:
        """Returns whether the chat's turn runs here."""
        return chat_id in self._runs

    def streamed(self, chat_id: ChatId) -> Streamed | None:
        """Returns the text of the chat's answer in progress."""
        run = self._runs.get(chat_id)
        return None if run is None else run.streamed

    def add(self, run: Run) -> None:
        """Adds the run of its chat."""
        self._runs[run.chat_id] = run

    def remove(self, run: Run) -> None:
        """Removes the run, unless another one has taken its place."""
        if self._runs.get(run.chat_id) is run:
            del self._runs[run.chat_id]

    def __iter__(self) -> Iterator[Run]:
        """Iterates over the runs."""
        return iter(tuple(self._runs.values()))

    def __len__(self) -> int:
        """How many turns run here."""
        return len(self._runs)
