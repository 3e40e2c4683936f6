"""An engine that fails, loses or delays on the test's word, around a real one in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from chatstream.eventstore.store import (
    Append,
    Conflict,
    Failed,
    NewEvent,
    Outcome,
    SqlValue,
    StoredRow,
)
from chatstream.ids import ChatId
from chatstream.testing import memory_engine


class FaultyEngine:
    """Passes everything on, but for the faults that were planted."""

    sharing = None

    def __init__(self) -> None:
        self.inner = memory_engine()
        self.is_down = False
        self.fail_writes = 0
        self.loses_acknowledgement = False
        self.intruder: NewEvent | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[int] = []
        self.appends: list[Append] = []

    def open(self) -> None:
        self.inner.open()

    def write(self, batch: Sequence[Append]) -> list[Outcome]:
        self.gate.wait(10)
        self.batches.append(len(batch))
        self.appends += batch
        if self.is_down or self.fail_writes:
            self.fail_writes = max(0, self.fail_writes - 1)
            return [Failed("unavailable", doubtful=False, reason="planted") for _ in batch]
        if self.intruder is not None and batch[0].events:
            return self._conflict(batch)
        outcomes = self.inner.write(batch)
        if self.loses_acknowledgement:
            self.loses_acknowledgement = False
            return [Failed("unavailable", doubtful=True, reason="planted") for _ in batch]
        return outcomes

    def _conflict(self, batch: Sequence[Append]) -> list[Outcome]:
        """Another node's event takes the position first."""
        assert self.intruder is not None
        first = batch[0]
        self.inner.write([Append(first.chat_id, first.expected_position, (self.intruder,))])
        self.intruder = None
        outcomes = self.inner.write(batch)
        assert isinstance(outcomes[0], Conflict)
        return outcomes

    def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None, *, newest: bool = False
    ) -> list[StoredRow]:
        if self.is_down:
            raise OSError("planted")
        return self.inner.read(chat_id, after, limit, upto, newest=newest)

    def fetch(self, sql: str, parameters: Sequence[SqlValue]) -> list[tuple[SqlValue, ...]]:
        if self.is_down:
            raise OSError("planted")
        return self.inner.fetch(sql, parameters)

    @property
    def commit_seconds(self) -> float:
        return 0.0

    def probe(self) -> None:
        self.inner.probe()

    def close(self) -> None:
        self.inner.close()
