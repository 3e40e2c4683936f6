"""chatstream: the durable conversation back end for AI assistants.

A team plugs in its agent, one async generator over a ``Turn``, and runs ``chatstream serve``.
The names here are the public ones; they are imported when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatstream.agents.context import Context, ContextManager
    from chatstream.agents.turn import Turn
    from chatstream.app import create_app
    from chatstream.config import Settings
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
    from chatstream.plugin import ChatStreamPlugin

__all__ = [
    "Abandon",
    "Buttons",
    "CancelReminder",
    "ChatStreamPlugin",
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
    "Settings",
    "SlotsSet",
    "Step",
    "Thinking",
    "ToolCall",
    "ToolResult",
    "Turn",
    "buttons",
    "create_app",
]

_STEPS = "chatstream.domain.steps"
_HOMES = {
    "ChatStreamPlugin": "chatstream.plugin",
    "Context": "chatstream.agents.context",
    "ContextManager": "chatstream.agents.context",
    "Settings": "chatstream.config",
    "Turn": "chatstream.agents.turn",
    "create_app": "chatstream.app",
}


def __getattr__(name: str) -> object:
    # Late, so that a client or a tool does not pay for the server's imports.
    if name not in __all__:
        raise AttributeError(f"module 'chatstream' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, _STEPS)), name)
