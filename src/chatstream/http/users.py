"""Visitors, live sockets, and the erasure of everything a user has said."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, delete, post, route
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from chatstream.errors import Refused
from chatstream.http.backend import Backend, BackendDependency, CallerDependency
from chatstream.http.caller import new_visitor, owner_wanted
from chatstream.http.chats import READ, erase_chat
from chatstream.http.paging import Cursor, Limit, Page, decode_cursor, page
from chatstream.http.paths import NAMES_A_USER, user_named
from chatstream.http.problem import problems
from chatstream.projections.rows import After, ConnectionRow
from chatstream.security.claims import ME
from chatstream.security.identity import Identity
from chatstream.timestamps import to_text


class Visitor(Struct, frozen=True):
    """A new anonymous identity; the token is the caller's to keep."""

    user_id: str
    token: str
    token_expires_at: str


class UsersController(Controller):
    """``/visitors``, ``/connections`` and ``/users``."""

    tags = ("users",)

    @post("/visitors", responses=problems(403, 429), summary="A new anonymous identity")
    async def make_visitor(
        self, request: Request[Any, Any, State], chatstream_backend: BackendDependency
    ) -> Visitor:
        token, identity = new_visitor(request, chatstream_backend)
        assert identity.expires_at_ms is not None
        return Visitor(identity.user_id, token, to_text(identity.expires_at_ms))

    @route("/connections", http_method=READ, responses=problems(404), summary="My live sockets")
    async def list_connections(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        *,
        limit: Limit = 50,
        cursor: Cursor = None,
        user_id: FromQuery[str | None] = None,
    ) -> Page[ConnectionRow]:
        owner = owner_wanted(chatstream_caller, user_id)
        after = decode_cursor(cursor)
        rows = sorted(await chatstream_backend.connections.of_user(owner), key=_place)
        return page([row for row in rows if after is None or _place(row) > after], limit, _place)

    @delete(
        "/users/me",
        opt={NAMES_A_USER: True},
        responses=problems(403),
        summary="Erase all my chats",
    )
    async def erase_me(
        self,
        request: Request[Any, Any, State],
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
    ) -> None:
        await _erase_named(request, chatstream_backend, chatstream_caller)

    @delete(
        "/users/{user_id:path}",
        opt={NAMES_A_USER: True},
        responses=problems(403, 404),
        summary="Erase all chats of a user; a slash of the id is encoded",
    )
    async def erase_user(
        self,
        request: Request[Any, Any, State],
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        user_id: FromPath[str],  # noqa: ARG002 - for the description; the raw path names the user
    ) -> None:
        await _erase_named(request, chatstream_backend, chatstream_caller)

    @delete("/users", opt={NAMES_A_USER: True}, include_in_schema=False)
    async def erase_odd_user(
        self,
        request: Request[Any, Any, State],
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
    ) -> None:
        # A user whose id is made of slashes: the framework has taken them away.
        await _erase_named(request, chatstream_backend, chatstream_caller)


def _place(row: ConnectionRow) -> After:
    return After(row.connected_at, row.socket_connection_id)


async def _erase_named(
    request: Request[Any, Any, State], backend: Backend, caller: Identity
) -> None:
    """Erase everything of exactly the user that the path names.

    Raises:
        Refused: ``not_found`` for another user than the caller, who is no admin;
            ``invalid_frame`` where it names nobody.
    """
    named = user_named(request, backend.settings.prefix)
    user_id = caller.user_id if named == ME else named
    if not caller.admin and user_id != caller.user_id:
        raise Refused("not_found")
    await _erase_user(backend, user_id)


async def _erase_user(backend: Backend, user_id: str) -> None:
    for chat_id in await backend.lists.chats_of_user(user_id):
        await erase_chat(backend, user_id, chat_id)
    await backend.user_values.forget(user_id)
