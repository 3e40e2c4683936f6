"""One commit a message: what a server does that saves each message before it answers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from benchmarks.floors.sockets import Frame, Peer
from benchmarks.floors.storing import INSERT, connect


class EachCommit:
    def __init__(self, home: str) -> None:
        self._connection = connect(home)
        self._thread = ThreadPoolExecutor(1)

    async def turn(self, peer: Peer, frame: Frame, peers: list[Peer]) -> None:
        row = (peer.chat_id, peer.position + 1, "user", frame.content)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._save, row)
        peer.position += 1
        await peer.send_frame(peer.frames.ack(frame.id, peer.position))

    def _save(self, row: tuple[object, ...]) -> None:
        self._connection.execute(INSERT, row)
