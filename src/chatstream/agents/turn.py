"""``Turn``: everything an agent may read, rebuilt from the chat's facts for each run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar, cast

from msgspec import Struct, field
from msgspec.structs import replace

from chatstream.domain.steps import JsonObject
from chatstream.domain.user_chat.state import (
    HistoryItem,
    Intent,
    PastCall,
    Reminder,
    ShownComponent,
    UserChat,
)
from chatstream.domain.views import question, resumable
from chatstream.ids import ChatId, IntentId, SessionId, SocketId

_T = TypeVar("_T")


class ResumableIntent(Struct, frozen=True):
    """An abandoned intent of the chat: ``NewIntent(name, user_intent_id)`` goes back to it."""

    user_intent_id: IntentId
    title: str
    name: str | None = None
    slots: JsonObject = field(default_factory=dict)
    question: str | None = None


class Turn(Struct, frozen=True):
    """One run of the agent. What it holds is the agent's own: to change it changes no chat.

    ``content`` is what the user said, empty where a form was submitted (``values``,
    ``component_id``). ``history`` holds the intent's messages, the one of this turn included,
    with what earlier attempts of this turn stored. ``tool_calls`` are the calls of earlier
    attempts, and the last turn's call whose outcome is unknown (``ok`` is None).
    ``earlier_calls`` are those of the turn before, and of turns before that one if they failed or
    were cancelled. ``reminders`` are those of this chat that wait.
    """

    content: str
    user_id: str
    user_chat_id: ChatId
    user_intent_id: IntentId
    session_id: SessionId | None
    message_id: str
    attempt: int
    now_ms: int
    values: JsonObject | None = None
    component_id: str | None = None
    socket_connection_id: SocketId | None = None
    retry_of: str | None = None
    intent_name: str | None = None
    slots: JsonObject = field(default_factory=dict)
    history: tuple[HistoryItem, ...] = ()
    context: JsonObject | None = None
    resumable: tuple[ResumableIntent, ...] = ()
    tool_calls: tuple[PastCall, ...] = ()
    question: str | None = None
    component: ShownComponent | None = None
    reminders: tuple[Reminder, ...] = ()
    earlier_calls: tuple[PastCall, ...] = ()

    @property
    def now(self) -> datetime:
        """When the run began, in UTC."""
        return datetime.fromtimestamp(self.now_ms / 1000, tz=UTC)


class TurnIds(Struct, frozen=True):
    """Which turn something belongs to: its chat, and the id that began it where that is known."""

    user_chat_id: str
    caused_by: str | None = None


def turn_of(chat_id: ChatId, state: UserChat, now_ms: int) -> Turn:
    """The running turn of ``state`` as its agent sees it; there must be one. The agent gets copies
    of all that can be changed: many read slots by filling in what they find there."""
    turn = state.turn
    assert turn is not None
    intent = state.unfinished[turn.user_intent_id]
    session = state.sessions.get(turn.session_id) if turn.session_id is not None else None
    unknown = () if intent.unknown_call is None else (intent.unknown_call,)
    asked = question(intent)
    return Turn(
        content=turn.message.content,
        user_id=state.user_id,
        user_chat_id=chat_id,
        user_intent_id=turn.user_intent_id,
        session_id=turn.session_id,
        message_id=turn.caused_by,
        attempt=turn.attempt,
        now_ms=now_ms,
        values=own_copy(turn.message.values),
        component_id=turn.message.component_id,
        socket_connection_id=turn.socket_connection_id,
        retry_of=turn.retry_of,
        intent_name=intent.name,
        slots=own_copy(intent.slots),
        history=tuple(_own_message(one) for one in intent.messages),
        context=None if session is None else own_copy(session.context),
        resumable=tuple(_resumable(other) for other in resumable(state)),
        tool_calls=tuple(_own_call(one) for one in (*unknown, *turn.calls)),
        question=None if asked is None else asked.text,
        component=_own_component(intent.component),
        reminders=tuple(state.reminders.values()),
        earlier_calls=tuple(_own_call(one) for one in intent.calls),
    )


def _resumable(intent: Intent) -> ResumableIntent:
    asked = question(intent)
    return ResumableIntent(
        user_intent_id=intent.user_intent_id,
        title=intent.title,
        name=intent.name,
        slots=own_copy(intent.slots),
        question=None if asked is None else asked.text,
    )


def own_copy(value: _T) -> _T:
    """``value``, made of JSON's types, as a copy that shares nothing which can be changed."""
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return cast("_T", {key: own_copy(item) for key, item in items})
    if isinstance(value, list):
        return cast("_T", [own_copy(item) for item in cast("list[object]", value)])
    return value


def _own_message(message: HistoryItem) -> HistoryItem:
    if message.values is None:
        return message
    return replace(message, values=own_copy(message.values))


def _own_call(call: PastCall) -> PastCall:
    return replace(call, arguments=own_copy(call.arguments), result=own_copy(call.result))


def _own_component(component: ShownComponent | None) -> ShownComponent | None:
    if component is None or component.schema is None:
        return component
    return replace(component, schema=own_copy(component.schema))
