r"""``Pattern``: a regular expression that is compiled when it is first used.

The assistant has a hundred, which take Python a tenth of a second: the server is ready before,
and ``Assistant.warm_up`` compiles them beside it.

What a user writes must not hold the event loop, and ``re`` can neither be stopped nor does it let
another thread run. So a text is bounded before it is read, and every grammar takes time in
proportion to it: a run of blanks is matched from its first one on (``(?<!\s)\s+``) or for good
(``\s*+``), and what stands before a match is looked for in the last few characters
(``search_before``), not in all of the text before each match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final

LONGEST_TEXT: Final = 1_000
"""Characters of a message that are read: some 200 words, and the dearest text of that length takes
all grammars together some milliseconds for each tool."""
LOOK_BACK: Final = 48
"""Characters before a match that are looked at: two or three words and their blanks."""


_every: list[Pattern] = []
"""They are all made while their modules are imported."""


def compile_all() -> None:
    """Compile every pattern now, those too that only what another has found leads to."""
    for pattern in tuple(_every):
        pattern.compiled  # noqa: B018 - the property keeps it


class Pattern:
    """As ``re.compile``, later. To be made once, when its module is imported."""

    def __init__(self, text: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        self._text = text
        self._flags = flags
        _every.append(self)

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The expression itself."""
        return re.compile(self._text, self._flags)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """As of ``re.Pattern``, like the others."""
        return self.compiled.match(text, start)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return self.compiled.fullmatch(text)

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        return self.compiled.search(text, start)

    def search_before(self, text: str, end: int) -> re.Match[str] | None:
        """The match in the ``LOOK_BACK`` characters before ``end``; ``$`` matches at ``end``."""
        return self.compiled.search(text, max(0, end - LOOK_BACK), end)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self.compiled.finditer(text)

    def findall(self, text: str) -> list[str]:
        return self.compiled.findall(text)

    def split(self, text: str) -> list[str]:
        return self.compiled.split(text)

    def sub(self, new: str | Callable[[re.Match[str]], str], text: str, count: int = 0) -> str:
        return self.compiled.sub(new, text, count)
