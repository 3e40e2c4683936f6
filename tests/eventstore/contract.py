"""What every engine promises. A test module for an engine subclasses ``EngineContract``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from chatstream.eventstore.store import (
    PAGE_BYTES,
    Append,
    AppendChain,
    Conflict,
    Engine,
    Failed,
    NewEvent,
    Outcome,
    RowChange,
    Stored,
    StoredRow,
    is_last,
)
from chatstream.ids import ChatId

A, B, C = ChatId("chat_a"), ChatId("chat_b"), ChatId("chat_c")
STORED = Stored()
CONFLICT = Conflict()
# No text column holds it, on any engine: what an agent or a client might sneak past the edge.
UNSTORABLE = "\ud800"


class ReadModel(Struct, frozen=True):
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    ddl: tuple[str, ...]


WORK = ReadModel(
    "work",
    ("chat_id", "turn", "state"),
    ("chat_id", "turn"),
    (
        """CREATE TABLE IF NOT EXISTS work (chat_id TEXT NOT NULL, turn INTEGER NOT NULL,
            state TEXT NOT NULL, PRIMARY KEY (chat_id, turn))""",
        "CREATE INDEX IF NOT EXISTS work_running ON work (chat_id) WHERE state <> 'done'",
    ),
)
SEEN = ReadModel(
    "seen",
    ("id",),
    ("id",),
    ("CREATE TABLE IF NOT EXISTS seen (id TEXT NOT NULL PRIMARY KEY)",),
)
TITLES = ReadModel(
    "titles",
    ("chat_id", "title"),
    ("chat_id",),
    (
        """CREATE TABLE IF NOT EXISTS titles
            (chat_id TEXT NOT NULL PRIMARY KEY, title TEXT NOT NULL UNIQUE)""",
    ),
)
TABLES = (WORK, SEEN, TITLES)


def event(text: str, topic: str = "user.1") -> NewEvent:
    return NewEvent(topic, text.encode(), f"evt_{text[:20]}")


def append(chat_id: ChatId, expected: int, *texts: str, changes=(), rewrite=None) -> Append:
    events = tuple(event(text) for text in texts)
    return Append(chat_id, expected, events, tuple(changes), rewrite)


def work(chat_id: str, turn: int, state: str | None) -> RowChange:
    return RowChange("work", (chat_id, turn), None if state is None else (chat_id, turn, state))


def write(engine: Engine, *appends: Append) -> list[Outcome]:
    return engine.write(appends)


def everything(engine: Engine, chat_id: ChatId) -> list[StoredRow]:
    rows: list[StoredRow] = []
    while page := engine.read(chat_id, rows[-1].position if rows else 0, 1_000, None):
        rows += page
    return rows


def bodies(engine: Engine, chat_id: ChatId) -> list[str]:
    rows = everything(engine, chat_id)
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    return [row.body.decode() for row in rows]


def work_rows(engine: Engine) -> list[tuple]:
    return engine.fetch("SELECT chat_id, turn, state FROM work ORDER BY chat_id, turn", ())


class EngineContract:
    """Subclasses give the fixture ``engine``: open, empty, with ``TABLES``."""

    @contextmanager
    def fresh_engine(self) -> Iterator[Engine]:
        """An open, empty engine beside the fixture's, for each example of a property."""
        raise NotImplementedError

    def test_events_get_the_positions_after_the_expected_one(self, engine):
        assert write(engine, append(A, 0, "one", "two")) == [STORED]
        assert write(engine, append(A, 2, "three")) == [STORED]
        assert bodies(engine, A) == ["one", "two", "three"]

    def test_what_is_read_is_what_was_stored(self, engine):
        write(engine, Append(A, 0, (NewEvent("response.3", b'{"a":1}', "evt_1"),)))
        (row,) = everything(engine, A)
        assert (row.chat_id, row.position, row.topic, row.body) == (A, 1, "response.3", b'{"a":1}')

    def test_an_append_on_an_old_position_conflicts_and_stores_nothing(self, engine):
        write(engine, append(A, 0, "one"))
        assert write(engine, append(A, 0, "other", changes=[work(A, 1, "running")])) == [CONFLICT]
        assert bodies(engine, A) == ["one"]
        assert work_rows(engine) == []

    def test_an_append_beyond_the_newest_position_conflicts(self, engine):
        assert write(engine, append(A, 6, "seven")) == [CONFLICT]
        write(engine, append(A, 0, "one"))
        assert write(engine, append(A, 2, "three")) == [CONFLICT]
        assert bodies(engine, A) == ["one"]

    def test_the_next_append_after_a_conflict_is_stored(self, engine):
        write(engine, append(A, 0, "one"))
        write(engine, append(A, 0, "other"))
        assert write(engine, append(A, 1, "two")) == [STORED]
        assert bodies(engine, A) == ["one", "two"]

    def test_a_batch_stores_a_chain_of_appends_of_one_chat(self, engine):
        chain = [append(A, 0, "one"), append(A, 1, "two", "three"), append(A, 3, "four")]
        assert write(engine, *chain) == [STORED] * 3
        assert bodies(engine, A) == ["one", "two", "three", "four"]

    def test_of_two_appends_for_one_position_in_a_batch_the_first_wins(self, engine):
        assert write(engine, append(A, 0, "first"), append(A, 0, "second")) == [STORED, CONFLICT]
        assert bodies(engine, A) == ["first"]

    def test_what_builds_on_a_failed_append_of_its_batch_conflicts(self, engine):
        bad = append(A, 0, "one", changes=[work(UNSTORABLE, 1, "running")])
        outcomes = write(engine, bad, append(A, 1, "two"), append(B, 0, "one"))
        assert isinstance(outcomes[0], Failed)
        assert outcomes[1:] == [CONFLICT, STORED]
        assert (bodies(engine, A), bodies(engine, B)) == ([], ["one"])

    def test_a_conflict_harms_no_other_append_of_its_batch(self, engine):
        write(engine, append(B, 0, "one"))
        outcomes = write(engine, append(A, 0, "one"), append(B, 0, "x"), append(C, 0, "one"))
        assert outcomes == [STORED, CONFLICT, STORED]
        assert (bodies(engine, A), bodies(engine, C)) == (["one"], ["one"])

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(work(UNSTORABLE, 1, "running"), id="a lone surrogate"),
            pytest.param(work("chat_b", 2**63, "running"), id="an integer of 64 bits"),
            pytest.param(
                RowChange("work", ("chat_b", 1), ("chat_b", 1, None)), id="a missing value"
            ),
            pytest.param(RowChange("no_table", (1,), (1,)), id="an unknown table"),
        ],
    )
    def test_bad_data_harms_no_other_append_of_its_batch(self, engine, change):
        outcomes = write(
            engine,
            append(A, 0, "one", changes=[work(A, 1, "running")]),
            append(B, 0, "bad", changes=[change]),
            append(C, 0, "one"),
        )
        assert outcomes[0] == outcomes[2] == STORED
        assert isinstance(outcomes[1], Failed)
        assert (outcomes[1].code, outcomes[1].doubtful) == ("invalid_content", False)
        assert (bodies(engine, A), bodies(engine, B), bodies(engine, C)) == (["one"], [], ["one"])
        assert work_rows(engine) == [(A, 1, "running")]

    def test_a_topic_that_cannot_be_stored_is_refused_alone(self, engine):
        bad = Append(A, 0, (NewEvent(UNSTORABLE, b"{}", "evt_1"),))
        outcomes = write(engine, bad, append(B, 0, "one"))
        assert isinstance(outcomes[0], Failed)
        assert outcomes[1] == STORED

    def test_the_chat_goes_on_after_its_bad_data_was_refused(self, engine):
        write(engine, append(A, 0, "one"))
        write(engine, append(A, 1, "bad", changes=[work(UNSTORABLE, 1, "running")]))
        assert write(engine, append(A, 1, "two")) == [STORED]
        assert bodies(engine, A) == ["one", "two"]

    def test_a_refusal_does_not_quote_the_content(self, engine):
        (outcome,) = write(engine, append(A, 0, "x", changes=[work(f"canary{UNSTORABLE}", 1, "s")]))
        assert isinstance(outcome, Failed)
        assert "canary" not in outcome.reason

    def test_another_unique_index_is_bad_data_and_no_conflict(self, engine):
        title = RowChange("titles", (A,), (A, "same"))
        assert write(engine, append(A, 0, "one", changes=[title])) == [STORED]
        same = RowChange("titles", (B,), (B, "same"))
        (outcome,) = write(engine, append(B, 0, "one", changes=[same]))
        assert isinstance(outcome, Failed)
        assert engine.fetch("SELECT chat_id, title FROM titles", ()) == [(A, "same")]

    def test_an_empty_batch_is_stored(self, engine):
        assert write(engine) == []

    def test_rows_are_put_changed_and_removed_with_the_events(self, engine):
        changes = [work(A, 1, "running"), work(A, 2, "running"), work(B, 1, "running")]
        write(engine, append(A, 0, "one", changes=changes))
        assert work_rows(engine) == [(A, 1, "running"), (A, 2, "running"), (B, 1, "running")]
        write(engine, append(A, 1, "two", changes=[work(A, 1, "done"), work(A, 2, None)]))
        assert work_rows(engine) == [(A, 1, "done"), (B, 1, "running")]

    def test_the_last_change_of_a_row_in_a_batch_wins(self, engine):
        write(
            engine,
            append(A, 0, "one", changes=[work(A, 1, "running"), work(A, 2, None)]),
            append(A, 1, "two", changes=[work(A, 1, "done"), work(A, 2, "running")]),
            append(B, 0, "one", changes=[work(B, 1, "running")]),
            append(B, 1, "two", changes=[work(B, 1, None)]),
        )
        assert work_rows(engine) == [(A, 1, "done"), (A, 2, "running")]

    def test_a_row_that_is_there_is_gone_even_if_its_batch_changed_it_first(self, engine):
        write(engine, append(A, 0, "one", changes=[work(A, 1, "running")]))
        write(
            engine,
            append(A, 1, "two", changes=[work(A, 1, "restarted")]),
            append(A, 2, "three", changes=[work(A, 1, None)]),
        )
        assert work_rows(engine) == []

    def test_a_row_that_is_nothing_but_its_key_may_come_twice(self, engine):
        seen = RowChange("seen", ("cmd_1",), ("cmd_1",))
        write(engine, append(A, 0, changes=[seen]))
        assert write(engine, append(A, 0, changes=[seen])) == [STORED]
        assert engine.fetch("SELECT id FROM seen", ()) == [("cmd_1",)]

    def test_changes_alone_are_stored_whatever_the_position(self, engine):
        write(engine, append(A, 0, "one"))
        assert write(engine, append(A, 77, changes=[work(A, 1, "running")])) == [STORED]
        assert bodies(engine, A) == ["one"]
        assert work_rows(engine) == [(A, 1, "running")]

    @pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 127, 200])
    def test_any_number_of_rows_fits_a_batch(self, engine, count):
        changes = [work(A, turn, "running") for turn in range(count)]
        texts = [str(number) for number in range(count)]
        assert write(engine, append(A, 0, *texts, changes=changes)) == [STORED]
        assert bodies(engine, A) == texts
        assert len(work_rows(engine)) == count
        gone = [work(A, turn, None) for turn in range(count)]
        write(engine, append(A, count, changes=gone))
        assert work_rows(engine) == []

    def test_without_events_the_position_counts_only_where_it_is_guarded(self, engine):
        write(engine, append(A, 0, "one"))
        free = Append(A, 0, (), (work(A, 1, "free"),))
        guarded = Append(A, 0, (), (work(A, 2, "guarded"),), guarded=True)
        current = Append(A, 1, (), (work(A, 3, "current"),), guarded=True)
        assert write(engine, free, guarded, current) == [STORED, CONFLICT, STORED]
        assert work_rows(engine) == [(A, 1, "free"), (A, 3, "current")]

    def test_an_append_whose_row_is_there_already_conflicts(self, engine):
        def once(chat_id: ChatId, expected: int, *texts: str) -> Append:
            events = tuple(event(text) for text in texts)
            changes = (work(chat_id, 1, "done"),)
            return Append(chat_id, expected, events, changes, unless=("work", (chat_id, 1)))

        assert write(engine, once(A, 0), once(A, 0), once(B, 0, "b")) == [STORED, CONFLICT, STORED]
        assert write(engine, once(A, 0, "a"), once(B, 1)) == [CONFLICT, CONFLICT]
        assert (bodies(engine, A), bodies(engine, B)) == ([], ["b"])

    def test_a_row_that_its_batch_removed_first_does_not_conflict(self, engine):
        write(engine, append(A, 0, changes=[work(A, 1, "done")]))
        gone = append(A, 0, changes=[work(A, 1, None)])
        once = Append(A, 0, (), (work(A, 1, "again"),), unless=("work", (A, 1)))
        assert write(engine, gone, once) == [STORED, STORED]
        assert work_rows(engine) == [(A, 1, "again")]

    def test_a_refusal_that_is_taken_back_breaks_no_chain(self, engine):
        bad = append(A, 0, "bad", changes=[work(UNSTORABLE, 1, "running")])
        chain = AppendChain()
        first, second = (Append(A, at, (event(str(at)),), chain=chain) for at in (0, 1))
        outcomes = write(engine, bad, first, second)
        assert isinstance(outcomes[0], Failed)
        assert outcomes[1:] == [STORED, STORED]
        assert bodies(engine, A) == ["0", "1"]

    def test_what_builds_on_a_lost_append_is_lost_even_where_others_filled_its_place(self, engine):
        chain = AppendChain()
        write(engine, append(A, 0, "one", "of another"))
        first, second, third = (
            Append(A, expected, (event(text),), chain=chain)
            for expected, text in ((0, "mine"), (2, "builds on it"), (2, "and this"))
        )
        assert write(engine, first, second) == [CONFLICT, CONFLICT]
        assert write(engine, third) == [CONFLICT]
        assert bodies(engine, A) == ["one", "of another"]

    def test_what_builds_on_bad_data_is_lost(self, engine):
        chain = AppendChain()
        bad = Append(A, 0, (NewEvent(UNSTORABLE, b"x", "evt_x"),), chain=chain)
        good = Append(A, 0, (event("good"),), chain=chain)
        assert isinstance(write(engine, bad)[0], Failed)
        assert write(engine, good, append(B, 0, "beside it")) == [CONFLICT, STORED]

    def test_a_rewrite_changes_every_event_up_to_the_expected_position(self, engine):
        write(engine, append(A, 0, "secret one", "secret two"), append(B, 0, "secret b"))

        def rewrite(topic: str, body: bytes) -> bytes:
            return body.replace(b"secret", topic.encode())

        assert write(engine, append(A, 2, "secret but new", rewrite=rewrite)) == [STORED]
        assert bodies(engine, A) == ["user.1 one", "user.1 two", "secret but new"]
        assert bodies(engine, B) == ["secret b"]

    def test_a_rewrite_reaches_events_of_its_own_batch(self, engine):
        outcomes = write(
            engine,
            append(A, 0, "secret"),
            append(A, 1, "erased", rewrite=lambda _, __: b"gone"),
            append(A, 2, "later"),
        )
        assert outcomes == [STORED] * 3
        assert bodies(engine, A) == ["gone", "erased", "later"]

    def test_a_rewrite_keeps_log_ids_and_reaches_a_long_chat(self, engine):
        count = 1_203
        write(engine, append(A, 0, *(str(number) for number in range(count))))
        before = [row.log_id for row in everything(engine, A)]
        write(engine, append(A, count, "erased", rewrite=lambda _, __: b"gone"))
        rows = everything(engine, A)
        assert [row.log_id for row in rows[:-1]] == before
        assert {row.body for row in rows[:-1]} == {b"gone"}

    def test_a_conflicting_erasure_rewrites_nothing(self, engine):
        write(engine, append(A, 0, "one", "two"))
        late = append(A, 1, "erased", rewrite=lambda _, __: b"gone")
        assert write(engine, late) == [CONFLICT]
        assert bodies(engine, A) == ["one", "two"]

    def test_a_rewrite_alone_stands_at_the_newest_position_as_well(self, engine):
        write(engine, append(A, 0, "one", "two"))
        for late in (
            append(A, 1, rewrite=lambda _, __: b""),
            append(A, 3, rewrite=lambda _, __: b""),
        ):
            assert write(engine, late, append(B, 0)) == [CONFLICT, STORED]
        assert bodies(engine, A) == ["one", "two"]
        assert write(engine, append(A, 2, rewrite=lambda _, __: b"gone")) == [STORED]
        assert bodies(engine, A) == ["gone", "gone"]

    def test_a_rewrite_that_raises_refuses_its_append_alone(self, engine):
        def rewrite(topic: str, body: bytes) -> bytes:
            raise RuntimeError("no such form")

        write(engine, append(A, 0, "one"))
        bad = append(A, 1, "erased", rewrite=rewrite)
        outcomes = write(engine, bad, append(B, 0, "one"))
        assert isinstance(outcomes[0], Failed)
        assert outcomes[1] == STORED
        assert bodies(engine, A) == ["one"]

    def test_pages_are_read_from_the_oldest_and_from_the_newest(self, engine):
        write(engine, append(A, 0, *"abcdefgh"))

        def read(after, limit, upto=None, *, newest=False):
            rows = engine.read(A, after, limit, upto, newest=newest)
            return "".join(row.body.decode() for row in rows)

        assert read(0, 3) == "abc"
        assert read(3, 3) == "def"
        assert read(6, 10) == "gh"
        assert read(8, 10) == read(0, 0) == read(500, 10) == ""
        assert read(2, 10, 5) == "cde"
        assert read(2, 2, 5) == "cd"
        assert read(0, 3, newest=True) == "fgh"
        assert read(0, 3, 5, newest=True) == "cde"
        assert read(3, 3, 5, newest=True) == "de"

    def test_a_page_ends_with_the_event_that_fills_it(self, engine):
        half = "x" * (PAGE_BYTES // 2)
        write(engine, append(A, 0, "1", half, half, "4", f"{half}{half}", f"{half}{half}", "7"))

        def read(after, limit=100, upto=None, *, newest=False):
            rows = engine.read(A, after, limit, upto, newest=newest)
            return [row.position for row in rows], is_last(rows, limit)

        assert read(0) == ([1, 2, 3], False)
        assert read(0, 2) == ([1, 2], False)
        assert read(3) == ([4, 5], False)
        assert read(5) == ([6], False)
        assert read(6) == ([7], True)
        assert read(0, newest=True) == ([6, 7], False)
        assert read(0, upto=4, newest=True) == ([2, 3, 4], False)
        assert read(0, upto=2, newest=True) == ([1, 2], True)

    def test_a_chat_that_is_not_there_reads_as_empty(self, engine):
        assert everything(engine, A) == []

    def test_log_ids_rise_in_the_order_of_the_batches(self, engine):
        for batch in ([append(B, 0, "b1"), append(A, 0, "a1", "a2")], [append(B, 1, "b2")]):
            write(engine, *batch)
        rows = everything(engine, A) + everything(engine, B)
        in_log = [row.body for row in sorted(rows, key=lambda row: row.log_id)]
        assert in_log == [b"b1", b"a1", b"a2", b"b2"]

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param("żółć 漢字 👩‍👩‍👧‍👦 \u202e bidi \ufffe e\u0301".encode(), id="unicode"),
            pytest.param(b"\x00 before and after \x00", id="NUL"),
            pytest.param(bytes(range(256)), id="all bytes"),
            pytest.param(b"", id="empty"),
            pytest.param(b"x" * 5_000_000, id="five megabytes"),
        ],
    )
    def test_a_body_is_any_bytes(self, engine, body):
        assert engine.write([Append(A, 0, (NewEvent("user.1", body, "evt_1"),))]) == [STORED]
        assert everything(engine, A)[0].body == body

    def test_text_in_rows_is_any_text(self, engine):
        text = "żółć 漢字 👩‍👩‍👧‍👦 \u202e'); DROP TABLE work; --"
        write(engine, append(A, 0, "one", changes=[work(text, 1, text)]))
        assert work_rows(engine) == [(text, 1, text)]

    def test_fetch_takes_parameters(self, engine):
        write(engine, append(A, 0, "one", changes=[work(A, turn, str(turn)) for turn in range(4)]))
        rows = engine.fetch("SELECT turn FROM work WHERE chat_id = ? AND turn > ?", (A, 1))
        assert sorted(rows) == [(2,), (3,)]

    def test_a_healthy_database_passes_the_probe(self, engine):
        engine.probe()
        assert write(engine, append(A, 0, "one")) == [STORED]

    @settings(suppress_health_check=[HealthCheck.differing_executors])
    @given(data=st.data())
    def test_random_batches_do_what_a_dict_does(self, data):
        batches = data.draw(st.lists(st.lists(random_appends(), max_size=6), max_size=6))
        with self.fresh_engine() as engine:
            model = Model()
            for batch in batches:
                expected = [model.write(one) for one in batch]
                outcomes = engine.write([one.as_append(model) for one in batch])
                assert [kind_of(outcome) for outcome in outcomes] == expected
            for chat_id in (A, B):
                assert [row.body for row in everything(engine, chat_id)] == model.log[chat_id]
            assert work_rows(engine) == sorted(model.rows.values())


