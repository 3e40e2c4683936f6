"""The eventsourcing library's recorder for our SQLite file, for users of the library.

Reading needs none of this: a stock recorder reads the file. To write to a file that no server
has open, or to make one, set ``PERSISTENCE_MODULE=eventsourcing.sqlite`` and
``APPLICATION_RECORDER_TOPIC=chatstream.eventstore.sqlite.recorder:LogRecorder``. The server itself
does not import this module: the library takes a tenth of a second.
"""

from __future__ import annotations

from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from chatstream.eventstore.sqlite.statements import EVENTS_TABLE


class LogRecorder(SQLiteApplicationRecorder):
    """The library's application recorder on our table, whose ids are never handed out twice."""

    def __init__(
        self, datastore: SQLiteDatastore, events_table_name: str = "stored_events"
    ) -> None:
        super().__init__(datastore, events_table_name)
        # The library's text counts on four columns.
        self.insert_events_statement = (
            f"INSERT INTO {events_table_name}"  # noqa: S608 - our name
            " (originator_id, originator_version, topic, state) VALUES (?, ?, ?, ?)"
        )

    def construct_create_table_statements(self) -> list[str]:
        return [EVENTS_TABLE.replace("stored_events", self.events_table_name)]
