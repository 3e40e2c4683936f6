"""The eventsourcing library's own test cases, run over our recorders."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent
from eventsourcing.sqlite import SQLiteDatastore
from eventsourcing.tests import persistence as cases
from psycopg.conninfo import conninfo_to_dict
from tests.kit.postgres import drop_database, new_database

from chatstream.eventstore.sqlite.recorder import LogRecorder


class OnSqlite:
    """For the library's test cases: a recorder of ours on a file of its own."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.datastore = SQLiteDatastore(str(self.folder / "chat.db"))

    def tearDown(self) -> None:
        # Some cases leave threads behind that read, and to close a connection under one that
        # reads is a segmentation fault.
        for thread in threading.enumerate():
            if "read_continuously" in thread.name:
                thread.join()
        self.datastore.close()
        shutil.rmtree(self.folder)

    def create_recorder(self) -> LogRecorder:
        recorder = LogRecorder(self.datastore)
        recorder.create_table()
        return recorder

    def new_originator_id(self) -> UUID:
        return uuid4()


class TestSqliteRecorderCases(OnSqlite, cases.ApplicationRecorderTestCase):
    pass


class TestSqliteNotificationIds(OnSqlite, cases.NonInterleavingNotificationIDsBaseCase):
    pass


class OnPostgres:
    """As ``OnSqlite``, on a database of its own."""

    def setUp(self) -> None:
        from eventsourcing.postgres import PostgresDatastore

        self.dsn = new_database()
        given = conninfo_to_dict(self.dsn)
        self.datastore = PostgresDatastore(
            dbname=given["dbname"],
            host=given.get("host") or "",
            port=given.get("port") or "5432",
            user=given.get("user") or "",
            password=given.get("password") or "",
            originator_id_type="text",
            # The library's cases write from many threads at once.
            pool_size=3,
            max_overflow=10,
            connect_timeout=30,
        )

    def tearDown(self) -> None:
        self.datastore.close()
        drop_database(self.dsn)

    def create_recorder(self):
        from chatstream.eventstore.postgres.recorder import PostgresLogRecorder

        recorder = PostgresLogRecorder(self.datastore)
        recorder.create_table()
        return recorder

    def new_originator_id(self) -> str:
        return str(uuid4())


@pytest.mark.postgres
class TestPostgresRecorderCases(OnPostgres, cases.ApplicationRecorderTestCase):
    pass


@pytest.mark.postgres
class TestPostgresNotificationIds(OnPostgres, cases.NonInterleavingNotificationIDsBaseCase):
    pass


@pytest.mark.postgres
class TestWhatTheRecorderAdds(OnPostgres, cases.RecorderTestCase):
    def test_an_insert_is_tried_once(self) -> None:
        """The library's own tries ten times, and then takes its own events for another's."""
        recorder = self.create_recorder()
        tries: list[int] = []

        def lose_the_server(*_: object, **__: object) -> None:
            tries.append(1)
            raise psycopg.OperationalError("the connection was lost")

        recorder._insert_events = lose_the_server
        with pytest.raises(OperationalError):
            recorder.insert_events([StoredEvent("chat", 1, "user.1", b"{}")])
        assert len(tries) == 1

    def test_a_conflict_stores_nothing(self) -> None:
        recorder = self.create_recorder()
        first, second = (StoredEvent("chat", version, "user.1", b"{}") for version in (1, 2))
        assert recorder.insert_events([first]) == [1]
        with pytest.raises(IntegrityError):
            recorder.insert_events([second, first])
        assert recorder.select_events("chat") == [first]

    def test_no_events_need_no_lock(self) -> None:
        assert self.create_recorder().insert_events([]) == []
