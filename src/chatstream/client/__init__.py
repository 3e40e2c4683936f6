"""The Python client: talk to a chatstream server and lose nothing.

    async with ChatClient("ws://localhost:8000/api/v1/chat/ws/chat") as client:
        chat = await client.open()
        answer = await chat.answer_to(await chat.send("Hello"))
        print(answer.content)

It reconnects by itself, goes on where it was, and sends what was not acknowledged again with
the same id. It needs nothing of the server but its address.
"""

from __future__ import annotations

import asyncio
import random as random_module
import secrets
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from chatstream.client.chat import Answer, Chat
from chatstream.client.connection import Connection, GetToken
from chatstream.client.errors import (
    ClientClosed,
    ClientError,
    CommandRejected,
    Forgotten,
    OutboxFull,
)
from chatstream.client.following import Following
from chatstream.client.frames import Ack, Event, Intent
from chatstream.client.roster import Roster
from chatstream.client.state import ChatView
from chatstream.client.states import (
    CatchingUp,
    Closed,
    Connecting,
    Idle,
    Live,
    State,
    Waiting,
)
from chatstream.client.transport import (
    Connect,
    Transport,
    TransportLost,
    WebSocketTransport,
    connect_websocket,
)
from chatstream.client.waiters import Waiters


class ChatClient:
    """One connection to a server, over which any number of chats go. Enter it to connect.

    Args:
        url: of the server's WebSocket, ``ws://…/chat/ws/chat``.
        token: who the user is; None: what ``get_token`` gives, else a new visitor.
        get_token: gives a fresh token at the start, before one expires, and once when the
            server refuses one. What it raises is logged and tried again.
        connect: opens the connection; for tests, and to cut it.
        random: a number in [0, 1), spreads the tries to reconnect.
        new_id: gives a fresh text of at most 48 characters of ``[A-Za-z0-9_-]``.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        get_token: GetToken | None = None,
        connect: Connect = connect_websocket,
        random: Callable[[], float] = random_module.random,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16),
    ) -> None:
        self._roster = Roster()
        self._connection = Connection(
            url,
            self._roster,
            connect=connect,
            token=token,
            get_token=get_token,
            random=random,
        )
        self._new_id = new_id
        self._chats: dict[str, Chat] = {}
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._connection.run(), name="chatstream client")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close("left")
        assert self._running is not None
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running

    @property
    def state(self) -> State:
        """How the connection stands."""
        return self._connection.state

    @property
    def token(self) -> str | None:
        """The identity in use; a visitor's must be kept to find the chats again."""
        return self._connection.token

    @property
    def user_id(self) -> str | None:
        """Who the server says the user is; None before it was first reached."""
        welcome = self._connection.welcome
        return None if welcome is None else welcome.user_id

    async def open(self, chat_id: str | None = None, *, last: int | None = None) -> Chat:
        """Follow a chat and wait until all of it has been read.

        Args:
            chat_id: the chat; None: a new one, and so is an id that nobody has yet.
            last: read only the newest so many events; None: all.

        Raises:
            CommandRejected: ``not_found``: it is another user's.
            ClientClosed: the client closed before.
        """
        chat = self.follow(chat_id, last=last)
        await chat.caught_up()
        return chat

    def follow(self, chat_id: str | None = None, *, last: int | None = None) -> Chat:
        """Follow a chat without waiting for the server; what is sent is kept until it is there.

        A chat that is followed already keeps its handle.
        """
        # The id is made here, so that a loss during the first ``open`` cannot make two chats.
        chat_id = f"chat_{self._new_id()}" if chat_id is None else chat_id
        following = self._roster.get(chat_id)
        if following is None or following.ended is not None:
            self._chats[chat_id] = self._begin(chat_id, last)
        return self._chats[chat_id]

    def leave(self, chat_id: str) -> None:
        """Follow the chat no longer; the chat itself goes on."""
        self._roster.leave(chat_id)
        self._connection.wake()
        self._chats.pop(chat_id, None)

    def retry_now(self) -> None:
        """Do not wait for the next try to connect."""
        self._connection.retry_now()

    async def until(self, predicate: Callable[[State], bool]) -> State:
        """Wait until the connection is in a state as wanted; the state then."""
        await self._connection.bell.until(lambda: predicate(self.state))
        return self.state

    def _begin(self, chat_id: str, last: int | None) -> Chat:
        waiters = Waiters()
        following = Following(chat_id, last=last, new_id=self._new_id, listener=waiters)
        if isinstance(self.state, Closed):
            following.end(ClientClosed(self.state.reason))
        self._roster.add(following)
        self._connection.wake()
        return Chat(
            following,
            waiters,
            wake=self._connection.wake,
            leave=lambda: self.leave(chat_id),
            new_id=self._new_id,
        )


__all__ = [
    "Ack",
    "Answer",
    "CatchingUp",
    "Chat",
    "ChatClient",
    "ChatView",
    "ClientClosed",
    "ClientError",
    "Closed",
    "CommandRejected",
    "Connect",
    "Connecting",
    "Event",
    "Forgotten",
    "Idle",
    "Intent",
    "Live",
    "OutboxFull",
    "State",
    "Transport",
    "TransportLost",
    "Waiting",
    "WebSocketTransport",
    "connect_websocket",
]
