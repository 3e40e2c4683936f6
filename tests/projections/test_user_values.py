"""What an agent keeps for a user survives and stays that user's."""

from __future__ import annotations

from chatstream.domain.steps import Response
from chatstream.ids import ChatId
from chatstream.projections.user_values import UserValues
from chatstream.testing import TestChat, scripted


async def test_values_are_kept_by_user_and_name():
    async with TestChat(scripted([Response("x")])) as chat:
        values = UserValues(
            chat.node.store.fetch, lambda change: chat.node.write_row(ChatId(""), change)
        )
        await values.put("ann", "alarm-1", {"at": "7:00", "label": "é 😀"})
        await values.put("ann", "alarm-1", {"at": "8:00"})
        await values.put("bob", "alarm-1", [1, None, True])
        assert await values.get("ann", "alarm-1") == {"at": "8:00"}
        assert await values.get("ann", "alarm-2") is None
        assert await values.of_user("bob") == {"alarm-1": [1, None, True]}
        await values.remove("bob", "alarm-1")
        assert await values.of_user("bob") == {}
        await values.put("ann", "todo", "milk")
        await values.put("bob", "todo", "eggs")
        await values.forget("ann")
        assert await values.of_user("ann") == {}
        assert await values.of_user("bob") == {"todo": "eggs"}
