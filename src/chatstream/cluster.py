"""A node among others on one database: what it hears of them and what it lets them hear.

It hears of their commits and reads on; it runs turns by a lease, takes over those of nodes that
are gone, and leaves its own to others when it goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from chatstream.errors import ConfigurationError
from chatstream.eventstore.store import Fetch, Sharing, Work
from chatstream.ids import ChatId
from chatstream.live.wakeup import Bus, LogWatch
from chatstream.projections.models import ReadModels
from chatstream.service import ChatService
from chatstream.turns.runner import TurnRunner

log = logging.getLogger(__name__)

_NOBODY: Final = ""
_WORK: Final = "work"
_OWNER: Final = "SELECT owner FROM turn_work WHERE user_chat_id = ?"


class Cluster:
    """The other nodes as this one knows them; ``start`` and ``close`` in order."""

    def __init__(
        self,
        sharing: Sharing,
        fetch: Fetch,
        service: ChatService,
        runner: TurnRunner,
        read_models: ReadModels,
        *,
        lease_s: float,
    ) -> None:
        from chatstream.eventstore.postgres_nodes import Lease
        from chatstream.live.wakeup_postgres import PostgresBus

        self._fetch = fetch
        self._runner = runner
        self._read_models = read_models
        self._watch = LogWatch(sharing.node_id, fetch, service.heard)
        self._bus: Bus = PostgresBus(sharing.dsn, self)
        self._lease = Lease(sharing.dsn, sharing.node_id, lease_s, self)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._has_left = False
        runner.is_ours = self._is_ours

    def is_on_duty(self) -> bool:
        """Whether this node does what one of all is to do."""
        return self._lease.leads

    async def start(self) -> None:
        """Take a lease and begin to listen; turns that nobody runs are taken over.

        Raises:
            ConfigurationError: the database does not take the lease.
        """
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._lease.start)
        except Exception as error:
            raise ConfigurationError(f"no lease can be had: {error}") from error
        self._tasks = [
            asyncio.create_task(self._watch.run(), name="chatstream-log"),
            asyncio.create_task(self._bus.run(), name="chatstream-bus"),
        ]

    async def hand_over(self, stored: Callable[[], Awaitable[None]]) -> None:
        """Leave every turn to the other nodes, those that begin from now on too. ``stored``: once
        what was decided before is on disk."""
        if self._has_left:
            return
        self._has_left = True
        self._read_models.turns_belong_to(_NOBODY)
        self._runner.stop()
        await stored()
        await asyncio.to_thread(self._lease.leave)
        await self._bus.tell([_WORK])

    async def close(self) -> None:
        """Listen no more; ``hand_over`` comes before."""
        await self._bus.tell([_WORK])  # turns may have begun since
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self._bus.close()

    async def _is_ours(self, chat_id: ChatId) -> bool:
        return await self._fetch(_OWNER, (chat_id,)) == [(self._lease.owner,)]

    # -- what is heard (``wakeup.Ears``) --------------------------------------------------

    def on_wake(self, text: str) -> None:
        """A commit was made somewhere."""
        self._watch.on_wake(text)

    def on_word(self, text: str) -> None:
        """Somebody said something."""
        if text == _WORK:
            self._lease.look_soon()

    def on_silence(self) -> None:
        """A hint may have been missed."""
        self._watch.look_soon()

    # -- the lease, from its thread (``postgres_nodes.Tenant``) ----------------------------

    def on_lease(self, owner: str) -> None:
        """From now on our turns are ``owner``'s."""
        self._on_loop(self._take_name, owner)

    def on_lease_lost(self) -> None:
        """Others may have taken our turns."""
        self._on_loop(self._runner.stop_runs)

    def on_work(self, work: list[Work]) -> None:
        """These turns are ours now."""
        self._on_loop(self._runner.recover, work)

    def _take_name(self, owner: str) -> None:
        if not self._has_left:
            self._read_models.turns_belong_to(owner)

    def _on_loop(self, callback: Callable[..., object], *arguments: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has ended, and everything with it
            self._loop.call_soon_threadsafe(callback, *arguments)
