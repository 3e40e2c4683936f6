"""Sections 2 (G6) and 7: while the database cannot be written, commands are answered too."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.conformance.conftest import Launch, MakePerson
from tests.kit.laws import check_log
from tests.kit.server import Server
from tests.kit.wire import answer_to, http_client


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """Hold the database's write lock from outside."""
    if server.database.startswith("postgres"):
        with psycopg.connect(server.database) as connection:
            connection.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
            yield
            connection.rollback()
        return
    database = sqlite3.connect(server.folder / "chatstream.db", timeout=5, isolation_level=None)
    try:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            pytest.skip("the server holds its database so that nobody else can lock it")
        yield
        database.execute("ROLLBACK")
    finally:
        database.close()


async def test_commands_are_answered_while_the_database_is_locked_and_safe_to_resend(
    launch: Launch, people: MakePerson
):
    server = launch()
    talk = await people(server).talk()
    command = {"type": "send", "id": "m", "user_chat_id": talk.chat, "content": "echo hi"}
    with locked(server):
        before = len(talk.socket.frames)
        await talk.socket.post(command)
        answer = await talk.socket.until(answer_to("m"), before, seconds=30)
        assert (answer["type"], answer["code"]) == ("rejected", "unavailable")
        await talk.socket.settle()
        async with http_client(server) as http:
            assert (await http.get(f"{server.url}/health/live")).status_code == 200
    for _ in range(100):
        if (await talk.socket.ask(command))["type"] == "ack":
            break
        await asyncio.sleep(0.1)
    assert (await talk.end("m"))["status"] == "finished"
    stored = await talk.stored()
    check_log(stored)
    assert sum(f["type"] == "user" for f in stored) == 1


async def test_a_turn_goes_on_after_the_database_was_locked(launch: Launch, people: MakePerson):
    server = launch()
    talk = await people(server).talk()
    sent = await talk.send("think a ; sleep 0.5 ; think b ; complete done")
    await talk.event("thinking", step="a")
    with locked(server):
        await asyncio.sleep(1.5)
    assert (await talk.end(sent["id"]))["status"] in ("finished", "failed")
    check_log(await talk.stored())
