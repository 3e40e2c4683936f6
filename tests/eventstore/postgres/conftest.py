from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.kit.postgres import drop_database, new_database


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    dsn = new_database()
    yield dsn
    drop_database(dsn)
