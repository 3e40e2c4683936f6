"""The assistant of ``make serve``: alarms, a list, conversions and a word about chatstream.

It needs no key and no download. What it keeps, it keeps per user in a ``DemoStore``.
"""

from __future__ import annotations

from datetime import tzinfo

from chatstream.assistant.demo.about import about_tools
from chatstream.assistant.demo.clocks import clock_tools
from chatstream.assistant.demo.store import DemoStore, Item, MemoryStore
from chatstream.assistant.demo.todo import todo_tools
from chatstream.assistant.demo.units import unit_tools
from chatstream.assistant.orchestrator import Assistant, assistant_from_tools

__all__ = ["DemoStore", "Item", "MemoryStore", "demo_assistant"]


def demo_assistant(store: DemoStore, *, zone: tzinfo | None = None) -> Assistant:
    """The demo assistant over ``store``; ``zone`` None: the server's."""
    tools = [*clock_tools(store), *todo_tools(store), *unit_tools(), *about_tools()]
    return assistant_from_tools(tools, zone=zone)
