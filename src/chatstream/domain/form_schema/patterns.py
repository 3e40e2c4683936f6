r"""Regular expressions of a schema, on an engine that never goes back: RE2.

Python's ``re`` takes exponential time for ``^(\w+\s?)*$``, holds the interpreter's lock for
all of it and cannot be ended. RE2 takes time in proportion to the text and to the pattern's
program. It cannot do look-around and back references: such a pattern is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, Protocol, cast

from chatstream.domain.form_schema.budget import Budget

PATTERN_CHARACTERS: Final = 1_000
"""The longest pattern of a schema."""
SUBJECT_CHARACTERS: Final = 256
"""The longest text that a pattern is run on, here and in the browser; no longer one matches."""
_MEMORY_BYTES: Final = 512 * 1024
"""Of one compiled pattern, its cache included. A pattern that needs more is refused; it would
take 50 ms to compile at RE2's own 8 MiB, 7 ms at this."""
_KEPT_PATTERNS: Final = 64
_INSTRUCTIONS_A_STEP: Final = 50
"""Of the program, for each byte: 20 ns each where RE2 cannot keep its automaton."""
_COMPILED_A_STEP: Final = 2
_REASON_CHARACTERS: Final = 100
_CODE_UNIT = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)


class BadPattern(Exception):
    """A pattern that cannot be used; the message says why."""


class Pattern(Protocol):
    """A compiled pattern, as far as it is used here."""

    @property
    def programsize(self) -> int: ...

    def search(self, text: bytes) -> object | None: ...


def compiled(pattern: str, budget: Budget) -> Pattern:
    """Compile ``pattern``, or give the one that was compiled before.

    Raises:
        BadPattern: RE2 cannot run it, or it is too large.
        BudgetExceeded: there are too many patterns.
    """
    if len(pattern) > PATTERN_CHARACTERS:
        raise BadPattern(f"a pattern may have {PATTERN_CHARACTERS} characters")
    budget.spend(1 + len(pattern) // 8)
    found = _compiled(pattern)
    # Counted for a kept one, too: the verdict must not depend on what others asked before.
    budget.spend(found.programsize // _COMPILED_A_STEP)
    return found


def matches(pattern: Pattern, text: str, budget: Budget) -> bool:
    """Whether ``pattern`` is found in ``text``, which has at most ``SUBJECT_CHARACTERS``."""
    subject = text.encode(errors="surrogatepass")
    budget.spend(2 + pattern.programsize * len(subject) // _INSTRUCTIONS_A_STEP)
    return pattern.search(subject) is not None


def warm_up() -> None:
    """Import beforehand what the first pattern would wait for."""
    _compiled("")


@lru_cache(_KEPT_PATTERNS)
def _compiled(pattern: str) -> Pattern:
    import re2 as untyped  # late, as the server starts without it

    re2 = cast("Any", untyped)
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.never_capture = True
    options.log_errors = False  # it writes patterns to the error stream
    try:
        found = re2.compile(_CODE_UNIT.sub(_code_point, pattern), options)
    except re2.error as error:
        raise BadPattern(_reason(error)) from None
    except UnicodeEncodeError:
        raise BadPattern("lone surrogates cannot be stored") from None
    return cast("Pattern", found)


def _code_point(escape: re.Match[str]) -> str:
    r"""``\u00e9`` of JavaScript as RE2 writes it; any other escape as it is."""
    return rf"\x{{{escape[1]}}}" if escape[1] else escape[0]


def _reason(error: Any) -> str:  # noqa: ANN401 - the library has no types
    (said,) = error.args
    return (
        f"{said.decode(errors='replace')[:_REASON_CHARACTERS]};"
        " the syntax is that of RE2, which has no look-around and no back references"
    )
