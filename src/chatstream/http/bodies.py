"""Request bodies: what they hold, and how strictly they are read.

The framework would turn texts into numbers and stop at nothing; a body is decoded straight
into its type instead, so that HTTP takes exactly what a socket takes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException
from msgspec import Meta, Struct

from chatstream.errors import Refused
from chatstream.protocol.content import refuse_shape
from chatstream.protocol.numbers import finite

# Not \Z: the pattern also stands in OpenAPI. A plain $ lets a newline pass.
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)", description="An id")]


class NewChat(Struct, frozen=True, kw_only=True):
    """The id that a new chat shall have; without one the server chooses."""

    user_chat_id: Id | None = None


class CommandBody(Struct, frozen=True, kw_only=True):
    """``id`` is the idempotency key; without one a repeat cannot be recognised."""

    id: Id | None = None


class MessageBody(CommandBody, frozen=True, kw_only=True):
    """What the user says."""

    content: str
    user_intent_id: Id | None = None
    new_intent: bool | None = False


class ValuesBody(CommandBody, frozen=True, kw_only=True):
    """The answer to a component."""

    values: dict[str, Any]


class CancelBody(CommandBody, frozen=True, kw_only=True):
    """With ``turn`` (its ``caused_by``) only that turn is stopped."""

    turn: Id | None = None


class RetryBody(CommandBody, frozen=True, kw_only=True):
    """The user message that the agent shall run on again."""

    message_id: Id


class StrictRequest(Request[Any, Any, State]):
    """A request whose JSON is decoded as the type of the handler's ``data``."""

    async def body(self) -> bytes:
        """All of the body.

        Raises:
            Refused: ``invalid_frame`` where the peer hung up before its end.
        """
        try:
            return await super().body()
        except InternalServerException:
            raise Refused("invalid_frame", "the body ended too early") from None

    async def json(self) -> Any:  # noqa: ANN401 - as the framework declares it
        """The body, decoded.

        Raises:
            Refused: ``invalid_frame``.
        """
        body = await self.body()
        field = self.route_handler.parsed_data_field
        assert field is not None, "only asked for where a handler takes data"
        return decoded(body, field.annotation)


def decoded(body: bytes, annotation: Any) -> Any:  # noqa: ANN401 - of the annotation's type
    """``body`` as a value of the type ``annotation``.

    Raises:
        Refused: ``invalid_frame``.
    """
    refuse_shape(body)
    try:
        return _decoder(annotation).decode(body)
    except msgspec.ValidationError as error:
        raise Refused("invalid_frame", str(error)) from None
    except (ValueError, RecursionError):
        raise Refused("invalid_frame", "the body is not valid JSON") from None


@lru_cache(maxsize=32)
def _decoder(annotation: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - any type at all
    return msgspec.json.Decoder(annotation, float_hook=finite)
