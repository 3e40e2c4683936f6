"""One commit a message on PostgreSQL; ``home`` is the database's URL."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg

from benchmarks.floors.bare_psycopg import BODY, INSERT, TABLE
from benchmarks.floors.sockets import Frame, Peer


class EachCommitPostgres:
    def __init__(self, home: str) -> None:
        self._connection = psycopg.connect(home, autocommit=True, prepare_threshold=None)
        self._connection.execute(TABLE)
        self._thread = ThreadPoolExecutor(1)

    async def turn(self, peer: Peer, frame: Frame, peers: list[Peer]) -> None:
        row = ([peer.chat_id], [peer.position + 1], ["user.1"], [BODY])
        await asyncio.get_running_loop().run_in_executor(
            self._thread, self._connection.execute, INSERT, row
        )
        peer.position += 1
        await peer.send_frame(peer.frames.ack(frame.id, peer.position))
