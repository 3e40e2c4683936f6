"""``EventStore`` and its group-commit writer, with real threads."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest
from tests.eventstore.contract import CONFLICT, STORED, TABLES, A, append, work
from tests.eventstore.engines import Gate, TroubledEngine, broken

from chatstream.errors import ConfigurationError, Refused
from chatstream.eventstore import log as eventstore_log
from chatstream.eventstore.log import EventStore
from chatstream.eventstore.sqlite.engine import SqliteEngine
from chatstream.eventstore.store import Append, Failed, Outcome
from chatstream.eventstore.writer import Batch
from chatstream.ids import ChatId

LONG = 10.0


@pytest.fixture
def engine():
    return TroubledEngine()


@pytest.fixture
async def store(engine):
    store = EventStore(engine)
    await store.start()
    yield store
    engine.trouble = lambda: None
    await store.close()


def sent(store: EventStore, *appends: Append) -> asyncio.Future[list[Outcome]]:
    """Append all at once; the outcomes in the order in which they came."""
    answered: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
    outcomes: list[Outcome] = []

    def done(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == len(appends):
            answered.set_result(outcomes)

    for one in appends:
        store.append(one, done)
    return answered


async def outcomes_of(store: EventStore, *appends: Append) -> list[Outcome]:
    return await asyncio.wait_for(sent(store, *appends), LONG)


async def reached(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.is_reached, LONG)


async def handed_over() -> None:
    """The writer's thread has what was sent: it gets it one loop iteration after the append."""
    for _ in range(2):
        await asyncio.sleep(0)


def chat(number: int) -> ChatId:
    return ChatId(f"chat_{number}")


async def test_an_append_is_stored_and_read(store):
    assert await outcomes_of(store, append(A, 0, "one", "two")) == [STORED]
    assert [row.body for row in await store.read(A, 0, 10)] == [b"one", b"two"]
    assert [row.body for row in await store.read(A, 0, 1, newest=True)] == [b"two"]
    assert [row.body for row in await store.read(A, 0, 9, 1)] == [b"one"]


async def test_rows_are_fetched(store):
    await outcomes_of(store, append(A, 0, "one", changes=[work(A, 1, "running")]))
    assert await store.fetch("SELECT state FROM work WHERE chat_id = ?", (A,)) == [("running",)]


async def test_positions_beyond_any_column_read_as_empty(store):
    await outcomes_of(store, append(A, 0, "one"))
    assert await store.read(A, 2**70, 10) == []
    assert len(await store.read(A, 0, 2**70, 2**70)) == 1


async def test_appends_of_one_loop_iteration_are_one_batch_and_answered_in_order(engine, store):
    chain = [append(A, position, str(position)) for position in range(50)]
    assert await outcomes_of(store, *chain, append(A, 7, "late")) == [STORED] * 50 + [CONFLICT]
    assert engine.batches == [51]


async def test_what_waits_while_a_batch_is_written_is_the_next_batch(engine, store):
    gate = engine.trouble = Gate()
    first = sent(store, append(chat(0), 0, "one"))
    await reached(gate)
    later = [sent(store, append(chat(number), 0, "one")) for number in range(1, 20)]
    await handed_over()
    gate.open()
    await asyncio.wait_for(asyncio.gather(first, *later), LONG)
    assert engine.batches == [1, 19]


async def test_a_batch_holds_about_512_events(engine, store):
    many = [append(chat(number), 0, *"abcdefgh") for number in range(200)]
    assert await outcomes_of(store, *many) == [STORED] * 200
    assert engine.batches == [64, 64, 64, 8]


async def test_the_hooks_are_called_once_a_batch_after_its_outcomes(engine):
    seen: list[object] = []
    store = EventStore(engine, seen.append)
    await store.start(on_batch=lambda: seen.append("batch"))
    store.append(append(A, 0, "one", "two"), seen.append)
    store.append(append(A, 9, "x"), seen.append)
    await store.close()
    await asyncio.sleep(0)
    assert seen[:2] == [STORED, CONFLICT]
    assert isinstance(seen[2], Batch)
    assert (seen[2].appends, seen[2].events) == (2, 3)
    assert 0 < seen[2].seconds < LONG
    assert seen[3:] == ["batch"]


async def test_outcomes_come_on_the_loop_and_never_within_append(store):
    threads: list[str] = []
    answered = asyncio.Event()

    def done(_: Outcome) -> None:
        threads.append(threading.current_thread().name)
        answered.set()

    store.append(append(A, 0, "one"), done)
    assert threads == []
    await asyncio.wait_for(answered.wait(), LONG)
    assert threads == [threading.current_thread().name]


async def test_the_store_uses_threads_of_its_own(engine, store):
    await outcomes_of(store, append(A, 0, "one"))
    await store.read(A, 0, 1)
    assert "chatstream-writer" in engine.threads
    assert all(name.startswith("chatstream-") for name in engine.threads)


async def test_the_loop_runs_while_a_transaction_is_stuck(engine, store):
    assert (store.depth, store.stuck_seconds) == (0, 0.0)
    gate = engine.trouble = Gate()
    waiting = sent(store, append(A, 0, "one"))
    await reached(gate)
    first = store.stuck_seconds
    await asyncio.sleep(0.02)
    assert store.stuck_seconds > first
    assert store.depth == 1
    gate.open()
    assert await asyncio.wait_for(waiting, LONG) == [STORED]
    assert (store.depth, store.stuck_seconds) == (0, 0.0)


