"""Answers in progress, shown to those who follow the chat through another node.

A node whose readers wait asks for the text; the one that runs the turn sends what it has from
there on. What gets lost is asked for again, or comes with the ``partial``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from chatstream.cluster.messages import AnswerChunk, AnswerRequest, Message, chunks_of
from chatstream.domain.commands import Streamed
from chatstream.domain.user_chat import UserChat
from chatstream.domain.user_chat.state import Turn
from chatstream.ids import ChatId
from chatstream.live.feed import Answer
from chatstream.live.hub import Hub

REQUEST_HOLDS_S: Final = 10.0
"""So long is an answer sent to a node that asked once."""
REQUEST_EVERY_S: Final = 3.0
REQUEST_AGAIN_AFTER_S: Final = 0.2
"""After a hole was seen in the text."""
CODE_POINTS_AT_ONCE: Final = 16_384
"""Of one answer on one tick: more than that comes with the next ones."""

Publish = Callable[[Sequence[Message]], None]


class RunningTurn(Protocol):
    """What the relay reads of a run."""

    @property
    def caused_by(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def streamed(self) -> Streamed | None: ...


class RunningTurns(Protocol):
    """The turns that run here (``turns.run_table.RunTable``)."""

    def get(self, chat_id: ChatId, /) -> RunningTurn | None: ...


class _Requested(Struct):
    until: float
    message_id: str = ""
    sent: int = 0


class AnswerPublisher:
    """The side that runs the turn: sends the text on, as long as a node asks for it.

    Attributes:
        _requested: the chats that another node asked for, with what was sent of their answer; who
            asked last is at the end.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._requested: dict[ChatId, _Requested] = {}

    def on_request(self, request: AnswerRequest, streamed: Streamed | None, after: int) -> None:
        """A node asks for the text of a turn that runs here; ``after`` as in ``publish``."""
        now = asyncio.get_running_loop().time()
        self._forget_expired(now)
        self._requested.pop(request.chat_id, None)
        self._requested[request.chat_id] = _Requested(
            now + REQUEST_HOLDS_S, request.message_id, request.have
        )
        self.publish(request.chat_id, request.caused_by, request.attempt, streamed, after)

    def publish(
        self, chat_id: ChatId, caused_by: str, attempt: int, streamed: Streamed | None, after: int
    ) -> None:
        """The text has grown; it stands after the event at position ``after``."""
        requested = self._requested.get(chat_id)
        if requested is None:
            return
        if asyncio.get_running_loop().time() > requested.until:
            del self._requested[chat_id]
            return
        if streamed is None:
            return
        if streamed.message_id != requested.message_id:
            requested.message_id, requested.sent = streamed.message_id, 0
        text = streamed.text[requested.sent : requested.sent + CODE_POINTS_AT_ONCE]
        if not text:
            return
        chunk = AnswerChunk(
            chat_id, caused_by, attempt, requested.message_id, after, requested.sent, text
        )
        requested.sent += len(text)
        self._publish(list(chunks_of(chunk)))

    def _forget_expired(self, now: float) -> None:
        """Most turns end without a word to those who asked for their answer."""
        while self._requested:
            chat_id, oldest = next(iter(self._requested.items()))
            if oldest.until >= now:
                return
            del self._requested[chat_id]


class _Subscription(Struct):
    caused_by: str
    attempt: int
    requested_at: float
    message_id: str = ""
    text: str = ""


