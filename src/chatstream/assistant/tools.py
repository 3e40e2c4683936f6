"""``@tool``: a typed function as something the assistant can do for a user.

    @tool(examples=["wake me at {when: 7 am}", "set an alarm"], confirm=True)
    async def create_alarm(when: datetime, name: str = "Alarm") -> str:
        \"\"\"Set an alarm.

Args:
            when: When shall it ring?
        \"\"\"

The signature and the docstring say the rest: name, description, JSON Schema, what is required,
and how to ask for it.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypedDict, Unpack, overload

from chatstream.assistant.examples import Cue, Example, read_example
from chatstream.assistant.parameters import (
    Email,
    Parameter,
    ToolContext,
    Url,
    context_name,
    parameters_of,
)
from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.money import Money
from chatstream.domain.steps import JsonObject
from chatstream.errors import ConfigurationError

__all__ = ["Email", "Money", "Parameter", "Tool", "ToolContext", "ToolFailed", "Url", "tool"]

TIMEOUT_S = 30.0
_NAME = Pattern(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_SECTION = Pattern(r"^(?:Args|Arguments|Parameters|Returns|Raises|Yields|Examples?):\s*$")
_ARGUMENT = Pattern(r"^\s+\*{0,2}(?P<name>\w+)(?:\s*\([^)]*\))?:\s*(?P<text>.*)$")


class ToolFailed(Exception):
    """Raised by a tool that could not do it, for a reason that the user may read. Nothing was
    changed: the user is asked whether to try again."""


class ToolOptions(TypedDict, total=False):
    """What ``@tool`` may be told.

    ``name``, ``title`` and ``description``: else the function's own. ``examples``: what people
    say, with values marked as ``{parameter: words}``. ``prompts``: how to ask for a parameter,
    else what its docstring line asks. ``synonyms``: what else an option of a choice is called.
    ``asks``: parameters with a default that are asked for all the same; the user may skip them.
    ``answer``: what to say when it is done, with ``{parameter}`` and ``{result}``, else what it
    returns, if that is a text. ``confirm``: ask before it runs; a text is the question.
    ``idempotent``: may run twice under one ``call_id``. ``digression``: it only tells something,
    so an open task goes on after it. ``visible``: arguments and result are shown to the client.
    ``timeout_s``: after this many seconds the turn fails.
    """

    name: str
    title: str
    description: str
    examples: Sequence[str]
    prompts: Mapping[str, str]
    synonyms: Mapping[str, Sequence[str]]
    asks: Sequence[str]
    answer: str
    confirm: bool | str
    idempotent: bool
    digression: bool
    visible: bool
    timeout_s: float


class Tool:
    """A typed function with what the assistant knows of it; calling it calls the function."""

    def __init__(self, function: Callable[..., object], **options: Unpack[ToolOptions]) -> None:
        summary, described = read_docstring(inspect.getdoc(function) or "")
        self.function = function
        self.name = options.get("name") or str(getattr(function, "__name__", ""))
        if _NAME.fullmatch(self.name) is None:
            raise ConfigurationError(f"{self.name!r} cannot be the name of a tool")
        self.title = options.get("title") or re.sub(r"[\s_-]+", " ", self.name).capitalize()
        self.description = options.get("description") or summary or self.title
        self.examples = tuple(map(read_example, options.get("examples", ())))
        self.parameters = parameters_of(
            function,
            described,
            options.get("prompts", {}),
            _cues_of(self.examples),
            options.get("synonyms", {}),
        )
        self.context_name = context_name(function)
        self.asks = frozenset(options.get("asks", ()))
        self.answer = options.get("answer")
        self.confirm = options.get("confirm", False)
        self.is_idempotent = options.get("idempotent", False)
        self.is_digression = options.get("digression", False)
        self.is_visible = options.get("visible", False)
        self.timeout_s = options.get("timeout_s", TIMEOUT_S)

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self.function(*args, **kwargs)

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name."""
        return next((one for one in self.parameters if one.name == name), None)

    @property
    def utterances(self) -> list[str]:
        """What it is recognised by: its examples, and its own words."""
        return [*(example.text for example in self.examples), self.title, self.description]

    @property
    def schema(self) -> JsonObject:
        """The JSON Schema of its arguments."""
        return {
            "type": "object",
            "properties": {one.name: one.schema for one in self.parameters},
            "required": [one.name for one in self.parameters if one.is_required],
        }


@overload
def tool(function: Callable[..., object], /) -> Tool: ...


@overload
def tool(**options: Unpack[ToolOptions]) -> Callable[[Callable[..., object]], Tool]: ...


def tool(
    function: Callable[..., object] | None = None, /, **options: Unpack[ToolOptions]
) -> Tool | Callable[[Callable[..., object]], Tool]:
    """Make a function, sync (it runs in a thread) or async, something the assistant can do.

    Args:
        function: the function, where the decorator stands without brackets.
        options: those of ``ToolOptions``, all optional.

    Raises:
        ConfigurationError: a parameter has no type, or the name cannot be one.
    """
    if function is not None:
        return Tool(function, **options)
    return partial(Tool, **options)


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The first paragraph on one line, and the line of each argument (Google style)."""
    lines = text.splitlines()
    summary = " ".join(line.strip() for line in lines[: _first_blank(lines)])
    described: dict[str, str] = {}
    name, inside = "", False
    for line in lines:
        if _SECTION.match(line):
            inside = line.startswith(("Args", "Arg", "Param"))
            continue
        match = _ARGUMENT.match(line) if inside else None
        if match is not None:
            name = match["name"]
            described[name] = match["text"].strip()
        elif inside and name and line.strip():
            described[name] = f"{described[name]} {line.strip()}".strip()
    return summary, described


def _first_blank(lines: list[str]) -> int:
    stops = (
        at for at, line in enumerate(lines) if not line.strip() or _SECTION.match(line.strip())
    )
    return next(stops, len(lines))


def _cues_of(examples: Sequence[Example]) -> dict[str, tuple[Cue, ...]]:
    cues: defaultdict[str, list[Cue]] = defaultdict(list)
    for example in examples:
        for name, cue in example.cues:
            cues[name].append(cue)
    return {name: tuple(found) for name, found in cues.items()}
