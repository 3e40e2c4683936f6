"""Floor A: sends the frames of a turn one by one and stores nothing."""

from __future__ import annotations

import asyncio

from benchmarks.floors.sockets import Frame, Peer
from benchmarks.turn import ANSWER, PIECE_SECONDS, PIECES, stamp


class Bare:
    def __init__(self, home: str) -> None:
        del home

    async def turn(self, peer: Peer, frame: Frame, peers: list[Peer]) -> None:
        if len(peers) > 1:
            await self._broadcast(peer, frame, peers)
            return
        frames = peer.frames
        await peer.send_frame(frames.ack(frame.id, peer.position + 1))
        if frame.content == "quiet":
            return
        for template in (*frames.started, *frames.thinking):
            await peer.send_event(template)
        for offset in range(0, 6 * PIECES, 6):
            if frame.content == "paced":
                await asyncio.sleep(PIECE_SECONDS)
                await peer.send_frame(frames.delta(offset, stamp()))
            else:
                await peer.send_frame(frames.delta(offset, ANSWER[offset : offset + 6]))
        for template in frames.ended:
            await peer.send_event(template)

    async def _broadcast(self, peer: Peer, frame: Frame, peers: list[Peer]) -> None:
        """A bare send loop: each frame, made once, to everybody in turn."""
        frames = peer.frames
        await peer.send_frame(frames.ack(frame.id, peer.position + 1))
        for template in (*frames.started, *frames.thinking):
            await self._to_all(peer, template, peers)
        for offset in range(0, 6 * PIECES, 6):
            piece = frames.delta(offset, ANSWER[offset : offset + 6])
            await self._to_all(peer, piece.replace(b"%", b"%%"), peers)
        for template in frames.ended:
            await self._to_all(peer, template, peers)

    async def _to_all(self, peer: Peer, template: bytes, peers: list[Peer]) -> None:
        peer.position += 1
        text = (template % peer.position if b"%d" in template else template).decode()
        for one in peers:
            await one.send({"type": "websocket.send", "text": text})
