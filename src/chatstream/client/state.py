"""What a client knows of one chat, as a pure fold: ``view = apply(view, frame)``.

Drops, repeats, second tabs and restarts need no case of their own: an event at or below the
view's position is ignored, one beyond the next is a gap (``is_gap``: open again), and a piece
of an answer counts only for what lies beyond the text that is already there.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from chatstream.client.frames import (
    CaughtUp,
    ChatEvent,
    ChatFrame,
    ComponentEvent,
    ComponentSubmittedEvent,
    ContextEvent,
    Delta,
    ErrorEvent,
    Event,
    EventFrame,
    Intent,
    IntentEvent,
    Opened,
    PartialEvent,
    Question,
    ResponseEvent,
    Resync,
    RunningTurn,
    Session,
    SessionEvent,
    ThinkingEvent,
    ToolCallEvent,
    ToolResultEvent,
    TurnEvent,
    UnknownEvent,
    UserEvent,
    Values,
)

Message: TypeAlias = UserEvent | ComponentSubmittedEvent | ResponseEvent

TITLE_LENGTH: Final = 80


class ComponentView(msgspec.Struct, frozen=True):
    """A form or buttons, and whether it still waits.

    ``event.expires_at`` is the reader's to compare with the time.
    """

    event: ComponentEvent
    state: Literal["open", "submitted", "closed"] = "open"
    values: Values = {}


class ChatView(msgspec.Struct, frozen=True, kw_only=True):
    """A chat as far as it was read: everything a window shows.

    Attributes:
        position: of the last event applied; with ``event_id`` the cursor to resume from.
        messages: what was said, by both sides, in order.
        answers: texts in progress, by ``message_id``.
        intents: every task that is known, by id, with its slots and open question.
        turn: the run of the agent that goes on now.
        error: why the newest turn failed.
    """

    user_chat_id: str
    position: int = 0
    event_id: str | None = None
    status: Literal["open", "closed", "erased"] = "open"
    messages: tuple[Message, ...] = ()
    steps: tuple[ThinkingEvent, ...] = ()
    components: tuple[ComponentView, ...] = ()
    answers: dict[str, str] = {}
    answered: tuple[str, ...] = ()
    intents: dict[str, Intent] = {}
    session: Session | None = None
    turn: RunningTurn | None = None
    error: ErrorEvent | None = None

    @property
    def intent(self) -> Intent | None:
        """The active task, else the one begun last."""
        by_creation = sorted(self.intents.values(), key=lambda intent: intent.created_at)
        active = [intent for intent in by_creation if intent.status == "active"]
        candidates = active or by_creation
        return candidates[-1] if candidates else None

    @property
    def resumable(self) -> tuple[Intent, ...]:
        """Tasks that were set aside, newest activity first."""
        abandoned = [one for one in self.intents.values() if one.status == "abandoned"]
        return tuple(sorted(abandoned, key=lambda one: one.last_activity_at, reverse=True))

    @property
    def open_components(self) -> tuple[ComponentEvent, ...]:
        """The forms and buttons that wait for a submit."""
        return tuple(one.event for one in self.components if one.state == "open")


def is_gap(view: ChatView, frame: ChatFrame) -> bool:
    """Whether events between the view and ``frame`` are missing."""
    return isinstance(frame, EventFrame) and frame.position > view.position + 1


def apply(view: ChatView, frame: ChatFrame) -> ChatView:
    """The view after ``frame``; the same if it is old, after a gap, or of another chat."""
    if frame.user_chat_id != view.user_chat_id:
        return view
    match frame:
        case Opened():
            return _opened(view, frame)
        case Resync():
            return ChatView(user_chat_id=view.user_chat_id)
        case Delta():
            return _piece(view, frame.message_id, frame.offset, frame.text)
        case CaughtUp():
            return view
        case _:
            return _next_event(view, frame) if frame.position == view.position + 1 else view


def _opened(view: ChatView, opened: Opened) -> ChatView:
    """A start beyond the view leaves a hole: what was known before it is let go.

    What ``opened`` says is newer than the events that follow it; folded over it they end in
    the same state, and those before ``from`` are known by it alone.
    """
    if opened.from_position > view.position:
        view = ChatView(user_chat_id=view.user_chat_id, position=opened.from_position)
    told = [*opened.resumable, *([opened.intent] if opened.intent else [])]
    return replace(
        view,
        status=opened.status,
        intents=view.intents | {intent.user_intent_id: intent for intent in told},
        session=opened.session,
        turn=opened.turn,
    )


def _piece(view: ChatView, message_id: str, offset: int, text: str) -> ChatView:
    """Python strings count code points, as offsets do."""
    held = view.answers.get(message_id, "")
    if view.turn is None or message_id in view.answered or offset > len(held):
        return view
    return replace(view, answers=view.answers | {message_id: held + text[len(held) - offset :]})


def _next_event(view: ChatView, event: Event) -> ChatView:
    view = replace(view, position=event.position, event_id=event.event_id)
    return _fold(_touched(view, event), event)


def _fold(view: ChatView, event: Event) -> ChatView:  # noqa: C901, PLR0912 - one arm an event
    match event:
        case ChatEvent():
            return _chat(view, event)
        case UserEvent():
            return replace(view, messages=(*view.messages, event))
        case ComponentSubmittedEvent():
            return _submitted(view, event)
        case TurnEvent():
            return _turn(view, event)
        case SessionEvent():
            return _session(view, event)
        case IntentEvent():
            return _intent(view, event)
        case ThinkingEvent():
            return replace(view, steps=(*view.steps, event))
        case PartialEvent():
            return _piece(view, event.message_id or "", event.offset, event.text)
        case ResponseEvent():
            return _response(view, event)
        case ComponentEvent():
            return _component(view, event)
        case ErrorEvent():
            return replace(view, error=event)
        case ContextEvent() | ToolCallEvent() | ToolResultEvent() | UnknownEvent():
            return view
        case _:
            assert_never(event)


def _touched(view: ChatView, event: Event) -> ChatView:
    """An intent's activity is its newest event that no timer made."""
    match event:
        case IntentEvent(status="abandoned", reason="idle") | SessionEvent(status="expired"):
            return view
        case _:
            intent = view.intents.get(event.user_intent_id or "")
            return view if intent is None else _with(view, _active_at(intent, event.timestamp))


