"""Alarms, reminders and timers of the demo assistant: each is a reminder of its chat, which
speaks up when it is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatstream.assistant.answers import shown
from chatstream.assistant.tools import Tool, ToolContext, ToolFailed, tool
from chatstream.projections.reminders import UserReminders, WaitingReminder

LONGEST = timedelta(days=7)
UNNAMED = "Alarm"


def clock_tools(reminders: UserReminders) -> list[Tool]:
    """The tools; ``reminders`` are those of all the user's chats."""

    @tool(
        examples=[
            "set an alarm for {when: 7 am tomorrow}",
            "create alarm",
            "create another alarm",
            "wake me up at {when: 6:30}",
            "I need an alarm called {name: Gym}",
            "new alarm at {when: noon} named {name: Lunch}",
        ],
        idempotent=True,
    )
    async def create_alarm(when: datetime, context: ToolContext, name: str = UNNAMED) -> str:
        """Set an alarm.

        Args:
            when: When shall it ring?
            name: what the alarm is called
        """
        alarm = "Your alarm" if name == UNNAMED else f"Your alarm “{name}”"
        _set(context, when, f"{alarm} rings")
        return f"{alarm} is set for {shown(when, context.now)}."

    @tool(
        examples=[
            "remind me to {text: call mum} at {when: 5 pm}",
            "remind me about {text: the party} on friday",
            "remind me in {when: 10 minutes} to {text: check the oven}",
            "remind me {when: tomorrow at noon} to {text: take a walk}",
            "set a reminder",
            "don't let me forget to {text: pay the rent}",
        ],
        idempotent=True,
    )
    async def remind_me(text: str, when: datetime, context: ToolContext) -> str:
        """Remind you of something.

        Args:
            text: What shall I remind you of?
            when: When shall I remind you?
        """
        _set(context, when, f"Don’t forget: {text}")
        return f"I will remind you of “{text}” {shown(when, context.now)}."

    @tool(
        examples=[
            "set a timer for {duration: 20 minutes}",
            "start a {duration: 5 minute} timer",
            "count down from {duration: 30 seconds}",
            "timer",
        ],
        idempotent=True,
    )
    async def start_timer(duration: timedelta, context: ToolContext) -> str:
        """Start a timer.

        Args:
            duration: How long shall it run?
        """
        if duration > LONGEST:
            raise ToolFailed("A timer may run for a week at most.")
        due = context.now + duration
        length = shown(duration, context.now)
        _set(context, due, f"Your timer of {length} is up")
        return f"The timer runs for {length}, until {shown(due, context.now)}."

    @tool(
        examples=[
            "what alarms do I have",
            "show my alarms and reminders",
            "list my timers",
            "which reminders are set",
        ],
        idempotent=True,
        digression=True,
    )
    async def list_alarms(context: ToolContext) -> str:
        """Show your alarms, reminders and timers."""
        return _listed(await reminders.of_user(context.user_id), context.now)

    @tool(
        examples=[
            "delete my alarms",
            "cancel the alarm",
            "turn off all alarms",
            "remove my reminders",
        ],
        confirm="Shall I delete all of your alarms, reminders and timers?",
        idempotent=True,
    )
    async def delete_alarms(context: ToolContext) -> str:
        """Delete your alarms, reminders and timers."""
        waiting = await reminders.of_user(context.user_id)
        for one in waiting:
            context.cancel_reminder(one.key, one.user_chat_id)
        return f"Deleted: {len(waiting)}."

    return [create_alarm, remind_me, start_timer, list_alarms, delete_alarms]


def _set(context: ToolContext, due: datetime, text: str) -> None:
    if due <= context.now:
        raise ToolFailed(f"{shown(due, context.now).capitalize()} is past.")
    context.remind(due, text)


def _listed(waiting: list[WaitingReminder], now: datetime) -> str:
    if not waiting:
        return "You have no alarms, reminders or timers."
    lines = [
        f"- {one.content}, {shown(datetime.fromisoformat(one.due_at), now)}" for one in waiting
    ]
    return "You have:\n\n" + "\n".join(lines)
