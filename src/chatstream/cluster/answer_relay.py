"""Answers in progress, shown to those who follow the chat through another node.

A node whose readers wait asks for the text; the one that runs the turn sends what it has from
there on. What gets lost is asked for again, or comes with the ``partial``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from chatstream.cluster.messages import Piece, Want, Word, pieces
from chatstream.domain.commands import Streamed
from chatstream.domain.user_chat.state import Turn, UserChat
from chatstream.ids import ChatId
from chatstream.live.feed import Answer
from chatstream.live.hub import Hub

WANTED_FOR_S: Final = 10.0
WANT_EVERY_S: Final = 3.0
ASK_AGAIN_AFTER_S: Final = 0.2
CODE_POINTS_AT_ONCE: Final = 16_384
"""Of one answer on one tick: more than that comes with the next ones."""

Say = Callable[[Sequence[Word]], None]


class _Wanted(Struct):
    until: float
    message_id: str = ""
    sent: int = 0


class Showing:
    """The side that runs the turn."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._wanted: dict[ChatId, _Wanted] = {}

    def want(self, want: Want, streamed: Streamed | None, after: int) -> None:
        """Somebody waits for the text of a turn that runs here."""
        now = asyncio.get_running_loop().time()
        self._wanted[want.chat_id] = _Wanted(now + WANTED_FOR_S, want.message_id, want.have)
        self.show(want.chat_id, want.caused_by, want.attempt, streamed, after)

    def show(
        self, chat_id: ChatId, caused_by: str, attempt: int, streamed: Streamed | None, after: int
    ) -> None:
        """The text has grown."""
        wanted = self._wanted.get(chat_id)
        if wanted is None:
            return
        if asyncio.get_running_loop().time() > wanted.until:
            del self._wanted[chat_id]
            return
        if streamed is None:
            return
        if streamed.message_id != wanted.message_id:
            wanted.message_id, wanted.sent = streamed.message_id, 0
        text = streamed.text[wanted.sent : wanted.sent + CODE_POINTS_AT_ONCE]
        if not text:
            return
        piece = Piece(chat_id, caused_by, attempt, wanted.message_id, after, wanted.sent, text)
        wanted.sent += len(text)
        self._say(list(pieces(piece)))


class _Seen(Struct):
    caused_by: str
    attempt: int
    wanted_at: float
    message_id: str = ""
    text: str = ""


class Seeing:
    """The side of the readers. ``state_of`` gives what is known of a chat."""

    def __init__(self, hub: Hub, say: Say, state_of: Callable[[ChatId], UserChat | None]) -> None:
        self._hub = hub
        self._say = say
        self._state_of = state_of
        self._seen: dict[ChatId, _Seen] = {}

    def look(self) -> None:
        """Ask for what followers of this node wait for; now and then."""
        for chat_id in self._hub.followed():
            state = self._state_of(chat_id)
            if state is not None:
                self.moved(chat_id, state)

    def moved(self, chat_id: ChatId, state: UserChat) -> None:
        """The chat is in ``state``, and no turn of it runs here."""
        feed, turn, seen = self._hub.get(chat_id), state.turn, self._seen.get(chat_id)
        if seen is not None and (turn is None or not _is_of(turn, seen)):
            seen = None
            self.forget(chat_id)
        if feed is None or turn is None or not feed.is_followed:
            return
        feed.over(state.text_since)
        now = asyncio.get_running_loop().time()
        if seen is None:
            seen = self._seen[chat_id] = _Seen(turn.caused_by, turn.attempt, float("-inf"))
        if now - seen.wanted_at > WANT_EVERY_S:
            self._want(chat_id, seen, now)

    def forget(self, chat_id: ChatId) -> None:
        """The answer is over, or runs here."""
        if self._seen.pop(chat_id, None) is not None and (feed := self._hub.get(chat_id)):
            feed.show(None)

    def take(self, piece: Piece) -> None:
        """A piece has come; one of an attempt that is over is void, and so is one of an answer
        that is (``Feed.over``)."""
        state, seen = self._state_of(piece.chat_id), self._seen.get(piece.chat_id)
        feed = self._hub.get(piece.chat_id)
        if state is None or state.turn is None or seen is None or feed is None:
            return
        if (piece.caused_by, piece.attempt) != (state.turn.caused_by, state.turn.attempt):
            return
        if piece.message_id != seen.message_id:
            seen.message_id, seen.text = piece.message_id, _stored_text(state.turn, piece)
        missing = len(seen.text) - piece.offset
        if missing < 0:
            now = asyncio.get_running_loop().time()
            if now - seen.wanted_at > ASK_AGAIN_AFTER_S:
                self._want(piece.chat_id, seen, now)
            return
        seen.text += piece.text[missing:]
        feed.show(Answer(piece.message_id, seen.text, piece.after))

    def _want(self, chat_id: ChatId, seen: _Seen, now: float) -> None:
        seen.wanted_at = now
        have = (seen.message_id, len(seen.text))
        self._say([Want(chat_id, seen.caused_by, seen.attempt, *have)])


def _is_of(turn: Turn, seen: _Seen) -> bool:
    return (turn.caused_by, turn.attempt) == (seen.caused_by, seen.attempt)


def _stored_text(turn: Turn, piece: Piece) -> str:
    return turn.answer if turn.answer_id == piece.message_id else ""
