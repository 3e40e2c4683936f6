"""What the parts of the assistant's policy share: they are generators over the agent's steps."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import tzinfo
from typing import TypeVar

from msgspec import Struct

from chatstream.assistant.recognise import Recogniser, Recognition
from chatstream.assistant.slots.languages import Languages
from chatstream.assistant.tools import Tool
from chatstream.domain.steps import Step, ToolResult


class AskModel(Struct, frozen=True):
    """Not a step: the policy gives the turn to the language model. It goes on after that only
    where the model failed before it said anything."""


class Pause(Struct, frozen=True):
    """Not a step: here the policy may be left alone for a moment, so that other chats go on."""


T = TypeVar("T")
Talk = Generator[Step | AskModel | Pause, ToolResult | None, T]
"""Yields steps, is sent the result of a ``ToolCall``, returns what its caller goes on with. It
awaits nothing, so that the whole policy can be run without a server."""


class Skills(Struct, frozen=True):
    """What this assistant can do, and how it is recognised; built once."""

    tools: Mapping[str, Tool]
    recogniser: Recogniser
    zone: tzinfo
    handover: str | None = None
    has_model: bool = False
    languages: Languages | None = None

    def recognise(self, text: str) -> Recognition:
        """The tools that ``text`` asks for: all of it, or the sentence that is clearest."""
        readings = [self.recogniser.recognise(part) for part in _sentences(text)]
        return max(readings, key=lambda reading: (reading.is_sure, reading.score))


def _sentences(text: str) -> list[str]:
    parts = [part.strip() for part in _split(text)]
    return [text, *(part for part in parts if part and part != text.strip())]


def _split(text: str) -> list[str]:
    ends = [at for at, character in enumerate(text) if character in ".!?;"]
    starts = [0, *(at + 1 for at in ends)]
    return [text[start:end] for start, end in zip(starts, [*ends, len(text)], strict=True)][:8]
