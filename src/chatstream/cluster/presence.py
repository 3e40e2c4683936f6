"""The live sockets of all nodes, as ``GET /connections`` shows them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from chatstream.cluster.messages import Socket, SocketsQuery, SocketsReply, replies_to
from chatstream.cluster.publisher import BusPublisher
from chatstream.eventstore.store import Fetch
from chatstream.ids import ChatId, SocketId, new_nonce
from chatstream.projections.rows import ConnectionRow
from chatstream.timestamps import to_text

log = logging.getLogger(__name__)

_REPLY_WITHIN_S: Final = 1.0
_MOST_SOCKETS: Final = 2_000
"""So many does a node tell of, for one query."""


class LiveSocket(Protocol):
    """An open connection whose caller is known."""

    @property
    def socket_connection_id(self) -> SocketId: ...
    @property
    def connected_at_ms(self) -> int: ...
    @property
    def user_chat_ids(self) -> list[ChatId]: ...


class LocalSockets(Protocol):
    """The sockets of this node (``ws.registry.ConnectionRegistry``)."""

    def __iter__(self) -> Iterator[LiveSocket]: ...

    def of_user(self, user_id: str, /) -> Sequence[LiveSocket]: ...


class NoSockets:
    """This node has no sockets: a test, or the command line."""

    def __iter__(self) -> Iterator[LiveSocket]:
        return iter(())

    def of_user(self, _: str, /) -> Sequence[LiveSocket]:
        """None."""
        return ()


class OtherNodes(Protocol):
    """Knows the sockets of the other nodes."""

    async def sockets_of(self, user_id: str | None) -> list[tuple[str, Socket]]:
        """The sockets of a user (None: of everybody), each with its node's name."""
        ...


class NoOtherNodes:
    """This node is the only one."""

    async def sockets_of(self, user_id: str | None) -> list[tuple[str, Socket]]:  # noqa: ARG002
        """None."""
        return []


class Presence:
    """This node's sockets, and those of the others by asking them."""

    def __init__(self, node_name: str, local: LocalSockets, others: OtherNodes) -> None:
        self._node_name = node_name
        self._local = local
        self._others = others

    async def of_user(self, user_id: str | None) -> list[ConnectionRow]:
        """A user's sockets, the oldest first; with None everybody's.

        Raises:
            Refused: ``unavailable``.
        """
        told = [(self._node_name, one) for one in sockets_here(self._local, user_id)]
        told += await self._others.sockets_of(user_id)
        return sorted(_rows(told), key=lambda row: (row.connected_at, row.socket_connection_id))


class SocketQueries:
    """Asks the other nodes for their sockets, and answers them (``OtherNodes``).

    ``living`` is the statement that names the nodes with a lease, ``owner`` gives the name of
    this one's.

    Attributes:
        _pending: the queries that wait for replies, by their id.
    """

    def __init__(
        self,
        node_id: str,
        fetch: Fetch,
        publisher: BusPublisher,
        local: LocalSockets,
        *,
        living: str,
        owner: Callable[[], str],
    ) -> None:
        self._node_id = node_id
        self._fetch = fetch
        self._publisher = publisher
        self._local = local
        self._living = living
        self._owner = owner
        self._pending: dict[str, _PendingQuery] = {}

    async def sockets_of(self, user_id: str | None) -> list[tuple[str, Socket]]:
        """The sockets at the other nodes. A node that does not answer within a second has none.

        Raises:
            Refused: ``unavailable``.
        """
        rows = await self._fetch(self._living, ())
        others = {str(owner) for (owner,) in rows} - {self._owner()}
        if not others:
            return []
        pending = _PendingQuery(others)
        query = SocketsQuery(new_nonce(), user_id)
        self._pending[query.ask] = pending
        try:
            self._publisher.publish([query])
            async with asyncio.timeout(_REPLY_WITHIN_S):
                await pending.is_complete.wait()
        except TimeoutError:
            log.warning("%d nodes did not tell their sockets", len(pending.silent))
        finally:
            del self._pending[query.ask]
        return pending.sockets

    def on_query(self, query: SocketsQuery) -> None:
        """Another node asks; this one's own query comes back to it, too."""
        if query.ask not in self._pending:
            sockets = sockets_here(self._local, query.user_id)[:_MOST_SOCKETS]
            self._publisher.publish(list(replies_to(query, self._node_id, self._owner(), sockets)))

    def on_reply(self, reply: SocketsReply) -> None:
        """Another node has answered, perhaps another one's query."""
        pending = self._pending.get(reply.ask)
        if pending is not None:
            pending.take(reply)


class _PendingQuery:
    """A query to the nodes ``silent``, and what they have answered."""

    def __init__(self, silent: set[str]) -> None:
        self.silent = silent
        self.sockets: list[tuple[str, Socket]] = []
        self.is_complete = asyncio.Event()

    def take(self, reply: SocketsReply) -> None:
        """Some of the answer of a node."""
        self.sockets += [(reply.node, one) for one in reply.sockets]
        if reply.is_last:
            self.silent.discard(reply.owner)
        if not self.silent:
            self.is_complete.set()


def sockets_here(local: LocalSockets, user_id: str | None) -> list[Socket]:
    """The sockets of this node as they are told to others."""
    sockets = local if user_id is None else local.of_user(user_id)
    return [
        Socket(one.socket_connection_id, to_text(one.connected_at_ms), one.user_chat_ids)
        for one in sockets
    ]


def _rows(told: list[tuple[str, Socket]]) -> list[ConnectionRow]:
    """One row a socket, however many parts it was told in."""
    rows: dict[str, ConnectionRow] = {}
    for node, one in told:
        row = rows.setdefault(
            one.socket_connection_id,
            ConnectionRow(SocketId(one.socket_connection_id), one.connected_at, [], node),
        )
        row.user_chat_ids.extend(one.user_chat_ids)
    return list(rows.values())
