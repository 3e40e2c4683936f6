"""Client commands by HTTP: the same commands as on a socket, answered with the ack."""

from __future__ import annotations

from typing import TypedDict

from chatstream import ids
from chatstream.domain.commands import AnyClientCommand
from chatstream.errors import Refused
from chatstream.http.backend import Backend
from chatstream.ids import ChatId
from chatstream.protocol.frames import Ack
from chatstream.security.identity import Identity


class Origin(TypedDict):
    """The fields that every command has: whose it is, when, and its random seed."""

    user_chat_id: ChatId
    user_id: str
    now_ms: int
    nonce: str


def origin(backend: Backend, user_id: str, chat_id: ChatId) -> Origin:
    """The common fields of a command of ``user_id`` that is given now."""
    return Origin(
        user_chat_id=chat_id, user_id=user_id, now_ms=backend.now_ms(), nonce=ids.new_nonce()
    )


def key(command_id: str | None) -> str:
    """The client's idempotency key, or a new one."""
    return command_id or ids.new_command_id()


async def acknowledged(backend: Backend, caller: Identity, command: AnyClientCommand) -> Ack:
    """The ack of ``command``, once it is on disk.

    Raises:
        Refused: for the reasons that the protocol names, ``rate_limited`` among them.
    """
    try:
        backend.limiter.take(caller.user_id)
        receipt = await backend.service.submit(command)
    except Refused as refused:
        backend.metrics.commands.labels("http", refused.code).inc()
        raise
    result = "duplicate" if receipt.duplicate else "ack"
    backend.metrics.commands.labels("http", result).inc()
    return Ack(
        user_chat_id=command.user_chat_id,
        id=command.id,
        position=receipt.position,
        duplicate=receipt.duplicate,
    )
