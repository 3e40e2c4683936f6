"""The queries behind the lists over chats: by the tables where they are exact, by the chat's
folded state where the log has moved on (an active intent's last activity)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from chatstream.domain.events import SessionStatus
from chatstream.domain.user_chat.state import UserChat
from chatstream.domain.views import IntentView, intent_view, session_activity
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.store import SqlValue, StoredRow
from chatstream.ids import ChatId, IntentId, SessionId
from chatstream.projections.history import history_rows, matches
from chatstream.projections.intents import INTENTS, view_of
from chatstream.projections.rows import (
    After,
    ChatRow,
    HistoryFilter,
    HistoryRow,
    IntentFilter,
    SessionRow,
)
from chatstream.timestamps import to_ms, to_text

_PAGE = 500
_NEWEST_EVENTS = """SELECT chats.user_chat_id, events.state
    FROM chats JOIN stored_events AS events
        ON events.originator_id = chats.user_chat_id AND events.originator_version = (
            SELECT max(originator_version) FROM stored_events
            WHERE originator_id = chats.user_chat_id)
    WHERE chats.status <> 'erased'"""


class Store(Protocol):
    """What the lists read (``eventstore.log.EventStore``)."""

    async def fetch(
        self, sql: str, parameters: Sequence[SqlValue]
    ) -> list[tuple[SqlValue, ...]]: ...

    async def read(
        self,
        chat_id: ChatId,
        after: int,
        limit: int,
        upto: int | None = None,
        *,
        newest: bool = False,
    ) -> list[StoredRow]: ...


class States(Protocol):
    """Where folded chats are had (``service.ChatService``)."""

    async def load(self, chat_id: ChatId, user_id: str | None = None) -> UserChat: ...


class _Timed(Struct, frozen=True):
    timestamp: str


_timed_decoder = msgspec.json.Decoder(_Timed)


class Lists:
    """Lists over many chats; ``user_id`` None is every user's. Each raises ``Refused``
    (``unavailable``) while the storage does not answer."""

    def __init__(self, store: Store, states: States, session_ttl_ms: int) -> None:
        self._store = store
        self._states = states
        self._session_ttl_ms = session_ttl_ms

    async def chats(self, user_id: str | None, after: After | None, limit: int) -> list[ChatRow]:
        """Chats that are not erased, newest activity first."""
        mine = "" if user_id is None else " AND chats.user_id = ?"
        rows = await self._store.fetch(_NEWEST_EVENTS + mine, _given(user_id))
        keys = [After(_time_of(body), str(chat_id)) for chat_id, body in rows]
        page = _page(keys, after, limit)
        return [await self._chat_row(ChatId(key.id)) for key in page]

    async def intents(
        self, wanted: IntentFilter, after: After | None, limit: int
    ) -> list[IntentView]:
        """Intents with ``user_chat_id``, newest activity first."""
        settled = [] if wanted.status == "active" else await self._settled(wanted, after, limit)
        active = await self._active(wanted) if wanted.status in {None, "active"} else []
        views = {view.user_intent_id: view for view in settled + active if _lets(wanted, view)}
        keys = [After(view.last_activity_at, view.user_intent_id) for view in views.values()]
        return [views[IntentId(key.id)] for key in _page(keys, after, limit)]

    async def sessions(
        self, user_id: str | None, status: SessionStatus, after: After | None, limit: int
    ) -> list[SessionRow]:
        """Sessions in ``status`` (``started``: the living), newest activity first."""
        mine = "" if user_id is None else " AND user_id = ?"
        values: list[SqlValue] = [status, *_given(user_id)]
        part = ""
        if status != "started":  # of those that have ended there is no end, and the rows are exact
            part, values = _newest_part("session_id", after, limit, values)
        rows = await self._store.fetch(
            "SELECT session_id, user_chat_id, user_intent_id, status, started_at,"  # noqa: S608
            f" last_activity_at FROM sessions WHERE status = ?{mine}{part}",
            values,
        )
        found = {
            str(row[0]): await self._session_row([str(value) for value in row]) for row in rows
        }
        keys = [After(row.last_activity_at, row.session_id) for row in found.values()]
        return [found[key.id] for key in _page(keys, after, limit)]

    async def history(self, chat_id: ChatId, wanted: HistoryFilter, limit: int) -> list[HistoryRow]:
        """The newest rows of the chat that are wanted, ascending."""
        state = await self._states.load(chat_id)
        upto = state.position if wanted.before is None else min(wanted.before - 1, state.position)
        found: list[HistoryRow] = []
        while upto > 0 and len(found) < limit:
            stored = await self._store.read(chat_id, 0, _PAGE, upto, newest=True)
            facts = [(row.position, decode(row.topic, row.body)) for row in stored]
            rows = [row for row in history_rows(chat_id, facts, state) if matches(row, wanted)]
            found = rows + found
            upto = stored[0].position - 1 if stored else 0
        return found[-limit:]

    async def chats_of_user(self, user_id: str) -> list[ChatId]:
        """Every chat of a user that is not erased."""
        rows = await self._store.fetch(
            "SELECT user_chat_id FROM chats WHERE user_id = ? AND status <> 'erased'", (user_id,)
        )
        return [ChatId(str(chat_id)) for (chat_id,) in rows]

    async def chat_of_intent(self, user_intent_id: str) -> ChatId | None:
        """The chat that an intent belongs to, whoever's it is."""
        return await self._chat_of("intents", "user_intent_id", user_intent_id)

    async def chat_of_session(self, session_id: str) -> ChatId | None:
        """The chat that a session belongs to, whoever's it is."""
        return await self._chat_of("sessions", "session_id", session_id)

    async def _chat_of(self, table: str, column: str, key: str) -> ChatId | None:
        rows = await self._store.fetch(
            f"SELECT user_chat_id FROM {table} WHERE {column} = ?",  # noqa: S608 - our own names
            (key,),
        )
        return ChatId(str(rows[0][0])) if rows else None

    async def _chat_row(self, chat_id: ChatId) -> ChatRow:
        state = await self._states.load(chat_id)
        intent = state.intent(state.active_intent_id) or state.intent(state.newest_intent_id)
        return ChatRow(
            user_chat_id=chat_id,
            status="closed" if state.status == "closed" else "open",
            title=state.title,
            position=state.position,
            intent=None if intent is None else intent_view(state, intent),
            last_activity_at=state.last_event_at,
        )

    async def _settled(
        self, wanted: IntentFilter, after: After | None, limit: int
    ) -> list[IntentView]:
        """Intents that are not active: their rows are exact."""
        conditions, values = _conditions(wanted)
        part, values = _newest_part("user_intent_id", after, limit, values)
        rows = await self._store.fetch(
            f"SELECT {', '.join(INTENTS.columns)} FROM intents"  # noqa: S608 - our own names
            f" WHERE status <> 'active' AND {' AND '.join(conditions)}{part}",
            values,
        )
        return [view_of(row) for row in rows]

    async def _active(self, wanted: IntentFilter) -> list[IntentView]:
        """Active intents as their chats know them: their activity moves with the log."""
        conditions, values = ["status = 'active'"], list[SqlValue]()
        if wanted.user_id is not None:
            conditions.append("user_id = ?")
            values.append(wanted.user_id)
        if wanted.user_chat_id is not None:
            conditions.append("user_chat_id = ?")
            values.append(wanted.user_chat_id)
        rows = await self._store.fetch(
            "SELECT user_chat_id, user_intent_id FROM intents"  # noqa: S608 - our own names
            f" WHERE status <> 'complete' AND {' AND '.join(conditions)}",
            values,
        )
        views: list[IntentView] = []
        for chat, intent_id in rows:
            chat_id = ChatId(str(chat))
            state = await self._states.load(chat_id)
            intent = state.intent(IntentId(str(intent_id)))
            if intent is not None:
                views.append(intent_view(state, intent, chat_id))
        return views

    async def _session_row(self, row: list[str]) -> SessionRow:
        session_id, chat_id, intent_id, status, started_at, last_activity_at = row
        if status == "started":
            state = await self._states.load(ChatId(chat_id))
            session = state.sessions.get(SessionId(session_id))
            if session is not None:
                last_activity_at = session_activity(state, session)
        return SessionRow(
            session_id=SessionId(session_id),
            user_chat_id=ChatId(chat_id),
            user_intent_id=IntentId(intent_id),
            status=msgspec.convert(status, SessionStatus),
            started_at=started_at,
            last_activity_at=last_activity_at,
            expires_at=to_text(to_ms(last_activity_at) + self._session_ttl_ms),
        )


