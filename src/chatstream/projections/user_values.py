"""Small things that an agent keeps for a user, in the chats' own database.

Not a read model: nothing in the log stands behind a row. An alarm, a to-do list; what is worth
more than that belongs into the team's own store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from chatstream.eventstore.store import Fetch, RowChange
from chatstream.projections.table import TableDefinition
from chatstream.protocol.numbers import finite

USER_VALUES = TableDefinition(
    name="user_values",
    columns=("user_id", "name", "value"),
    key=("user_id", "name"),
    ddl=(
        """CREATE TABLE IF NOT EXISTS user_values (
            user_id TEXT NOT NULL,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (user_id, name))""",
    ),
)
WriteRow = Callable[[RowChange], Awaitable[None]]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(float_hook=finite).decode


class UserValues:
    """JSON values by user and name. Each call raises ``Refused`` (``unavailable``) while the
    storage does not answer; ``put`` returns once the disk has the value."""

    def __init__(self, fetch: Fetch, write: WriteRow) -> None:
        self._fetch = fetch
        self._write = write

    async def get(self, user_id: str, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """The value, or None if there is none."""
        sql = "SELECT value FROM user_values WHERE user_id = ? AND name = ?"
        rows = await self._fetch(sql, (user_id, name))
        return _decode(str(rows[0][0])) if rows else None

    async def put(self, user_id: str, name: str, value: object) -> None:
        """Store ``value``, which is made of JSON's types."""
        await self._write(USER_VALUES.row(user_id, name, _encode(value).decode()))

    async def remove(self, user_id: str, name: str) -> None:
        """Forget the value, if there is one."""
        await self._write(USER_VALUES.gone(user_id, name))

    async def forget(self, user_id: str) -> None:
        """Forget everything that is kept for a user."""
        for name in await self.of_user(user_id):
            await self.remove(user_id, name)

    async def of_user(self, user_id: str) -> dict[str, Any]:
        """All values of a user, by name."""
        sql = "SELECT name, value FROM user_values WHERE user_id = ? ORDER BY name"
        rows = await self._fetch(sql, (user_id,))
        return {str(name): _decode(str(value)) for name, value in rows}
