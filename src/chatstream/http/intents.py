"""Intents over all chats of a user: find them, take them up again, give them up."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, post, route
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from chatstream.domain.commands import AbandonIntent, ResumeIntent
from chatstream.domain.events import IntentStatus
from chatstream.domain.views import IntentView
from chatstream.errors import Refused
from chatstream.http.acknowledging import acknowledged, key, origin
from chatstream.http.backend import Backend, BackendDependency, CallerDependency
from chatstream.http.bodies import CommandBody
from chatstream.http.caller import owner_wanted
from chatstream.http.chats import READ
from chatstream.http.operations import OptionalBody
from chatstream.http.paging import Cursor, Limit, Page, decode_cursor, id_wanted, page
from chatstream.http.problem import problems
from chatstream.ids import ChatId, IntentId, is_id
from chatstream.projections.rows import After, IntentFilter
from chatstream.protocol.content import is_storable
from chatstream.protocol.frames import Ack
from chatstream.security.identity import Identity
from chatstream.timestamps import to_ms, to_text

Moment = Annotated[
    str | None, QueryParameter(description="RFC 3339 with a zone; of the last activity, inclusive")
]


class IntentsController(Controller):
    """``/intents``."""

    path = "/intents"
    tags = ("intents",)

    @route(http_method=READ, responses=problems(404), summary="My intents, newest activity first")
    async def list_intents(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        *,
        limit: Limit = 50,
        cursor: Cursor = None,
        status: FromQuery[IntentStatus | None] = None,
        user_chat_id: FromQuery[str | None] = None,
        name: FromQuery[str | None] = None,
        since: Moment = None,
        until: Moment = None,
        user_id: FromQuery[str | None] = None,
    ) -> Page[IntentView]:
        chat_id = id_wanted("user_chat_id", user_chat_id)
        wanted = IntentFilter(
            user_id=owner_wanted(chatstream_caller, user_id),
            status=status,
            user_chat_id=None if chat_id is None else ChatId(chat_id),
            name=_text("name", name),
            since=_moment("since", since),
            until=_moment("until", until),
        )
        rows = await chatstream_backend.lists.intents(wanted, decode_cursor(cursor), limit + 1)
        return page(rows, limit, lambda row: After(row.last_activity_at, row.user_intent_id))

    @post(
        "/{user_intent_id:str}/resume",
        status_code=202,
        operation_class=OptionalBody,
        responses=problems(403, 404, 409, 413, 429),
        summary="Make an abandoned intent active again",
    )
    async def resume(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        user_intent_id: FromPath[str],
        data: JSONBody[CommandBody | None] = None,
    ) -> Ack:
        return await _acknowledged(
            ResumeIntent, chatstream_backend, chatstream_caller, user_intent_id, data
        )

    @post(
        "/{user_intent_id:str}/abandon",
        status_code=202,
        operation_class=OptionalBody,
        responses=problems(403, 404, 409, 413, 429),
        summary="Give an intent up",
    )
    async def abandon(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        user_intent_id: FromPath[str],
        data: JSONBody[CommandBody | None] = None,
    ) -> Ack:
        return await _acknowledged(
            AbandonIntent, chatstream_backend, chatstream_caller, user_intent_id, data
        )


async def _acknowledged(
    kind: type[ResumeIntent | AbandonIntent],
    backend: Backend,
    caller: Identity,
    user_intent_id: str,
    body: CommandBody | None,
) -> Ack:
    chat_id = await _chat_of(backend, user_intent_id)
    command = kind(
        **origin(backend, caller.user_id, chat_id),
        id=key(body.id if body is not None else None),
        user_intent_id=IntentId(user_intent_id),
    )
    return await acknowledged(backend, caller, command)


async def _chat_of(backend: Backend, user_intent_id: str) -> ChatId:
    chat_id = None
    if is_id(user_intent_id):
        chat_id = await backend.lists.chat_of_intent(user_intent_id)
    if chat_id is None:
        raise Refused("not_found")
    return chat_id


def _text(name: str, value: str | None) -> str | None:
    if value is not None and not is_storable(value):
        raise Refused("invalid_frame", f"{name} holds characters that cannot be stored")
    return value


def _moment(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return to_text(to_ms(text))
    except (ValueError, OverflowError):
        raise Refused("invalid_frame", f"{name}: expected an RFC 3339 time with a zone") from None
