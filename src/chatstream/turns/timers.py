"""What happens by itself: idle intents are abandoned, their sessions expire, reminders speak.

The rows say since when an intent is quiet; what is due is asked of the database every half
second, so a restart or a changed setting needs no case of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from chatstream.chats.service import ChatService
from chatstream.domain.commands import AbandonIdleIntent, ExpireSession, SpeakReminders
from chatstream.domain.user_chat.state import Intent, UserChat
from chatstream.errors import Refused, wordless
from chatstream.eventstore.store import Fetch, RowChange
from chatstream.ids import ChatId, IntentId, new_nonce
from chatstream.projections.reminders import UserReminders
from chatstream.projections.timers import TIMERS, timer_row
from chatstream.timestamps import to_text

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 0.5
DUE_AT_ONCE = 2_000
_DUE = """SELECT user_chat_id, user_intent_id, kind FROM timers
    WHERE (kind = 'idle' AND since <= ?) OR (kind = 'session' AND since <= ?)
    ORDER BY since LIMIT ?"""
_DUE_WITH_SESSIONS_OF_ACTIVE_INTENTS = """SELECT user_chat_id, user_intent_id, kind FROM timers
    WHERE (kind = 'idle' AND since <= ?) OR since <= ? AND (kind = 'session'
        OR (user_chat_id, user_intent_id) IN (
            SELECT user_chat_id, user_intent_id FROM sessions WHERE status = 'started'))
    ORDER BY since LIMIT ?"""
"""Where a session is to live shorter than its intent may be quiet."""

Write = Callable[[ChatId, RowChange, int], Awaitable[bool]]
"""Writes a row while a position is the chat's newest."""


def _always() -> bool:
    return True


class TimerSweeper:
    """Carries out what falls due on this node."""

    def __init__(
        self,
        service: ChatService,
        fetch: Fetch,
        write: Write,
        *,
        abandon_after_s: float,
        session_ttl_s: float,
        now_ms: Callable[[], int],
        is_leader: Callable[[], bool] = _always,
    ) -> None:
        self._service = service
        self._fetch = fetch
        self._reminders = UserReminders(fetch)
        self._write = write
        self._abandon_after_ms = round(abandon_after_s * 1000)
        self._session_ttl_ms = round(session_ttl_s * 1000)
        self._now_ms = now_ms
        self._is_leader = is_leader

    async def run(self) -> None:
        """Sweep until cancelled; an outage of the storage, or a fault, only delays."""
        told = False
        while True:
            try:
                if self._is_leader():
                    await self.sweep()
                told = False
            except Refused as refusal:
                if not told:
                    log.warning("timers wait: %s", refusal.code)
                told = True
            except Exception as error:
                log.exception("a timer failed", exc_info=wordless(error))
            await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep(self) -> None:
        """Carry out everything that is due now, in the order in which it fell due."""
        now_ms = self._now_ms()
        idle_before, session_before = (
            to_text(now_ms - self._abandon_after_ms),
            to_text(now_ms - self._session_ttl_ms),
        )
        outlives = self._session_ttl_ms >= self._abandon_after_ms
        statement = _DUE if outlives else _DUE_WITH_SESSIONS_OF_ACTIVE_INTENTS
        rows = await self._fetch(statement, (idle_before, session_before, DUE_AT_ONCE))
        by_chat: dict[ChatId, list[tuple[IntentId, str]]] = {}
        for chat_id, intent_id, kind in rows:
            of_chat = by_chat.setdefault(ChatId(str(chat_id)), [])
            of_chat.append((IntentId(str(intent_id)), str(kind)))
        # Chats beside one another, so that they share commits; one chat's in order.
        idle = [self._all_due(chat_id, due) for chat_id, due in by_chat.items()]
        outcomes = await asyncio.gather(*idle, return_exceptions=True)
        speaking = await self._reminders.chats_due(to_text(now_ms), DUE_AT_ONCE)
        spoken = [self._speak(chat_id) for chat_id in speaking]
        outcomes += await asyncio.gather(*spoken, return_exceptions=True)
        _raise_first(outcomes)  # now, when one chat's trouble has kept no other waiting

    async def _speak(self, chat_id: ChatId) -> None:
        state = await self._service.load(chat_id)
        if state.turn is not None:
            return  # it keeps its row, and is asked for again half a second later
        await self._service.submit(
            SpeakReminders(
                user_chat_id=chat_id,
                user_id=state.user_id,
                now_ms=self._now_ms(),
                nonce=new_nonce(),
            )
        )

    async def _all_due(self, chat_id: ChatId, due: list[tuple[IntentId, str]]) -> None:
        for intent_id, kind in due:
            await self._due(chat_id, intent_id, kind)

    async def _due(self, chat_id: ChatId, intent_id: IntentId, kind: str) -> None:
        try:
            state = await self._service.load(chat_id)
        except Refused as refusal:
            if refusal.code != "not_found":
                raise
            return
        intent = state.unfinished.get(intent_id)
        if intent is not None and state.turn is not None:
            # A turn is activity: count from now, so that a long one is not looked at all the time.
            since = to_text(self._now_ms())
            row = TIMERS.row(chat_id, intent_id, kind, since)
            await self._write(chat_id, row, state.position)
        elif intent is None:
            await self._set_forward(chat_id, intent_id, state)
        elif kind == "idle" and self._is_quiet_for(intent, self._abandon_after_ms):
            await self._abandon(chat_id, state, intent)
        elif self._is_quiet_for(intent, self._session_ttl_ms):
            await self._expire(chat_id, state, intent)
        else:
            await self._set_forward(chat_id, intent_id, state)

    def _is_quiet_for(self, intent: Intent, limit_ms: int) -> bool:
        return intent.last_activity_at <= to_text(self._now_ms() - limit_ms)

    async def _set_forward(self, chat_id: ChatId, intent_id: IntentId, state: UserChat) -> None:
        await self._write(chat_id, timer_row(chat_id, state, intent_id), state.position)

    async def _abandon(self, chat_id: ChatId, state: UserChat, intent: Intent) -> None:
        now_ms = self._now_ms()
        await self._service.submit(
            AbandonIdleIntent(
                user_chat_id=chat_id,
                user_id=state.user_id,
                now_ms=now_ms,
                nonce=new_nonce(),
                user_intent_id=intent.user_intent_id,
                idle_before_ms=now_ms - self._abandon_after_ms,
            )
        )

    async def _expire(self, chat_id: ChatId, state: UserChat, intent: Intent) -> None:
        session = state.session_of(intent.user_intent_id)
        if session is None:
            await self._set_forward(chat_id, intent.user_intent_id, state)
            return
        now_ms = self._now_ms()
        await self._service.submit(
            ExpireSession(
                user_chat_id=chat_id,
                user_id=state.user_id,
                now_ms=now_ms,
                nonce=new_nonce(),
                session_id=session.session_id,
                idle_before_ms=now_ms - self._session_ttl_ms,
            )
        )


def _raise_first(outcomes: Sequence[BaseException | None]) -> None:
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
