"""How a turn starts, what its steps store, and how it ends: rules shared by the decisions."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from chatstream.domain.events import ErrorRaised, SessionChanged, TurnChanged
from chatstream.domain.user_chat.draft import Draft, Scope
from chatstream.domain.user_chat.state import Intent, Message, Turn, UserChat
from chatstream.errors import Refused
from chatstream.ids import IntentId, SessionId
from chatstream.timestamps import to_text

Target = tuple[IntentId | None, Literal["same", "resumed", "new"]]


def target_of(state: UserChat, message: Message) -> Target:
    """Which intent ``message`` belongs to when its turn starts now (protocol, section 4)."""
    if message.wants_new_intent:
        return None, "new"
    if message.wanted_intent_id is not None:
        wanted = state.unfinished.get(message.wanted_intent_id)
        return (None, "new") if wanted is None else (wanted.user_intent_id, _how(wanted))
    if state.active_intent_id is not None:
        return state.active_intent_id, "same"
    newest = state.unfinished.get(state.newest_intent_id or IntentId(""))
    if newest is not None and newest.reason == "idle":
        return newest.user_intent_id, "resumed"
    return None, "new"


def _how(intent: Intent) -> Literal["same", "resumed"]:
    return "same" if intent.status == "active" else "resumed"


class Start:
    """The ids a turn starts with, known before anything of it is stored."""

    def __init__(self, draft: Draft, message: Message) -> None:
        known, self.how = target_of(draft.state, message)
        self.intent_id = known or IntentId(draft.new_id("intent"))
        session = draft.state.session_of(self.intent_id)
        self.starts_session = session is None
        self.session_id = (
            SessionId(draft.new_id("session")) if session is None else session.session_id
        )


def start_turn(
    draft: Draft, message: Message, start: Start, *, retry_id: str | None = None
) -> None:
    """Append ``turn started`` and the state changes that go with it."""
    scope = Scope(
        start.intent_id,
        start.session_id,
        message.socket_connection_id,
        retry_id or message.id,
    )
    retry_of = message.id if retry_id is not None else None
    draft.add(scope, TurnChanged(status="started", attempt=1, retry_of=retry_of))
    if start.how != "same":
        draft.abandon_active(scope, "superseded")
    if start.starts_session:
        draft.session(scope, "started")
    if start.how != "same":
        draft.intent(scope, "active", "resumed" if start.how == "resumed" else None)


def start_waiting(draft: Draft) -> None:
    """Start the turn of the message that waits longest, if none runs."""
    while draft.state.status == "open" and draft.state.turn is None and draft.state.waiting:
        message = draft.state.waiting[0]
        if _component_is_closed(draft.state, message):
            _refuse_late_submit(draft, message)
        else:
            start_turn(draft, message, Start(draft, message))


def _component_is_closed(state: UserChat, message: Message) -> bool:
    return message.component_id is not None and message.wanted_intent_id not in state.unfinished


def _refuse_late_submit(draft: Draft, message: Message) -> None:
    """The submit's intent was completed before its turn could start."""
    scope = Scope(message.wanted_intent_id, None, message.socket_connection_id, message.id)
    draft.add(scope, TurnChanged(status="started", attempt=1))
    draft.add(
        scope,
        ErrorRaised(
            code="component_closed",
            message="The task of this form is already done.",
            retryable=False,
        ),
    )
    draft.add(scope, TurnChanged(status="failed", attempt=1))


def moment_of_step(at_ms: int) -> str:
    """When an agent's step says, as RFC 3339.

    Raises:
        Refused: ``invalid_content`` where ``at_ms`` are no Unix milliseconds (microseconds, say).
    """
    try:
        return to_text(at_ms)
    except (ValueError, OverflowError, OSError):
        raise Refused(
            "invalid_content", "a time in Unix milliseconds is needed, from the year 1 to 9999"
        ) from None


def complete_intent(draft: Draft, turn: Turn) -> None:
    """Append that the turn's intent is done, and its session with it."""
    scope = draft.scope_of_turn(turn)
    draft.intent(scope, "complete", None)
    draft.session(scope, "completed")


def end_sessions(draft: Draft, scope: Scope) -> None:
    """Append that every living session is over (the chat is closed)."""
    for session in tuple(draft.state.sessions.values()):
        of_session = replace(
            scope, user_intent_id=session.user_intent_id, session_id=session.session_id
        )
        draft.add(of_session, SessionChanged(status="abandoned"))
