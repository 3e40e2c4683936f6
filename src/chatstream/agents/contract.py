"""What an agent is, with all that it takes and yields.

An ``Agent`` is called with the ``Turn`` of each run and gives an async generator of steps. A
``str`` that it yields is a piece of the answer, a ``ToolCall`` gives back the result of an earlier
attempt. ``agent_loading.as_agent`` makes one of whatever a user wrote.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from chatstream.agents.context import Context, ContextManager
from chatstream.agents.turn import Turn
from chatstream.domain.steps import (
    Abandon,
    Buttons,
    CancelReminder,
    Component,
    Delta,
    Fail,
    FollowUp,
    Form,
    IntentRecognised,
    NewIntent,
    Option,
    Remind,
    Response,
    SlotsSet,
    Step,
    Thinking,
    ToolCall,
    ToolResult,
    buttons,
)

__all__ = [
    "Abandon",
    "Agent",
    "Buttons",
    "CancelReminder",
    "Component",
    "Context",
    "ContextManager",
    "Delta",
    "Fail",
    "FollowUp",
    "Form",
    "IntentRecognised",
    "NewIntent",
    "Option",
    "Remind",
    "Response",
    "SlotsSet",
    "Step",
    "Steps",
    "Thinking",
    "ToolCall",
    "ToolResult",
    "Turn",
    "buttons",
    "recalls_tasks",
    "suggestions_of",
    "warm_up",
]

Steps = AsyncGenerator[Step | str, ToolResult | None]
Agent = Callable[[Turn], Steps]


def suggestions_of(agent: Agent) -> tuple[str, ...]:
    """First messages for an empty chat: what the agent's own ``suggestions`` say."""
    return tuple(map(str, getattr(agent, "suggestions", ())))


def recalls_tasks(agent: Agent) -> bool:
    """Whether it wants to be told the user's last completed tasks, as the built-in assistant."""
    return bool(getattr(agent, "recalls_tasks", False))


def warm_up(agent: Agent) -> None:
    """Let it do beforehand what its first run would wait for, in a thread of its own."""
    prepare: Callable[[], None] | None = getattr(agent, "warm_up", None)
    if prepare is not None:
        prepare()
