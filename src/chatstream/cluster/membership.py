"""This node's place among the nodes of one database: it runs turns by a lease, takes over those
of nodes that are gone, and leaves its own to others when it goes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from chatstream.cluster.messages import TurnsReleased
from chatstream.cluster.publisher import BusPublisher
from chatstream.errors import ConfigurationError
from chatstream.eventstore.store import Fetch, Work
from chatstream.ids import ChatId

log = logging.getLogger(__name__)

_NOBODY: Final = ""
_OWNER: Final = "SELECT owner FROM turn_work WHERE user_chat_id = ?"


class Lease(Protocol):
    """The lease of a node on the turns that it runs (``eventstore.postgres.nodes.Lease``)."""

    @property
    def is_leader(self) -> bool: ...
    @property
    def owner(self) -> str: ...
    def start(self, holder: LeaseHolder, /) -> None: ...
    def look_soon(self) -> None: ...
    def leave(self) -> None: ...


class LeaseHolder(Protocol):
    """Called from the lease's thread."""

    def on_lease(self, owner: str) -> None: ...
    def on_lease_lost(self) -> None: ...
    def on_work(self, work: list[Work]) -> None: ...


class Runner(Protocol):
    """Who runs the turns of this node (``turns.runner.TurnRunner``)."""

    def recover(self, work: Sequence[Work], /) -> None: ...
    def stop_runs(self) -> object: ...
    def stop(self) -> object: ...


class TurnOwner(Protocol):
    """In whose name turns are begun (``projections.models.ReadModels``)."""

    def turns_belong_to(self, owner: str, /) -> None: ...


class LeasedTurns:
    """Whether a turn is this node's, by its lease (``turns.runner.TurnOwnership``)."""

    def __init__(self, fetch: Fetch, lease: Lease) -> None:
        self._fetch = fetch
        self._lease = lease

    async def is_ours(self, chat_id: ChatId) -> bool:
        """Whether this node's lease holds the chat's turn.

        Raises:
            Refused: ``unavailable``.
        """
        return await self._fetch(_OWNER, (chat_id,)) == [(self._lease.owner,)]


class Membership:
    """Takes the lease, hears what becomes of it, and gives it back (``LeaseHolder``).

    ``start``, ``hand_over`` and ``close`` are called in this order; ``start`` may follow again.

    Attributes:
        _beside_until: monotonic seconds until which this node works beside a leader.
        _loop: the loop that the lease's thread calls back into.
        _has_left: whether the turns were handed over.
    """

    def __init__(
        self,
        lease: Lease,
        runner: Runner,
        owner: TurnOwner,
        publisher: BusPublisher,
        *,
        lease_s: float,
    ) -> None:
        self._lease = lease
        self._runner = runner
        self._owner = owner
        self._publisher = publisher
        self._lease_s = lease_s
        self._beside_until = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_left = False

    def is_leader(self) -> bool:
        """Whether this node does what one of all is to do.

        The leader before may just have died, and its lease still runs: a new node works beside
        it as long as that may be. What both do is guarded by the chat's position, and so done
        once.
        """
        return self._lease.is_leader or time.monotonic() < self._beside_until

    async def start(self) -> None:
        """Take a lease; turns that nobody runs are taken over.

        Raises:
            ConfigurationError: the database does not take the lease.
        """
        self._loop = asyncio.get_running_loop()
        self._beside_until = time.monotonic() + self._lease_s
        self._has_left = False
        try:
            await asyncio.to_thread(self._lease.start, self)
        except Exception as error:
            raise ConfigurationError(f"could not acquire the node lease: {error}") from error

    async def hand_over(self, stored: Callable[[], Awaitable[None]]) -> None:
        """Leave every turn to the other nodes, those that begin from now on too. ``stored``
        returns once what was decided before is on disk."""
        if self._has_left:
            return
        self._has_left = True
        self._owner.turns_belong_to(_NOBODY)
        self._runner.stop()
        await stored()
        await asyncio.to_thread(self._lease.leave)
        await self._publisher.publish_now(TurnsReleased())

    async def close(self) -> None:
        """Tell of the turns that have begun since they were handed over."""
        await self._publisher.publish_now(TurnsReleased())

    def on_released(self) -> None:
        """Another node has let go of turns: look at once."""
        self._lease.look_soon()

    # -- called from the lease's thread ---------------------------------------------------

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
            self._owner.turns_belong_to(owner)

    def _on_loop(self, callback: Callable[..., object], *arguments: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has ended, and everything with it
            self._loop.call_soon_threadsafe(callback, *arguments)
