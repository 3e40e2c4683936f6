"""Read models and the history view on PostgreSQL equal a fold of the log."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kit.postgres import new_database
from tests.projections.test_projections import ACTIONS, Recorded, live_and_look

from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.projections.models import all_tables

pytestmark = pytest.mark.postgres
TABLES = all_tables("postgresql")


@pytest.fixture(scope="module")
def engine() -> Iterator[PostgresEngine]:
    engine = PostgresEngine(new_database(), TABLES)
    engine.open()
    yield engine
    engine.close()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, erased=st.booleans())
def test_the_tables_equal_a_fold_whatever_happened(engine, actions, erased):
    with psycopg.connect(engine.dsn, autocommit=True) as connection:
        names = [table.name for table in TABLES if table.columns]
        connection.execute(f"TRUNCATE stored_events, {', '.join(names)} RESTART IDENTITY")
    live_and_look(Recorded(engine), actions, erased=erased)
