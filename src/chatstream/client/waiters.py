"""Who waits for something of a chat: for any change, or for the answer to a command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chatstream.client.errors import ClientError, CommandRejected
from chatstream.client.frames import Ack, Rejected


class Bell:
    """Rung after each change; a waiter looks again and decides for itself."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake all who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait for ``predicate``, which is asked now and after every ring."""
        while not predicate():
            await self.rung()

    async def rung(self) -> None:
        """Wait for the next ring."""
        await self._event.wait()


class Waiters(Bell):
    """A chat's ``Listener``: its news as a bell and futures."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: dict[str, asyncio.Future[Ack]] = {}

    async def answer(self, command_id: str) -> Ack:
        """The ack of the command, which was just put into the outbox.

        Raises:
            CommandRejected: it was refused for good.
            ClientClosed: the chat ended before.
        """
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._answers[command_id] = answer
        try:
            return await answer
        finally:
            del self._answers[command_id]

    def changed(self) -> None:
        """The view, the log or the phase moved."""
        self.ring()

    def answered(self, answer: Ack | Rejected) -> None:
        """A command was acked, or refused for good."""
        waiting = self._answers.get(answer.id or "")
        if waiting is None or waiting.done():
            return
        if isinstance(answer, Ack):
            waiting.set_result(answer)
        else:
            waiting.set_exception(CommandRejected(answer))

    def ended(self, error: ClientError) -> None:
        """Nothing of this chat will come any more."""
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(error)
        self.ring()
