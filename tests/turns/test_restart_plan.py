"""Whom a crash is counted against, and in which order turns are restarted: by cases, and by whole
lives of a process that one of its turns kills again and again."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from chatstream.ids import ChatId
from chatstream.turns.restart_plan import (
    APART_MS,
    QUICK_MS,
    UNKNOWN_AT_MOST,
    YOUNG_MS,
    CutOff,
    RestartPlan,
    plan_restarts,
)
from chatstream.turns.runner import (
    ALL_SUSPECTS_S,
    SUSPECT_AT_LEAST_S,
    SUSPECT_AT_MOST_S,
    SUSPECTS_AFTER_S,
)

NOW_MS = 1_700_000_000_000


def turn(name: str, **fields) -> CutOff:
    whole = {"attempt": 1, "handed_over": False, "has_progressed": False}
    whole |= {"begun_at_ms": NOW_MS, "newest_at_ms": NOW_MS, **fields}
    return CutOff(ChatId(name), "m1", **whole)


def told(plan: RestartPlan) -> tuple[list[str], list[str]]:
    """Who is restarted at once, and who after that; ``!`` marks who is blamed."""

    def names(part):
        return [one.turn.chat_id + ("!" if one.crashed else "") for one in part]

    return names(plan.at_once), names(plan.one_by_one)


def test_there_is_nothing_to_do_without_turns():
    assert told(plan_restarts([])) == ([], [])


@pytest.mark.parametrize("has_progressed", [False, True])
def test_a_turn_that_ran_alone_is_blamed_and_restarted_at_once(has_progressed):
    assert told(plan_restarts([turn("a", has_progressed=has_progressed)])) == (["a!"], [])


def test_turns_that_were_handed_over_are_blamed_for_nothing():
    turns = [turn("a", handed_over=True), turn("b", handed_over=True), turn("c")]
    assert told(plan_restarts(turns)) == (["a", "b"], ["c!"])


def test_a_turn_that_got_on_is_not_blamed_where_another_did_not():
    got_on = {"begun_at_ms": NOW_MS - YOUNG_MS - 1, "has_progressed": True}
    turns = [turn("a", **got_on), turn("b"), turn("c", **got_on)]
    assert told(plan_restarts(turns)) == (["a", "c"], ["b!"])
    silent = {**got_on, "has_progressed": False}
    assert told(plan_restarts([turn("a", **silent), turn("b")])) == (["a", "b"], [])


def test_one_that_has_just_begun_has_not_got_on_whatever_it_stored():
    turns = [turn("a", has_progressed=True), turn("b")]
    assert told(plan_restarts(turns)) == (["a", "b"], [])


@pytest.mark.parametrize("has_progressed", [False, True])
def test_of_several_suspects_none_is_blamed_and_all_are_restarted_at_once(has_progressed):
    turns = [turn(name, has_progressed=has_progressed) for name in "abc"]
    assert told(plan_restarts(turns)) == (["a", "b", "c"], [])


def test_where_the_process_dies_again_soon_its_suspects_are_restarted_one_by_one():
    again = [turn(name, attempt=2) for name in "cba"]
    assert told(plan_restarts(again)) == ([], ["a", "b", "c"])
    got_on = turn("d", attempt=2, has_progressed=True, begun_at_ms=NOW_MS - YOUNG_MS - 1)
    assert told(plan_restarts([*again, got_on])) == (["d"], ["a", "b", "c"])


def test_a_process_that_lived_for_long_is_no_reason_for_that():
    lived = [turn(name, attempt=2, newest_at_ms=NOW_MS + QUICK_MS + 1) for name in "ab"]
    assert told(plan_restarts(lived)) == (["a", "b"], [])


def test_the_turn_that_was_restarted_last_of_several_is_blamed():
    before = [turn(name, attempt=2, begun_at_ms=NOW_MS - APART_MS) for name in "ab"]
    assert told(plan_restarts([*before, turn("c", attempt=2)])) == (["a", "b"], ["c!"])


def test_turns_that_began_since_do_not_hide_the_one_that_was_restarted_last():
    before = [turn(name, attempt=2, begun_at_ms=NOW_MS - APART_MS) for name in "ab"]
    since = turn("d", begun_at_ms=NOW_MS + 1)
    plan = plan_restarts([*before, turn("c", attempt=2), since])
    assert told(plan) == (["a", "b", "d"], ["c!"])


@pytest.mark.parametrize(
    "last",
    [
        {"attempt": 1},  # it was begun by a message, which may come at any time
        {"attempt": 2, "begun_at_ms": NOW_MS - APART_MS + 1},
        {"attempt": 2, "newest_at_ms": NOW_MS + YOUNG_MS + 1},
    ],
    ids=["not restarted", "with the others", "long ago"],
)
def test_unless_it_may_as_well_have_been_another(last):
    before = [turn(name, attempt=2, begun_at_ms=NOW_MS - APART_MS) for name in "ab"]
    plan = plan_restarts([*before, turn("c", **last)])
    assert not any(one.crashed for one in plan.at_once + plan.one_by_one)


def test_who_was_blamed_before_is_restarted_after_the_others():
    got_on = {"begun_at_ms": NOW_MS - YOUNG_MS - 1, "has_progressed": True}
    turns = [turn("a", crashes=1, **got_on), turn("b"), turn("c", **got_on)]
    assert told(plan_restarts(turns)) == (["c"], ["b!", "a"])
    assert told(plan_restarts(turns[:1])) == (["a!"], [])


def test_nobody_is_restarted_for_ever_because_nobody_can_be_blamed():
    turns = [turn(name, attempt=UNKNOWN_AT_MOST + 1) for name in "ab"]
    assert told(plan_restarts(turns)) == ([], ["a!", "b!"])


# -- whole lives --------------------------------------------------------------------------


@dataclass
class Simulated:
    """A turn of a process. ``kills_after_ms`` its start; its first step is stored after
    ``step_after_ms``."""

    name: str
    step_after_ms: int
    begins_at_ms: int
    kills_after_ms: int | None = None
    known: CutOff = field(init=False)

    def __post_init__(self) -> None:
        self.known = turn(self.name, begun_at_ms=self.begins_at_ms)

    def begin(self, at_ms: int, *, crashed: bool) -> None:
        self.known = replace(
            self.known,
            attempt=self.known.attempt + 1,
            crashes=self.known.crashes + crashed,
            begun_at_ms=at_ms,
            newest_at_ms=at_ms,
            has_progressed=False,
        )

    def live_until(self, died_at_ms: int) -> None:
        begun = self.known.begun_at_ms
        if not self.known.has_progressed and begun + self.step_after_ms <= died_at_ms:
            stepped = {"has_progressed": True, "newest_at_ms": begun + self.step_after_ms}
            self.known = replace(self.known, **stepped)


def die_and_restart(turns: list[Simulated], died_at_ms: int) -> dict[str, int]:
    """What a new process does: when each turn is begun again."""
    by_name = {one.name: one for one in turns}
    plan = plan_restarts([one.known for one in turns])
    at_ms = died_at_ms + 1_000
    starts = {one.turn.chat_id: (at_ms, one.crashed) for one in plan.at_once}
    at_ms += round(1000 * SUSPECTS_AFTER_S) if plan.at_once else 0
    alone_s = ALL_SUSPECTS_S / max(1, len(plan.one_by_one))
    alone_s = min(SUSPECT_AT_MOST_S, max(SUSPECT_AT_LEAST_S, alone_s))
    for one in plan.one_by_one:
        starts[one.turn.chat_id] = (at_ms, one.crashed)
        at_ms += round(1000 * alone_s)
    deaths = [
        at + by_name[name].kills_after_ms
        for name, (at, _) in starts.items()
        if by_name[name].kills_after_ms is not None
    ]
    died = min(deaths)
    for name, (at, crashed) in starts.items():
        if at <= died:
            by_name[name].begin(at, crashed=crashed)
    return died


@pytest.mark.parametrize("max_attempts", [1, 3])
@pytest.mark.parametrize("innocents", [1, 5, 30])
@pytest.mark.parametrize("step_after_ms", [20, 700, 60_000])
@pytest.mark.parametrize(("kills_after_ms", "deadly_step_ms"), [(5, 60_000), (5, 1), (200, 100)])
@pytest.mark.parametrize("begins_before_ms", [0, 10_000])
def test_the_turn_that_kills_the_process_is_given_up_and_the_others_lose_nothing(  # noqa: PLR0917
    max_attempts, innocents, step_after_ms, kills_after_ms, deadly_step_ms, begins_before_ms
):
    deadly = Simulated("m", deadly_step_ms, NOW_MS, kills_after_ms)
    others = [
        Simulated(f"{'a' if number % 2 else 'z'}{number}", step_after_ms, NOW_MS - begins_before_ms)
        for number in range(innocents)
    ]
    turns = [deadly, *others]
    deaths, died_at_ms = 1, NOW_MS + kills_after_ms
    while True:
        for one in turns:
            one.live_until(died_at_ms)
        plan = plan_restarts([one.known for one in turns])
        blamed = {one.turn.chat_id for one in plan.at_once + plan.one_by_one if one.crashed}
        if deadly.known.crashes + ("m" in blamed) >= max_attempts:
            break
        died_at_ms = die_and_restart(turns, died_at_ms)
        deaths += 1
        assert deaths <= max_attempts + 2, "it is found soon"
    assert [one.known.crashes for one in others] == [0] * innocents
    assert blamed == {"m"}
