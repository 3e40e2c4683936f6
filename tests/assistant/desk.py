"""A small assistant for the transcripts: alarms, reminders, a list, and a word on the weather."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta

from chatstream.assistant.orchestrator import Assistant, assistant_from_tools
from chatstream.assistant.tools import ToolContext, ToolFailed, tool

Size = Literal["small", "medium", "large"]


class Desk:
    """What the tools have done."""

    def __init__(self) -> None:
        self.done: list[tuple] = []
        self.call_ids: list[str] = []
        self.fails = False

    def assistant(self, **options) -> Assistant:
        """The assistant over this desk."""
        return assistant_from_tools(self.tools(), zone=UTC, **options)

    def tools(self) -> list:
        desk = self

        @tool(
            examples=[
                "Create alarm",
                "Create another alarm",
                "set an alarm for {when: 7 am}",
                "wake me up at {when: 6:30}",
                "I need an alarm called {name: Gym}",
            ],
            answer="Your alarm “{name}” rings {when}.",
        )
        async def create_alarm(when: datetime, context: ToolContext, name: str = "Alarm") -> None:
            """Set an alarm.

            Args:
                when: When shall it ring?
            """
            if desk.fails:
                raise ToolFailed("There are too many alarms.")
            desk.call_ids.append(context.call_id)
            desk.done.append(("alarm", when.isoformat(), name))

        @tool(
            examples=[
                "order a pizza",
                "I want {count: two} {size: large} pizzas",
                "get me a {size: small} pizza",
            ],
            confirm=True,
            answer="Ordered: {count} {size}.",
        )
        def order_pizza(size: Size, count: Annotated[int, Meta(ge=1, le=8)]) -> None:
            """Order pizza.

            Args:
                size: Which size would you like?
                count: How many?
            """
            if desk.fails:
                raise ToolFailed("The oven is broken.")
            desk.done.append(("pizza", size, count))

        @tool(
            examples=["add {item: milk} to my list", "put {item: eggs} on the shopping list"],
            asks=["note"],
            answer="{item} is on your list.",
        )
        def add_item(item: str, note: str = "") -> None:
            """Put something on your list.

            Args:
                item: What shall I put on the list?
                note: Is there a note to it?
            """
            desk.done.append(("item", item, note))

        @tool(
            examples=["what's the weather like", "how is the weather today", "will it rain"],
            idempotent=True,
            digression=True,
        )
        def weather() -> str:
            """Tell the weather."""
            return "It is sunny."

        return [create_alarm, order_pizza, add_item, weather]
