"""The people of a test: made as they are needed, gone after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from tests.kit.laws import check_socket
from tests.kit.server import Server
from tests.kit.wire import Person

MakePerson = Callable[..., Person]


@pytest.fixture
async def people() -> AsyncIterator[MakePerson]:
    """Make people; what they connected is closed after the test, and what came is checked."""
    made: list[Person] = []

    def make(server: Server, user_id: str | None = None, token: str | None = "") -> Person:
        made.append(Person(server, user_id, token))
        return made[-1]

    yield make
    for person in made:
        await person.aclose()
    for person in made:
        for socket in person.sockets:
            check_socket(socket)
