"""A node is started once at a time, and one that cannot start leaves nothing behind."""

from __future__ import annotations

import threading

import pytest

from chatstream.config import Settings
from chatstream.errors import ConfigurationError, Refused
from chatstream.eventstore.engines import engine_of
from chatstream.node import Node
from chatstream.projections.models import all_tables
from chatstream.testing import TestChat, scripted


async def test_a_node_that_runs_cannot_be_started_once_more():
    async with TestChat(scripted(["done"])) as chat:
        with pytest.raises(ConfigurationError, match="runs already"):
            await chat.node.start()
        assert (await chat.send("hello")).answer == "done"


async def test_a_node_that_cannot_start_leaves_nothing_behind_and_may_start_later(
    tmp_path, monkeypatch
):
    settings = Settings(database=f"sqlite:///{tmp_path}/chats.db")
    node = Node(settings, engine_of(settings.database, all_tables), scripted(["done"]))
    before = set(threading.enumerate())

    async def away() -> str:
        raise Refused("unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(node, "own_secret", away)
        with pytest.raises(Refused):
            await node.start()
    assert not {one.name for one in set(threading.enumerate()) - before if one.is_alive()}
    await node.start()
    await node.close()
