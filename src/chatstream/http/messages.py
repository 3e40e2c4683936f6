"""What a user does in a chat: say, answer a component, cancel, retry, close."""

from __future__ import annotations

import re
from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from litestar.datastructures import State
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody

from chatstream.domain.commands import (
    CancelTurn,
    CloseChat,
    RetryMessage,
    SendMessage,
    SubmitComponent,
)
from chatstream.http.acknowledging import acknowledged, key, origin
from chatstream.http.backend import Backend, BackendDependency, CallerDependency
from chatstream.http.bodies import (
    CancelBody,
    CommandBody,
    MessageBody,
    RetryBody,
    ValuesBody,
)
from chatstream.http.caller import address_of, chat_id_of
from chatstream.http.operations import OptionalBody
from chatstream.http.problem import problems
from chatstream.http.reading import turn_frames
from chatstream.ids import ChatId, IntentId
from chatstream.protocol.bodies import AnsweredTurn, answered_turn_body
from chatstream.protocol.content import refuse_content, refuse_unstorable
from chatstream.protocol.frames import Ack

Prefer = Annotated[
    str | None,
    HeaderParameter(name="Prefer", description="`wait=N`: answer with the turn if it ends in N s"),
]
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*("?)([0-9]+(?:\.[0-9]+)?)\1(?=$|[,;\s])', re.IGNORECASE)
_LONGEST_WAIT_S = 600.0
_ANSWERED = ResponseSpec(
    AnsweredTurn, description="The turn has ended; with `Prefer: wait=N`", generate_examples=False
)
_ACKED = ResponseSpec(Ack, description="The message is stored", generate_examples=False)


class MessagesController(Controller):
    """The commands under ``/chats/{id}``. All are answered with the ack."""

    path = "/chats/{chat_id:str}"
    tags = ("commands",)

    @post(
        "/messages",
        status_code=202,
        responses={200: _ANSWERED, 202: _ACKED, **problems(403, 404, 409, 413, 422, 429)},
        summary="Say something",
    )
    async def send(
        self,
        request: Request[Any, Any, State],
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        *,
        chat_id: FromPath[str],
        data: JSONBody[MessageBody],
        prefer: Prefer = None,
    ) -> Response[Any]:
        refuse_content(data.content, chatstream_backend.settings.max_content_bytes)
        wanted = data.user_intent_id
        command = SendMessage(
            **origin(chatstream_backend, chatstream_caller.user_id, chat_id_of(chat_id)),
            id=key(data.id),
            content=data.content,
            user_intent_id=None if wanted is None else IntentId(wanted),
            new_intent=bool(data.new_intent),
        )
        wait_s = wait_wanted(prefer)
        if wait_s is None:
            return Response(await acknowledged(chatstream_backend, chatstream_caller, command))
        # Asked for a place before anything is stored: who is refused may send it again.
        user_id, address = chatstream_caller.user_id, address_of(request)
        with chatstream_backend.shares.connection(user_id, address):
            ack = await acknowledged(chatstream_backend, chatstream_caller, command)
            left_s = max(0.0, chatstream_caller.left_s(chatstream_backend.now_ms()))
            return await _answered(chatstream_backend, ack, min(wait_s, left_s))

    @post(
        "/components/{component_id:str}",
        status_code=202,
        responses=problems(403, 404, 409, 413, 422, 429),
        summary="Answer a component",
    )
    async def submit(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        chat_id: FromPath[str],
        component_id: FromPath[str],
        data: JSONBody[ValuesBody],
    ) -> Ack:
        refuse_unstorable(data.values)
        command = SubmitComponent(
            **origin(chatstream_backend, chatstream_caller.user_id, chat_id_of(chat_id)),
            id=key(data.id),
            component_id=component_id,
            values=data.values,
        )
        return await acknowledged(chatstream_backend, chatstream_caller, command)

    @post(
        "/cancel",
        status_code=202,
        operation_class=OptionalBody,
        responses=problems(403, 404, 409, 413, 429),
        summary="Stop the running turn",
    )
    async def cancel(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        chat_id: FromPath[str],
        data: JSONBody[CancelBody | None] = None,
    ) -> Ack:
        body = data or CancelBody()
        command = CancelTurn(
            **origin(chatstream_backend, chatstream_caller.user_id, chat_id_of(chat_id)),
            id=key(body.id),
            turn=body.turn,
        )
        return await acknowledged(chatstream_backend, chatstream_caller, command)

    @post(
        "/retry",
        status_code=202,
        responses=problems(403, 404, 409, 413, 429),
        summary="Run the agent again on a message",
    )
    async def retry(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        chat_id: FromPath[str],
        data: JSONBody[RetryBody],
    ) -> Ack:
        command = RetryMessage(
            **origin(chatstream_backend, chatstream_caller.user_id, chat_id_of(chat_id)),
            id=key(data.id),
            message_id=data.message_id,
        )
        return await acknowledged(chatstream_backend, chatstream_caller, command)

    @post(
        "/close",
        status_code=202,
        operation_class=OptionalBody,
        responses=problems(403, 404, 409, 413, 429),
        summary="Close the chat window for good",
    )
    async def close(
        self,
        chatstream_backend: BackendDependency,
        chatstream_caller: CallerDependency,
        chat_id: FromPath[str],
        data: JSONBody[CommandBody | None] = None,
    ) -> Ack:
        command = CloseChat(
            **origin(chatstream_backend, chatstream_caller.user_id, chat_id_of(chat_id)),
            id=key(data.id if data is not None else None),
        )
        return await acknowledged(chatstream_backend, chatstream_caller, command)


def wait_wanted(prefer: str | None) -> float | None:
    """The seconds in a ``Prefer`` header's ``wait``; None if it has none that is a number."""
    match = _WAIT.search(prefer or "")
    return None if match is None else min(float(match[2]), _LONGEST_WAIT_S)


async def _answered(backend: Backend, ack: Ack, wait_s: float) -> Response[Any]:
    feed = backend.service.feed(ChatId(ack.user_chat_id))
    frames = await turn_frames(feed, ack, wait_s, backend.streams)
    if frames is None:
        return Response(ack)
    body = answered_turn_body(ack, frames)
    return Response(body, status_code=200, media_type="application/json")
