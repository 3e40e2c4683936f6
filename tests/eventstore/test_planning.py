"""A batch does what its appends would do one after the other."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from tests.eventstore.contract import CONFLICT, STORED, A, B, C, append, event, work

from chatstream.eventstore.planning import (
    by_table,
    heads_to_read,
    plan_batch,
    rows_to_find,
)
from chatstream.eventstore.store import Append, AppendChain, Outcome, RowChange, RowKey
from chatstream.ids import ChatId

ONCE: RowKey = ("work", (A, 1))
NO_ROWS: frozenset[RowKey] = frozenset()


def no_body(_: str, __: bytes) -> bytes:
    return b""


def outcomes_of(
    *appends: Append,
    heads: dict[ChatId, int] | None = None,
    rows_there: AbstractSet[RowKey] = NO_ROWS,
) -> list[Outcome]:
    return plan_batch(appends, heads or {A: 0, B: 0}, rows_there).outcomes


def test_appends_of_a_chat_go_on_from_one_another():
    plan = plan_batch([append(A, 3, "x", "y"), append(A, 5, "z")], {A: 3}, NO_ROWS)
    assert plan.outcomes == [STORED, STORED]
    assert plan.heads == {A: 6}


def test_an_append_beside_the_head_is_refused_and_moves_nothing():
    heads = {A: 3}
    plan = plan_batch([append(A, 2, "x"), append(A, 4, "y"), append(A, 3, "z")], heads, NO_ROWS)
    assert plan.outcomes == [CONFLICT, CONFLICT, STORED]
    assert [one.expected_position for one in plan.accepted] == [3]
    assert plan.heads == {A: 4}


def test_a_plan_changes_nothing_but_itself():
    heads, chain = {A: 3}, AppendChain()
    refused = Append(A, 2, (event("x"),), chain=chain)
    plan = plan_batch([refused, append(A, 3, "y")], heads, NO_ROWS)
    assert heads == {A: 3}
    assert not chain.is_broken
    assert plan_batch([refused, append(A, 3, "y")], heads, NO_ROWS) == plan


def test_changes_alone_need_no_head_and_move_none():
    free = append(C, 7, changes=[work(C, 1, "free")])
    assert heads_to_read([free], {}) == []
    plan = plan_batch([free], {}, NO_ROWS)
    assert (plan.outcomes, plan.heads) == ([STORED], {})


def test_a_guarded_append_is_checked_and_moves_nothing():
    def guarded(expected: int) -> Append:
        return Append(A, expected, (), (), guarded=True)

    plan = plan_batch([guarded(0), guarded(1), append(A, 0, "x"), guarded(1)], {A: 0}, NO_ROWS)
    assert plan.outcomes == [STORED, CONFLICT, STORED, STORED]
    assert plan.heads == {A: 1}


def test_a_row_that_must_not_be_there_is_looked_for_in_the_database_and_in_the_batch():
    once = Append(A, 0, (), (work(A, 1, "done"),), unless=ONCE)
    assert outcomes_of(once, rows_there={ONCE}) == [CONFLICT]
    assert outcomes_of(once, once) == [STORED, CONFLICT]


def test_a_row_that_the_batch_removes_is_there_no_more():
    gone = append(A, 0, changes=[work(A, 1, None)])
    once = Append(A, 0, (), (work(A, 1, "done"),), unless=ONCE)
    assert outcomes_of(gone, once, rows_there={ONCE}) == [STORED, STORED]


def test_what_builds_on_a_refused_append_is_refused_though_its_place_is_right():
    chain = AppendChain()
    late, next_one = (Append(A, expected, (event("x"),), chain=chain) for expected in (0, 2))
    assert outcomes_of(late, next_one, append(B, 0, "y"), heads={A: 2, B: 0}) == [
        CONFLICT,
        CONFLICT,
        STORED,
    ]


def test_a_chain_breaks_for_good_once_its_refusal_is_carried_out():
    lost, whole = AppendChain(), AppendChain()
    plan = plan_batch(
        [Append(A, 9, (event("x"),), chain=lost), Append(B, 0, (event("y"),), chain=whole)],
        {A: 0, B: 0},
        NO_ROWS,
    )
    plan.break_chains()
    assert (lost.is_broken, whole.is_broken) == (True, False)
    assert outcomes_of(Append(A, 0, (event("x"),), chain=lost)) == [CONFLICT]


def test_an_erasure_reaches_up_to_its_position_and_tells_of_its_chat():
    erasure = append(A, 2, rewrite=no_body)
    plan = plan_batch([erasure, append(A, 1, rewrite=no_body)], {A: 2}, NO_ROWS)
    assert plan.outcomes == [STORED, CONFLICT]
    (rewrite,) = plan.rewrites
    assert (rewrite.chat_id, rewrite.upto_position, rewrite.body_of) == (A, 2, no_body)
    assert plan.heads == {A: 2}


def test_the_last_change_of_a_row_is_the_only_one_written():
    plan = plan_batch(
        [
            append(A, 0, changes=[work(A, 1, "running"), work(A, 2, None), work(A, 3, "x")]),
            append(A, 9, "refused", changes=[work(A, 3, "y")]),
            append(A, 0, changes=[work(A, 1, None), work(A, 2, "running")]),
            append(A, 0, changes=[RowChange("seen", ("id",), ("id",))]),
        ],
        {A: 0},
        NO_ROWS,
    )
    removed, put = by_table(plan.changes)
    assert removed == {"work": [(A, 1)]}
    assert put == {"work": [(A, 2, "running"), (A, 3, "x")], "seen": [("id",)]}


def test_each_head_and_row_is_asked_for_once_and_only_where_it_counts():
    lost = AppendChain()
    lost.is_broken = True
    batch = [
        append(A, 0, "x"),
        append(A, 1, "y"),
        append(B, 0, "known"),
        Append(A, 2, (), (), unless=ONCE),
        Append(A, 2, (), (), unless=ONCE),
        Append(C, 0, (event("lost"),), chain=lost, unless=("work", (C, 1))),
    ]
    assert heads_to_read(batch, {B: 0}) == [A]
    assert rows_to_find(batch) == [ONCE]


class OneAtATime:
    """A database to which appends are made one after the other."""

    def __init__(self, heads: dict[ChatId, int], rows: dict[RowKey, tuple]) -> None:
        self.heads, self.rows = dict(heads), dict(rows)
        self.erasures: list[tuple[ChatId, int]] = []
        self.events: list[tuple[ChatId, int]] = []
        self.broken: set[int] = set()

    def write(self, one: Append) -> Outcome:
        at_head = self.heads[one.chat_id] == one.expected_position
        is_bound = bool(one.events) or one.guarded or one.rewrite is not None
        if id(one.chain) in self.broken or one.unless in self.rows or (is_bound and not at_head):
            self.broken |= {id(one.chain)} if one.chain is not None else set()
            return CONFLICT
        for _ in one.events:
            self.heads[one.chat_id] += 1
            self.events.append((one.chat_id, self.heads[one.chat_id]))
        if one.rewrite is not None:
            self.erasures.append((one.chat_id, one.expected_position))
        self.put(one.changes)
        return STORED

    def put(self, changes: tuple[RowChange, ...]) -> None:
        for change in changes:
            self.rows.pop((change.table, change.key), None)
            if change.row is not None:
                self.rows[change.table, change.key] = change.row


class Start(Struct):
    heads: dict[ChatId, int]
    rows: dict[RowKey, tuple]
    batch: list[Append]


ROWS = st.sampled_from([("work", (chat_id, turn)) for chat_id in (A, B) for turn in (1, 2)])


@st.composite
def starts(draw: st.DrawFn) -> Start:
    heads = {A: draw(st.integers(0, 2)), B: draw(st.integers(0, 2))}
    rows = {row: (*row[1], "before") for row in draw(st.sets(ROWS))}
    chains = st.sampled_from([None, None, AppendChain(), AppendChain()])
    changes = st.builds(
        lambda row, state: RowChange(*row, state and (*row[1], state)),
        ROWS,
        st.sampled_from(["x", "y", None]),
    )
    appends = st.builds(
        Append,
        chat_id=st.sampled_from([A, B]),
        expected_position=st.integers(0, 5),
        events=st.integers(0, 2).map(lambda count: (event("x"),) * count),
        changes=st.lists(changes, max_size=2).map(tuple),
        rewrite=st.sampled_from([None, None, None, no_body]),
        guarded=st.booleans(),
        unless=st.one_of(st.none(), st.none(), ROWS),
        chain=chains,
    )
    return Start(heads, rows, draw(st.lists(appends, max_size=8)))


@given(starts())
def test_a_batch_does_what_its_appends_do_one_after_the_other(start: Start):
    model = OneAtATime(start.heads, start.rows)
    expected = [model.write(one) for one in start.batch]

    known = {chat_id: start.heads[chat_id] for chat_id in heads_to_read(start.batch, {})}
    there = {row for row in rows_to_find(start.batch) if row in start.rows}
    plan = plan_batch(start.batch, known, there)

    assert plan.outcomes == expected
    assert start.heads | plan.heads == model.heads
    assert [(one.chat_id, one.upto_position) for one in plan.rewrites] == model.erasures
    assert model.events == [
        (one.chat_id, position)
        for one in plan.accepted
        for position, _ in enumerate(one.events, one.expected_position + 1)
    ]
    assert {id(chain) for chain in plan.broken} == model.broken
    assert rows_after(start, plan.changes) == model.rows


def rows_after(start: Start, changes: dict) -> dict:
    removed, put = by_table(changes)
    rows = dict(start.rows)
    for table, keys in removed.items():
        for key in keys:
            rows.pop((table, key), None)
    for table, written in put.items():
        rows |= {(table, row[:2]): row for row in written}
    return rows
