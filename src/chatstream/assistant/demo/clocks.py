"""Alarms, reminders and timers of the demo assistant."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatstream.assistant.answers import shown
from chatstream.assistant.demo.store import DemoStore, Item, Kind
from chatstream.assistant.tools import Tool, ToolContext, ToolFailed, tool

KINDS: tuple[Kind, ...] = ("alarm", "reminder", "timer")
LONGEST = timedelta(days=7)


def clock_tools(store: DemoStore) -> list[Tool]:
    """The tools over ``store``."""

    @tool(
        examples=[
            "create alarm",
            "create another alarm",
            "set an alarm for {when: 7 am tomorrow}",
            "wake me up at {when: 6:30}",
            "I need an alarm called {name: Gym}",
            "new alarm at {when: noon} named {name: Lunch}",
        ],
        idempotent=True,
    )
    async def create_alarm(when: datetime, context: ToolContext, name: str = "Alarm") -> str:
        """Set an alarm.

        Args:
            when: When shall it ring?
            name: what the alarm is called
        """
        await _keep(store, "alarm", context, when, name)
        return f"Your alarm “{name}” is set for {shown(when, context.now)}."

    @tool(
        examples=[
            "remind me to {text: call mum} at {when: 5 pm}",
            "remind me about {text: the party} on friday",
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
        await _keep(store, "reminder", context, when, text)
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
        await _keep(store, "timer", context, due, shown(duration, context.now))
        return (
            f"The timer runs for {shown(duration, context.now)}, until {shown(due, context.now)}."
        )

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
        return await _listed(store, context)

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
        count = 0
        for kind in KINDS:
            for item in await store.items(context.user_id, kind):
                await store.remove(context.user_id, kind, item.key)
                count += 1
        return f"Deleted: {count}."

    return [create_alarm, remind_me, start_timer, list_alarms, delete_alarms]


async def _keep(
    store: DemoStore, kind: Kind, context: ToolContext, due: datetime, text: str
) -> None:
    if due <= context.now:
        raise ToolFailed(f"{shown(due, context.now).capitalize()} is past.")
    body = {"due": due.isoformat(), "text": text, "user_chat_id": context.user_chat_id}
    await store.put(context.user_id, kind, Item(context.call_id, body))


async def _listed(store: DemoStore, context: ToolContext) -> str:
    lines: list[tuple[datetime, str]] = []
    for kind in KINDS:
        for item in await store.items(context.user_id, kind):
            due = datetime.fromisoformat(item.body["due"])
            if due > context.now:
                line = f"- {kind.capitalize()} “{item.body['text']}”: {shown(due, context.now)}"
                lines.append((due, line))
    if not lines:
        return "You have no alarms, reminders or timers."
    return "You have:\n\n" + "\n".join(line for _, line in sorted(lines))
