"""An assistant whose alarms lie in a file by call id, and whose process dies in the first call."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from chatstream.assistant.orchestrator import assistant_from_tools
from chatstream.assistant.tools import ToolContext, tool

FOLDER = Path(os.environ.get("PROTOCOL_TEST_GATES", "."))


def _set(when: datetime, context: ToolContext) -> str:
    """Keep the alarm under its call's id; the first time the process is killed right after."""
    (FOLDER / f"{context.call_id}.alarm").write_text(when.isoformat())
    died = FOLDER / "died"
    if not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "Your alarm is set."


@tool(examples=["set an alarm", "create alarm", "create another alarm"], idempotent=True)
def safe_alarm(when: datetime, context: ToolContext) -> str:
    """Set an alarm.

    Args:
        when: When shall it ring?
    """
    return _set(when, context)


@tool(examples=["launch the rocket", "start a rocket launch"])
def launch(when: datetime, context: ToolContext) -> str:
    """Launch a rocket.

    Args:
        when: When shall it start?
    """
    return _set(when, context)


agent = assistant_from_tools([safe_alarm, launch], zone=UTC)
