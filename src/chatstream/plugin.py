"""The Litestar plugin: builds every object once, and owns every task in its lifespan.

Put ``ChatStreamPlugin`` into an application of your own, or let ``chatstream.create_app`` make
one around it.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin

from chatstream.agent_loading import as_agent, load_agent
from chatstream.agents.context import ContextManager
from chatstream.agents.contract import Agent, recalls_tasks, suggestions_of, warm_up
from chatstream.config import Settings
from chatstream.domain.user_chat import forms
from chatstream.errors import ConfigurationError
from chatstream.eventstore.engines import engine_of
from chatstream.eventstore.store import Engine, Fetch, RowChange, SqlValue
from chatstream.eventstore.writer import Batch
from chatstream.http.backend import Backend
from chatstream.http.problem import handle_routing_errors
from chatstream.http.routes import is_ours, routes
from chatstream.http.streams import Streams
from chatstream.ids import ChatId
from chatstream.metrics import Metrics
from chatstream.node import Node
from chatstream.projections.lists import Lists
from chatstream.projections.models import all_tables
from chatstream.projections.user_values import UserValues, WriteRow
from chatstream.protocol.schema import frames_schema
from chatstream.security.identity import Identities
from chatstream.security.local_key import local_key, local_key_path
from chatstream.security.quotas import RateLimiter, Shares
from chatstream.turns.counting import CountedTurns
from chatstream.turns.loop_watchdog import LoopWatchdog
from chatstream.turns.observer import TurnWatch, Watches
from chatstream.ws.connection import Surroundings
from chatstream.ws.listener import socket_handlers
from chatstream.ws.registry import ConnectionRegistry

if TYPE_CHECKING:
    from chatstream.assistant.context import CompletedTask

STUCK_SECONDS = 5.0
"""A transaction that takes this long: the disk does not answer."""

_DAMAGED = "the database is damaged: some chats are unavailable; see the log"


class ChatStreamPlugin(InitPlugin):
    """chatstream as part of a Litestar application.

    ``agent`` is what ``Turn`` describes, or None for ``settings.agent`` or the built-in one.
    ``engine`` replaces the database of ``settings``; ``context`` brings what earlier sessions
    knew into new ones (without it the built-in assistant recalls the user's last tasks).

    Raises:
        ConfigurationError: the settings cannot be used.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        agent: object | None = None,
        *,
        engine: Engine | None = None,
        context: ContextManager | None = None,
    ) -> None:
        self.settings = settings or Settings()
        served = _agent(self.settings, agent, self._fetch, self._write_value)
        self._agent = served
        self.metrics = Metrics()
        self.registry = ConnectionRegistry()
        self.node = Node(
            self.settings,
            engine or engine_of(self.settings.database, all_tables),
            served,
            context=context or self._recalling(served),
            observer=_turn_watch(self.settings, self.metrics),
            sockets=self.registry,
            on_transaction=self._count,
        )
        self.streams = Streams()
        self._identities = Identities(self.settings, "")
        self._has_own_engine = engine is None
        self._limiter = RateLimiter(self.settings.rate_limit)
        self._shares = Shares(self.settings)
        self._watchdog = LoopWatchdog(self.node.runs.turn_of, self.metrics.loop_blocked)
        self._watch()

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the routes, the sockets and the lifespan to the application."""
        backend = self._backend()
        app_config.route_handlers.extend(routes(backend))
        handlers = app_config.exception_handlers  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        handle_routing_errors(handlers, partial(is_ours, backend))  # pyright: ignore[reportUnknownArgumentType]
        app_config.route_handlers.extend(
            socket_handlers(self.settings.prefix, self._surroundings(), self.registry)
        )
        app_config.lifespan.append(self._lifespan)  # pyright: ignore[reportUnknownMemberType]
        return app_config

    async def goodbye(self, limit_s: float) -> None:
        """Say goodbye to every socket and end every stream; before the server stops."""
        self.streams.close()
        await asyncio.gather(self.registry.drain(limit_s), self.node.hand_over())

    @asynccontextmanager
    async def _lifespan(self, _: Litestar) -> AsyncGenerator[None, None]:
        await self.node.start()
        warming = asyncio.create_task(asyncio.to_thread(self._warm_up))
        try:
            self._identities.use_own_secret(await self.node.own_secret())
            self.use_local_key()
            self._identities.start()
            self._watchdog.start()
            yield
        finally:
            self._watchdog.close()
            await self._identities.close()
            await self.node.close()
            await warming

    def use_local_key(self) -> None:
        """Take tokens of ``chatstream token`` where no key is configured; once more is harmless.

        Raises:
            ConfigurationError: the file with the key cannot be used.
        """
        if self._has_own_engine and self.settings.signs_locally:
            path = local_key_path(self.settings.database)
            if path is not None:
                self._identities.use_local_key(local_key(path))

    def _warm_up(self) -> None:
        # What the first token would wait for, and everybody with it: it has half a second to load.
        importlib.import_module("jwt.algorithms")
        warm_up(self._agent)
        forms.warm_up()

    def _backend(self) -> Backend:
        ttl_ms = round(self.settings.session_ttl_s * 1000)
        return Backend(
            settings=self.settings,
            identities=self._identities,
            limiter=self._limiter,
            shares=self._shares,
            service=self.node.service,
            lists=Lists(self.node.store, self.node.service, ttl_ms),
            user_values=UserValues(self._fetch, self._write_value),
            connections=self.node.presence,
            readiness=_StoreReadiness(self.node, self._watchdog),
            metrics=self.metrics,
            streams=self.streams,
            frames_schema=cache(_frames_schema),
            now_ms=self.node.now_ms,
            suggestions=suggestions_of(self._agent),
        )

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            settings=self.settings,
            service=self.node.service,
            identities=self._identities,
            limiter=self._limiter,
            shares=self._shares,
            now_ms=self.node.now_ms,
            metrics=self.metrics,
        )

    def _watch(self) -> None:
        self.metrics.watch("turns_running", "Turns that run", self._running)
        self.metrics.watch("writer_depth", "Appends that wait", self._depth)
        self.metrics.watch(
            "writer_stuck_seconds", "Age of the transaction in progress", self._stuck
        )
        self.metrics.watch("damaged_reads", "Reads that damage has made fail", self._damages)
        self.metrics.watch("sockets", "Live WebSocket connections", self.registry.__len__)
        self.metrics.watch(
            "loop_worst_lag_seconds",
            "The longest that the event loop was late, since the start",
            self._worst_lag,
        )
        self.metrics.watch(
            "bus_ignored", "Messages between nodes that were not genuine", self._ignored
        )
        self.metrics.watch_lags(self._lags)

    def _recalling(self, agent: Agent) -> ContextManager | None:
        if not recalls_tasks(agent):
            return None
        from chatstream.assistant.context import RecentTasks

        return RecentTasks(_OwnTasks(self))

    async def _fetch(self, sql: str, parameters: Sequence[SqlValue]) -> list[tuple[SqlValue, ...]]:
        return await self.node.store.fetch(sql, parameters)

    async def _write_value(self, change: RowChange) -> None:
        await self.node.write_row(ChatId(""), change)

    def _running(self) -> float:
        return len(self.node.runs)

    def _depth(self) -> float:
        return self.node.store.depth

    def _stuck(self) -> float:
        return self.node.store.stuck_seconds

    def _damages(self) -> float:
        return self.node.store.damages

    def _worst_lag(self) -> float:
        return self._watchdog.worst_seconds

    def _ignored(self) -> float:
        return self.node.ignored_messages

    def _lags(self) -> Iterator[int]:
        return chain(self.registry.lags(), self.streams.lags())

    def _count(self, batch: Batch) -> None:
        self.metrics.transaction(
            appends=batch.appends,
            events=batch.events,
            seconds=batch.seconds,
            commit_seconds=batch.commit_seconds,
        )


def _frames_schema() -> bytes:
    return msgspec.json.encode(frames_schema())


def _agent(settings: Settings, agent: object | None, fetch: Fetch, write: WriteRow) -> Agent:
    if agent is not None:
        return as_agent(agent, settings.model)
    if settings.agent is not None:
        return load_agent(settings.agent, settings.model)
    from chatstream.assistant.demo import SUGGESTIONS, demo_tools
    from chatstream.assistant.demo.pacing import Paced

    return Paced(as_agent(demo_tools(fetch, write), settings.model), SUGGESTIONS)


def _turn_watch(settings: Settings, metrics: Metrics) -> TurnWatch:
    """Metrics always; traces where they are wanted and can be had.

    Raises:
        ConfigurationError: tracing is on, and its extra is not installed.
    """
    counted = CountedTurns(metrics)
    if not settings.tracing:
        return counted
    try:
        from opentelemetry.trace import get_tracer

        from chatstream.turns.tracing import TracedTurns
    except ImportError as error:
        raise ConfigurationError("tracing needs the extra: chatstream-server[otel]") from error
    return Watches(counted, TracedTurns(get_tracer("chatstream")))


class _OwnTasks:
    """The tasks that users have completed on the plugin's node, which is there when they are
    asked for."""

    def __init__(self, plugin: ChatStreamPlugin) -> None:
        self._plugin = plugin

    async def newest(self, user_id: str, limit: int) -> Sequence[CompletedTask]:
        """The newest completed ones, newest first."""
        from chatstream.assistant.context import TasksOfLog

        node = self._plugin.node
        lists = Lists(node.store, node.service, session_ttl_ms=0)
        return await TasksOfLog(lists, node.store).newest(user_id, limit)


class _StoreReadiness:
    """Ready while the writer gets its transactions through."""

    def __init__(self, node: Node, watchdog: LoopWatchdog) -> None:
        self._node = node
        self._watchdog = watchdog

    @property
    def warning(self) -> str | None:
        """That some things cannot be read, or that something held everybody up; the log has
        more."""
        told = [_DAMAGED if self._node.store.damages else None, self._watchdog.warning]
        return "; ".join(filter(None, told)) or None

    async def why_not(self) -> str | None:
        """Why the server cannot do its work, or None if it can."""
        stuck_s = self._node.store.stuck_seconds
        if stuck_s > STUCK_SECONDS:
            return f"the writer has been stuck for {stuck_s:.0f} s"
        return await self._node.store.probe()
