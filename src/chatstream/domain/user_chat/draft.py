"""A decision in the making: the facts so far and the state they lead to.

Local to one ``decide``; nothing outside sees it change.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from chatstream.domain.commands import Command, Streamed
from chatstream.domain.events import (
    AnyFact,
    CommandKey,
    Hidden,
    IntentChanged,
    IntentStatus,
    ResponseGiven,
    SessionChanged,
    SessionStatus,
    TurnChanged,
    TurnEnd,
)
from chatstream.domain.user_chat.evolution import evolve
from chatstream.domain.user_chat.state import Turn, UserChat
from chatstream.ids import IntentId, SessionId, SocketId, sortable_time
from chatstream.timestamps import to_text


class Scope(Struct, frozen=True):
    """The ids that the next facts belong to."""

    user_intent_id: IntentId | None = None
    session_id: SessionId | None = None
    socket_connection_id: SocketId | None = None
    caused_by: str | None = None


class Draft:
    """Facts under construction; ``state`` is that after them."""

    def __init__(self, state: UserChat, command: Command, key: CommandKey | None = None) -> None:
        self.state = state
        self.facts: list[AnyFact] = []
        self._command = command
        self._key = key
        self._timestamp = to_text(command.now_ms)
        self._made_ids = 0

    def add(self, scope: Scope, fact: AnyFact) -> None:
        """Append ``fact`` with its id, its time and the ids of ``scope``; the first one carries
        the command's key."""
        # One copy of a bare fact: to hand its constructor a dict of these takes twice as long.
        fact = replace(
            fact,
            event_id=f"evt_{self._command.nonce}{len(self.facts)}",
            timestamp=self._timestamp,
            user_id=self.state.user_id or self._command.user_id,
            user_intent_id=scope.user_intent_id,
            session_id=scope.session_id,
            socket_connection_id=scope.socket_connection_id,
            caused_by=scope.caused_by,
            hidden=fact.hidden if self._key is None else self._keyed(fact.hidden),
        )
        self.facts.append(fact)
        self.state = evolve(self.state, fact)

    def _keyed(self, hidden: Hidden | None) -> Hidden:
        key, self._key = self._key, None
        return Hidden(command=key) if hidden is None else replace(hidden, command=key)

    def new_id(self, prefix: str) -> str:
        """A fresh id from the command's random bits; row keys begin with the time."""
        self._made_ids += 1
        time = sortable_time(self._command.now_ms) if prefix in {"intent", "session"} else ""
        return f"{prefix}_{time}{self._command.nonce}{self._made_ids}"

    def scope_of_command(self, user_intent_id: IntentId | None = None) -> Scope:
        """What the user's command itself belongs to: no turn."""
        session = self.state.session_of(user_intent_id) if user_intent_id is not None else None
        return Scope(
            user_intent_id=user_intent_id,
            session_id=session.session_id if session is not None else None,
            socket_connection_id=self._command.socket_connection_id,
        )

    def scope_of_turn(self, turn: Turn) -> Scope:
        """What the facts of ``turn`` belong to."""
        return Scope(
            turn.user_intent_id, turn.session_id, turn.socket_connection_id, turn.caused_by
        )

    def intent(self, scope: Scope, status: IntentStatus, reason: str | None) -> None:
        """Append a plain change of an intent's status."""
        self.add(scope, IntentChanged(status=status, reason=reason))

    def abandon_active(self, scope_like: Scope, reason: str) -> None:
        """Abandon the active intent, if there is one, in the manner of ``scope_like``."""
        active = self.state.active_intent_id
        if active is None:
            return
        session = self.state.session_of(active)
        scope = replace(
            scope_like,
            user_intent_id=active,
            session_id=session.session_id if session is not None else None,
        )
        self.intent(scope, "abandoned", reason)

    def session(self, scope: Scope, status: SessionStatus) -> None:
        """Append a change of the session in ``scope``."""
        self.add(scope, SessionChanged(status=status))

    def end_turn(self, turn: Turn, status: TurnEnd) -> None:
        """Append the end of the running turn."""
        scope = self.scope_of_turn(turn)
        self.add(scope, TurnChanged(status=status, attempt=turn.attempt))

    def cancel_turn(self, streamed: Streamed | None) -> None:
        """End the running turn, if any, as cancelled; streamed text is kept as a response."""
        turn = self.state.turn
        if turn is None:
            return
        self.keep_streamed(turn, streamed)
        self.end_turn(turn, "cancelled")

    def keep_streamed(self, turn: Turn, streamed: Streamed | None) -> None:
        """Append the text of an answer that is not finished any more, as far as it was streamed
        (or, where that is not known, stored), as a response that was stopped."""
        if streamed is None and turn.answer_id is not None:
            streamed = Streamed(turn.answer_id, turn.answer)
        if streamed is None or not streamed.text:
            return
        self.add(
            self.scope_of_turn(turn),
            ResponseGiven(
                message_id=streamed.message_id,
                content=streamed.text,
                is_complete=False,
                follow_up=False,
                stopped=True,
            ),
        )
