"""A reader's place in one chat: which frames, and how much of an answer, it was sent.

No I/O: the connection asks for what is ready and fetches pages of the log where the follower
says that the ring does not reach back far enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from chatstream.ids import ChatId
from chatstream.protocol.event_frames import bounded
from chatstream.protocol.frames import CaughtUp, Delta, encode
from chatstream.ws.ports import Feed, Frame

ROUND_BYTES: Final = 64 * 1024
"""What one round of writing takes from a chat. A page of the log is several: to ask for one costs
as much as to send a round."""


class GapError(Exception):
    """The log does not go on where it left off: a reader must be told, never sent past it."""


class Follower:
    """One chat as one socket follows it, from ``start`` on; ``tip`` is that of ``opened``."""

    __slots__ = (
        "_answer_sent",
        "_answer_waits",
        "_catch_up_to",
        "_message_id",
        "_page",
        "_stop",
        "chat_id",
        "feed",
        "needs_log",
        "position",
    )

    def __init__(self, chat_id: ChatId, feed: Feed, start: int, tip: int) -> None:
        self.chat_id = chat_id
        self.feed = feed
        self.position = start
        self.needs_log = False
        self._catch_up_to: int | None = tip
        self._page: Sequence[Frame] = ()
        self._message_id = ""
        self._answer_sent = 0
        self._answer_waits = True  # there may be text already
        self._stop: Callable[[], None] | None = None

    def listen(self, wake: Callable[[Follower], None]) -> None:
        """From now on ``wake`` is called whenever there may be something to take."""

        def on_answer() -> None:
            self._answer_waits = True
            wake(self)

        self._stop = self.feed.listen(lambda: wake(self), on_answer)

    def stop(self) -> None:
        """Follow no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def give(self, page: Sequence[Frame]) -> None:
        """A page of the log that was asked for by ``needs_log``."""
        self.needs_log = False
        self._page = page

    @property
    def may_have_more(self) -> bool:
        """Whether to ``take`` again after something was taken."""
        return self._answer_waits or self.position < self.feed.tip

    def take(self) -> list[bytes]:
        """What may go out next, about ``ROUND_BYTES``; nothing where ``needs_log``.

        Raises:
            GapError: the positions are not contiguous.
        """
        if self.needs_log:
            return []
        taken = self._take_events()
        if taken or self.needs_log or self._catch_up_to is not None or not self._answer_waits:
            return taken
        return self._take_answer()

    def _take_events(self) -> list[bytes]:
        caught_up = self._caught_up()
        if caught_up is not None:
            return [caught_up]
        frames = self._from_page() if self._page else self.feed.ready(self.position, ROUND_BYTES)
        if frames is None:
            self.needs_log = True
            return []
        return self._passed(frames) if frames else []

    def _from_page(self) -> Sequence[Frame]:
        frames = bounded(self._page, ROUND_BYTES)
        self._page = self._page[len(frames) :]
        return frames

    def _passed(self, frames: Sequence[Frame]) -> list[bytes]:
        taken: list[bytes] = []
        for frame in frames:
            if frame.position != self.position + 1:
                raise GapError(f"{self.chat_id}: {frame.position} follows {self.position}")
            self.position = frame.position
            taken.append(frame.data)
            if self._catch_up_to is not None and (caught_up := self._caught_up()) is not None:
                taken.append(caught_up)
        return taken

    def _caught_up(self) -> bytes | None:
        if self._catch_up_to is None or self.position < self._catch_up_to:
            return None
        self._catch_up_to = None
        return encode(CaughtUp(user_chat_id=self.chat_id, position=self.position))

    def _take_answer(self) -> list[bytes]:
        answer = self.feed.answer
        if answer is not None and self.position < answer.after:
            return []  # the next frames wake us
        self._answer_waits = False
        if answer is None:
            return []
        if answer.message_id != self._message_id:
            self._message_id, self._answer_sent = answer.message_id, 0
        text, offset = answer.text[self._answer_sent :], self._answer_sent
        self._answer_sent += len(text)
        return [self._delta(offset, text)] if text else []

    def _delta(self, offset: int, text: str) -> bytes:
        return encode(
            Delta(user_chat_id=self.chat_id, message_id=self._message_id, offset=offset, text=text)
        )
