"""Servers and people for the conformance suite.

`server` has default settings and a secret, so that each test brings users of its own; `visitors`
has none, so that callers without a token are visitors; `brisk` has other settings; `mortal` may be
killed. Starting a server is costly: each worker starts each of these once. A test that needs one
of its own uses `launch`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest
from tests.kit.people import MakePerson, people
from tests.kit.server import SECRET, Server
from tests.kit.wire import Person, Talk

BRISK: dict[str, object] = {
    "PREFIX": "/elsewhere/v1",
    "ORIGINS": "https://shop.example,https://help.example",
    "HEARTBEAT": 0.4,
    "HELLO_TIMEOUT": 0.5,
    "TURN_TIMEOUT": 0.7,
    "MAX_CONTENT_BYTES": 100,
    "MAX_FRAME_BYTES": 2000,
    "RATE_LIMIT": 0,
}
Launch = Callable[..., Server]
__all__ = ["people"]  # a fixture


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), SECRET=SECRET) as server:
        yield server


@pytest.fixture(scope="session")
def shared_visitors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("visitors")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_brisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("brisk"), SECRET=SECRET, **BRISK) as server:
        yield server


@pytest.fixture(scope="session")
def shared_mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"SECRET": SECRET, "RATE_LIMIT": 0, "MAX_ATTEMPTS": 9}
    with Server(tmp_path_factory.mktemp("mortal"), **settings) as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    return revived(shared_server)


@pytest.fixture
def visitors(shared_visitors: Server) -> Server:
    return revived(shared_visitors)


@pytest.fixture
def brisk(shared_brisk: Server) -> Server:
    """A server each of whose settings is another than its default."""
    return revived(shared_brisk)


@pytest.fixture
def mortal(shared_mortal: Server) -> Server:
    """A server that may be killed, and started again on what earlier tests left behind."""
    return revived(shared_mortal)


def revived(server: Server) -> Server:
    """A test that brought the shared server down must not fail those after it."""
    if not server.running:
        server.start()
    return server


@pytest.fixture
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """Start servers of this test's own; they are killed after it."""
    started: list[Server] = []

    def start(**settings: object) -> Server:
        server = Server(tmp_path_factory.mktemp("own"), **{"SECRET": SECRET, **settings})
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def person(server: Server, people: MakePerson) -> Person:
    """A new user of the shared server."""
    return people(server)


@pytest.fixture
def stranger(server: Server, people: MakePerson) -> Person:
    """Another user of the shared server."""
    return people(server)


@pytest.fixture
async def talk(person: Person) -> Talk:
    """A new chat on the shared server, followed from its beginning."""
    return await person.talk()


@pytest.fixture
def new_talk(people: MakePerson) -> Callable[[Server], Awaitable[Talk]]:
    """Make a new user's new chat on a server of one's own."""

    async def make(server: Server) -> Talk:
        return await people(server).talk()

    return make
