"""Accuracy of the grammar: times of alarms, and the categorical slots of every service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.eval.data import Dialogue, Line, alarm_dialogues, other_dialogues, schema
from benchmarks.eval.report import Figure, share
from chatstream.assistant.extract import read_values
from chatstream.assistant.parameters import Parameter
from chatstream.assistant.slots.kinds import settle
from chatstream.domain.steps import Option

NOW = datetime(2019, 3, 1, 9, 0, tzinfo=UTC)
"""When the recorded dialogues play."""
TIME_SLOT = "new_alarm_time"
ALARM_TIME = Parameter(TIME_SLOT, time, "time", True, "Time", "When?")


class Case(Struct, frozen=True):
    """A user's line, the slots that it may speak of, which was asked for, and what it says."""

    text: str
    parameters: tuple[Parameter, ...]
    asked: Parameter | None
    name: str
    value: str


def alarm_figures(folder: Path) -> list[Figure]:
    _, tested = alarm_dialogues(folder)
    return [_times(tested, target=90)]


def categorical_figures(folder: Path) -> list[Figure]:
    _, tested = other_dialogues(folder)
    return [_categorical(tested, folder, target=90)]


def development_figures(folder: Path) -> list[Figure]:
    """Of the dialogues that may be looked at."""
    alarms, others = alarm_dialogues(folder)[0], other_dialogues(folder)[0]
    return [_times(alarms, target=None), _categorical(others, folder, target=None)]


def _times(dialogues: list[Dialogue], target: float | None) -> Figure:
    cases = [case for dialogue in dialogues for case in times_of(dialogue)]
    return Figure("SGD alarms, times in users' lines", _right(cases), target=target, of=len(cases))


def _categorical(dialogues: list[Dialogue], folder: Path, target: float | None) -> Figure:
    cases = list(categorical_of(dialogues, schema(folder)))
    name = "SGD services, categorical slots in users' lines"
    return Figure(name, _right(cases), target=target, of=len(cases))


def times_of(dialogue: Dialogue) -> Iterator[Case]:
    """Lines that tell the time, with the time that the tool was then called with."""
    told: Line | None = None
    for line in dialogue.turns:
        if line.speaker == "user" and f"INFORM:{TIME_SLOT}" in line.acts:
            told = line
        elif line.event == "call" and told is not None and TIME_SLOT in line.slots:
            yield Case(told.text, (ALARM_TIME,), ALARM_TIME, TIME_SLOT, line.slots[TIME_SLOT])
            told = None


def categorical_of(
    dialogues: list[Dialogue], services: dict[str, dict[str, Any]]
) -> Iterator[Case]:
    """Every value of a slot with given options that a user tells."""
    for dialogue in dialogues:
        asked_for: list[str] = []
        for line in dialogue.turns:
            if line.speaker == "ai":
                asked_for = [act.split(":")[1] for act in line.acts if act.startswith("REQUEST:")]
            elif line.speaker == "user" and line.intent is not None:
                service, _, intent = line.intent.partition(".")
                yield from _cases(line, services[service], intent, asked_for)


def _cases(
    line: Line, service: dict[str, Any], intent: str, asked_for: list[str]
) -> Iterator[Case]:
    known = service["intents"].get(intent)
    if known is None:
        return
    names = [*known["required_slots"], *known["optional_slots"]]
    parameters = tuple(
        _parameter(service["slots"][name])
        for name in names
        if service["slots"][name]["is_categorical"]
    )
    asked = next((one for one in parameters if one.name in asked_for), None)
    told = {act.split(":")[1] for act in line.acts if act.startswith("INFORM:")}
    for parameter in parameters:
        value = line.slots.get(parameter.name)
        if parameter.name in told and value not in {None, "dontcare"}:
            yield Case(line.text, parameters, asked, parameter.name, str(value))


def _parameter(slot: dict[str, Any]) -> Parameter:
    values = slot["possible_values"]
    is_flag = {value.lower() for value in values} == {"true", "false"}
    return Parameter(
        name=slot["name"],
        type=bool if is_flag else str,
        kind="flag" if is_flag else "choice",
        is_required=True,
        label=slot["name"],
        prompt=slot["description"],
        description=slot["description"],
        options=() if is_flag else tuple(Option(value, value) for value in values),
    )


def is_right(case: Case) -> bool:
    """Whether the grammar finds the value."""
    found = read_values(case.parameters, case.text, NOW, case.asked).get(case.name)
    if found is None:
        return False
    parameter = next(one for one in case.parameters if one.name == case.name)
    value = settle(parameter, found.value, NOW, None)
    shown = f"{value:%H:%M}" if isinstance(value, time) else str(value)
    return shown.lower() == case.value.lower()


def _right(cases: list[Case]) -> float:
    return share(sum(map(is_right, cases)), len(cases))
