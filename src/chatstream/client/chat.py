"""A chat as the user of the client holds it: say things, read what happens, await answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import msgspec

from chatstream.client.errors import ClientClosed, Forgotten
from chatstream.client.following import EventLog, Following
from chatstream.client.frames import (
    Abandon,
    Ack,
    Cancel,
    ChatEvent,
    Close,
    Command,
    ErrorEvent,
    Event,
    ResponseEvent,
    Resume,
    Retry,
    Send,
    Submit,
    TurnEnd,
    TurnEvent,
    Values,
)
from chatstream.client.state import ChatView
from chatstream.client.waiters import Waiters


class Answer(msgspec.Struct, frozen=True):
    """How a turn ended, and all of its events, from the one that began it."""

    status: TurnEnd
    events: tuple[Event, ...]

    @property
    def content(self) -> str:
        """The text of the newest response; empty if there is none.

        Of a turn that failed or was stopped, it is what had been written until then.
        """
        responses = [event.content for event in self.events if isinstance(event, ResponseEvent)]
        return responses[-1] if responses else ""

    @property
    def error(self) -> ErrorEvent | None:
        """Why the turn failed."""
        errors = [event for event in self.events if isinstance(event, ErrorEvent)]
        return errors[-1] if errors else None


class Chat:
    """One chat window. Made by ``ChatClient.open`` or ``ChatClient.follow``.

    Every command returns when the server has it on disk, however many connections that takes,
    and raises ``CommandRejected`` if it is refused for good, ``OutboxFull`` if too many wait,
    ``ClientClosed`` if no answer can come any more. A caller that stops waiting takes nothing
    back: the command is sent all the same.
    """

    def __init__(
        self,
        following: Following,
        waiters: Waiters,
        *,
        wake: Callable[[], None],
        leave: Callable[[], None],
        new_id: Callable[[], str],
    ) -> None:
        self._following = following
        self._waiters = waiters
        self._wake = wake
        self._leave = leave
        self._new_id = new_id

    @property
    def id(self) -> str:
        """The ``user_chat_id``."""
        return self._following.chat_id

    @property
    def view(self) -> ChatView:
        """The chat as far as it was read."""
        return self._following.view

    @property
    def first_position(self) -> int:
        """The position of the first event that is held; 1 unless the chat was opened later."""
        return self._following.log.start + 1

    @property
    def pending(self) -> tuple[Command, ...]:
        """Commands without an answer yet, in the order in which they are sent."""
        return self._following.outbox.commands

    # ----------------------------------------------------------------------------- commands

    async def send(
        self, content: str, *, user_intent_id: str | None = None, new_intent: bool = False
    ) -> Ack:
        """Say ``content``; to a task of the user's choice, or as the start of a new one."""
        return await self._command(
            Send(
                id=self._new_id(),
                user_chat_id=self.id,
                content=content,
                user_intent_id=user_intent_id,
                new_intent=new_intent,
            )
        )

    async def submit(self, component_id: str, values: Values) -> Ack:
        """Answer a form, or buttons with ``{"value": one of the options}``."""
        command = Submit(
            id=self._new_id(), user_chat_id=self.id, component_id=component_id, values=values
        )
        return await self._command(command)

    async def cancel(self, turn: str | None = None) -> Ack:
        """Stop the running turn; with ``turn`` (its ``caused_by``) only that one."""
        return await self._command(Cancel(id=self._new_id(), user_chat_id=self.id, turn=turn))

    async def retry(self, message_id: str) -> Ack:
        """Have the newest user message answered once more."""
        command = Retry(id=self._new_id(), user_chat_id=self.id, message_id=message_id)
        return await self._command(command)

    async def resume(self, user_intent_id: str) -> Ack:
        """Make an abandoned task the current one."""
        command = Resume(id=self._new_id(), user_chat_id=self.id, user_intent_id=user_intent_id)
        return await self._command(command)

    async def abandon(self, user_intent_id: str) -> Ack:
        """Give a task up."""
        command = Abandon(id=self._new_id(), user_chat_id=self.id, user_intent_id=user_intent_id)
        return await self._command(command)

    async def close(self) -> Ack:
        """Close the chat window for good."""
        return await self._command(Close(id=self._new_id(), user_chat_id=self.id))

    def leave(self) -> None:
        """Follow the chat no longer; the chat itself goes on."""
        self._leave()

    async def _command(self, command: Command) -> Ack:
        self._following.add(command)
        self._wake()
        return await self._waiters.answer(command.id)

    # ------------------------------------------------------------------------------ reading

    async def until(self, predicate: Callable[[ChatView], bool]) -> ChatView:
        """Wait until the view is as ``predicate`` wants it; the view then.

        Raises:
            ClientError: that cannot happen any more.
        """
        await self._waiters.until(lambda: predicate(self.view) or self._has_ended)
        if not predicate(self.view):
            self._raise_ended()
        return self.view

    async def caught_up(self) -> None:
        """Wait until all that was stored has been read.

        Raises:
            CommandRejected: the server did not let this chat be opened.
            ClientClosed: the client closed before.
        """
        await self._waiters.until(lambda: self._following.phase == "live" or self._has_ended)
        self._raise_ended()

    async def events(self, after: int | None = None) -> AsyncIterator[Event]:
        """Every event after position ``after``, once and in order, across reconnects.

        None: from the first one that was read. Ends with the client, or after ``leave``.

        Raises:
            Forgotten: the chat has to be read anew: the server said ``resync``, or the chat was
                opened with a later start, or erased.
        """
        log = self._following.log
        position = log.start if after is None else after
        while True:
            if log is not self._following.log:
                raise Forgotten("the chat was begun anew")
            event = log.at(position + 1)
            if event is not None:
                position += 1
                yield event
            elif self._has_ended:
                return
            else:
                await self._waiters.until(self._anything_after(log, position))

    def held(self, after: int) -> tuple[Event, ...]:
        """The events after position ``after`` that are here already.

        Raises:
            Forgotten: as by ``events``.
        """
        return self._following.log.since(after)

    async def answer_to(self, ack: Ack) -> Answer:
        """Wait for the end of the turn that an acked ``send``, ``submit`` or ``retry`` caused.

        Raises:
            ClientClosed: the chat was closed, or the client, before the turn ended.
            Forgotten: as by ``events``.
        """
        of_turn: list[Event] = []
        async for event in self.events(after=ack.position - 1):
            if ack.id in (event.caused_by, event.message_id):
                of_turn.append(event)
            match event:
                case TurnEvent(
                    caused_by=ack.id,
                    status="finished" | "needs_input" | "cancelled" | "failed" as status,
                ):
                    return Answer(status, tuple(of_turn))
                case ChatEvent(status="closed" | "erased" as status):
                    raise ClientClosed(f"the chat is {status}")
                case _:
                    pass
        self._raise_ended()
        raise ClientClosed("nothing more is read of the chat")

    def _anything_after(self, log: EventLog, position: int) -> Callable[[], bool]:
        return lambda: log is not self._following.log or log.end > position or self._has_ended

    @property
    def _has_ended(self) -> bool:
        return self._following.ended is not None

    def _raise_ended(self) -> None:
        if self._following.ended is not None:
            raise self._following.ended
