"""One node alone, or one among others on a database: what differs is here, and nowhere else.

``node`` asks a ``Topology`` for the parts that depend on other nodes. A node alone gets null
objects, so that no other module asks whether there are others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Protocol

from chatstream.chats.policy import SharedWriter, SoleWriter, WriterPolicy
from chatstream.chats.service import (
    ChatService,
    CommitListener,
    Forwarder,
    NoCommitListener,
    NoForwarder,
)
from chatstream.cluster.answer_relay import (
    AnswerPublisher,
    AnswerSubscriber,
    BusAnswerRelay,
)
from chatstream.cluster.bus import MakeBus
from chatstream.cluster.dispatcher import MessageDispatcher
from chatstream.cluster.forwarding import BusForwarder
from chatstream.cluster.log_watch import LogWatch
from chatstream.cluster.membership import Lease, LeasedTurns, Membership, TurnOwner
from chatstream.cluster.presence import LocalSockets, NoOtherNodes, OtherNodes, SocketQueries
from chatstream.cluster.publisher import BusPublisher
from chatstream.cluster.sealed_bus import SealedBus, SealedWakeUps
from chatstream.errors import ConfigurationError, wordless
from chatstream.eventstore.store import Fetch, Sharing, Work
from chatstream.ids import ChatId
from chatstream.live.hub import Hub
from chatstream.projections.turn_work import LOCAL_OWNER
from chatstream.turns.run_table import RunTable
from chatstream.turns.runner import AnswerRelay, NoRelay, OwnsEverything, TurnOwnership, TurnRunner

log = logging.getLogger(__name__)

_REQUEST_EVERY_S: Final = 0.5
_WORK: Final = "SELECT user_chat_id, caused_by, attempt, released FROM turn_work"

Stored = Callable[[], Awaitable[None]]
"""Returns once what was decided before is on disk."""


class Neighbours(Protocol):
    """The other nodes, from the start of this one to its end."""

    def is_leader(self) -> bool:
        """Whether this node does what one of all is to do."""
        ...

    @property
    def ignored_messages(self) -> int:
        """How many messages on the bus did not come from a node."""
        ...

    async def start(self, secret: str) -> None:
        """Take over the turns that nobody runs, and begin to listen. With ``secret``, which only
        the nodes know, they seal what they send to each other.

        Raises:
            ConfigurationError: the database does not take this node.
            Refused: ``unavailable``.
        """
        ...

    async def hand_over(self, stored: Stored) -> None:
        """Leave the turns to the other nodes, if there are any."""
        ...

    async def close(self) -> None:
        """Listen no more; ``hand_over`` comes before."""
        ...


class Links(Protocol):
    """A node's links to the others, once it has a service."""

    @property
    def relay(self) -> AnswerRelay:
        """Shows answers across nodes."""
        ...

    def neighbours(self, runner: TurnRunner, owner: TurnOwner) -> Neighbours:
        """What joins the other nodes and leaves them."""
        ...


class Topology(Protocol):
    """The parts that depend on other nodes."""

    name: str
    policy: WriterPolicy
    forwarder: Forwarder
    commits: CommitListener
    ownership: TurnOwnership
    others: OtherNodes

    def link(self, hub: Hub, runs: RunTable, service: ChatService) -> Links:
        """Link what this node runs and shows to the other nodes."""
        ...


class SingleNode:
    """This node is the only one: it owns every turn."""

    name = LOCAL_OWNER
    policy: WriterPolicy = SoleWriter()
    forwarder: Forwarder = NoForwarder()
    commits: CommitListener = NoCommitListener()
    ownership: TurnOwnership = OwnsEverything()
    others: OtherNodes = NoOtherNodes()

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def link(self, hub: Hub, runs: RunTable, service: ChatService) -> Links:  # noqa: ARG002
        """There is nobody to link to."""
        return _NoLinks(self._fetch)


class _NoLinks:
    relay: AnswerRelay = NoRelay()

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def neighbours(self, runner: TurnRunner, owner: TurnOwner) -> Neighbours:  # noqa: ARG002
        return _NoNeighbours(self._fetch, runner)


class _NoNeighbours:
    ignored_messages = 0

    def __init__(self, fetch: Fetch, runner: TurnRunner) -> None:
        self._fetch = fetch
        self._runner = runner

    def is_leader(self) -> bool:
        return True

    async def start(self, secret: str) -> None:  # noqa: ARG002
        """Take over what a crash of this node left."""
        self._runner.recover(_work(await self._fetch(_WORK, ())))

    async def hand_over(self, stored: Stored) -> None:
        """There is nobody to take a turn."""

    async def close(self) -> None:
        """Nothing was opened."""


