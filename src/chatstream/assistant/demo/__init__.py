"""The assistant of ``make serve``: alarms, a list, conversions and a word about chatstream.

It needs no key and no download. What it keeps, it keeps per user in the chats' own database.
"""

from __future__ import annotations

from chatstream.assistant.demo.about import about_tools
from chatstream.assistant.demo.clocks import clock_tools
from chatstream.assistant.demo.showing import showing_tools
from chatstream.assistant.demo.store import TodoLists
from chatstream.assistant.demo.todo import todo_tools
from chatstream.assistant.demo.units import unit_tools
from chatstream.assistant.tools import Tool
from chatstream.eventstore.store import Fetch
from chatstream.projections.reminders import UserReminders
from chatstream.projections.user_values import UserValues, WriteRow

__all__ = ["SUGGESTIONS", "demo_tools"]

SUGGESTIONS = (
    "Set an alarm in one minute",
    "Remind me to call mum",
    "Add milk to my list",
    "Convert 5 miles to kilometres",
    "What is chatstream?",
)


def demo_tools(fetch: Fetch, write: WriteRow) -> list[Tool]:
    """What the demo assistant can do, over the database that ``fetch`` and ``write`` reach."""
    return [
        *clock_tools(UserReminders(fetch)),
        *todo_tools(TodoLists(UserValues(fetch, write))),
        *unit_tools(),
        *about_tools(),
        *showing_tools(),
    ]
