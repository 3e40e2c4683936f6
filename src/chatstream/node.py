"""One running chat server without its sockets: store, service, turns and timers, wired.

The plugin puts Litestar around it, ``chatstream.testing`` and the command line use it bare.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress

from chatstream.cluster.membership import Cluster
from chatstream.config import Settings
from chatstream.errors import Refused
from chatstream.eventstore.log import EventStore
from chatstream.eventstore.store import (
    Append,
    Conflict,
    Engine,
    Failed,
    Outcome,
    RowChange,
    Stored,
    Work,
)
from chatstream.ids import ChatId
from chatstream.live.hub import Hub
from chatstream.projections.models import ReadModels
from chatstream.projections.remembered import SERVER_VALUES
from chatstream.projections.turn_work import TURN_WORK
from chatstream.service import ChatService
from chatstream.timestamps import now_ms as wall_clock_ms
from chatstream.turns.agents import Agent
from chatstream.turns.context import ContextManager
from chatstream.turns.runner import TurnRunner
from chatstream.turns.timers import TimerSweeper

log = logging.getLogger(__name__)

OWNER = "local"
"""On SQLite the process that holds the file owns every turn."""
SWEEP_FEEDS_EVERY_S = 5.0
_NO_CHAT = ChatId("")


class Node:
    """Everything of one server process, built once; ``start`` and ``close`` in order."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        agent: Agent,
        *,
        context: ContextManager | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self.settings = settings
        self.now_ms = now_ms
        self.store = EventStore(engine)
        self.name = OWNER if engine.sharing is None else engine.sharing.node_id
        self.read_models = ReadModels(self.name, self.store.fetch)
        self.hub = Hub(self.store)
        self.service = ChatService(
            self.store, self.read_models, self.hub, is_shared=engine.sharing is not None
        )
        self.store.on_batch = self.service.publish
        self.runner = TurnRunner(
            self.service,
            self.hub,
            agent,
            turn_timeout_s=settings.turn_timeout_s,
            max_attempts=settings.max_attempts,
            now_ms=now_ms,
            context=context,
        )
        self.service.turns = self.runner
        self.timers = TimerSweeper(
            self.service,
            self.store.fetch,
            self.write_row,
            abandon_after_s=settings.abandon_after_s,
            session_ttl_s=settings.session_ttl_s,
            now_ms=now_ms,
        )
        self.cluster = self._cluster(engine)
        if self.cluster is not None:
            self.timers.is_on_duty = self.cluster.is_on_duty
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the database, take over what a crash left, start the timers.

        Raises:
            ConfigurationError: the database cannot be had.
        """
        await self.store.start()
        self.runner.start()
        if self.cluster is not None:
            await self.cluster.start()
        else:
            await self._recover_turns()
        self._tasks = [
            asyncio.create_task(self.timers.run(), name="chatstream-timers"),
            asyncio.create_task(self._sweep_feeds(), name="chatstream-feeds"),
        ]

    async def close(self) -> None:
        """Hand the turns over, store and answer what waits, let go of everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hand_over()
        if self.cluster is not None:
            await self.cluster.close()
        await self.runner.close(self._release)
        await self.store.close()

    async def hand_over(self) -> None:
        """Leave the turns to the other nodes, if there are any."""
        if self.cluster is not None:
            await self.cluster.hand_over(self._stored)

    async def own_secret(self) -> str:
        """The secret that the server made for itself, kept with its data; it signs for visitors
        alone, since copies of the data carry it."""
        found = await self.store.fetch("SELECT value FROM server_values WHERE name = 'secret'", ())
        if found:
            return str(found[0][0])
        secret = secrets.token_urlsafe(48)
        row = SERVER_VALUES.row("secret", secret)
        own = Append(_NO_CHAT, 0, (), (row,), unless=(row.table, row.key))
        # Where another node was faster, its secret is everybody's.
        return secret if await self._append(own) else await self.own_secret()

    async def write_row(
        self, chat_id: ChatId, change: RowChange, position: int | None = None
    ) -> bool:
        """Write one row that no event goes with; with ``position`` only while that is the
        chat's newest. Gives whether it was written.

        Raises:
            Refused: ``unavailable``.
        """
        guarded = position is not None
        return await self._append(Append(chat_id, position or 0, (), (change,), guarded=guarded))

    async def _append(self, append: Append) -> bool:
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.store.append(append, done.set_result)
        match await done:
            case Stored():
                return True
            case Conflict():
                return False
            case Failed() as failed:
                raise Refused(failed.code)

    def _cluster(self, engine: Engine) -> Cluster | None:
        if engine.sharing is None:
            return None
        return Cluster(
            engine.sharing,
            self.store.fetch,
            service=self.service,
            runner=self.runner,
            read_models=self.read_models,
            hub=self.hub,
            lease_s=self.settings.node_lease_s,
            nats=self.settings.nats,
        )

    async def _stored(self) -> None:
        """What was handed to the store before has its outcome."""
        with suppress(Refused):
            await self._append(Append(_NO_CHAT, 0, ()))

    async def _recover_turns(self) -> None:
        rows = await self.store.fetch(
            "SELECT user_chat_id, caused_by, attempt, released FROM turn_work", ()
        )
        self.runner.recover(
            [
                Work(ChatId(str(chat_id)), str(caused_by), int(str(attempt)), bool(released))
                for chat_id, caused_by, attempt, released in rows
            ]
        )

    async def _release(self, chat_id: ChatId, caused_by: str, attempt: int) -> None:
        """Whoever comes next goes on with the turn; its attempt did not crash."""
        await self.write_row(chat_id, TURN_WORK.row(chat_id, caused_by, attempt, OWNER, 1))

    async def _sweep_feeds(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_FEEDS_EVERY_S)
            self.hub.sweep()
            self.service.forget_idle_lanes()
