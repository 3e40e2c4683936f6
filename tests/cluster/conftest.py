"""Several real server processes on one real PostgreSQL."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.kit.people import people
from tests.kit.postgres import drop_database, new_database
from tests.kit.server import SECRET, Server

LEASE_S = 1.5
SETTINGS = {"SECRET": SECRET, "RATE_LIMIT": 0, "NODE_LEASE": LEASE_S, "DRAIN": 3, "MAX_ATTEMPTS": 9}


class NodeProcess(Server):
    """One node: a server on a database that others have too; agents' gates are everybody's."""

    def __init__(self, folder: Path, database: str, gates: Path, **settings: object) -> None:
        super().__init__(folder, database=database, **{**SETTINGS, **settings})
        self.gates = gates

    def stop(self) -> None:
        """SIGSTOP: it answers nobody, but its sockets stand."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)


class Nodes:
    """The nodes of one database; ``add`` starts one more."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.database = new_database()
        self.settings = settings
        self.all: list[NodeProcess] = []
        (folder / "gates").mkdir()

    def add(self, **settings: object) -> NodeProcess:
        """Start a node."""
        folder = self.folder / str(len(self.all))
        gates = self.folder / "gates"
        node = NodeProcess(folder, self.database, gates, **{**self.settings, **settings})
        self.all.append(node)
        node.start()
        return node

    def end(self) -> None:
        """Kill all, drop the database."""
        for node in self.all:
            node.kill()
        drop_database(self.database)


Launch = Callable[..., Nodes]
__all__ = ["people"]  # a fixture


@pytest.fixture(scope="session")
def shared_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    nodes = Nodes(tmp_path_factory.mktemp("pair"))
    try:
        nodes.add()
        nodes.add()
        yield nodes
    finally:
        nodes.end()


@pytest.fixture
def pair(shared_pair: Nodes) -> tuple[NodeProcess, NodeProcess]:
    """Two nodes that no test harms."""
    one, other = shared_pair.all
    return one, other


@pytest.fixture
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """Databases of this test's own, with so many nodes, that may be harmed."""
    made: list[Nodes] = []

    def start(count: int = 2, **settings: object) -> Nodes:
        nodes = Nodes(tmp_path_factory.mktemp("nodes"), **settings)
        made.append(nodes)
        for _ in range(count):
            nodes.add()
        return nodes

    yield start
    for nodes in made:
        nodes.end()
