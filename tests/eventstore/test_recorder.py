"""The eventsourcing library on our file: its stock recorder reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from eventsourcing.persistence import OperationalError, StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from tests.eventstore.contract import STORED, TABLES, A, B, append, bodies, everything, write

from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.eventstore.sqlite.recorder import LogRecorder


@pytest.fixture
def chat_file(tmp_path) -> Path:
    path = tmp_path / "chat.db"
    engine = SqliteEngine(path, TABLES)
    engine.open()
    write(engine, append(A, 0, "one", "two"), append(B, 0, "b"))
    write(engine, append(A, 2, "three"))
    engine.close()
    return path


@pytest.fixture(params=[SQLiteApplicationRecorder, LogRecorder])
def recorder(request, chat_file):
    datastore = SQLiteDatastore(str(chat_file), originator_id_type="text")
    recorder = request.param(datastore)
    recorder.create_table()
    yield recorder
    datastore.close()


def test_a_recorder_of_the_library_reads_our_events(recorder):
    assert recorder.select_events(A) == [
        StoredEvent(A, 1, "user.1", b"one"),
        StoredEvent(A, 2, "user.1", b"two"),
        StoredEvent(A, 3, "user.1", b"three"),
    ]
    assert [event.state for event in recorder.select_events(A, desc=True, limit=1)] == [b"three"]


def test_its_notification_ids_are_our_log_ids(recorder, chat_file):
    engine = SqliteEngine(chat_file, TABLES, read_only=True)
    engine.open()
    ours = {row.log_id: (row.chat_id, row.position) for row in everything(engine, A)}
    ours |= {row.log_id: (row.chat_id, row.position) for row in everything(engine, B)}
    engine.close()
    notifications = recorder.select_notifications(start=None, limit=10)
    theirs = {n.id: (n.originator_id, n.originator_version) for n in notifications}
    assert theirs == ours
    assert recorder.max_notification_id() == max(ours)


def test_a_stock_recorder_cannot_write_past_the_server(chat_file):
    datastore = SQLiteDatastore(str(chat_file), originator_id_type="text")
    stock = SQLiteApplicationRecorder(datastore)
    with pytest.raises(OperationalError, match="has 5 columns"):
        stock.insert_events([StoredEvent(A, 4, "user.1", b"four")])
    datastore.close()


def test_what_our_recorder_writes_a_server_reads(chat_file):
    datastore = SQLiteDatastore(str(chat_file), originator_id_type="text")
    LogRecorder(datastore).insert_events([StoredEvent(A, 4, "user.1", b"four")])
    datastore.close()
    engine = SqliteEngine(chat_file, TABLES)
    engine.open()
    assert write(engine, append(A, 4, "five")) == [STORED]
    assert bodies(engine, A) == ["one", "two", "three", "four", "five"]
    engine.close()
