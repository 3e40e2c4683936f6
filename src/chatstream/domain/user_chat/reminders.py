"""What a chat will say by itself: set and cancelled by its agent, said by a timer.

A reminder speaks in a turn of its own, outside of any intent: whatever the user is in the middle
of stays as it is. The turn is one append, begun and ended, so it is said once or not at all.
"""

from __future__ import annotations

from chatstream.domain.events import (
    Hidden,
    ReminderMark,
    ResponseGiven,
    ThinkingAdded,
    TurnChanged,
)
from chatstream.domain.steps import Remind
from chatstream.domain.user_chat.draft import Draft, Scope
from chatstream.domain.user_chat.state import Reminder
from chatstream.domain.user_chat.turns import moment_of_step
from chatstream.errors import Refused
from chatstream.timestamps import to_text

STEP = "reminder"
MOST_WAITING = 500
"""In one chat: each is looked at whenever one of them changes."""


def set_reminder(draft: Draft, scope: Scope, step: Remind) -> None:
    """Append that the reminder waits; nothing if it does already, as ``step`` says it."""
    due_at, waiting = moment_of_step(step.at_ms), draft.state.reminders
    known = waiting.get(step.key)
    if known is not None and (known.content, known.due_at) == (step.content, due_at):
        return  # an earlier attempt stored it
    if known is None and len(waiting) >= MOST_WAITING:
        raise Refused("too_large", f"{MOST_WAITING} reminders of this chat wait already")
    reminder = Reminder(step.key, draft.new_id("reminder"), step.content, due_at)
    mark = ReminderMark(step.key, reminder.reminder_id, step.content, due_at)
    _note(draft, scope, reminder, step.content, mark)


def drop_reminder(draft: Draft, key: str) -> None:
    """Append that the reminder waits no longer, in the running turn or in one of its own."""
    reminder = draft.state.reminders.get(key)
    if reminder is None or draft.state.status != "open":
        return
    told, mark = f"Cancelled: {reminder.content}", ReminderMark(key)
    if draft.state.turn is not None:
        _note(draft, draft.scope_of_turn(draft.state.turn), reminder, told, mark)
        return
    scope = _scope(reminder)
    _start(draft, scope)
    _note(draft, scope, reminder, told, mark)
    _finish(draft, scope)


def speak_due(draft: Draft, now_ms: int) -> None:
    """Append a turn for each reminder that is due, in that order; later if a turn runs."""
    state = draft.state
    if state.status != "open" or state.turn is not None:
        return
    now = to_text(now_ms)
    due = [reminder for reminder in state.reminders.values() if reminder.due_at <= now]
    for reminder in sorted(due, key=lambda one: one.due_at):
        _speak(draft, reminder)


def _speak(draft: Draft, reminder: Reminder) -> None:
    scope = _scope(reminder)
    _start(draft, scope, ReminderMark(reminder.key))
    draft.add(
        scope,
        ResponseGiven(
            message_id=draft.new_id("msg"),
            content=reminder.content,
            is_complete=False,
            follow_up=False,
        ),
    )
    _finish(draft, scope)


def _scope(reminder: Reminder) -> Scope:
    return Scope(caused_by=reminder.reminder_id)


def _start(draft: Draft, scope: Scope, mark: ReminderMark | None = None) -> None:
    hidden = None if mark is None else Hidden(reminder=mark)
    draft.add(scope, TurnChanged(status="started", attempt=1, hidden=hidden))


def _finish(draft: Draft, scope: Scope) -> None:
    draft.add(scope, TurnChanged(status="finished", attempt=1))


def _note(draft: Draft, scope: Scope, reminder: Reminder, told: str, mark: ReminderMark) -> None:
    due = {} if mark.due_at is None else {"due_at": mark.due_at}
    draft.add(
        scope,
        ThinkingAdded(
            step=STEP,
            status="completed",
            content=told,
            data={"reminder_id": reminder.reminder_id, **due},
            hidden=Hidden(reminder=mark),
        ),
    )
