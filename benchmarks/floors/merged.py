"""Floor C: as B, but the handler waits for no commit, and all that is ready is one message."""

from __future__ import annotations

import asyncio
from functools import partial

from benchmarks.floors.committed import BODY
from benchmarks.floors.sockets import Frame, Peer
from benchmarks.floors.storing import GroupCommit
from benchmarks.turn import ANSWER, PIECES


class Merged:
    def __init__(self, home: str) -> None:
        self._log = GroupCommit(home)
        self._tasks: set[asyncio.Task[None]] = set()

    async def turn(self, peer: Peer, frame: Frame, peers: list[Peer]) -> None:
        frames = peer.frames
        ack = frames.ack(frame.id, peer.position + 1)
        self._store(peer, "user", frame.content, [ack, *_events(peer, frames.started)])
        for template in frames.thinking:
            self._store(peer, "thinking", BODY, _events(peer, [template]))
        pieces = [
            frames.delta(offset, ANSWER[offset : offset + 6]) for offset in range(0, 6 * PIECES, 6)
        ]
        self._store(peer, "response", ANSWER, [*pieces, *_events(peer, frames.ended)])

    def _store(self, peer: Peer, kind: str, body: str, frames: list[bytes]) -> None:
        row = (peer.chat_id, peer.position, kind, body)
        self._log.put(row, partial(self._ready, peer, frames))

    def _ready(self, peer: Peer, frames: list[bytes]) -> None:
        if not peer.ready:
            task = asyncio.get_running_loop().create_task(_flush(peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        peer.ready += frames


async def _flush(peer: Peer) -> None:
    frames, peer.ready = peer.ready, []
    await peer.send_frame(b"[" + b",".join(frames) + b"]")


def _events(peer: Peer, templates: list[bytes]) -> list[bytes]:
    frames = []
    for template in templates:
        peer.position += 1
        frames.append(template % peer.position)
    return frames
