"""What this node hears on the bus, and who of it takes it."""

from __future__ import annotations

import asyncio
from typing import assert_never

import msgspec

from chatstream.chats.receipt import Receipt
from chatstream.chats.service import ChatService
from chatstream.cluster.answer_relay import BusAnswerRelay, RunningTurns
from chatstream.cluster.bus import IgnoredMessages
from chatstream.cluster.forwarding import command_of
from chatstream.cluster.log_watch import LogWatch
from chatstream.cluster.membership import Membership
from chatstream.cluster.messages import (
    AnswerChunk,
    AnswerRequest,
    ForwardCommand,
    Message,
    SocketsQuery,
    SocketsReply,
    TurnsReleased,
    decode,
)
from chatstream.cluster.presence import SocketQueries


class MessageDispatcher:
    """Gives each message to the part that handles it (``bus.BusListener``)."""

    def __init__(
        self,
        log_watch: LogWatch,
        membership: Membership,
        relay: BusAnswerRelay,
        sockets: SocketQueries,
        commands: ChatService,
        runs: RunningTurns,
        ignored: IgnoredMessages,
    ) -> None:
        self._log_watch = log_watch
        self._membership = membership
        self._relay = relay
        self._sockets = sockets
        self._commands = commands
        self._runs = runs
        self._ignored = ignored

    def on_wake(self, text: str) -> None:
        """A commit was made somewhere."""
        self._log_watch.on_wake(text)

    def on_gap(self) -> None:
        """A hint may have been missed."""
        self._log_watch.look_soon()

    def on_message(self, text: str) -> None:
        """A node published ``text``. One of another version may say what is not known here."""
        try:
            message = decode(text)
        except msgspec.MsgspecError:
            self._ignored.note("unknown")
        else:
            self._handle(message)

    def _handle(self, message: Message) -> None:
        match message:
            case TurnsReleased():
                self._membership.on_released()
            case AnswerRequest():
                self._relay.on_request(message)
            case AnswerChunk():
                self._relay.on_chunk(message)
            case ForwardCommand():
                self._carry_out(message)
            case SocketsQuery():
                self._sockets.on_query(message)
            case SocketsReply():
                self._sockets.on_reply(message)
            case _:  # pragma: no cover
                assert_never(message)

    def _carry_out(self, message: ForwardCommand) -> None:
        command = command_of(message)
        if command is not None and self._runs.get(command.user_chat_id) is not None:
            # The node that asked finds in the log what came of it.
            self._commands.submit(command).add_done_callback(_ignore_outcome)


def _ignore_outcome(receipt: asyncio.Future[Receipt]) -> None:
    if not receipt.cancelled():
        receipt.exception()
