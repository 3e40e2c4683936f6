"""All read models together, as the service writes them and the engine creates them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from chatstream.domain.events import (
    AnyFact,
    ChatChanged,
    IntentChanged,
    SessionChanged,
    TurnChanged,
    UserMessageAdded,
)
from chatstream.domain.user_chat.state import CommandRecord, UserChat
from chatstream.eventstore.store import Fetch, RowChange, RowKey
from chatstream.ids import ChatId
from chatstream.projections.chats import Chats
from chatstream.projections.history import HISTORY_VIEW, HISTORY_VIEW_ON_POSTGRES
from chatstream.projections.intents import Intents
from chatstream.projections.nodes import NODES
from chatstream.projections.remembered import REMEMBERED, SERVER_VALUES, remembered_row
from chatstream.projections.reminders import Reminders
from chatstream.projections.sessions import Sessions
from chatstream.projections.table import Projection, TableDefinition
from chatstream.projections.timers import Timers
from chatstream.projections.turn_work import TurnWork
from chatstream.projections.user_values import USER_VALUES

# What a read model may follow: of the agent's steps only those that set a reminder or cancel it.
# By its type itself, here and in each of them: ``isinstance`` of a struct that is another one costs
# ten times as much, and a turn asked a hundred times.
_MOVING = {ChatChanged, UserMessageAdded, TurnChanged, SessionChanged, IntentChanged}


def all_projections(owner: str) -> tuple[Projection, ...]:
    """Every read model that follows the log; ``owner`` names this node."""
    return _projections(TurnWork(owner))


def _projections(turn_work: TurnWork) -> tuple[Projection, ...]:
    return (Chats(), Intents(), Sessions(), turn_work, Timers(), Reminders())


def all_tables(engine: Literal["sqlite", "postgresql"] = "sqlite") -> tuple[TableDefinition, ...]:
    """Every table and view beside the log, for the engine to create."""
    history = HISTORY_VIEW if engine == "sqlite" else HISTORY_VIEW_ON_POSTGRES
    followers = tuple(projection.table for projection in all_projections(""))
    of_many_nodes = () if engine == "sqlite" else (NODES,)
    return (*followers, REMEMBERED, SERVER_VALUES, USER_VALUES, *of_many_nodes, history)


def _moves(fact: AnyFact) -> bool:
    if type(fact) in _MOVING:
        return True
    return fact.hidden is not None and fact.hidden.reminder is not None


class ReadModels:
    """The read models of this node."""

    def __init__(self, owner: str, fetch: Fetch) -> None:
        self._turn_work = TurnWork(owner)
        self._projections = _projections(self._turn_work)
        self._fetch = fetch

    def turns_belong_to(self, owner: str) -> None:
        """From now on turns are begun in the name of ``owner``; empty: for whoever takes them."""
        self._turn_work.owner = owner

    def changes(
        self, chat_id: ChatId, facts: Sequence[AnyFact], state: UserChat
    ) -> tuple[RowChange, ...]:
        """The rows that change with an append of ``facts`` that leads to ``state``."""
        moving = [fact for fact in facts if _moves(fact)]
        changes: list[RowChange] = []
        for projection in self._projections if moving else ():
            changes += projection.changes(chat_id, moving, state)
        return tuple(changes)

    def remembered(self, chat_id: ChatId, command_id: str, record: CommandRecord) -> RowChange:
        """The row by which a command that stored no fact is known again."""
        return remembered_row(chat_id, command_id, record)

    def remembered_key(self, chat_id: ChatId, command_id: str) -> RowKey:
        """The key of that row."""
        return REMEMBERED.name, (chat_id, command_id)

    async def commands_of(self, chat_id: ChatId) -> list[tuple[str, CommandRecord]]:
        """The commands of a chat that stored no fact."""
        rows = await self._fetch(
            "SELECT command_id, position, digest FROM remembered_commands WHERE user_chat_id = ?",
            (chat_id,),
        )
        return [
            (
                str(command_id),
                CommandRecord(int(str(position)), str(digest) or None, stored_no_fact=True),
            )
            for command_id, position, digest in rows
        ]
