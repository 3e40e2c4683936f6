"""Table ``nodes``: who lives. A node's row holds until when its lease runs, in Unix milliseconds
on the database's clock; whoever finds it lapsed removes it, and with it what the node may do."""

from __future__ import annotations

from chatstream.projections.table import TableDefinition

NODES = TableDefinition(
    name="nodes",
    columns=("node_id", "lease_until"),
    key=("node_id",),
    ddl=(
        """CREATE TABLE IF NOT EXISTS nodes (
            node_id TEXT NOT NULL PRIMARY KEY,
            lease_until INTEGER NOT NULL)""",
    ),
)
