"""The to-do list of the demo assistant."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Final

from msgspec import Meta

from chatstream.assistant.demo.store import Todo, TodoLists
from chatstream.assistant.tools import Tool, ToolContext, ToolFailed, tool

MOST_TODOS: Final = 200
"""Of a user: the whole list is read and shown at once."""
Item = Annotated[str, Meta(max_length=500)]


def todo_tools(lists: TodoLists) -> list[Tool]:
    """The tools over ``lists``."""

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
    async def add_todo(item: Item, context: ToolContext) -> str:
        """Put something on your to-do list.

        Args:
            item: What shall I put on the list?
        """
        others = [one for one in await lists.of_user(context.user_id) if one.key != context.call_id]
        if len(others) >= MOST_TODOS:
            raise ToolFailed("Your list is full. Take something off it first.")
        todo = Todo(context.call_id, item, context.now.astimezone(UTC).isoformat())
        await lists.put(context.user_id, todo)
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
        todos = await lists.of_user(context.user_id)
        if not todos:
            return "Your list is empty."
        return "On your list:\n\n" + "\n".join(f"- {todo.text}" for todo in todos)

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
        for todo in await lists.of_user(context.user_id):
            if wanted in todo.text.lower() or todo.text.lower() in wanted:
                await lists.remove(context.user_id, todo)
                return f"“{todo.text}” is done."
        raise ToolFailed(f"I do not find “{item}” on your list.")

    @tool(
        examples=["clear my list", "empty the to-do list", "delete all my todos"],
        confirm="Shall I take everything off your list?",
        idempotent=True,
    )
    async def clear_todos(context: ToolContext) -> str:
        """Empty your to-do list."""
        for todo in await lists.of_user(context.user_id):
            await lists.remove(context.user_id, todo)
        return "Your list is empty now."

    return [add_todo, show_todos, finish_todo, clear_todos]
