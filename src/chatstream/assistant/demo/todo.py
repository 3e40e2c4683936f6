"""The to-do list of the demo assistant."""

from __future__ import annotations

from chatstream.assistant.demo.store import DemoStore, Item
from chatstream.assistant.tools import Tool, ToolContext, ToolFailed, tool


def todo_tools(store: DemoStore) -> list[Tool]:
    """The tools over ``store``."""

    @tool(
        examples=[
            "add {item: milk} to my list",
            "put {item: eggs} on my to-do list",
            "add {item: write the report} to the todo list",
            "new todo",
            "I have to {item: clean the kitchen}",
        ],
        idempotent=True,
    )
    async def add_todo(item: str, context: ToolContext) -> str:
        """Put something on your to-do list.

        Args:
            item: What shall I put on the list?
        """
        await store.put(context.user_id, "todo", Item(context.call_id, {"text": item}))
        return f"“{item}” is on your list."

    @tool(
        examples=[
            "show my list",
            "what is on my to-do list",
            "what do I have to do",
            "list my todos",
        ],
        idempotent=True,
        digression=True,
    )
    async def show_todos(context: ToolContext) -> str:
        """Show your to-do list."""
        items = await store.items(context.user_id, "todo")
        if not items:
            return "Your list is empty."
        return "On your list:\n\n" + "\n".join(f"- {item.body['text']}" for item in items)

    @tool(
        examples=[
            "tick off {item: milk}",
            "I have done {item: the report}",
            "remove {item: eggs} from my list",
            "mark {item: laundry} as done",
        ],
        idempotent=True,
    )
    async def finish_todo(item: str, context: ToolContext) -> str:
        """Take something off your to-do list.

        Args:
            item: What is done?
        """
        wanted = item.lower()
        for one in await store.items(context.user_id, "todo"):
            text = str(one.body["text"])
            if wanted in text.lower() or text.lower() in wanted:
                await store.remove(context.user_id, "todo", one.key)
                return f"“{text}” is done."
        raise ToolFailed(f"I do not find “{item}” on your list.")

    @tool(
        examples=["clear my list", "empty the to-do list", "delete all my todos"],
        confirm="Shall I take everything off your list?",
        idempotent=True,
    )
    async def clear_todos(context: ToolContext) -> str:
        """Empty your to-do list."""
        for one in await store.items(context.user_id, "todo"):
            await store.remove(context.user_id, "todo", one.key)
        return "Your list is empty now."

    return [add_todo, show_todos, finish_todo, clear_todos]
