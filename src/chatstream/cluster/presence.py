"""The live sockets of all nodes, as ``GET /connections`` shows them."""

from __future__ import annotations

from chatstream.cluster.messages import Socket
from chatstream.ids import SocketId
from chatstream.node import Node
from chatstream.projections.rows import ConnectionRow
from chatstream.timestamps import to_text
from chatstream.ws.registry import ConnectionRegistry


class AllConnections:
    """This node's sockets from its registry; those of the others by asking them."""

    def __init__(self, node: Node, registry: ConnectionRegistry) -> None:
        self._node = node
        self._registry = registry
        if node.cluster is not None:
            node.cluster.sockets_of = self._own

    async def of_user(self, user_id: str | None) -> list[ConnectionRow]:
        """A user's sockets, the oldest first; with None everybody's.

        Raises:
            Refused: ``unavailable``.
        """
        told = [(self._node.name, one) for one in self._own(user_id)]
        if self._node.cluster is not None:
            told += await self._node.cluster.sockets_elsewhere(user_id)
        return sorted(_rows(told), key=lambda row: (row.connected_at, row.socket_connection_id))

    def _own(self, user_id: str | None) -> list[Socket]:
        sockets = self._registry if user_id is None else self._registry.of_user(user_id)
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
