"""From a decision to the append that stores it, and to the verdict that waits for its commit.

For ``service`` alone. Where other nodes write too (``is_shared``), what no position guards is
guarded by the row of the command's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace

from chatstream.chats.pipeline import Lane, Verdict, Waiting
from chatstream.domain.commands import (
    AbandonIntent,
    AnyClientCommand,
    AnyCommand,
    CancelTurn,
    ClientCommand,
    CloseChat,
    EraseChat,
    OpenChat,
    ResumeIntent,
    digest,
)
from chatstream.domain.events import AnyFact
from chatstream.domain.user_chat import Decision, remember
from chatstream.domain.user_chat.state import CommandRecord, UserChat
from chatstream.errors import Refused
from chatstream.eventstore.mapper import encode, erase
from chatstream.eventstore.store import Append, NewEvent, RowChange, RowKey
from chatstream.ids import ChatId
from chatstream.security.quotas import has_escaped_nul, refuse_unstorable

MAY_STORE_NOTHING = (CancelTurn, ResumeIntent, AbandonIntent, CloseChat)


class ReadModels(Protocol):
    """What is written beside the log, in the same transaction."""

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> tuple[RowChange, ...]: ...

    def remembered(self, chat_id: ChatId, command_id: str, record: CommandRecord) -> RowChange: ...

    def remembered_key(self, chat_id: ChatId, command_id: str) -> RowKey: ...

    async def commands_of(self, chat_id: ChatId) -> list[tuple[str, CommandRecord]]: ...


class Verdicts:
    """What becomes of decisions. Pure but for what ``read_models`` does."""

    def __init__(self, read_models: ReadModels, *, is_shared: bool) -> None:
        self._read_models = read_models
        self._is_shared = is_shared

    def of(self, lane: Lane, waiting: Waiting, decision: Decision) -> tuple[Verdict, Append | None]:
        """The verdict on ``waiting``, decided on ``lane.tip``, and the append it waits for.

        Raises:
            Refused: ``invalid_content`` for text that cannot be stored.
        """
        if decision.facts:
            return self._stored(lane, waiting, decision)
        command, tip = waiting.command, lane.tip
        if not isinstance(command, ClientCommand):
            exists = isinstance(command, OpenChat)
            return Verdict(waiting, tip, tip.position, duplicate=exists), None
        record = tip.commands.get(command.id)
        if record is None:
            return self._remembered(lane, waiting, command)
        # What another node did for this one is its first answer.
        is_repeat = waiting.patience_until is None
        return Verdict(waiting, tip, record.position, duplicate=is_repeat), None

    def _stored(self, lane: Lane, waiting: Waiting, decision: Decision) -> tuple[Verdict, Append]:
        command, tip = waiting.command, lane.tip
        events = _encoded(decision.facts)
        changes = self._read_models.changes(lane.chat_id, decision.facts, decision.state)
        erases = isinstance(command, EraseChat)
        if erases:
            events = _erased_but_last(events)
            changes += self._forgotten_bodies(lane.chat_id, tip)
        append = Append(
            lane.chat_id,
            tip.position,
            events,
            changes,
            erase if erases else None,
            unless=self._key_of_no_fact(command),
            chain=lane.chain,
        )
        verdict = Verdict(
            waiting,
            decision.state,
            tip.position + 1,  # the first fact carries the command's key
            duplicate=False,
            bodies=tuple(event.body for event in events),
            appends=True,
            rewrites=erases,
        )
        return verdict, append

    def _forgotten_bodies(self, chat_id: ChatId, state: UserChat) -> tuple[RowChange, ...]:
        """After an erasure repeats are known by id alone: a digest is of what was written."""
        return tuple(
            self._read_models.remembered(chat_id, command_id, replace(record, digest=None))
            for command_id, record in state.commands.items()
            if record.stored_no_fact
        )

    def _remembered(
        self, lane: Lane, waiting: Waiting, command: AnyClientCommand
    ) -> tuple[Verdict, Append]:
        """A command that changes nothing is stored by its id alone."""
        tip = lane.tip
        record = CommandRecord(tip.position, digest(command), stored_no_fact=True)
        after = remember(tip, command.id, record)
        row = self._read_models.remembered(lane.chat_id, command.id, record)
        verdict = Verdict(waiting, after, tip.position, duplicate=False, appends=True)
        return verdict, Append(
            lane.chat_id,
            tip.position,
            (),
            (row,),
            guarded=self._is_shared,
            unless=self._key_of_no_fact(command),
            chain=lane.chain,
        )

    def _key_of_no_fact(self, command: AnyCommand) -> RowKey | None:
        """The row that is there if another node knows the command as one that stored nothing:
        no position tells of it."""
        if not self._is_shared or not isinstance(command, MAY_STORE_NOTHING):
            return None
        return self._read_models.remembered_key(command.user_chat_id, command.id)


def _encoded(facts: Sequence[AnyFact]) -> tuple[NewEvent, ...]:
    try:
        events = [encode(fact) for fact in facts]
    except UnicodeEncodeError:
        raise Refused("invalid_content") from None
    for fact, event in zip(facts, events, strict=True):
        if has_escaped_nul(event.body):
            refuse_unstorable(msgspec.to_builtins(fact))
    return tuple(events)


def _erased_but_last(events: tuple[NewEvent, ...]) -> tuple[NewEvent, ...]:
    """What an erasure stores: its last event is the newest that is not erased."""
    *before, erased = events
    return (*(replace(one, body=erase(one.topic, one.body)) for one in before), erased)
