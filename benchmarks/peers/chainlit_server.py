"""The same turn on Chainlit with its SQLAlchemy data layer, on SQLite."""

from __future__ import annotations

import asyncio
import os
import sqlite3

from benchmarks.peers.serving import arguments, serve
from benchmarks.turn import ANSWER, PIECE_SECONDS, PIECES, THINKING_STEPS

wanted = arguments()
os.environ["CHAINLIT_APP_ROOT"] = wanted.home

import chainlit as cl  # noqa: E402
from chainlit.data.sql_alchemy import SQLAlchemyDataLayer  # noqa: E402
from chainlit.server import app  # noqa: E402

# As its documentation gives them.
_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS users (
    "id" TEXT PRIMARY KEY, "identifier" TEXT NOT NULL UNIQUE, "metadata" TEXT NOT NULL,
    "createdAt" TEXT);
CREATE TABLE IF NOT EXISTS threads (
    "id" TEXT PRIMARY KEY, "createdAt" TEXT, "name" TEXT, "userId" TEXT, "userIdentifier" TEXT,
    "tags" TEXT, "metadata" TEXT);
CREATE TABLE IF NOT EXISTS steps (
    "id" TEXT PRIMARY KEY, "name" TEXT NOT NULL, "type" TEXT NOT NULL, "threadId" TEXT NOT NULL,
    "parentId" TEXT, "streaming" BOOLEAN NOT NULL, "waitForAnswer" BOOLEAN, "isError" BOOLEAN,
    "metadata" TEXT, "tags" TEXT, "input" TEXT, "output" TEXT, "createdAt" TEXT, "command" TEXT,
    "start" TEXT, "end" TEXT, "generation" TEXT, "showInput" TEXT, "language" TEXT,
    "indent" INTEGER, "defaultOpen" BOOLEAN, "autoCollapse" BOOLEAN, "modes" TEXT, "icon" TEXT);
CREATE TABLE IF NOT EXISTS elements (
    "id" TEXT PRIMARY KEY, "threadId" TEXT, "type" TEXT, "url" TEXT, "chainlitKey" TEXT,
    "name" TEXT NOT NULL, "display" TEXT, "objectKey" TEXT, "size" TEXT, "page" INTEGER,
    "language" TEXT, "forId" TEXT, "mime" TEXT, "props" TEXT);
CREATE TABLE IF NOT EXISTS feedbacks (
    "id" TEXT PRIMARY KEY, "forId" TEXT NOT NULL, "threadId" TEXT NOT NULL,
    "value" INTEGER NOT NULL, "comment" TEXT);
"""
with sqlite3.connect(f"{wanted.home}/peer.db") as database:
    database.executescript(_TABLES)


@cl.data_layer
def layer() -> SQLAlchemyDataLayer:
    return SQLAlchemyDataLayer(conninfo=f"sqlite+aiosqlite:///{wanted.home}/peer.db")


@cl.on_message
async def turn(message: cl.Message) -> None:
    for number in range(THINKING_STEPS):
        async with cl.Step(name="intent_processing") as step:
            step.output = f"Working on step {number}"
    answer = cl.Message(content="")
    for start in range(0, 6 * PIECES, 6):
        if message.content == "paced":
            await asyncio.sleep(PIECE_SECONDS)
        await answer.stream_token(ANSWER[start : start + 6])
    await answer.send()


serve(app, wanted.port)