async def test_a_full_queue_is_overloaded_and_then_takes_appends_again(engine, store):
    gate = engine.trouble = Gate()
    many = [append(chat(number), 0, "x") for number in range(10_000)]
    accepted = sent(store, *many)
    assert await outcomes_of(store, append(A, 0, "one")) == [
        Failed("overloaded", doubtful=False, reason="too many appends wait")
    ]
    gate.open()
    assert await asyncio.wait_for(accepted, 30) == [STORED] * 10_000
    assert await outcomes_of(store, append(A, 0, "one")) == [STORED]


async def test_an_engine_that_raises_answers_its_batch_and_the_writer_goes_on(engine, store):
    engine.trouble = broken
    (outcome,) = await outcomes_of(store, append(A, 0, "one"))
    assert (outcome.code, outcome.doubtful) == ("unavailable", True)
    engine.trouble = lambda: None
    assert await outcomes_of(store, append(A, 0, "one")) == [STORED]


async def test_all_that_waits_behind_a_failure_is_answered_with_it(engine, store):
    gate = Gate()

    def fails() -> None:
        gate()
        broken()

    engine.trouble = fails
    first = sent(store, append(chat(0), 0, "x"))
    await reached(gate)
    behind = sent(store, *(append(chat(number), 0, "x") for number in range(1, 2_000)))
    await handed_over()
    gate.open()
    await asyncio.wait_for(first, LONG)
    outcomes = await asyncio.wait_for(behind, LONG)
    assert {(outcome.code, outcome.doubtful) for outcome in outcomes} == {("unavailable", False)}
    assert engine.batches == [1]
    assert store.depth == 0


async def test_a_conflict_or_bad_data_alone_is_no_failure_of_the_database(engine, store):
    gate = engine.trouble = Gate()
    first = sent(store, append(A, 5, "gap"), append(A, 0, "x", changes=[work("\ud800", 1, "x")]))
    await reached(gate)
    behind = sent(store, append(A, 0, "one"))
    await handed_over()
    gate.open()
    conflict, refused = await asyncio.wait_for(first, LONG)
    assert conflict == CONFLICT
    assert refused.code == "invalid_content"
    assert await asyncio.wait_for(behind, LONG) == [STORED]


async def test_an_engine_that_miscounts_is_taken_for_broken(engine, store, monkeypatch):
    monkeypatch.setattr(engine, "write", lambda batch: [])
    (outcome,) = await outcomes_of(store, append(A, 0, "one"))
    assert (outcome.code, outcome.doubtful) == ("unavailable", True)


async def test_a_callback_that_raises_takes_no_answer_from_the_others(store, caplog):
    def raises(_: Outcome) -> None:
        raise RuntimeError("a caller's bug")

    store.append(append(chat(1), 0, "one"), raises)
    with caplog.at_level(logging.ERROR):
        assert await outcomes_of(store, append(chat(2), 0, "one")) == [STORED]
    assert "a caller's bug" in caplog.text


async def test_closing_stores_and_answers_what_waits(tmp_path):
    store = EventStore(SqliteEngine(tmp_path / "chat.db", TABLES))
    await store.start()
    waiting = sent(store, *(append(chat(number), 0, "one") for number in range(1_000)))
    await store.close()
    assert await asyncio.wait_for(waiting, LONG) == [STORED] * 1_000


async def test_a_closed_store_refuses_appends_and_reads(engine):
    store = EventStore(engine)
    await store.start()
    await store.close()
    (outcome,) = await outcomes_of(store, append(A, 0, "one"))
    assert (outcome.code, outcome.doubtful) == ("unavailable", False)
    with pytest.raises(Refused, match="unavailable"):
        await store.read(A, 0, 1)


async def test_closing_ends_the_threads_and_closes_the_engine_last(engine):
    store = EventStore(engine)
    await store.start()
    await store.read(A, 0, 1)
    await asyncio.gather(store.close(), asyncio.sleep(0))
    assert engine.is_closed
    names = {thread.name for thread in threading.enumerate()}
    assert not any(name.startswith("chatstream-") for name in names)


async def test_a_store_that_never_started_can_be_closed(engine):
    await EventStore(engine).close()
    assert engine.is_closed


async def test_a_failed_start_says_why(tmp_path):
    (tmp_path / "chat.db").write_text("buy milk\n" * 1000)
    store = EventStore(SqliteEngine(tmp_path / "chat.db", TABLES))
    with pytest.raises(ConfigurationError, match=r"chat\.db"):
        await store.start()
    await store.close()


async def test_a_read_that_fails_is_unavailable(engine, store):
    engine.trouble = broken
    with pytest.raises(Refused) as refused:
        await store.read(A, 0, 1)
    assert refused.value.code == "unavailable"
    assert "disk I/O error" in (await store.probe() or "")
    engine.trouble = lambda: None
    assert await store.probe() is None


async def test_who_asks_behind_others_that_hang_gets_an_answer(engine, store, monkeypatch):
    monkeypatch.setattr(eventstore_log, "_LONGEST_ANSWER_S", 0.05)
    engine.trouble = gate = Gate()
    asked = [asyncio.ensure_future(store.read(A, 0, 10)) for _ in range(20)]
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(answer, Refused)
        assert answer.code == "unavailable"
    gate.open()
    monkeypatch.undo()
    assert await store.read(A, 0, 10) == []


async def test_a_cancelled_reader_harms_nobody(engine, store):
    gate = engine.trouble = Gate()
    reading = asyncio.create_task(store.read(A, 0, 1))
    await reached(gate)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    gate.open()
    assert await store.read(A, 0, 1) == []
