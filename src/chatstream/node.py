"""One running chat server without its sockets: store, service, turns and timers, wired.

The plugin puts Litestar around it, ``chatstream.testing`` and the command line use it bare. The
parts are made in the order in which they know each other; ``subscribe`` is the one late edge.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress

from chatstream.agents.context import ContextManager
from chatstream.agents.contract import Agent
from chatstream.chats.service import ChatService
from chatstream.cluster.presence import LocalSockets, NoSockets, Presence
from chatstream.cluster.topology import topology_of
from chatstream.config import Settings
from chatstream.errors import ConfigurationError, Refused
from chatstream.eventstore.log import EventStore
from chatstream.eventstore.store import (
    Append,
    Conflict,
    Engine,
    Failed,
    Outcome,
    RowChange,
    Stored,
)
from chatstream.eventstore.writer import Batch
from chatstream.ids import ChatId
from chatstream.live.hub import Hub
from chatstream.projections.models import ReadModels
from chatstream.projections.remembered import SERVER_VALUES
from chatstream.projections.turn_work import LOCAL_OWNER, TURN_WORK
from chatstream.timestamps import now_ms as wall_clock_ms
from chatstream.turns.observer import TurnWatch, Unwatched
from chatstream.turns.reminder_quota import ReminderQuota
from chatstream.turns.run_table import RunTable
from chatstream.turns.runner import TurnRunner
from chatstream.turns.timers import TimerSweeper

log = logging.getLogger(__name__)

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
        observer: TurnWatch | None = None,
        sockets: LocalSockets | None = None,
        on_transaction: Callable[[Batch], None] | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self.settings = settings
        self.now_ms = now_ms
        self.store = EventStore(engine, on_transaction)
        sockets = NoSockets() if sockets is None else sockets  # an empty registry is false
        topology = topology_of(
            engine.sharing,
            self.store.fetch,
            sockets,
            lease_s=settings.node_lease_s,
            nats=settings.nats,
            now_ms=now_ms,
        )
        self.name = topology.name
        self.read_models = ReadModels(self.name, self.store.fetch)
        self.hub = Hub(self.store)
        self.runs = RunTable()
        self.service = ChatService(
            self.store,
            self.read_models,
            self.hub,
            self.runs,
            topology.forwarder,
            topology.policy,
            commits=topology.commits,
        )
        links = topology.link(self.hub, self.runs, self.service)
        self.runner = TurnRunner(
            self.service,
            self.runs,
            self.hub,
            links.relay,
            agent,
            ownership=topology.ownership,
            observer=observer or Unwatched(),
            turn_timeout_s=settings.turn_timeout_s,
            max_attempts=settings.max_attempts,
            now_ms=now_ms,
            context=context,
            reminders=ReminderQuota(settings.reminders_per_user),
        )
        self.service.subscribe(self.runner)
        self._neighbours = links.neighbours(self.runner, self.read_models)
        self.presence = Presence(self.name, sockets, topology.others)
        self.timers = TimerSweeper(
            self.service,
            self.store.fetch,
            self.write_row,
            abandon_after_s=settings.abandon_after_s,
            session_ttl_s=settings.session_ttl_s,
            now_ms=now_ms,
            is_leader=self._neighbours.is_leader,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._is_running = False

    @property
    def ignored_messages(self) -> int:
        """How many messages between nodes did not come from a node."""
        return self._neighbours.ignored_messages

    async def start(self) -> None:
        """Open the database, take over what a crash left, start the timers.

        Raises:
            ConfigurationError: the database cannot be had, or the node runs already.
        """
        if self._is_running:
            raise ConfigurationError("this server runs already: an application is started once")
        self._is_running = True
        try:
            await self._open()
        except BaseException:
            self._is_running = False
            raise
        self._tasks = [
            asyncio.create_task(self.timers.run(), name="chatstream-timers"),
            asyncio.create_task(self._sweep_feeds(), name="chatstream-feeds"),
        ]

    async def _open(self) -> None:
        await self.store.start(on_batch=self.service.publish)
        try:
            self.runner.start()
            await self._neighbours.start(self.settings.secret or await self.own_secret())
        except BaseException:
            await self.store.close()  # its thread would stay, and the database be held
            raise

    async def close(self) -> None:
        """Hand the turns over, store and answer what waits, let go of everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hand_over()
        await self._neighbours.close()
        await self.runner.close(self._release)
        await self.store.close()
        await self.service.close()
        self._is_running = False

    async def hand_over(self) -> None:
        """Leave the turns to the other nodes, if there are any."""
        await self._neighbours.hand_over(self._stored)

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

    async def _stored(self) -> None:
        """What was handed to the store before has its outcome."""
        with suppress(Refused):
            await self._append(Append(_NO_CHAT, 0, ()))

    async def _release(self, chat_id: ChatId, caused_by: str, attempt: int) -> None:
        """Whoever comes next goes on with the turn; its attempt did not crash."""
        await self.write_row(chat_id, TURN_WORK.row(chat_id, caused_by, attempt, LOCAL_OWNER, 1))

    async def _sweep_feeds(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_FEEDS_EVERY_S)
            self.hub.sweep()
            self.service.forget_stale_chats()