class AnswerSubscriber:
    """The side of the readers: asks for the text of turns that run elsewhere, and shows it.

    ``state_of`` gives the state of a chat as far as this node knows it.
    """

    def __init__(
        self, hub: Hub, publish: Publish, state_of: Callable[[ChatId], UserChat | None]
    ) -> None:
        self._hub = hub
        self._publish = publish
        self._state_of = state_of
        self._subscriptions: dict[ChatId, _Subscription] = {}

    def request_followed(self) -> None:
        """Ask for what the readers of this node wait for, and let go of what none waits for any
        more. Called now and then."""
        followed = self._hub.followed()
        for chat_id in self._subscriptions.keys() - set(followed):
            self.forget(chat_id)
        for chat_id in followed:
            state = self._state_of(chat_id)
            if state is not None:
                self.moved(chat_id, state)

    def moved(self, chat_id: ChatId, state: UserChat) -> None:
        """The chat is in ``state``, and no turn of it runs here."""
        feed, turn = self._hub.get(chat_id), state.turn
        subscription = self._subscriptions.get(chat_id)
        if subscription is not None and (turn is None or not _is_of(turn, subscription)):
            subscription = None
            self.forget(chat_id)
        if feed is None or turn is None or not feed.is_followed:
            return
        feed.over(state.text_since)
        now = asyncio.get_running_loop().time()
        if subscription is None:
            subscription = _Subscription(turn.caused_by, turn.attempt, float("-inf"))
            self._subscriptions[chat_id] = subscription
        if now - subscription.requested_at > REQUEST_EVERY_S:
            self._request(chat_id, subscription, now)

    def forget(self, chat_id: ChatId) -> None:
        """The answer is over, or runs here."""
        if self._subscriptions.pop(chat_id, None) is not None and (feed := self._hub.get(chat_id)):
            feed.show(None)

    def take(self, chunk: AnswerChunk) -> None:
        """Show a chunk. One of an attempt that is over is void, and so is one of an answer that
        is (``Feed.over``)."""
        state = self._state_of(chunk.chat_id)
        subscription = self._subscriptions.get(chunk.chat_id)
        feed = self._hub.get(chunk.chat_id)
        if state is None or state.turn is None or subscription is None or feed is None:
            return
        if (chunk.caused_by, chunk.attempt) != (state.turn.caused_by, state.turn.attempt):
            return
        if chunk.message_id != subscription.message_id:
            subscription.message_id = chunk.message_id
            subscription.text = _stored_text(state.turn, chunk)
        missing = len(subscription.text) - chunk.offset
        if missing < 0:
            now = asyncio.get_running_loop().time()
            if now - subscription.requested_at > REQUEST_AGAIN_AFTER_S:
                self._request(chunk.chat_id, subscription, now)
            return
        subscription.text += chunk.text[missing:]
        feed.show(Answer(chunk.message_id, subscription.text, chunk.after))

    def _request(self, chat_id: ChatId, subscription: _Subscription, now: float) -> None:
        subscription.requested_at = now
        have = (subscription.message_id, len(subscription.text))
        self._publish([AnswerRequest(chat_id, subscription.caused_by, subscription.attempt, *have)])


class BusAnswerRelay:
    """Both sides on one bus (``turns.runner.AnswerRelay``)."""

    def __init__(
        self, publisher: AnswerPublisher, subscriber: AnswerSubscriber, runs: RunningTurns
    ) -> None:
        self._publisher = publisher
        self._subscriber = subscriber
        self._runs = runs

    def publish(
        self, chat_id: ChatId, caused_by: str, attempt: int, streamed: Streamed | None, after: int
    ) -> None:
        """The text of an answer of this node has grown."""
        self._publisher.publish(chat_id, caused_by, attempt, streamed, after)

    def moved(self, chat_id: ChatId, state: UserChat) -> None:
        """The chat is in ``state``, and no turn of it runs here."""
        self._subscriber.moved(chat_id, state)

    def forget(self, chat_id: ChatId) -> None:
        """A turn of the chat runs here: its answer does not come from elsewhere any more."""
        self._subscriber.forget(chat_id)

    def on_request(self, request: AnswerRequest) -> None:
        """Another node asks for an answer that may run here."""
        run = self._runs.get(request.chat_id)
        if run is not None and (run.caused_by, run.attempt) == (request.caused_by, request.attempt):
            self._publisher.on_request(request, run.streamed, run.position)

    def on_chunk(self, chunk: AnswerChunk) -> None:
        """A piece of an answer has come; this node's own pieces come back to it, too."""
        if self._runs.get(chunk.chat_id) is None:
            self._subscriber.take(chunk)

    def request_followed(self) -> None:
        """Ask for what the readers of this node wait for. Called now and then."""
        self._subscriber.request_followed()


def _is_of(turn: Turn, subscription: _Subscription) -> bool:
    return (turn.caused_by, turn.attempt) == (subscription.caused_by, subscription.attempt)


def _stored_text(turn: Turn, chunk: AnswerChunk) -> str:
    return turn.answer if turn.answer_id == chunk.message_id else ""
