"""An engine whose database goes back in time notices before it says or stores anything more."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.eventstore.contract import STORED, TABLES, A, B, append, bodies, write
from tests.faults.grounds import end_connections
from tests.kit.postgres import new_database

from chatstream.eventstore.postgres.engine import PostgresEngine, RewoundError
from chatstream.eventstore.store import Append, Failed, NewEvent

pytestmark = pytest.mark.postgres

CUT = "DELETE FROM stored_events WHERE notification_id > %s"


class Watched(PostgresEngine):
    """Counts instead of ending the process."""

    times = 0

    def open(self) -> None:
        self.on_rewound = self._count
        super().open()

    def _count(self) -> None:
        self.times += 1

    def harm(self, sql: str, *values: object) -> None:
        """Do this to the database, and let every connection be lost as it would be."""
        with psycopg.connect(self.dsn, autocommit=True) as outside:
            outside.execute(sql.encode(), values)
        end_connections(self.dsn)


@pytest.fixture
def engine() -> Iterator[Watched]:
    engine = Watched(new_database(), TABLES)
    engine.open()
    yield engine
    engine.close()


def test_what_was_written_and_is_gone_is_missed(engine):
    assert write(engine, append(A, 0, "one"), append(B, 0, "two")) == [STORED, STORED]
    engine.harm(CUT, 1)
    (outcome,) = write(engine, append(A, 1, "three"))
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.reason) == ("unavailable", "RewoundError")
    with pytest.raises(RewoundError):
        engine.read(A, 0, 10, None)
    assert engine.times == 2


def test_what_was_read_and_is_gone_is_missed(engine):
    other = PostgresEngine(engine.dsn, TABLES)
    other.open()
    assert write(other, append(A, 0, "one", "two")) == [STORED]
    other.close()
    assert bodies(engine, A) == ["one", "two"]
    engine.harm(CUT, 1)
    with pytest.raises(RewoundError):
        engine.fetch("SELECT 1", ())
    assert engine.times == 1


def test_another_event_in_the_place_of_one_that_was_there_is_not_that_one(engine):
    body = b'{"type":"user","event_id":"%b","content":"hello"}'
    first, second = (NewEvent("user.1", body % name, name.decode()) for name in (b"e1", b"e2"))
    assert write(engine, Append(A, 0, (first,))) == [STORED]
    assert len(engine.read(A, 0, 10, None)) == 1
    engine.harm("UPDATE stored_events SET state = %s", second.body)
    with pytest.raises(RewoundError):
        engine.read(A, 0, 10, None)


def test_an_outage_and_an_erasure_are_no_journeys_in_time(engine):
    body = b'{"type":"user","event_id":"e1","content":"hello"}'
    assert write(engine, Append(A, 0, (NewEvent("user.1", body, "e1"),))) == [STORED]
    assert len(engine.read(A, 0, 10, None)) == 1
    erased = b'{"type":"user","event_id":"e1","erased":true}'
    engine.harm("UPDATE stored_events SET state = %s", erased)
    assert write(engine, append(A, 1, "two")) == [STORED]
    assert engine.read(A, 0, 1, None)[0].body == erased
    assert engine.times == 0
