"""How following a chat begins: what ``open`` asks for, and where the reader starts.

``open`` is submitted at once, so that commands sent after it find their chat, and answered in
the order sent, by a task that lives only while one is unanswered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from chatstream.chats.receipt import Receipt
from chatstream.domain.user_chat.state import UserChat
from chatstream.domain.views import chat_view
from chatstream.ids import ChatId
from chatstream.metrics import Metrics
from chatstream.protocol.frames import Open, OpenedHead, Rejected, Resync, encode, encode_opened
from chatstream.ws.follower import Follower
from chatstream.ws.ports import Feed, Service
from chatstream.ws.writer import Writer

WAITING_AT_MOST: Final = 512
"""Opens and leaves of one socket that wait: more opens are ``overloaded``."""


class _Opening(Struct, frozen=True):
    frame: Open
    chat_id: ChatId
    receipt: asyncio.Future[Receipt]


class Openings:
    """The ``open``s of one socket that wait for their answer, and the ``leave``s behind them.

    ``refusal_of`` makes the answer to one that failed.
    """

    def __init__(
        self,
        service: Service,
        writer: Writer,
        session_ttl_s: float,
        refusal_of: Callable[[Open, Exception], Rejected],
        metrics: Metrics,
    ) -> None:
        self._service = service
        self._writer = writer
        self._session_ttl_ms = round(session_ttl_s * 1000)
        self._refusal_of = refusal_of
        self._metrics = metrics
        self._waiting: deque[_Opening | ChatId] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, frame: Open, chat_id: ChatId, receipt: asyncio.Future[Receipt]) -> None:
        """Answer ``frame``, which was submitted, when its turn comes."""
        self._waiting.append(_Opening(frame, chat_id, receipt))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    def __len__(self) -> int:
        return len(self._waiting)

    def leave(self, chat_id: ChatId) -> None:
        """Stop following, once the opens that were sent before it are answered."""
        if self._task is None or len(self) >= WAITING_AT_MOST:
            self._writer.unfollow(chat_id)
        else:
            self._waiting.append(chat_id)

    def cancel(self) -> None:
        """Answer no more."""
        if self._task is not None:
            self._task.cancel()

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                one = self._waiting.popleft()
                if isinstance(one, _Opening):
                    await self._answer(one)
                else:
                    self._writer.unfollow(one)
        finally:
            self._task = None

    async def _answer(self, opening: _Opening) -> None:
        try:
            await self._begin(opening)
        except Exception as error:  # noqa: BLE001 - each is answered
            self._writer.send(encode(self._refusal_of(opening.frame, error)))

    async def _begin(self, opening: _Opening) -> None:
        chat_id, frame, receipt = opening.chat_id, opening.frame, await opening.receipt
        feed = self._service.feed(chat_id)
        start = await find_start(frame, receipt.state, feed)
        if start.resync is not None:
            self._writer.send(encode(Resync(user_chat_id=chat_id, reason=start.resync)))
        self._metrics.opens.labels(_kind(frame, start, receipt)).inc()
        head = OpenedHead(id=frame.id, created=not receipt.duplicate, start=start.after)
        view = chat_view(chat_id, receipt.state, self._session_ttl_ms)
        self._writer.send(encode_opened(head, view))
        feed = self._service.feed(chat_id)  # one that nobody listened to may have been let go of
        if feed.tip < receipt.state.position:
            feed.moved_to(receipt.state.position)  # and by now the chat may be out of memory
        self._writer.follow(Follower(chat_id, feed, start.after, receipt.state.position))


class Start(Struct, frozen=True):
    """The first position that follows is ``after + 1``; ``resync`` is why it is not where the
    client wanted."""

    after: int
    resync: str | None = None


def _kind(frame: Open, start: Start, receipt: Receipt) -> str:
    if start.resync is not None:
        return "resync"
    if not receipt.duplicate:
        return "created"
    return "resumed" if frame.after else "whole"


class _Named(Struct, frozen=True):
    event_id: str


_named = msgspec.json.Decoder(_Named)


async def find_start(frame: Open, chat: UserChat, feed: Feed) -> Start:
    """Where to begin in ``chat``. Raises ``Refused`` where the log cannot be read."""
    newest_start, after = _start_of_last(frame, chat), frame.after or 0
    if after > chat.position:
        return Start(newest_start, "unknown_position")
    if await _is_other_event(frame, feed):
        return Start(newest_start, "event_mismatch")
    return Start(max(after, newest_start))


def _start_of_last(frame: Open, chat: UserChat) -> int:
    if frame.last is None:
        return 0
    newest = chat.position - frame.last
    if chat.turn is not None:
        newest = min(newest, chat.turn.first_position - 1)
    return max(newest, 0)


async def _is_other_event(frame: Open, feed: Feed) -> bool:
    if not frame.after or frame.after_event is None:
        return False
    # From the log and not from memory: what lies on the disk is what the client holds, or not.
    events = await feed.read(frame.after - 1, 1)
    return not events or _named.decode(events[0].data).event_id != frame.after_event