def _active_at(intent: Intent, timestamp: str) -> Intent:
    # What ``opened`` told may be newer than an event that follows it.
    return replace(intent, last_activity_at=max(intent.last_activity_at, timestamp))


def _with(view: ChatView, intent: Intent) -> ChatView:
    return replace(view, intents=view.intents | {intent.user_intent_id: intent})


def _chat(view: ChatView, event: ChatEvent) -> ChatView:
    match event.status:
        case "opened":
            return replace(view, status="open")
        case "closed":
            components = _closed(view.components, None)
            return replace(view, status="closed", turn=None, answers={}, components=components)
        case "erased":
            return _erased(view)


def _erased(view: ChatView) -> ChatView:
    """What was erased is forgotten here, too."""
    return ChatView(
        user_chat_id=view.user_chat_id,
        position=view.position,
        event_id=view.event_id,
        status="erased",
    )


def _turn(view: ChatView, event: TurnEvent) -> ChatView:
    """Texts in progress end with their attempt; nothing that still comes for them counts."""
    match event.status:
        case "started":
            turn = RunningTurn(event.caused_by or "", event.attempt, event.retry_of)
            return replace(view, turn=turn, answers={}, answered=(), error=None)
        case "restarted":
            begun = view.turn or RunningTurn(event.caused_by or "")
            turn = replace(begun, attempt=event.attempt)
            return replace(view, turn=turn, answers={}, answered=(*view.answered, *view.answers))
        case "finished" | "needs_input" | "cancelled" | "failed":
            return replace(view, turn=None, answers={}, answered=())


