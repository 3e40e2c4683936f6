"""Decides what becomes of a batch of appends, on what the engine has read: pure, one for all
engines.

An engine reads in its transaction what a plan needs and does not know yet (``heads_to_read``,
``rows_to_find``), lets ``plan_batch`` decide, and writes what the plan says. A batch does what
its appends would do one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from msgspec import Struct, field

from chatstream.eventstore.store import (
    Append,
    AppendChain,
    Conflict,
    Outcome,
    RowKey,
    SqlValue,
    Stored,
)
from chatstream.ids import ChatId

Row = tuple[SqlValue, ...]
Changes = dict[RowKey, Row | None]
"""The last change of each row: all its columns, or None where the row shall be gone."""

_STORED: Final = Stored()
_CONFLICT: Final = Conflict()


class Rewrite(Struct, frozen=True):
    """An erasure: ``body_of`` gives the new body of each event up to ``upto_position`` from its
    topic and its body."""

    chat_id: ChatId
    upto_position: int
    body_of: Callable[[str, bytes], bytes]


class BatchPlan(Struct, frozen=True):
    """What a batch does to a database."""

    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    """One an append, in order; they hold once the plan is carried out."""

    accepted: list[Append] = field(default_factory=list[Append])
    """The appends whose events are to be written, in order."""

    heads: dict[ChatId, int] = field(default_factory=dict[ChatId, int])
    """The newest position of each chat whose events are added to or rewritten."""

    rewrites: list[Rewrite] = field(default_factory=list[Rewrite])
    """To be done once the events are written: they reach events of their own batch."""

    changes: Changes = field(default_factory=dict[RowKey, Row | None])
    """What is to be written to the read models."""

    broken: set[AppendChain] = field(default_factory=set[AppendChain])
    """The chains of the appends that are refused."""

    def break_chains(self) -> None:
        """Marks the chains of the refused appends. To be called once the plan is carried out:
        one that is rolled back has refused nobody."""
        for chain in self.broken:
            chain.is_broken = True


class TableRows(NamedTuple):
    """What is to be written to the read models, by the table's name: keys and whole rows."""

    removed: dict[str, list[Row]]
    put: dict[str, list[Row]]


def heads_to_read(batch: Sequence[Append], known: Mapping[ChatId, int]) -> list[ChatId]:
    """Returns the chats whose newest positions a plan of ``batch`` needs and nobody knows."""
    needed = [
        append.chat_id
        for append in batch
        if append.chat_id not in known and append.checks_position and not append.is_superseded
    ]
    return list(dict.fromkeys(needed))


def rows_to_find(batch: Sequence[Append]) -> list[RowKey]:
    """Returns the rows of which a plan of ``batch`` needs to know whether they are there."""
    needed = [
        append.unless for append in batch if append.unless is not None and not append.is_superseded
    ]
    return list(dict.fromkeys(needed))


def plan_batch(
    batch: Sequence[Append], heads: Mapping[ChatId, int], rows_there: AbstractSet[RowKey]
) -> BatchPlan:
    """Decides which appends are stored, and what that writes; changes no argument.

    Args:
        batch: the appends, those of one chat in their order.
        heads: the newest positions before the batch, of ``heads_to_read`` at least.
        rows_there: those of ``rows_to_find`` that are there before the batch.
    """
    plan = BatchPlan()
    for append in batch:
        if _fits(plan, append, heads, rows_there):
            _accept(plan, append)
        else:
            _refuse(plan, append)
    return plan


def by_table(changes: Changes) -> TableRows:
    """Sorts ``changes`` by what an engine does with them."""
    removed: dict[str, list[Row]] = {}
    put: dict[str, list[Row]] = {}
    for (table, key), row in changes.items():
        if row is None:
            # A row that was born in this batch too was never written: its delete finds nothing.
            removed.setdefault(table, []).append(key)
        else:
            put.setdefault(table, []).append(row)
    return TableRows(removed, put)


def _fits(
    plan: BatchPlan, append: Append, heads: Mapping[ChatId, int], rows_there: AbstractSet[RowKey]
) -> bool:
    if append.is_superseded or append.chain in plan.broken:
        return False
    if append.unless is not None and _is_there(plan, append.unless, rows_there):
        return False
    if not append.checks_position:
        return True
    head = plan.heads.get(append.chat_id)
    if head is None:
        head = heads[append.chat_id]
    return head == append.expected_position


def _is_there(plan: BatchPlan, row: RowKey, rows_there: AbstractSet[RowKey]) -> bool:
    if row in plan.changes:
        return plan.changes[row] is not None
    return row in rows_there


def _accept(plan: BatchPlan, append: Append) -> None:
    plan.outcomes.append(_STORED)
    plan.accepted.append(append)
    if append.events or append.rewrite is not None:
        plan.heads[append.chat_id] = append.expected_position + len(append.events)
    if append.rewrite is not None:
        rewrite = Rewrite(append.chat_id, append.expected_position, append.rewrite)
        plan.rewrites.append(rewrite)
    for change in append.changes:
        plan.changes[change.table, change.key] = change.row


def _refuse(plan: BatchPlan, append: Append) -> None:
    plan.outcomes.append(_CONFLICT)
    if append.chain is not None:
        plan.broken.add(append.chain)
