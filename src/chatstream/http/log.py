"""A chat's log: its events as they are, live or by the page, and as rows of history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, NamedTuple

from litestar import Controller, Request, Response, route
from litestar.datastructures import State
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter
from litestar.response import Stream

from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import Refused
from chatstream.http.backend import Backend, BackendDependency, CallerDependency
from chatstream.http.caller import address_of
from chatstream.http.chats import READ, readable
from chatstream.http.operations import EventsOrStream
from chatstream.http.paging import (
    LAST_POSITION,
    Cursor,
    Limit,
    MaybePosition,
    Page,
    Position,
    id_wanted,
    position_of,
)
from chatstream.http.problem import problems
from chatstream.http.reading import frames_between
from chatstream.http.sse import MEDIA_TYPE as EVENT_STREAM
from chatstream.http.sse import Terms, event_stream, wants_stream
from chatstream.ids import ChatId, IntentId
from chatstream.live.feed import Feed
from chatstream.projections.rows import HistoryFilter, HistoryRow, MessageType
from chatstream.protocol.bodies import Events, events_body
from chatstream.security.identity import Identity

LastEventId = Annotated[
    str | None, HeaderParameter(name="Last-Event-ID", description="A position; wins over `after`")
]
_EVENTS = ResponseSpec(
    Events,
    description="Event frames; with `Accept: text/event-stream` a stream of them",
    generate_examples=False,
)
# Proxies that collect a stream before they pass it on would make it no stream.
_STREAM_HEADERS = {"X-Accel-Buffering": "no"}


class LogController(Controller):
    """``/chats/{id}/events`` and ``/history``."""

    path = "/chats/{chat_id:str}"
    tags = ("chats",)

    @route(
        "/events",
        http_method=READ,
        operation_class=EventsOrStream,
        responses={200: _EVENTS, **problems(404, 429)},
        summary="The events of a chat, byte for byte; or as they come",
    )
    async def events(
        self,
        request: Request[Any, Any, State],
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        *,
        chat_id: FromPath[str],
        after: Position = 0,
        limit: Limit = 50,
        cursor: Cursor = None,
        last_event_id: LastEventId = None,
    ) -> Response[Any]:
        state = await readable(chatstream_backend, chatstream_caller, chat_id)
        start = position_of(cursor, after)
        if request.method == "GET" and wants_stream(request.headers.get("accept", "")):
            start = position_of(last_event_id or None, start)
            position = state.position
            reader = _Reader(chatstream_caller, address_of(request))
            return _stream(chatstream_backend, reader, ChatId(chat_id), position, start)
        return await _events_page(chatstream_backend, ChatId(chat_id), state, start, limit)

    @route(
        "/history",
        http_method=READ,
        responses=problems(404),
        summary="A chat's messages: the newest ones below a position, in ascending order",
    )
    async def history(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        *,
        chat_id: FromPath[str],
        before: MaybePosition = None,
        limit: Limit = 50,
        cursor: Cursor = None,
        message_type: FromQuery[MessageType | None] = None,
        user_intent_id: FromQuery[str | None] = None,
    ) -> Page[HistoryRow]:
        await readable(chatstream_backend, chatstream_caller, chat_id)
        intent_id = id_wanted("user_intent_id", user_intent_id)
        wanted = HistoryFilter(
            before=position_of(cursor, LAST_POSITION if before is None else before),
            message_type=message_type,
            user_intent_id=None if intent_id is None else IntentId(intent_id),
        )
        rows = await chatstream_backend.lists.history(ChatId(chat_id), wanted, limit + 1)
        items = rows[-limit:]
        return Page(items, str(items[0].position) if len(rows) > limit else None)


class _Reader(NamedTuple):
    """Who wants to read a stream, and from where."""

    caller: Identity
    address: str


def _stream(
    backend: Backend, reader: _Reader, chat_id: ChatId, position: int, after: int
) -> Stream:
    if backend.streams.closed:
        raise Refused("unavailable", "the server is going away")
    backend.shares.of_user.refuse_if_full(reader.caller.user_id)
    backend.shares.of_address.refuse_if_full(reader.address)
    terms = Terms(
        heartbeat_s=backend.settings.heartbeat_s,
        expires_at_ms=reader.caller.ends_at_ms,
        now_ms=backend.now_ms,
    )

    def open_feed() -> Feed:
        feed = backend.service.feed(chat_id)
        feed.moved_to(position)  # by now the chat may be out of memory
        return feed

    async def pieces() -> AsyncIterator[bytes]:
        # Held from the first piece on: a stream that nobody comes to read must not stay counted.
        async with aclosing(event_stream(open_feed, after, terms, backend.streams)) as stream:
            with (
                backend.shares.of_user.held(reader.caller.user_id),
                backend.shares.of_address.held(reader.address),
            ):
                async for piece in stream:
                    yield piece

    return Stream(pieces(), media_type=EVENT_STREAM, headers=_STREAM_HEADERS)


async def _events_page(
    backend: Backend, chat_id: ChatId, state: UserChat, after: int, limit: int
) -> Response[bytes]:
    newest = state.position
    frames = await frames_between(backend.service.feed(chat_id), after, min(after + limit, newest))
    more = bool(frames) and frames[-1].position < newest
    body = events_body(frames, str(frames[-1].position) if more else None)
    return Response(body, media_type="application/json")
