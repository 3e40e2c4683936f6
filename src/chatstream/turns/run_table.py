"""The runs of this node, by chat. Made first and handed to whoever asks about runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from chatstream.agents.turn import TurnIds
from chatstream.domain.commands import Streamed
from chatstream.ids import ChatId
from chatstream.turns.run import Run


class RunTable:
    """At most one run a chat: prepared, running or ending. Filled by the ``TurnRunner`` alone."""

    def __init__(self) -> None:
        self._runs: dict[ChatId, Run] = {}

    def get(self, chat_id: ChatId) -> Run | None:
        """The chat's run, if its turn runs here."""
        return self._runs.get(chat_id)

    def runs(self, chat_id: ChatId) -> bool:
        """Whether the chat's turn runs here."""
        return chat_id in self._runs

    def streamed(self, chat_id: ChatId) -> Streamed | None:
        """The text of the chat's answer in progress."""
        run = self._runs.get(chat_id)
        return None if run is None else run.streamed

    def run_of(self, chat_id: ChatId, caused_by: str, attempt: int) -> Run | None:
        """The run of that attempt, if it runs here."""
        run = self._runs.get(chat_id)
        if run is None or (run.caused_by, run.attempt) != (caused_by, attempt):
            return None
        return run

    def turn_of(self, task: asyncio.Task[object] | None) -> TurnIds | None:
        """The turn that ``task`` runs, if it is one of these. Another thread may ask."""
        for run in self:
            if task is not None and run.task is task:
                return TurnIds(run.chat_id, run.caused_by)
        return None

    def add(self, run: Run) -> None:
        """From now on ``run`` is the chat's."""
        self._runs[run.chat_id] = run

    def remove(self, run: Run) -> bool:
        """Let go of ``run``; gives whether it was still the chat's."""
        if self._runs.get(run.chat_id) is not run:
            return False
        del self._runs[run.chat_id]
        return True

    def __iter__(self) -> Iterator[Run]:
        """The runs there are now, whatever becomes of them meanwhile."""
        return iter(tuple(self._runs.values()))

    def __len__(self) -> int:
        return len(self._runs)
