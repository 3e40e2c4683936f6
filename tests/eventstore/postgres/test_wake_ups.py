"""What the engine tells the other nodes of its commits."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.eventstore.contract import STORED, TABLES, A, B, append, write

from chatstream.cluster.sealed_bus import SealedWakeUps
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.eventstore.store import Append, NewEvent
from chatstream.ids import ChatId
from chatstream.security.sealing import Opener, channel_of
from chatstream.timestamps import now_ms

pytestmark = pytest.mark.postgres
SECRET = "the secret of the nodes"


class Listener:
    """Another node, as far as wake-ups go."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._opener = Opener(channel_of(SECRET, "wakes"), now_ms)
        connection.execute(f"LISTEN {channel_of(SECRET, 'wakes').name}")

    def heard(self) -> list[str]:
        """What was said until now; a commit of one's own comes after it."""
        self._connection.execute("SELECT 1")
        return [self._opener.open(one.payload) for one in self._connection.notifies(timeout=0)]


@pytest.fixture
def engine(database: str) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(database, TABLES)
    engine.open()
    yield engine
    engine.close()


@pytest.fixture
def listener(database: str) -> Iterator[Listener]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield Listener(connection)


@pytest.fixture
def announced(engine: PostgresEngine) -> PostgresEngine:
    engine.sharing.announce_by(SealedWakeUps(SECRET, now_ms))
    return engine


def test_nothing_is_told_before_the_secret_is_known(engine, listener):
    write(engine, append(A, 0, "one"))
    assert listener.heard() == []


def test_a_commit_tells_how_far_it_took_each_chat(announced, listener):
    write(announced, append(A, 0, "one", "two"), append(B, 0, "one"), append(A, 2, "three"))
    assert listener.heard() == [f"{announced.sharing.node_id} {A}:3 {B}:1"]


def test_an_erasure_is_told(announced, listener):
    write(announced, append(A, 0, "one"))
    listener.heard()
    assert write(announced, append(A, 1, rewrite=lambda _, body: body)) == [STORED]
    assert listener.heard() == [f"{announced.sharing.node_id} {A}:1"]


def test_what_stores_nothing_tells_nothing(announced, listener):
    write(announced, Append(A, 0, ()))
    assert listener.heard() == []


@pytest.mark.parametrize("count", [80, 150, 300])
def test_many_chats_fit_sealed(announced, listener, count: int):
    chats = [ChatId(f"{number:064}") for number in range(count)]
    batch = [Append(chat, 0, (NewEvent("t", b"{}", chat),)) for chat in chats]
    assert write(announced, *batch) == [STORED] * count
    told = [chat.partition(":")[0] for text in listener.heard() for chat in text.split(" ")[1:]]
    assert told == chats


def test_of_very_many_the_log_tells(announced, listener):
    batch = [
        Append(ChatId(f"{number:064}"), 0, (NewEvent("t", b"{}", f"e{number}"),))
        for number in range(400)
    ]
    write(announced, *batch)
    assert listener.heard() == [f"{announced.sharing.node_id} *"]