def _session(view: ChatView, event: SessionEvent) -> ChatView:
    session_id = event.session_id or ""
    if event.status == "started":
        view = _session_of_intent(view, event)
        return replace(view, session=Session(session_id=session_id, status="started"))
    if view.session is not None and view.session.session_id == session_id:
        return replace(view, session=None)
    return view


def _session_of_intent(view: ChatView, event: SessionEvent) -> ChatView:
    intent = view.intents.get(event.user_intent_id or "")
    return view if intent is None else _with(view, replace(intent, session_id=event.session_id))


def _intent(view: ChatView, event: IntentEvent) -> ChatView:
    known = view.intents.get(event.user_intent_id or "") or _new_intent(view, event)
    intent = replace(
        known,
        status=event.status,
        reason=event.reason if event.status == "abandoned" else None,
        name=event.name or known.name,
        slots=_merged(known.slots, event.slots),
        session_id=event.session_id or known.session_id,
    )
    if event.status != "complete":
        return _with(view, intent)
    components = _closed(view.components, event.user_intent_id)
    return _with(replace(view, components=components), replace(intent, question=None))


def _new_intent(view: ChatView, event: IntentEvent) -> Intent:
    return Intent(
        user_intent_id=event.user_intent_id or "",
        status="active",
        title=_title(view, (view.turn and view.turn.retry_of) or event.caused_by),
        session_id=event.session_id,
        created_at=event.timestamp,
        last_activity_at=event.timestamp,
    )


def _title(view: ChatView, message_id: str | None) -> str:
    for message in reversed(view.messages):
        if message.message_id == message_id and isinstance(message, UserEvent):
            return message.content[:TITLE_LENGTH]
    return ""


def _merged(slots: Values, changes: Values) -> Values:
    return {name: value for name, value in (slots | changes).items() if value is not None}


def _submitted(view: ChatView, event: ComponentSubmittedEvent) -> ChatView:
    components = tuple(
        replace(one, state="submitted", values=event.values)
        if one.event.component_id == event.component_id
        else one
        for one in view.components
    )
    view = replace(view, messages=(*view.messages, event), components=components)
    return _asked(view, event.user_intent_id)


def _response(view: ChatView, event: ResponseEvent) -> ChatView:
    message_id = event.message_id or ""
    view = replace(
        view,
        messages=(*view.messages, event),
        answers={key: text for key, text in view.answers.items() if key != message_id},
        answered=(*view.answered, message_id),
    )
    return _asked(view, event.user_intent_id)


def _component(view: ChatView, event: ComponentEvent) -> ChatView:
    """A newer component takes the place of an older one of its intent."""
    older = _closed(view.components, event.user_intent_id)
    view = replace(view, components=(*older, ComponentView(event)))
    return _asked(view, event.user_intent_id)


def _closed(
    components: tuple[ComponentView, ...], intent_id: str | None
) -> tuple[ComponentView, ...]:
    """The components with the open ones of the intent (None: of every one) closed."""
    return tuple(
        replace(one, state="closed")
        if one.state == "open" and intent_id in (None, one.event.user_intent_id)
        else one
        for one in components
    )


def _asked(view: ChatView, intent_id: str | None) -> ChatView:
    intent = view.intents.get(intent_id or "")
    return (
        view if intent is None else _with(view, replace(intent, question=_question(view, intent)))
    )


def _question(view: ChatView, intent: Intent) -> Question | None:
    """The newest follow-up, else the title of the component that waits."""
    responses = (one for one in reversed(view.messages) if isinstance(one, ResponseEvent))
    newest = next((one for one in responses if one.user_intent_id == intent.user_intent_id), None)
    waiting = [one for one in view.open_components if one.user_intent_id == intent.user_intent_id]
    component_id = waiting[-1].component_id if waiting else None
    if newest is not None and newest.follow_up:
        return Question(newest.content, component_id)
    return Question(waiting[-1].title, component_id) if waiting else None