class SharedDatabase:
    """Other nodes write to the same database. ``wakes`` says whether commits have to be told on
    the bus: PostgreSQL tells of them by itself, NATS does not."""

    policy: WriterPolicy = SharedWriter()

    def __init__(
        self,
        sharing: Sharing,
        fetch: Fetch,
        sockets: LocalSockets,
        bus: SealedBus,
        announce: Callable[[str], None],
        lease: Lease,
        *,
        living: str,
        lease_s: float,
        wakes: bool,
    ) -> None:
        self.name = sharing.node_id
        self._fetch = fetch
        self._bus = bus
        self._announce = announce
        self._lease = lease
        self._lease_s = lease_s
        self._publisher = BusPublisher(bus, sharing.node_id)
        self._sockets = SocketQueries(
            sharing.node_id,
            fetch,
            self._publisher,
            sockets,
            living=living,
            owner=lambda: lease.owner,
        )
        self.others: OtherNodes = self._sockets
        self.forwarder: Forwarder = BusForwarder(self._publisher)
        self.commits: CommitListener = self._publisher if wakes else NoCommitListener()
        self.ownership: TurnOwnership = LeasedTurns(fetch, lease)

    def link(self, hub: Hub, runs: RunTable, service: ChatService) -> Links:
        """Link to the other nodes by the bus."""
        relay = BusAnswerRelay(
            AnswerPublisher(self._publisher.publish_on_tick),
            AnswerSubscriber(hub, self._publisher.publish, service.state_of),
            runs,
        )
        return _BusLinks(self, relay, runs, service)

    def neighbours(
        self, relay: BusAnswerRelay, runs: RunTable, service: ChatService, membership: Membership
    ) -> Neighbours:
        """The tasks that listen, and who takes what they hear."""
        log_watch = LogWatch(self.name, self._fetch, service.heard)
        dispatcher = MessageDispatcher(
            log_watch, membership, relay, self._sockets, service, runs, self._bus.ignored
        )
        return _OtherNodes(
            membership, self._publisher, self._bus, self._announce, log_watch, dispatcher, relay
        )

    def membership(self, runner: TurnRunner, owner: TurnOwner) -> Membership:
        """This node's place among the others."""
        return Membership(self._lease, runner, owner, self._publisher, lease_s=self._lease_s)


class _BusLinks:
    def __init__(
        self, shared: SharedDatabase, relay: BusAnswerRelay, runs: RunTable, service: ChatService
    ) -> None:
        self.relay = relay
        self._shared = shared
        self._runs = runs
        self._service = service

    def neighbours(self, runner: TurnRunner, owner: TurnOwner) -> Neighbours:
        membership = self._shared.membership(runner, owner)
        return self._shared.neighbours(self.relay, self._runs, self._service, membership)


class _OtherNodes:
    """Owns the tasks that listen to the bus, watch the log, and ask for answers."""

    def __init__(
        self,
        membership: Membership,
        publisher: BusPublisher,
        bus: SealedBus,
        announce: Callable[[str], None],
        log_watch: LogWatch,
        dispatcher: MessageDispatcher,
        relay: BusAnswerRelay,
    ) -> None:
        self._membership = membership
        self._publisher = publisher
        self._bus = bus
        self._announce = announce
        self._log_watch = log_watch
        self._dispatcher = dispatcher
        self._relay = relay
        self._tasks: list[asyncio.Task[None]] = []

    def is_leader(self) -> bool:
        return self._membership.is_leader()

    @property
    def ignored_messages(self) -> int:
        return self._bus.ignored.count

    async def start(self, secret: str) -> None:
        await self._membership.start()
        self._bus.open(secret)
        self._announce(secret)
        self._tasks = [
            asyncio.create_task(self._log_watch.run(), name="chatstream-log"),
            asyncio.create_task(self._bus.run(self._dispatcher), name="chatstream-bus"),
            asyncio.create_task(self._request_answers(), name="chatstream-answers"),
        ]

    async def hand_over(self, stored: Stored) -> None:
        await self._membership.hand_over(stored)

    async def close(self) -> None:
        await self._membership.close()
        for task in self._tasks:
            task.cancel()
        # A task that has failed must not keep the bus open.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._publisher.close()
        await self._bus.close()

    async def _request_answers(self) -> None:
        while True:
            await asyncio.sleep(_REQUEST_EVERY_S)
            try:
                self._relay.request_followed()
            except Exception as error:
                # One chat's trouble: the readers of all others wait for the next round.
                log.exception("no answers were asked for", exc_info=wordless(error))


def topology_of(
    sharing: Sharing | None,
    fetch: Fetch,
    sockets: LocalSockets,
    *,
    lease_s: float,
    nats: str | None,
    now_ms: Callable[[], int],
) -> Topology:
    """The topology of an engine: ``sharing`` is None where no other node can write to it. With
    ``nats``, a server's URL, the nodes hear of one another by NATS.

    Raises:
        ConfigurationError: NATS is wanted, and its extra is not installed.
    """
    if sharing is None:
        return SingleNode(fetch)
    from chatstream.eventstore.postgres.nodes import LIVING, Lease

    return SharedDatabase(
        sharing,
        fetch,
        sockets,
        SealedBus(_make_bus(sharing, nats), now_ms),
        partial(_announce_by, sharing, now_ms) if nats is None else _announce_nothing,
        Lease(sharing.dsn, sharing.node_id, lease_s),
        living=LIVING,
        lease_s=lease_s,
        wakes=nats is not None,
    )


def _make_bus(sharing: Sharing, nats: str | None) -> MakeBus:
    if nats is None:
        from chatstream.cluster.bus_postgres import PostgresBus

        return partial(PostgresBus, sharing.dsn)
    try:
        from chatstream.cluster.bus_nats import NatsBus
    except ImportError as error:
        raise ConfigurationError("NATS needs the extra: chatstream-server[nats]") from error
    return partial(NatsBus, nats)


def _announce_by(sharing: Sharing, now_ms: Callable[[], int], secret: str) -> None:
    """Let the engine tell of its commits by itself from now on."""
    sharing.announce_by(SealedWakeUps(secret, now_ms))


def _announce_nothing(_: str) -> None:
    """Commits are told on the bus."""


def _work(rows: Sequence[tuple[object, ...]]) -> list[Work]:
    return [
        Work(ChatId(str(chat_id)), str(caused_by), int(str(attempt)), bool(released))
        for chat_id, caused_by, attempt, released in rows
    ]
