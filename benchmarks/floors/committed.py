"""Floor B: as A, with seven short rows a turn; a frame leaves after its commit."""

from __future__ import annotations

import asyncio

from benchmarks.floors.sockets import Frame, Peer
from benchmarks.floors.storing import GroupCommit
from benchmarks.turn import ANSWER, PIECES

BODY = "x" * 130


class Committed:
    def __init__(self, home: str) -> None:
        self._log = GroupCommit(home)

    async def turn(self, peer: Peer, frame: Frame, peers: list[Peer]) -> None:
        frames = peer.frames
        await self._stored(peer, "user", frame.content)
        await peer.send_frame(frames.ack(frame.id, peer.position + 1))
        for template in frames.started:
            await peer.send_event(template)
        for template in frames.thinking:
            await self._stored(peer, "thinking", BODY)
            await peer.send_event(template)
        for offset in range(0, 6 * PIECES, 6):
            await peer.send_frame(frames.delta(offset, ANSWER[offset : offset + 6]))
        await self._stored(peer, "response", ANSWER)
        for template in frames.ended:
            await peer.send_event(template)

    async def _stored(self, peer: Peer, kind: str, body: str) -> None:
        done = asyncio.get_running_loop().create_future()
        self._log.put((peer.chat_id, peer.position + 1, kind, body), lambda: done.set_result(None))
        await done
