"""The library's application over our log: the same facts, the same folded chat."""

from __future__ import annotations

import pytest
from eventsourcing.persistence import IntegrityError
from tests.eventstore.contract import STORED, TABLES, A
from tests.kit.postgres import drop_database, new_database

from chatstream.domain.events import ChatChanged, UserMessageAdded
from chatstream.domain.user_chat.evolution import fold
from chatstream.eventstore.application import ChatLog, Recorded
from chatstream.eventstore.mapper import encode
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.eventstore.store import Append, Engine, NewEvent

COMMON = {"timestamp": "2026-11-24T00:00:00.000Z", "user_id": "ada"}
FACTS = [
    ChatChanged(event_id="evt_1", status="opened", **COMMON),
    UserMessageAdded(event_id="evt_2", message_id="msg_1", content="Grüße ☀", **COMMON),
    ChatChanged(event_id="evt_3", status="closed", **COMMON),
]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request, tmp_path):
    if request.param == "sqlite":
        yield tmp_path / "chat.db"
    else:
        dsn = new_database()
        yield dsn
        drop_database(dsn)


def engine_on(database) -> Engine:
    on_postgres = isinstance(database, str)
    engine = (PostgresEngine if on_postgres else SqliteEngine)(database, TABLES)
    engine.open()
    return engine


@pytest.fixture
def engine(database):
    engine = engine_on(database)
    events = tuple(encode(fact) for fact in FACTS)
    assert engine.write([Append(A, 0, events)]) == [STORED]
    yield engine
    engine.close()


def test_it_reads_our_facts_beside_the_server(engine, database):
    with ChatLog(database) as chats:
        assert list(chats.facts(A)) == [
            Recorded(A, position, fact) for position, fact in enumerate(FACTS, start=1)
        ]
        assert [item.fact for item in chats.facts(A, upto=2)] == FACTS[:2]
        assert [n.topic for n in chats.recorder.select_notifications(1, 9)] == [
            "chat.1",
            "user.1",
            "chat.1",
        ]


def test_it_replays_a_chat_to_any_position(engine, database):
    with ChatLog(database) as chats:
        assert chats.chat(A) == fold(FACTS)
        assert chats.chat(A).status == "closed"
        assert chats.chat(A, at=2) == fold(FACTS[:2])
        assert chats.chat(A, at=2).status == "open"


def test_a_fact_that_is_not_known_keeps_its_place(engine, database):
    engine.write([Append(A, 3, (NewEvent("from_the_future.1", b'{"type":"x"}', "evt_4"),))])
    with ChatLog(database) as chats:
        assert chats.chat(A).position == 4
        with pytest.raises(ValueError, match="not known"):
            chats.events.put(list(chats.facts(A)))


def test_what_it_stores_without_a_server_a_server_reads(database):
    with ChatLog(database) as chats:
        chats.events.put([Recorded(A, 1, FACTS[0]), Recorded(A, 2, FACTS[1])])
        with pytest.raises(IntegrityError):
            chats.events.put([Recorded(A, 2, FACTS[2])])
    engine = engine_on(database)
    rows = engine.read(A, 0, 10, None)
    assert [(row.position, row.body) for row in rows] == [
        (1, encode(FACTS[0]).body),
        (2, encode(FACTS[1]).body),
    ]
    assert engine.write([Append(A, 2, (encode(FACTS[2]),))]) == [STORED]
    engine.close()
