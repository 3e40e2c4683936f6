"""Sessions: list the living ones, clear one or all."""

from __future__ import annotations

from litestar import Controller, delete, route
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from chatstream.domain.commands import ClearSession
from chatstream.domain.events import SessionStatus
from chatstream.errors import Refused
from chatstream.http.acknowledging import origin
from chatstream.http.backend import Backend, BackendDependency, CallerDependency
from chatstream.http.caller import owner_wanted
from chatstream.http.chats import READ
from chatstream.http.paging import Cursor, Limit, Page, decode_cursor, page
from chatstream.http.problem import problems
from chatstream.ids import ChatId, SessionId, is_id
from chatstream.projections.rows import After, SessionRow
from chatstream.security.identity import Identity

_CLEAR_AT_ONCE = 200


class Cleared(Struct, frozen=True):
    """How many sessions were ended."""

    cleared: int


class SessionsController(Controller):
    """``/sessions``."""

    path = "/sessions"
    tags = ("sessions",)

    @route(http_method=READ, responses=problems(404), summary="My sessions, newest activity first")
    async def list_sessions(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        *,
        limit: Limit = 50,
        cursor: Cursor = None,
        status: FromQuery[SessionStatus] = "started",
        user_id: FromQuery[str | None] = None,
    ) -> Page[SessionRow]:
        owner = owner_wanted(chatstream_caller, user_id)
        after = decode_cursor(cursor)
        rows = await chatstream_backend.lists.sessions(owner, status, after, limit + 1)
        return page(rows, limit, _place)

    @delete(status_code=200, responses=problems(403), summary="Clear all my sessions")
    async def clear_all(
        self, chatstream_backend: BackendDependency, chatstream_caller: CallerDependency
    ) -> Cleared:
        return Cleared(await _clear_all(chatstream_backend, chatstream_caller))

    @delete("/{session_id:str}", responses=problems(403, 404), summary="Clear a session")
    async def clear(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        session_id: FromPath[str],
    ) -> None:
        chat_id = None
        if is_id(session_id):
            chat_id = await chatstream_backend.lists.chat_of_session(session_id)
        if chat_id is None:
            raise Refused("not_found")
        await _clear(chatstream_backend, chatstream_caller, chat_id, SessionId(session_id))


def _place(row: SessionRow) -> After:
    return After(row.last_activity_at, row.session_id)


async def _clear_all(backend: Backend, caller: Identity) -> int:
    cleared = 0
    after = None
    while True:
        rows = await backend.lists.sessions(caller.user_id, "started", after, _CLEAR_AT_ONCE)
        for row in rows:
            await _clear(backend, caller, row.user_chat_id, row.session_id)
        cleared += len(rows)
        if len(rows) < _CLEAR_AT_ONCE:
            return cleared
        after = _place(rows[-1])


async def _clear(
    backend: Backend, caller: Identity, chat_id: ChatId, session_id: SessionId
) -> None:
    command = ClearSession(**origin(backend, caller.user_id, chat_id), session_id=session_id)
    await backend.service.submit(command)
