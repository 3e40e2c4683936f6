"""What people say to start a task, as a tool's author writes it.

``remind me to {item: call mum} at {when: 5 pm}``: the words between braces are values of
parameters; those around them tell where such a value stands in what users write.
"""

from __future__ import annotations

from msgspec import Struct

from chatstream.assistant.pattern import Pattern

_MARK = Pattern(r"\{\s*(?P<name>\w+)\s*:\s*(?P<value>[^{}]+?)\s*\}")
_WORD = Pattern(r"[\w'’]+")
_CONTEXT_WORDS = 2


class Cue(Struct, frozen=True):
    """Words that stand before and after a value."""

    before: tuple[str, ...]
    after: tuple[str, ...]


class Example(Struct, frozen=True):
    """An utterance without its braces, and the cues of each parameter that it marks."""

    text: str
    cues: tuple[tuple[str, Cue], ...] = ()


def read_example(marked: str) -> Example:
    """The utterance and the cues of ``marked``."""
    text, at = "", 0
    cues: list[tuple[str, Cue]] = []
    for match in _MARK.finditer(marked):
        before, after = marked[at : match.start()], _MARK.split(marked[match.end() :])[0]
        cues.append((match["name"], _cue(before, after)))
        text += before + match["value"]
        at = match.end()
    return Example(text + marked[at:], tuple(cues))


def _cue(before: str, after: str) -> Cue:
    words = [word.lower() for word in _WORD.findall(before)]
    following = [word.lower() for word in _WORD.findall(after)]
    return Cue(tuple(words[-_CONTEXT_WORDS:]), tuple(following[:_CONTEXT_WORDS]))
