"""Chats: make, list, show as they are or were, erase."""

from __future__ import annotations

from typing import Any

from litestar import Controller, HttpMethod, Request, Response, delete, post, route
from litestar.datastructures import State
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody

from chatstream.domain.commands import EraseChat, OpenChat
from chatstream.domain.user_chat.state import UserChat
from chatstream.domain.views import ChatView, chat_view
from chatstream.errors import Refused
from chatstream.http.acknowledging import origin
from chatstream.http.backend import Backend, BackendDependency, CallerDependency
from chatstream.http.bodies import NewChat
from chatstream.http.caller import address_of, chat_id_of, owner_wanted, reader
from chatstream.http.operations import OptionalBody
from chatstream.http.paging import Cursor, Limit, MaybePosition, Page, decode_cursor, page
from chatstream.http.problem import problems
from chatstream.http.reading import frames_between
from chatstream.ids import ChatId, new_chat_id
from chatstream.projections.rows import After, ChatRow
from chatstream.protocol.bodies import Chat, chat_body
from chatstream.security.identity import Identity

READ = [HttpMethod.GET, HttpMethod.HEAD]
_A_CHAT = ResponseSpec(Chat, description="The chat", generate_examples=False)


class ChatsController(Controller):
    """``/chats``."""

    path = "/chats"
    tags = ("chats",)

    @post(
        operation_class=OptionalBody,
        responses={200: _A_CHAT, 201: _A_CHAT, **problems(403, 404, 413, 429)},
        summary="Make a chat, or show the one that has this id already",
    )
    async def make(
        self,
        request: Request[Any, Any, State],
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        data: JSONBody[NewChat | None] = None,
    ) -> Response[ChatView]:
        chosen = data.user_chat_id if data is not None else None
        chat_id = ChatId(chosen) if chosen is not None else new_chat_id()
        shares, user_id = chatstream_backend.shares, chatstream_caller.user_id
        address = address_of(request)
        may_make = shares.take_chat(user_id, address)
        given = origin(chatstream_backend, user_id, chat_id)
        receipt = await chatstream_backend.service.submit(OpenChat(**given, may_make=may_make))
        if may_make and receipt.duplicate:
            shares.give_back_chat(user_id, address)
        view = view_of(chatstream_backend, chat_id, receipt.state)
        return Response(view, status_code=200 if receipt.duplicate else 201)

    @route(http_method=READ, responses=problems(404), summary="My chats, newest activity first")
    async def list_chats(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        limit: Limit = 50,
        cursor: Cursor = None,
        user_id: FromQuery[str | None] = None,
    ) -> Page[ChatRow]:
        owner = owner_wanted(chatstream_caller, user_id)
        rows = await chatstream_backend.lists.chats(owner, decode_cursor(cursor), limit + 1)
        return page(rows, limit, lambda row: After(row.last_activity_at, row.user_chat_id))

    @route(
        "/{chat_id:str}",
        http_method=READ,
        responses={200: _A_CHAT, **problems(404)},
        summary="A chat as it is, or as it stood at a position",
    )
    async def show(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        chat_id: FromPath[str],
        at: MaybePosition = None,
        limit: Limit = 200,
    ) -> Response[Any]:
        state = await readable(chatstream_backend, chatstream_caller, chat_id)
        if at is None:
            return Response(view_of(chatstream_backend, ChatId(chat_id), state))
        body = await _as_it_stood(chatstream_backend, ChatId(chat_id), state, at, limit)
        return Response(body, media_type="application/json")

    @delete("/{chat_id:str}", responses=problems(403, 404), summary="Erase a chat")
    async def erase(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        chat_id: FromPath[str],
    ) -> None:
        state = await readable(chatstream_backend, chatstream_caller, chat_id)
        await erase_chat(chatstream_backend, state.user_id, ChatId(chat_id))


async def readable(backend: Backend, caller: Identity, chat_id: str) -> UserChat:
    """The chat ``chat_id``, if ``caller`` may read it.

    Raises:
        Refused: ``not_found``, ``unavailable``.
    """
    return await backend.service.load(chat_id_of(chat_id), reader(caller))


def view_of(backend: Backend, chat_id: ChatId, state: UserChat) -> ChatView:
    """The chat as ``opened`` shows it."""
    return chat_view(chat_id, state, round(backend.settings.session_ttl_s * 1000))


async def erase_chat(backend: Backend, owner_id: str, chat_id: ChatId) -> None:
    """Erase a chat of ``owner_id``; once more is no error.

    Raises:
        Refused: ``not_found``, ``unavailable``.
    """
    await backend.service.submit(EraseChat(**origin(backend, owner_id, chat_id)))


async def _as_it_stood(
    backend: Backend, chat_id: ChatId, newest: UserChat, position: int, limit: int
) -> bytes:
    if not 1 <= position <= newest.position:
        raise Refused("not_found")
    state = await backend.service.state_at(chat_id, position)
    feed = backend.service.feed(chat_id)
    frames = await frames_between(feed, max(0, position - limit), position)
    return chat_body(view_of(backend, chat_id, state), frames)
