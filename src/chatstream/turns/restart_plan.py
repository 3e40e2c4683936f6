"""In which order turns are restarted that were cut off when their process died, and which of them
the crash is counted against. Pure.

One of them may have killed the process, and must be given up after its attempts; the others must
not lose theirs for it. Nobody saw which one it was, but the log tells

* which turns had got on: those that had lived for seconds in the attempt that was cut off, and
  stored something in it, are not suspected as long as there is somebody who had not;
* how far apart the attempts began: the process that dies within seconds after one turn was
  restarted, some time after the others, was most likely killed by that one.

So where there is one suspect the crash is counted against it, and it is restarted after all
others, by itself. Where there are several, none is blamed, and all are restarted at once; if the
process then dies again within seconds, they are restarted one by one, which leaves one suspect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from chatstream.ids import ChatId

APART_MS: Final = 200
"""So far apart began what was restarted one by one; what is restarted at once is so within less."""
YOUNG_MS: Final = 5_000
"""Who kills its process within this time after its start is told from who began before it."""
QUICK_MS: Final = 30_000
"""A process that dies again within this time after a restart dies "within seconds"."""
UNKNOWN_AT_MOST: Final = 10
"""Attempts after which a crash is counted against every suspect: nothing goes on for ever."""


class CutOff(Struct, frozen=True):
    """A turn whose runner is gone. Times are Unix milliseconds: ``newest_at_ms`` that of the
    chat's newest event. ``handed_over``: it was not running when its process ended."""

    chat_id: ChatId
    caused_by: str
    attempt: int
    handed_over: bool
    begun_at_ms: int
    newest_at_ms: int
    has_progressed: bool
    crashes: int = 0


class Restart(Struct, frozen=True):
    """``turn`` is to be restarted; ``crashed``: its attempt counts as one that crashed."""

    turn: CutOff
    crashed: bool


class RestartPlan(Struct, frozen=True):
    """What is restarted at once, and what one after the other when that runs."""

    at_once: tuple[Restart, ...]
    one_by_one: tuple[Restart, ...]


def plan_restarts(turns: Sequence[CutOff]) -> RestartPlan:
    """Who is restarted when, and whom the crash is counted against."""
    ran = [turn for turn in turns if not turn.handed_over]
    died_at_ms = max((turn.newest_at_ms for turn in ran), default=0)
    suspects = [turn for turn in ran if not _has_got_on(turn, died_at_ms)] or ran
    guilty = _guilty(ran, suspects, died_at_ms)
    wary = guilty or (suspects if _died_quickly(suspects, died_at_ms) else ())
    after = [turn for turn in ran if turn in wary or (turn.crashes and len(ran) > 1)]
    at_once = [turn for turn in turns if turn not in after]
    if not at_once and len(after) == 1:
        at_once, after = after, at_once  # there is nobody to be kept from it
    return RestartPlan(
        tuple(Restart(turn, turn in guilty) for turn in at_once),
        tuple(Restart(turn, turn in guilty) for turn in sorted(after, key=_least_suspected_first)),
    )


def _has_got_on(turn: CutOff, died_at_ms: int) -> bool:
    return turn.has_progressed and died_at_ms - turn.begun_at_ms > YOUNG_MS


def _guilty(ran: Sequence[CutOff], suspects: Sequence[CutOff], died_at_ms: int) -> Sequence[CutOff]:
    """Those that the crash is counted against: one, or where it cannot be told, none."""
    if len(ran) <= 1:
        return ran
    last = _restarted_apart(ran)
    if last is not None and died_at_ms - last.begun_at_ms <= YOUNG_MS:
        return [last]
    is_known = len(suspects) == 1 or any(turn.attempt > UNKNOWN_AT_MOST for turn in suspects)
    return suspects if is_known else []


def _restarted_apart(ran: Sequence[CutOff]) -> CutOff | None:
    """The turn that was restarted last, some time after all others that were. Those that began
    since, of which there are always some, do not hide it."""
    restarted = sorted(
        (turn for turn in ran if turn.attempt > 1), key=lambda turn: turn.begun_at_ms
    )
    if not restarted:
        return None
    *before, last = restarted
    is_apart = all(last.begun_at_ms - turn.begun_at_ms >= APART_MS for turn in before)
    return last if is_apart else None


def _died_quickly(suspects: Sequence[CutOff], died_at_ms: int) -> bool:
    """Whether suspects had been restarted and did not live long."""
    return any(turn.attempt > 1 and died_at_ms - turn.begun_at_ms <= QUICK_MS for turn in suspects)


def _least_suspected_first(turn: CutOff) -> tuple[int, int, ChatId]:
    return turn.crashes, turn.begun_at_ms, turn.chat_id
