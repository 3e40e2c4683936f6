"""The default context manager: a new session knows the user's last completed tasks.

What it brings is bounded, recorded as an event, and offered by the assistant, never filled in
by itself. Where the tasks are found is behind the port ``CompletedTasks``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from chatstream.agents.context import Context
from chatstream.domain.events import AnyFact, IntentChanged, ResponseGiven, ToolReturned
from chatstream.domain.steps import JsonObject, is_own_slot
from chatstream.domain.user_chat.state import Intent, UserChat
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.store import StoredRow
from chatstream.ids import ChatId, IntentId
from chatstream.projections.rows import After, ChatRow

SOURCE = "completed_tasks"
MOST_TASKS = 5
MOST_CHATS = 3
MOST_EVENTS = 300
"""Read of each chat: some ten tasks."""
MOST_BYTES = 4_096
"""Of one task: with more, its result is left out, then the task itself."""


class CompletedTask(Struct, frozen=True, omit_defaults=True):
    """A task that was done: what it was called, what it held, what came of it."""

    user_intent_id: IntentId
    completed_at: str
    name: str | None = None
    slots: JsonObject = {}
    result: object = None
    answer: str | None = None


class CompletedTasks(Protocol):
    """The tasks of a user over all chats."""

    async def newest(self, user_id: str, limit: int) -> Sequence[CompletedTask]:
        """The newest completed ones, newest first."""
        ...


class RecentTasks:
    """A ``ContextManager`` over ``CompletedTasks``."""

    def __init__(self, tasks: CompletedTasks) -> None:
        self._tasks = tasks

    async def context(
        self,
        chat_id: ChatId,  # noqa: ARG002 - the port's
        chat: UserChat,
        intent: Intent,  # noqa: ARG002 - the port's
    ) -> Context | None:
        """What the user did last; None where there is nothing yet."""
        newest = await self._tasks.newest(chat.user_id, MOST_TASKS)
        bounded = [small for task in newest if (small := _bounded(task)) is not None]
        if not bounded:
            return None
        return Context(SOURCE, {"completed": msgspec.to_builtins(bounded)})


def _bounded(task: CompletedTask) -> CompletedTask | None:
    slots = {name: value for name, value in task.slots.items() if not is_own_slot(name)}
    clean = msgspec.structs.replace(task, slots=slots)
    if _size(clean) > MOST_BYTES:
        clean = msgspec.structs.replace(clean, result=None, answer=None)
    return clean if _size(clean) <= MOST_BYTES else None


def _size(task: CompletedTask) -> int:
    return len(msgspec.json.encode(task))


class Chats(Protocol):
    """The chats of a user, newest activity first (``projections.lists.Lists``)."""

    async def chats(self, user_id: str | None, after: After | None, limit: int) -> list[ChatRow]:
        """At most ``limit`` of them."""
        ...


class Log(Protocol):
    """The end of a chat's log (``eventstore.log.EventStore``)."""

    async def read(
        self,
        chat_id: ChatId,
        after: int,
        limit: int,
        upto: int | None = None,
        *,
        newest: bool = False,
    ) -> list[StoredRow]:
        """With ``newest`` the last ``limit`` events, ascending."""
        ...


class TasksOfLog:
    """``CompletedTasks`` by the log: the ends of the chats that the user wrote in last. No index
    of completed tasks is needed, which every turn would have to write."""

    def __init__(self, chats: Chats, log: Log) -> None:
        self._chats = chats
        self._log = log

    async def newest(self, user_id: str, limit: int) -> Sequence[CompletedTask]:
        """The newest completed tasks, newest first."""
        found: list[CompletedTask] = []
        for chat in await self._chats.chats(user_id, None, MOST_CHATS):
            rows = await self._log.read(chat.user_chat_id, 0, MOST_EVENTS, newest=True)
            found += completed_tasks(decode(row.topic, row.body) for row in rows)
        found.sort(key=lambda task: task.completed_at, reverse=True)
        return found[:limit]


def completed_tasks(facts: Iterable[AnyFact | None]) -> list[CompletedTask]:
    """The tasks that ``facts`` complete, in order; small talk, which has no call, is none."""
    open_tasks: dict[IntentId, CompletedTask] = {}
    called: set[IntentId] = set()
    done: list[CompletedTask] = []
    for fact in facts:
        if fact is None or fact.user_intent_id is None:
            continue
        intent_id = fact.user_intent_id
        task = open_tasks.get(intent_id) or CompletedTask(intent_id, fact.timestamp)
        open_tasks[intent_id] = _after(task, fact)
        if isinstance(fact, ToolReturned) and fact.ok:
            called.add(intent_id)
        if isinstance(fact, IntentChanged) and fact.status == "complete" and intent_id in called:
            done.append(open_tasks.pop(intent_id))
    return done


def _after(task: CompletedTask, fact: AnyFact) -> CompletedTask:
    match fact:
        case IntentChanged():
            merged = {**task.slots, **(fact.slots or {})}
            return msgspec.structs.replace(
                task,
                name=fact.name or task.name,
                slots={name: value for name, value in merged.items() if value is not None},
                completed_at=fact.timestamp,
            )
        case ToolReturned():
            hidden = None if fact.hidden is None else fact.hidden.result
            return msgspec.structs.replace(task, result=fact.result if hidden is None else hidden)
        case ResponseGiven():
            return msgspec.structs.replace(task, answer=fact.content)
        case _:
            return task
