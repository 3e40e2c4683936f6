"""What waits to go out on one socket, and how it is packed into messages. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

BATCH_BYTES: Final = 64 * 1024
"""The largest array of frames; the protocol's bound."""


def pack(frames: Sequence[bytes], *, batch: bool) -> list[bytes]:
    """Messages for these frames, in order: one each, or with ``batch`` arrays of frames up to
    ``BATCH_BYTES``, where a larger frame travels alone."""
    if not batch or len(frames) < 2:
        return list(frames)
    if sum(map(len, frames)) + len(frames) < BATCH_BYTES:
        return _joined(frames)
    messages: list[bytes] = []
    group: list[bytes] = []
    size = 1  # each frame brings a comma or the closing bracket
    for frame in frames:
        if size + len(frame) + 1 > BATCH_BYTES:
            messages.extend(_joined(group))
            group, size = [], 1
        group.append(frame)
        size += len(frame) + 1
    messages.extend(_joined(group))
    return messages


def _joined(group: Sequence[bytes]) -> list[bytes]:
    return list(group) if len(group) < 2 else [b"[%b]" % b",".join(group)]


class ControlQueue:
    """Control frames in the order in which they were made, with their size."""

    __slots__ = ("_frames", "size_bytes")

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self.size_bytes = 0

    def append(self, frame: bytes) -> None:
        """Let ``frame`` go out after those that wait."""
        self._frames.append(frame)
        self.size_bytes += len(frame)

    def take(self, max_bytes: int) -> list[bytes]:
        """The oldest frames, up to ``max_bytes`` and at least one, if there is any."""
        taken: list[bytes] = []
        while self._frames and (not taken or max_bytes >= len(self._frames[0])):
            max_bytes -= len(self._frames[0])
            taken.append(self._frames.popleft())
        self.size_bytes -= sum(map(len, taken))
        return taken


class ProgressWatch:
    """Tells a peer that reads slowly from one that does not read at all.

    Progress is that bytes leave the process; a moment with nothing to send is progress too.
    """

    __slots__ = ("_left_bytes", "_patience_s", "_since", "_written_bytes")

    def __init__(self, patience_s: float, now: float) -> None:
        self._patience_s = patience_s
        self._since = now
        self._written_bytes = 0
        self._left_bytes = 0

    def wrote(self, size_bytes: int, buffered_before: int, now: float) -> None:
        """So much was written; before that, ``buffered_before`` bytes were waiting."""
        self.look(buffered_before, now)
        self._written_bytes += size_bytes

    def look(self, buffered_bytes: int, now: float) -> bool:
        """Whether nothing has left for too long, with ``buffered_bytes`` waiting."""
        left_bytes = self._written_bytes - buffered_bytes
        if buffered_bytes == 0 or left_bytes > self._left_bytes:
            self._left_bytes, self._since = left_bytes, now
            return False
        return now - self._since >= self._patience_s

    def look_again_at(self, buffered_bytes: int, now: float) -> float | None:
        """When to look next; None while nothing waits. Often enough to be late by a quarter."""
        if buffered_bytes == 0:
            return None
        return min(self._since + self._patience_s, now + self._patience_s / 4)
