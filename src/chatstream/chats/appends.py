"""From a decision to the append that stores it, or to the answer that stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from chatstream.chats.policy import WriterPolicy
from chatstream.domain.commands import (
    AnyClientCommand,
    AnyCommand,
    ClientCommand,
    EraseChat,
    OpenChat,
    digest,
)
from chatstream.domain.events import AnyFact
from chatstream.domain.user_chat import Decision, decide, remember
from chatstream.domain.user_chat.state import CommandRecord, UserChat
from chatstream.errors import Refused
from chatstream.eventstore.mapper import encode, erase
from chatstream.eventstore.store import Append, AppendChain, NewEvent, RowChange, RowKey
from chatstream.ids import ChatId
from chatstream.protocol.content import has_escaped_nul, refuse_unstorable


class Appends(Struct, frozen=True, gc=False):
    """Something is stored, and the command is answered once it is on disk.

    Attributes:
        append: What the store writes, in one transaction.
        events: The events of ``append``; none where only the command's id is stored.
        after: The state that they lead to.
        position: What the command's receipt names.
    """

    append: Append
    events: tuple[AnyFact, ...]
    after: UserChat
    position: int


class Acknowledges(Struct, frozen=True, gc=False):
    """There is nothing to store.

    Attributes:
        position: What the command's receipt names.
        duplicate: Whether the command had been carried out before.
        is_final: Whether no later event can change that: the log knows the command's id.
    """

    position: int
    duplicate: bool
    is_final: bool = False


class Refuses(Struct, frozen=True):
    """The command is refused by ``error``, which its caller gets."""

    error: Exception
    is_final: bool = False


Plan = Appends | Acknowledges | Refuses


class RowWriter(Protocol):
    """What is written beside the log, in the same transaction. Pure."""

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> tuple[RowChange, ...]:
        """Returns the rows that change with an append of ``facts`` that leads to ``state``."""
        ...

    def remembered(self, chat_id: ChatId, command_id: str, record: CommandRecord) -> RowChange:
        """Returns the row that keeps the id of a command that stored no event."""
        ...

    def remembered_key(self, chat_id: ChatId, command_id: str) -> RowKey:
        """Returns the key of that row."""
        ...


class AppendPlanner:
    """Decides commands and plans what is stored of them. Pure but for what ``rows`` does."""

    def __init__(self, rows: RowWriter, policy: WriterPolicy) -> None:
        self._rows = rows
        self._policy = policy

    def plan(self, command: AnyCommand, tip: UserChat, chain: AppendChain) -> Plan:
        """Decides ``command`` on ``tip``. Raises nothing: a fault is one command's, not its
        chat's."""
        try:
            return self.plan_append(command, decide(command, tip), tip, chain)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the command's answer
            return Refuses(error)

    def plan_append(
        self, command: AnyCommand, decision: Decision, tip: UserChat, chain: AppendChain
    ) -> Appends | Acknowledges:
        """Plans what is stored of ``decision``, which ``tip`` led to.

        Args:
            command: The command that was decided.
            decision: Its events and the state after them.
            tip: The state that it was decided on.
            chain: The appends that led to ``tip`` and are not on disk yet.

        Raises:
            Refused: ``invalid_content`` for text that cannot be stored.
        """
        if decision.facts:
            return self._with_events(command, decision, tip, chain)
        if not isinstance(command, ClientCommand):
            return Acknowledges(tip.position, duplicate=isinstance(command, OpenChat))
        record = tip.commands.get(command.id)
        if record is None:
            return self._with_id_alone(command, tip, chain)
        return Acknowledges(record.position, duplicate=True, is_final=True)

    def _with_events(
        self, command: AnyCommand, decision: Decision, tip: UserChat, chain: AppendChain
    ) -> Appends:
        chat_id, events = command.user_chat_id, _encoded(decision.facts)
        changes = self._rows.changes(chat_id, decision.facts, decision.state)
        rewrite = None
        if type(command) is EraseChat:
            events, rewrite = _erased_but_last(events), erase
            changes += self._ids_without_digests(chat_id, tip)
        append = Append(
            chat_id,
            tip.position,
            events,
            changes,
            rewrite,
            unless=self._policy.unless(command, self._rows),
            chain=chain,
        )
        # The first event carries the command's key.
        return Appends(append, decision.facts, decision.state, tip.position + 1)

    def _with_id_alone(
        self, command: AnyClientCommand, tip: UserChat, chain: AppendChain
    ) -> Appends:
        """Stores the id of a command that changes nothing, so that a repeat is known."""
        record = CommandRecord(tip.position, digest(command), stored_no_fact=True)
        row = self._rows.remembered(command.user_chat_id, command.id, record)
        append = Append(
            command.user_chat_id,
            tip.position,
            (),
            (row,),
            guarded=self._policy.others_write,
            unless=self._policy.unless(command, self._rows),
            chain=chain,
        )
        return Appends(append, (), remember(tip, command.id, record), tip.position)

    def _ids_without_digests(self, chat_id: ChatId, state: UserChat) -> tuple[RowChange, ...]:
        """Erases the digests of commands: a digest is of what was written. After an erasure a
        repeat is recognised by its id alone."""
        return tuple(
            self._rows.remembered(chat_id, command_id, replace(record, digest=None))
            for command_id, record in state.commands.items()
            if record.stored_no_fact
        )


def _encoded(events: Sequence[AnyFact]) -> tuple[NewEvent, ...]:
    try:
        encoded = [encode(event) for event in events]
    except UnicodeEncodeError:
        raise Refused("invalid_content") from None
    for event, stored in zip(events, encoded, strict=True):
        if has_escaped_nul(stored.body):
            refuse_unstorable(msgspec.to_builtins(event))
    return tuple(encoded)


def _erased_but_last(events: tuple[NewEvent, ...]) -> tuple[NewEvent, ...]:
    """Returns what an erasure stores: the event that says so is the only one not erased."""
    *before, erased = events
    return (*(replace(one, body=erase(one.topic, one.body)) for one in before), erased)
