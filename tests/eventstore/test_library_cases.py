"""The eventsourcing library's own test cases, run over our recorder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from eventsourcing.sqlite import SQLiteDatastore

from chatstream.eventstore.recorder import LogRecorder

pytest.importorskip("Crypto", reason="the library's test cases import pycryptodome")
from eventsourcing.tests import persistence as cases


class OnOurTable:
    """For the library's test cases: a recorder of ours on a file of its own."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.datastore = SQLiteDatastore(str(self.folder / "chat.db"))

    def tearDown(self) -> None:
        self.datastore.close()
        shutil.rmtree(self.folder)

    def create_recorder(self) -> LogRecorder:
        recorder = LogRecorder(self.datastore)
        recorder.create_table()
        return recorder

    def new_originator_id(self) -> UUID:
        return uuid4()


class TestLibraryRecorderCases(OnOurTable, cases.ApplicationRecorderTestCase):
    pass


class TestLibraryNotificationIds(OnOurTable, cases.NonInterleavingNotificationIDsBaseCase):
    pass
