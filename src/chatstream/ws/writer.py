"""What goes out on one socket, and when: one callback of the loop, however many wake it.

Control frames first, then each followed chat that has news, in turn, packed into one write; no
more than the peer takes. What lies in no ring is read from the log, one page at a time, by a
task that lives only while a chat is behind: a slow reader costs a page and a cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from chatstream.errors import Refused
from chatstream.ids import ChatId
from chatstream.ws.follower import Follower
from chatstream.ws.outbound import BATCH_BYTES, ControlQueue, ProgressWatch, pack
from chatstream.ws.ports import Sink

BEHIND_BYTES: Final = 512 * 1024
"""Answers that wait for a peer that does not read. With what the transport holds (its high
water mark and one round of writing) this stays below 1 MiB a socket."""
CLOSE_SECONDS: Final = 5.0
"""How long a peer may take to answer our close frame."""
EVICT_SECONDS: Final = 1.0
"""The same for one that has not read for long: it may just come back."""
LOG_RETRY_SECONDS: Final = 1.0


class Writer:
    """The outgoing side of a connection. ``on_blocked`` is called when bytes wait to be sent and
    nobody looks yet whether they leave; ``on_failure`` with an error that no frame
    can express."""

    def __init__(
        self,
        sink: Sink,
        slow_reader_s: float,
        on_blocked: Callable[[], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self.batch = False
        self.followers: dict[ChatId, Follower] = {}
        self._sink = sink
        self._on_blocked = on_blocked
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self.silent_since = self._loop.time()
        self._slow_reader_s = slow_reader_s
        self._watched_until = 0.0
        self._progress = ProgressWatch(slow_reader_s, self.silent_since)
        self._control = ControlQueue()
        # Dicts as ordered sets: who has news, who needs the log.
        self._ready: dict[Follower, None] = {}
        self._behind: dict[Follower, None] = {}
        self._log_reader: asyncio.Task[None] | None = None
        self._scheduled = False
        self.is_closed = False
        self._relief: asyncio.Future[None] | None = None
        sink.set_on_writable(self._wake)

    def send(self, frame: bytes) -> None:
        """Let a control frame go out."""
        if not self.is_closed:
            self._control.append(frame)
            self._wake()

    def beat(self, heartbeat: bytes, now: float) -> None:
        """Break the silence, unless the peer is what keeps us silent."""
        self.silent_since = now
        if not self._sink.is_paused:
            self.send(heartbeat)

    def follow(self, follower: Follower) -> None:
        """Send what the follower takes, from now on and in place of an earlier one."""
        self.unfollow(follower.chat_id)
        if self.is_closed:
            return
        self.followers[follower.chat_id] = follower
        follower.listen(self._has_news)
        self._has_news(follower)

    def unfollow(self, chat_id: ChatId) -> None:
        """Send nothing more of this chat."""
        follower = self.followers.pop(chat_id, None)
        if follower is not None:
            follower.stop()
            self._ready.pop(follower, None)
            self._behind.pop(follower, None)

    @property
    def is_behind(self) -> bool:
        """Whether too many answers wait for the peer to read them."""
        return self._control.size_bytes > BEHIND_BYTES and not self.is_closed

    async def caught_up(self) -> None:
        """Wait while it is behind."""
        while self.is_behind:
            self._relief = self._loop.create_future()
            await self._relief

    def is_stalled(self, now: float) -> bool:
        """Whether the peer has read nothing for too long although something waits."""
        return not self.is_closed and self._progress.look(self._sink.buffered_bytes, now)

    def look_again_at(self, now: float) -> float | None:
        """When to ask ``is_stalled`` next."""
        return self._progress.look_again_at(self._sink.buffered_bytes, now)

    def close(self, code: int, reason: str) -> None:
        """Send the control frames that wait, then close; cut the connection if that takes long."""
        if self.is_closed:
            return
        frames = self._control.take(self._control.size_bytes)
        if frames:
            self._sink.write(pack(frames, batch=self.batch))
        self._sink.close(code, reason, EVICT_SECONDS if code == 4408 else CLOSE_SECONDS)
        self._let_go()

    def abort(self) -> None:
        """Cut the connection."""
        self._let_go()
        self._sink.abort()

    def ended(self) -> None:
        """The connection is gone."""
        self._let_go()

    def _let_go(self) -> None:
        self.is_closed = True
        for chat_id in list(self.followers):
            self.unfollow(chat_id)
        if self._log_reader is not None:
            self._log_reader.cancel()
        self._relieve()

    def _has_news(self, follower: Follower) -> None:
        self._ready[follower] = None
        self._wake()

    def _wake(self) -> None:
        if not self._scheduled and not self.is_closed:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        try:
            self._write_what_is_ready()
        except Exception as error:  # noqa: BLE001 - handed on: there is nobody above a callback
            self._on_failure(error)
            return
        if self._behind:
            self._read_log_soon()
        if self._relief is not None and not self.is_behind:
            self._relieve()

    def _write_what_is_ready(self) -> None:
        while self._ready or self._control.size_bytes:
            if self.is_closed or self._sink.is_paused:
                return
            frames = self._next_frames()
            if frames:
                self._write(pack(frames, batch=self.batch))

    def _write(self, messages: list[bytes]) -> None:
        now = self.silent_since = self._loop.time()
        before_bytes = self._sink.buffered_bytes
        self._sink.write(messages)
        buffered_bytes = self._sink.buffered_bytes
        if not before_bytes and not buffered_bytes:
            return  # mostly: the kernel took all of it at once
        self._progress.wrote(sum(map(len, messages)), before_bytes, now)
        if now >= self._watched_until and buffered_bytes:
            self._watched_until = now + self._slow_reader_s / 4
            self._on_blocked()

    def _next_frames(self) -> list[bytes]:
        """One round: about ``BATCH_BYTES``, no chat twice before every other had its turn."""
        frames: list[bytes] = []
        size_bytes = 0
        if self._control.size_bytes:
            frames = self._control.take(BATCH_BYTES)
            size_bytes = sum(map(len, frames))
        while self._ready and size_bytes < BATCH_BYTES:
            follower = next(iter(self._ready))
            del self._ready[follower]
            taken = follower.take()
            if taken:
                if follower.may_have_more:
                    self._ready[follower] = None
                frames += taken
                size_bytes += sum(map(len, taken))
            elif follower.needs_log:
                self._behind[follower] = None
        return frames

    # -- pages of the log --------------------------------------------------------------------

    def _read_log_soon(self) -> None:
        if self._log_reader is None and not self._sink.is_paused:
            self._log_reader = self._loop.create_task(self._read_log())

    async def _read_log(self) -> None:
        try:
            while self._behind and not self._sink.is_paused:
                await self._read_page(next(iter(self._behind)))
                await asyncio.sleep(0)  # let the page be written before there is another one
        except Exception as error:  # noqa: BLE001 - handed on: nobody awaits this task
            self._on_failure(error)
        finally:
            self._log_reader = None

    async def _read_page(self, follower: Follower) -> None:
        try:
            page = await follower.feed.read(follower.position)
        except Refused:
            await asyncio.sleep(LOG_RETRY_SECONDS)
            return
        if follower in self._behind:
            del self._behind[follower]
            follower.give(page)
            self._has_news(follower)

    def _relieve(self) -> None:
        if self._relief is not None and not self._relief.done():
            self._relief.set_result(None)
