"""The assistant that the recorded alarm dialogues are driven through: two tools, examples from
the dialogues that are not driven. A chat's id is its dialogue's, whose results the tools give."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, time
from pathlib import Path
from typing import Any

from benchmarks.eval.data import ALARM_SERVICE, Dialogue, alarm_dialogues
from chatstream.assistant.orchestrator import Assistant, assistant_from_tools
from chatstream.assistant.tools import ToolContext, ToolFailed, tool


def assistant(learned: list[Dialogue], driven: list[Dialogue]) -> Assistant:
    """An assistant that knows what was said in ``learned``, for the chats of ``driven``."""
    dialogues = {dialogue.id: dialogue for dialogue in driven}
    calls: Counter[str] = Counter()

    @tool(examples=examples(learned, "GetAlarms"), idempotent=True, visible=True)
    def get_alarms(context: ToolContext) -> list[dict[str, str]]:
        """Get the alarms user has already set."""
        return result_of(dialogues[context.user_chat_id], "GetAlarms", 0)

    @tool(
        examples=examples(learned, "AddAlarm"),
        confirm=True,
        visible=True,
        answer="Your alarm is set.",
    )
    def add_alarm(
        new_alarm_time: time, context: ToolContext, new_alarm_name: str = "New alarm"
    ) -> None:
        """Set a new alarm.

        Args:
            new_alarm_time: What time shall it ring?
            new_alarm_name: Name to use for the new alarm
        """
        call = calls[context.user_chat_id]
        calls[context.user_chat_id] += 1
        if not result_of(dialogues[context.user_chat_id], "AddAlarm", call):
            raise ToolFailed("I was not able to set the alarm.")

    return assistant_from_tools([get_alarms, add_alarm], zone=UTC)


def examples(learned: list[Dialogue], intent: str) -> list[str]:
    """What users said to begin the task, values marked."""
    return [
        _marked(line.text, line.slots)
        for dialogue in learned
        for line in dialogue.turns
        if line.speaker == "user"
        and line.intent == f"{ALARM_SERVICE}.{intent}"
        and {"INFORM_INTENT", "AFFIRM_INTENT"} & set(line.acts)
    ]


def _marked(text: str, slots: dict[str, str]) -> str:
    for name, value in slots.items():
        at = text.lower().find(value.lower())
        if at >= 0:
            text = f"{text[:at]}{{{name}: {text[at : at + len(value)]}}}{text[at + len(value) :]}"
    return text


def result_of(dialogue: Dialogue, intent: str, call: int) -> Any:
    """What the recorded tool gave at its ``call``-th call, the last one where there are fewer."""
    name = f"{ALARM_SERVICE}.{intent}"
    given = [it.result for it in dialogue.turns if it.event == "result" and it.intent == name]
    return given[min(call, len(given) - 1)] if given else []


def _served() -> Assistant:
    learned, tested = alarm_dialogues(Path(os.environ["CHATSTREAM_EVAL_DATA"]))
    unseen = os.environ.get("CHATSTREAM_EVAL_UNSEEN", "").split()
    return assistant([it for it in learned if it.id not in unseen], [*learned, *tested])


def __getattr__(name: str) -> Assistant:
    # Made when the server asks for it: importing this module must not need the data.
    if name != "agent":
        raise AttributeError(name)
    return _served()
