"""The assistant of the desk, and a talk with it."""

from __future__ import annotations

import pytest
from tests.assistant.desk import Desk
from tests.assistant.dialogue import Dialogue


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def talk(desk: Desk) -> Dialogue:
    return Dialogue(desk.assistant())
