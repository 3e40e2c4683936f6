"""What a node knows of the log without asking is what the log holds, whoever else writes to it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.eventstore.contract import (
    CONFLICT,
    STORED,
    TABLES,
    UNSTORABLE,
    A,
    B,
    append,
    bodies,
    work,
    write,
)
from tests.kit.postgres import new_database

from chatstream.eventstore.postgres import heads as postgres_heads
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.eventstore.postgres.heads import Heads
from chatstream.eventstore.store import Append, Failed

pytestmark = pytest.mark.postgres


@pytest.fixture
def database() -> str:
    return new_database()


@pytest.fixture
def nodes(database) -> Iterator[tuple[PostgresEngine, PostgresEngine]]:
    engines = PostgresEngine(database, TABLES), PostgresEngine(database, TABLES)
    for engine in engines:
        engine.open()
    yield engines
    for engine in engines:
        engine.close()


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The chats whose heads the log was asked for, in order."""
    chats: list[str] = []
    of = Heads.of

    def noting(self, batch):
        known = set(self._known)
        heads = of(self, batch)
        chats.extend(sorted(set(heads) - known))
        return heads

    monkeypatch.setattr(Heads, "of", noting)
    return chats


def test_the_log_is_asked_once_while_nobody_else_writes(nodes, asked):
    one, _ = nodes
    for number in range(5):
        assert write(one, append(A, number, "a"), append(B, number, "b")) == [STORED, STORED]
    assert asked == [A, B]
    assert write(one, append(A, 4, "late"), append(B, 5, "b")) == [CONFLICT, STORED]
    assert asked == [A, B]


def test_what_another_node_wrote_is_seen_from_the_very_first_event_on(nodes):
    one, other = nodes
    for number in range(0, 10, 2):
        assert write(one, append(A, number, "one")) == [STORED]
        assert write(other, append(A, number, "late")) == [CONFLICT]
        assert write(other, append(A, number + 1, "other")) == [STORED]
        assert write(one, append(A, number + 1, "late")) == [CONFLICT]
    assert bodies(one, A) == ["one", "other"] * 5


def test_a_row_that_goes_with_a_position_is_not_written_past_another_nodes_event(nodes):
    one, other = nodes
    assert write(one, append(A, 0, "one")) == [STORED]
    row = Append(A, 1, (), (work(A, 1, "runs"),), guarded=True)
    assert write(one, row) == [STORED]
    assert write(other, append(A, 1, "two")) == [STORED]
    assert write(one, row) == [CONFLICT]


def test_what_was_rolled_back_was_never_there(nodes):
    one, _ = nodes
    assert write(one, append(A, 0, "one")) == [STORED]
    bad = append(A, 1, "two", changes=[work(A, 1, UNSTORABLE)])
    outcomes = write(one, bad, append(B, 0, "b"), append(A, 2, "three"), append(A, 1, "again"))
    assert [type(outcomes[0]), *outcomes[1:]] == [Failed, STORED, CONFLICT, STORED]
    assert write(one, append(A, 2, "three"), append(B, 1, "b")) == [STORED, STORED]
    assert bodies(one, A) == ["one", "again", "three"]
    assert bodies(one, B) == ["b", "b"]


def test_a_transaction_that_failed_leaves_nothing_known(nodes, database):
    one, _ = nodes
    assert write(one, append(A, 0, "one")) == [STORED]
    with psycopg.connect(database, autocommit=True) as outside:
        outside.execute(
            """CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$;
            CREATE CONSTRAINT TRIGGER no AFTER INSERT ON stored_events
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()"""
        )
        (outcome,) = write(one, append(A, 1, "two"))
        assert isinstance(outcome, Failed)
        outside.execute("DROP TRIGGER no ON stored_events")
    assert write(one, append(A, 2, "three"), append(A, 1, "two")) == [CONFLICT, STORED]
    assert bodies(one, A) == ["one", "two"]


def test_what_is_known_is_bounded(nodes, monkeypatch, asked):
    monkeypatch.setattr(postgres_heads, "_KNOWN_AT_MOST", 1)
    one, _ = nodes
    assert write(one, append(A, 0, "a"), append(B, 0, "b")) == [STORED, STORED]
    assert write(one, append(A, 1, "a")) == [STORED]
    assert write(one, append(A, 2, "a")) == [STORED]
    assert bodies(one, A) == ["a"] * 3
