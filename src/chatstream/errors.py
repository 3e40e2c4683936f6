"""What can go wrong, as one table.

ChatStreamError
├── Refused          a command or request was refused; ``code`` is the protocol's (section 7)
│   └── StepRefused  a step of an agent was, and the steps of its append with it
├── Wordless         in the log alone, for an error whose words are nobody's business
├── AgentError       an agent or a tool did what its contract does not allow
├── DamagedError     the database cannot give what it was given: a part of it is broken
├── StaleTurn        a runner's append: its turn ended or another attempt runs it
└── ConfigurationError   the server cannot start like this

``CODES`` maps each code to its HTTP status and default message; a retry with the same id is
right only where ``RETRYABLE`` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Final, Literal, cast, get_args

Code = Literal[
    "invalid_frame",
    "unknown_type",
    "unauthenticated",
    "forbidden_origin",
    "forbidden_host",
    "not_found",
    "no_such_component",
    "id_conflict",
    "chat_closed",
    "component_closed",
    "intent_not_resumable",
    "not_retryable",
    "too_large",
    "invalid_content",
    "invalid_form",
    "rate_limited",
    "unavailable",
    "overloaded",
]

CODES: Final[dict[Code, tuple[int, str]]] = {
    "invalid_frame": (400, "the request is not valid"),
    "unknown_type": (400, "this type is not known"),
    "unauthenticated": (401, "a valid identity is needed"),
    "forbidden_origin": (403, "this origin is not allowed"),
    "forbidden_host": (421, "this server is not set up for this host name (CHATSTREAM_HOSTS)"),
    "not_found": (404, "there is no such thing"),
    "no_such_component": (404, "there is no such component"),
    "id_conflict": (409, "this id was used for another command"),
    "chat_closed": (409, "the chat is closed"),
    "component_closed": (409, "the component is closed"),
    "intent_not_resumable": (409, "the intent is complete"),
    "not_retryable": (409, "this message cannot be run again"),
    "too_large": (413, "the content is too large"),
    "invalid_content": (422, "the content is empty or holds characters that cannot be stored"),
    "invalid_form": (422, "the values do not fit the form"),
    "rate_limited": (429, "too many commands"),
    "unavailable": (503, "the storage does not answer; send again with the same id"),
    "overloaded": (503, "the server is overloaded; send again with the same id"),
}
assert set(CODES) == set(get_args(Code))

RETRYABLE: Final[frozenset[Code]] = frozenset({"rate_limited", "unavailable", "overloaded"})


class ChatStreamError(Exception):
    """Base of all errors that chatstream raises on purpose."""


class ConfigurationError(ChatStreamError):
    """The settings or the environment do not allow the server to start."""


class Refused(ChatStreamError):
    """A command or request was refused and left no trace.

    ``fields`` (for ``invalid_form``) maps a field to the reason; ``retry_after`` is in seconds.
    """

    def __init__(
        self,
        code: Code,
        message: str | None = None,
        *,
        fields: dict[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.code: Code = code
        self.message = message or CODES[code][1]
        self.fields = fields
        self.retry_after = retry_after
        super().__init__(f"{code}: {self.message}")

    @property
    def http_status(self) -> int:
        """The HTTP status that stands for ``code``."""
        return CODES[self.code][0]


class StepRefused(Refused):
    """A step of an agent cannot be stored: ``step`` is its kind, ``message`` the rule."""

    def __init__(self, step: str, refusal: Refused) -> None:
        self.step = step
        super().__init__(refusal.code, refusal.message)


class AgentError(ChatStreamError):
    """An agent or a tool did what its contract does not allow. The words tell kinds and places
    in the code and quote nobody: the log shows them."""


class Wordless(ChatStreamError):
    """Stands in the log for ``original``, whose words may quote what people said."""

    def __init__(self, words: str, original: BaseException) -> None:
        super().__init__(words)
        self.original = original


class WordlessGroup(ExceptionGroup[Exception]):
    """Stands in the log for an exception group: a stand-in for each of its errors."""

    original: BaseException


MOST_ERRORS: Final = 24
"""That one log record tells of: an error, its inner ones and its causes."""
MOST_INNER: Final = 8
"""Of one group."""
MOST_FRAMES: Final = 40
"""Of one traceback, the innermost: endless recursion fills a thousand."""


def wordless(error: BaseException) -> Wordless | WordlessGroup:
    """For ``exc_info``: the same tracebacks, causes and inner errors, the kinds of the errors,
    not their words. ``original_of`` gives the error back to a log that may have the words."""
    return _stand_in(error, iter(range(MOST_ERRORS - 1)))


def original_of(error: BaseException) -> BaseException:
    """The error that ``error`` stands in for, or itself."""
    return error.original if isinstance(error, Wordless | WordlessGroup) else error


def _stand_in(error: BaseException, left: Iterator[int]) -> Wordless | WordlessGroup:
    stand_in = (_of_group(error, left) or Wordless(_kind(error), error)).with_traceback(
        _innermost(error)
    )
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and next(left, None) is not None:
        stand_in.__cause__ = _stand_in(before, left)
    return stand_in


def _of_group(error: BaseException, left: Iterator[int]) -> WordlessGroup | None:
    """None where there is no group, or no room for one of its errors."""
    members = _members(error)
    shown = [one for one, _ in zip(members[:MOST_INNER], left, strict=False)]
    if not shown:
        return None
    more = len(members) - len(shown)
    words = f"{_kind(error)}{f', {more} more' if more else ''}"
    made = WordlessGroup(words, [_stand_in(one, left) for one in shown])
    made.original = error
    return made


def _members(error: BaseException) -> tuple[BaseException, ...]:
    if not isinstance(error, BaseExceptionGroup):
        return ()
    return cast("BaseExceptionGroup[BaseException]", error).exceptions


def _kind(error: BaseException) -> str:
    kind = type(error).__qualname__
    return f"{kind}: {error}" if isinstance(error, _QUOTING_NOBODY) else kind


def _innermost(error: BaseException) -> TracebackType | None:
    """The traceback from the outermost frame that is still shown."""
    shown = ahead = error.__traceback__
    for _ in range(MOST_FRAMES):
        ahead = None if ahead is None else ahead.tb_next
    while shown is not None and ahead is not None:
        shown, ahead = shown.tb_next, ahead.tb_next
    return shown


class DamagedError(ChatStreamError):
    """A part of the database is broken. What needs that part is refused, the rest goes on."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the database is damaged: {reason}; `chatstream verify` tells which chats are hit,"
            " a back-up or what `chatstream export` can read of it mends it"
        )


class StaleTurn(ChatStreamError):
    """A runner wanted to store a step of a turn that is no longer its own."""


_QUOTING_NOBODY = (AgentError, ConfigurationError, DamagedError)