class RandomAppend(Struct):
    chat_id: ChatId
    skew: int
    texts: list[str]
    changes: list[tuple[int, str | None]]
    is_bad: bool
    erases: bool
    expected: int = 0

    def as_append(self, model: Model) -> Append:
        changes = [work(self.chat_id, turn, state) for turn, state in self.changes]
        if self.is_bad:
            changes.append(work(UNSTORABLE, 0, "x"))
        rewrite = (lambda _, __: b"") if self.erases else None
        return append(self.chat_id, self.expected, *self.texts, changes=changes, rewrite=rewrite)


class Model:
    """The contract in ten lines: what a batch does, one append after the other."""

    def __init__(self) -> None:
        self.log: dict[ChatId, list[bytes]] = {A: [], B: []}
        self.rows: dict[tuple[str, int], tuple] = {}

    def write(self, one: RandomAppend) -> str:
        log = self.log[one.chat_id]
        one.expected = max(0, len(log) + one.skew)
        if (one.texts or one.erases) and one.expected != len(log):
            return "conflict"
        if one.is_bad:
            return "invalid_content"
        if one.erases:
            log[: one.expected] = [b""] * len(log[: one.expected])
        log += [text.encode() for text in one.texts]
        for turn, state in one.changes:
            self.rows.pop((one.chat_id, turn), None)
            if state is not None:
                self.rows[one.chat_id, turn] = (one.chat_id, turn, state)
        return "stored"


def random_appends():
    return st.builds(
        RandomAppend,
        chat_id=st.sampled_from([A, B]),
        skew=st.sampled_from([0, 0, 0, 0, -1, 1]),
        texts=st.lists(st.text("abc", max_size=3), max_size=3),
        changes=st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from(["x", "y", None])), max_size=3
        ),
        is_bad=st.sampled_from([False] * 9 + [True]),
        erases=st.sampled_from([False] * 7 + [True]),
    )


def kind_of(outcome: Outcome) -> str:
    match outcome:
        case Stored():
            return "stored"
        case Conflict():
            return "conflict"
        case Failed():
            return outcome.code
