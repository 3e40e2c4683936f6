"""What one caller may ask of the server: how often, and which texts.

The socket and the HTTP side share one ``RateLimiter``. ``refuse_unstorable`` is the one text
rule for everything that would be stored, whether a person or an agent wrote it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final, cast

from msgspec import Meta

from chatstream.config import Settings
from chatstream.errors import Refused

MAX_DEPTH: Final = 32
"""Objects and arrays inside one another, the frame itself included."""

WireInt = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""An integer field of the protocol's own."""

PLACE_RETRY_S: Final = 60.0
"""When to come back where all places are taken: as after 4429."""
NEW_RETRY_S: Final = 10.0
"""The same for who made too much that is new."""

_PERIOD_S = NEW_RETRY_S
_SWEEP_AT_LEAST = 1024

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Takes an unfinished text to its end, never back: a scan is linear whatever was sent.
_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


class RateLimiter:
    """A token bucket for each user: ``commands`` at once, refilled evenly within 10 s.

    A bucket is kept as the moment at which it will be full again, so that one that is full
    needs no memory.
    """

    def __init__(self, commands: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``commands`` in 10 s for each user, 0 is no limit; ``clock`` is in seconds."""
        self._clock = clock
        self._cost_s = _PERIOD_S / commands if commands else 0.0
        self._full_at: dict[str, float] = {}
        self._sweep_size = _SWEEP_AT_LEAST

    def take(self, user_id: str) -> None:
        """Count one command of ``user_id``.

        Raises:
            Refused: ``rate_limited``, with the seconds to wait; nothing is counted then.
        """
        if not self._cost_s:
            return
        now = self._clock()
        full_at = max(self._full_at.get(user_id, now), now) + self._cost_s
        wait_s = full_at - now - _PERIOD_S
        if wait_s > 1e-9:  # sums of tenths are not exact
            raise Refused("rate_limited", retry_after=wait_s)
        self._full_at[user_id] = full_at
        self._sweep(now)

    def has_taken(self, key: str) -> bool:
        """Whether one more could be counted, and was."""
        try:
            self.take(key)
        except Refused:
            return False
        return True

    def give_back(self, key: str) -> None:
        """What was taken was not needed."""
        if key in self._full_at:
            self._full_at[key] -= self._cost_s

    def _sweep(self, now: float) -> None:
        if len(self._full_at) < self._sweep_size:
            return
        self._full_at = {user: full for user, full in self._full_at.items() if full > now}
        self._sweep_size = max(_SWEEP_AT_LEAST, 2 * len(self._full_at))


class Places:
    """Places that are held for a while: so many at once for each key, 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[str, int] = {}

    def refuse_if_full(self, key: str) -> None:
        """Raises ``Refused``: ``rate_limited``, if ``key`` may hold no more."""
        if self._most and self._held.get(key, 0) >= self._most:
            raise Refused("rate_limited", "too many connections", retry_after=PLACE_RETRY_S)

    @contextmanager
    def held(self, key: str) -> Generator[None]:
        """Hold one place. Whether there is one was asked before."""
        self._held[key] = self._held.get(key, 0) + 1
        try:
            yield
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]


class Shares:
    """What one user and one address may have of the server. One a server."""

    def __init__(self, settings: Settings) -> None:
        self.of_user = Places(settings.connections_per_user)
        self.of_address = Places(settings.connections_per_address)
        self.new = RateLimiter(settings.new_per_address)
        """New visitors and new chats, by address."""


def is_storable(text: str) -> bool:
    """Whether ``text`` is free of NUL and lone surrogates."""
    if text.isascii():  # nearly all is, and the pattern takes five times as long
        return "\x00" not in text
    return _UNSTORABLE.search(text) is None


def has_escaped_nul(document: bytes) -> bool:
    """Whether NUL, or a text that looks like an escaped one, is in a JSON document."""
    # A search for one byte is so much faster, and few documents have any escape.
    return b"\\" in document and b"\\u0000" in document


def refuse_content(content: str, max_bytes: int) -> None:
    """Refuse a message that cannot be stored.

    Raises:
        Refused: ``too_large`` for more than ``max_bytes`` of UTF-8, ``invalid_content`` for
            none, NUL or a lone surrogate.
    """
    if not content or not is_storable(content):
        raise Refused("invalid_content")
    if len(content.encode()) > max_bytes:
        raise Refused("too_large", f"the content is larger than {max_bytes} bytes")


def refuse_unstorable(value: object, depth: int = 1) -> None:
    """Refuse a value, made of JSON's types, that a frame cannot hold.

    ``depth`` is that of the object the value stands in; a frame's own is 1.

    Raises:
        Refused: ``invalid_content`` for NUL or a lone surrogate in a text or a key,
            ``invalid_frame`` for more nesting than a frame may have.
    """
    match value:
        case str():
            if not is_storable(value):
                raise Refused("invalid_content")
        case dict():
            _refuse_depth(depth + 1)
            for key, item in cast("dict[object, object]", value).items():
                refuse_unstorable(key)
                refuse_unstorable(item, depth + 1)
        case list() | tuple():
            _refuse_depth(depth + 1)
            for item in cast("Sequence[object]", value):
                refuse_unstorable(item, depth + 1)
        case _:
            pass


def _refuse_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused("invalid_frame", f"objects and arrays are nested more than {MAX_DEPTH} deep")


def too_deep(document: bytes, deepest: int = MAX_DEPTH) -> bool:
    """Whether a JSON document is nested deeper than a frame may be, or than ``deepest``; to be
    asked before it is decoded, which is recursive. What is no JSON gets some answer."""
    # Counting runs at the speed of C, and few documents have so many brackets at all.
    if document.count(b"{") + document.count(b"[") <= deepest:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_TEXTS.sub(b"", document)):
        depth += 1 if bracket in b"{[" else -1
        if depth > deepest:
            return True
    return False