def _given(user_id: str | None) -> tuple[str, ...]:
    return () if user_id is None else (user_id,)


def _time_of(body: SqlValue) -> str:
    assert isinstance(body, bytes)
    return _timed_decoder.decode(body.partition(b"\n")[0]).timestamp


def _page(keys: Sequence[After], after: After | None, limit: int) -> list[After]:
    ordered = sorted(keys, reverse=True)
    return [key for key in ordered if after is None or key < after][:limit]


def _newest_part(
    id_column: str, after: After | None, limit: int, values: Sequence[SqlValue]
) -> tuple[str, list[SqlValue]]:
    """The end of a query for one page, newest activity first, and all values with its own."""
    order = f" ORDER BY last_activity_at DESC, {id_column} DESC LIMIT ?"
    if after is None:
        return order, [*values, limit]
    older = f" AND (last_activity_at, {id_column}) < (?, ?)"
    return older + order, [*values, after.last_activity_at, after.id, limit]


def _conditions(wanted: IntentFilter) -> tuple[list[str], list[SqlValue]]:
    conditions, values = ["1 = 1"], list[SqlValue]()
    for column, comparison, value in (
        ("user_id", "=", wanted.user_id),
        ("user_chat_id", "=", wanted.user_chat_id),
        ("status", "=", wanted.status),
        ("name", "=", wanted.name),
        ("last_activity_at", ">=", wanted.since),
        ("last_activity_at", "<=", wanted.until),
    ):
        if value is not None:
            conditions.append(f"{column} {comparison} ?")
            values.append(value)
    if wanted.status == "abandoned":
        conditions.append("status <> 'complete'")  # so that the index over these serves
    return conditions, values


def _lets(wanted: IntentFilter, view: IntentView) -> bool:
    if wanted.status not in {None, view.status} or wanted.name not in {None, view.name}:
        return False
    if wanted.since is not None and view.last_activity_at < wanted.since:
        return False
    return wanted.until is None or view.last_activity_at <= wanted.until
