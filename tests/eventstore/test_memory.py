from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.eventstore.contract import TABLES, EngineContract

from chatstream.eventstore.sqlite.memory import MemoryEngine
from chatstream.eventstore.store import Engine


class TestMemoryEngine(EngineContract):
    @contextmanager
    def fresh_engine(self) -> Iterator[Engine]:
        engine = MemoryEngine(TABLES)
        engine.open()
        yield engine
        engine.close()

    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with self.fresh_engine() as engine:
            yield engine
