"""Where a conversation stands when a run begins: read from the ``Turn`` alone.

The assistant has no state of its own. Most is derived: the task is the intent's name, what is
known are its slots, what was asked is the last thing said to the user. The few things that
cannot be derived are ``Notes``, kept in the one reserved slot ``_notes`` while they are needed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo

import msgspec
from msgspec import Struct

from chatstream.agents.turn import ResumableIntent, Turn
from chatstream.assistant.extract import Values, read_from
from chatstream.assistant.parameters import Parameter
from chatstream.assistant.slots.kinds import Finding
from chatstream.assistant.slots.languages import Languages
from chatstream.assistant.tools import Tool
from chatstream.domain.steps import JsonObject
from chatstream.domain.user_chat.state import HistoryItem

NOTES_SLOT = "_notes"
_LONGEST_QUESTION = 4_096
"""Characters at the end of an answer in which a question is looked for."""


class Notes(Struct, frozen=True, omit_defaults=True):
    """What must be remembered between runs and shows nowhere else.

    ``tries``: answers in a row that could not be used. ``parts``: words of a value that is not
    whole yet (``tomorrow``, without a time). ``skipped``: parameters the user does not want to
    fill. ``aside``: the intent that was set aside for this one.
    """

    tries: int = 0
    parts: dict[str, str] = {}
    skipped: tuple[str, ...] = ()
    aside: str | None = None


class Earlier(Struct, frozen=True):
    """A task that was completed before, as the context manager brings it."""

    name: str | None = None
    slots: JsonObject = {}
    result: object = None
    answer: str | None = None
    completed_at: str | None = None


class Brought(Struct, frozen=True):
    """What the default context manager brings: completed tasks, newest first."""

    completed: tuple[Earlier, ...] = ()


class Task:
    """A tool and what is known for it; changes while a run goes on."""

    def __init__(self, tool: Tool, slots: Mapping[str, object], aside: str | None = None) -> None:
        self.tool = tool
        self.values = arguments_of(tool, slots)
        self.notes = notes_of(slots)
        self.left_open: str | None = None
        if aside is not None:
            self.notes = msgspec.structs.replace(self.notes, aside=aside)

    @property
    def missing(self) -> list[Parameter]:
        """What must still be asked, in order."""
        return [
            parameter
            for parameter in self.tool.parameters
            if parameter.name not in self.values
            and parameter.name not in self.notes.skipped
            and (parameter.is_required or parameter.name in self.tool.asks)
        ]

    def note(self, **changes: object) -> None:
        """Change the notes."""
        self.notes = msgspec.structs.replace(self.notes, **changes)


class Scene(Struct, frozen=True):
    """A run's beginning: the turn, its task (None: not known yet), when the user said it, what
    was said before, and what was asked."""

    turn: Turn
    task: Task | None
    now: datetime
    before: tuple[HistoryItem, ...]
    asked: Parameter | None
    earlier: tuple[Earlier, ...]
    languages: Languages | None = None
    findings: dict[str, Finding] = {}

    def read(
        self,
        parameters: Sequence[Parameter],
        text: str,
        asked: Parameter | None = None,
        *,
        known: Container[str] = (),
    ) -> Values:
        """What ``text`` says of the parameters, as ``read_from`` reads it: each text once in a
        run, which looks at one message several times, and for several tools."""
        finding = self.findings.get(text)
        if finding is None:
            finding = self.findings[text] = Finding(text, self.now, self.languages)
        return read_from(parameters, finding, asked, known=known)

    @property
    def question(self) -> str | None:
        """The question that waits for this answer."""
        last = last_answer(self.before)
        return last.content if last is not None and last.follow_up else None

    @property
    def resumable(self) -> tuple[ResumableIntent, ...]:
        """Tasks that may be gone back to, newest first; what was never understood is none."""
        return tuple(one for one in self.turn.resumable if one.name is not None)


def scene_of(
    turn: Turn, tools: Mapping[str, Tool], zone: tzinfo, languages: Languages | None = None
) -> Scene:
    """The scene of ``turn``."""
    tool = tools.get(turn.intent_name or "")
    task = None if tool is None else Task(tool, turn.slots)
    before, said = _split(turn.history)
    # The message's own time: the same in every attempt, so that "in 20 minutes" is, too.
    now = datetime.fromtimestamp(turn.now_ms / 1000, zone)
    if said is not None:
        now = datetime.fromisoformat(said.timestamp).astimezone(zone)
    earlier = _earlier(turn.context)
    return Scene(turn, task, now, before, _asked(task, before), earlier, languages)


def arguments_of(tool: Tool, slots: Mapping[str, object]) -> dict[str, object]:
    """The slots that are arguments of ``tool``, as its types; what does not fit is left out."""
    values: dict[str, object] = {}
    for parameter in tool.parameters:
        if parameter.name in slots:
            try:
                values[parameter.name] = parameter.converted(slots[parameter.name])
            except msgspec.ValidationError:
                continue  # the tool has changed since
    return values


def notes_of(slots: Mapping[str, object]) -> Notes:
    """The notes among ``slots``."""
    try:
        return msgspec.convert(slots.get(NOTES_SLOT, {}), Notes)
    except msgspec.ValidationError:
        return Notes()


def last_answer(history: tuple[HistoryItem, ...]) -> HistoryItem | None:
    """The last thing the assistant said; the user may have said more since."""
    return next((item for item in reversed(history) if item.role == "ai"), None)


def _split(history: tuple[HistoryItem, ...]) -> tuple[tuple[HistoryItem, ...], HistoryItem | None]:
    """What was said before this turn's message, and the message. What comes after it was said
    by an earlier attempt."""
    for at in range(len(history) - 1, -1, -1):
        if history[at].role == "user":
            return history[:at], history[at]
    return history, None


def _asked(task: Task | None, before: tuple[HistoryItem, ...]) -> Parameter | None:
    """The parameter that was asked for last, known by its prompt: an earlier attempt of this
    turn may have filled it already."""
    last = last_answer(before)
    if task is None or last is None or not last.follow_up:
        return None
    return _latest_prompt(task.tool.parameters, last.content[-_LONGEST_QUESTION:])


def _latest_prompt(parameters: Iterable[Parameter], text: str) -> Parameter | None:
    places = [(text.rfind(parameter.prompt), parameter) for parameter in parameters]
    place, parameter = max(places, key=lambda item: item[0], default=(-1, None))
    return parameter if place >= 0 else None


def _earlier(context: JsonObject | None) -> tuple[Earlier, ...]:
    try:
        return msgspec.convert(context or {}, Brought).completed
    except msgspec.ValidationError:
        return ()  # another context manager's
