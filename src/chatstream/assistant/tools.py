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
from typing import Any, overload

from chatstream.assistant.examples import Cue, Example, read_example
from chatstream.assistant.parameters import (
    Email,
    Parameter,
    ToolContext,
    Url,
    context_name,
    parameters_of,
)
from chatstream.assistant.slots.money import Money
from chatstream.domain.steps import JsonObject
from chatstream.errors import ConfigurationError

__all__ = ["Email", "Money", "Parameter", "Tool", "ToolContext", "ToolFailed", "Url", "tool"]

TIMEOUT_S = 30.0
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_SECTION = re.compile(r"^(?:Args|Arguments|Parameters|Returns|Raises|Yields|Examples?):\s*$")
_ARGUMENT = re.compile(r"^\s+\*{0,2}(?P<name>\w+)(?:\s*\([^)]*\))?:\s*(?P<text>.*)$")


class ToolFailed(Exception):
    """Raised by a tool that could not do it, for a reason that the user may read. Nothing was
    changed: the user is asked whether to try again."""


class Tool:
    """A typed function with what the assistant knows of it; calling it calls the function."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        examples: Sequence[str] = (),
        prompts: Mapping[str, str] | None = None,
        synonyms: Mapping[str, Sequence[str]] | None = None,
        asks: Sequence[str] = (),
        answer: str | None = None,
        confirm: bool | str = False,
        idempotent: bool = False,
        digression: bool = False,
        visible: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        summary, described = read_docstring(inspect.getdoc(function) or "")
        self.function = function
        self.name = name or function.__name__
        if _NAME.fullmatch(self.name) is None:
            raise ConfigurationError(f"{self.name!r} cannot be the name of a tool")
        self.title = title or re.sub(r"[\s_-]+", " ", self.name).capitalize()
        self.description = description or summary or self.title
        self.examples = tuple(read_example(marked) for marked in examples)
        self.parameters = parameters_of(
            function, described, prompts or {}, _cues_of(self.examples), synonyms or {}
        )
        self.asks = frozenset(asks)
        self.answer = answer
        self.confirm = confirm
        self.is_idempotent = idempotent
        self.is_digression = digression
        self.is_visible = visible
        self.timeout_s = timeout_s
        self.context_name = context_name(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
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
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    examples: Sequence[str] = (),
    prompts: Mapping[str, str] | None = None,
    synonyms: Mapping[str, Sequence[str]] | None = None,
    asks: Sequence[str] = (),
    answer: str | None = None,
    confirm: bool | str = False,
    idempotent: bool = False,
    digression: bool = False,
    visible: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None, /, **options: Any
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a function, sync (it runs in a thread) or async, something the assistant can do.

    Args:
        function: the function, where the decorator stands without brackets.
        options: all optional. ``examples``: what people say, with values marked as
            ``{parameter: words}``. ``prompts``: how to ask for a parameter (else what its
            docstring line asks). ``synonyms``: what else an option of a choice is called. ``asks``: parameters with a default that are asked for all the
            same; the user may skip them. ``answer``: what to say when it is done, with
            ``{parameter}`` and ``{result}`` (else what it returns, if that is a text).
            ``confirm``: ask before it runs; a text is the question. ``idempotent``: may run
            twice under one ``call_id``. ``digression``: it only tells something, so an open
            task goes on after it. ``visible``: arguments and result are shown to the client.
            ``timeout_s``: after this many seconds the turn fails.

    Raises:
        ConfigurationError: a parameter has no type, or the name cannot be one.
    """
    if function is not None:
        return Tool(function, **options)
    return lambda decorated: Tool(decorated, **options)


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
