"""What a workload wrote down: every command, every answer, every frame of every reader.

Times are seconds of one monotonic clock. Nothing here judges; `checker` does.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import Struct


class Sent(Struct, frozen=True):
    """A command left by a connection, as its `number`-th."""

    chat: str
    id: str
    connection: str
    number: int
    at: float


class Answered(Struct, frozen=True):
    """An `ack` (with a position) or a `rejected` (with a code) came back by a connection."""

    chat: str
    id: str
    connection: str
    at: float
    position: int | None = None
    duplicate: bool = False
    code: str | None = None


class Began(Struct, frozen=True):
    """A reader was told where it starts: after `start`, having asked for `asked`."""

    asked: int
    start: int
    asked_at: float
    position: int | None = None
    resync: str | None = None


class Saw(Struct, frozen=True):
    """An event frame as it stood on the wire."""

    position: int
    data: bytes


class Grew(Struct, frozen=True):
    """A `delta`."""

    message_id: str
    offset: int
    text: str


class CaughtUp(Struct, frozen=True):
    """A `caught_up`."""

    position: int


class Lost(Struct, frozen=True):
    """The connection of the reader ended."""


Item = Began | Saw | Grew | CaughtUp | Lost


class Reading(Struct):
    """What one reader saw of one chat, in order, over all its connections.

    `complete` readers had time to reach the end of the log; the others left early.
    """

    reader: str
    chat: str
    items: list[Item]
    complete: bool = True


class History(Struct):
    """A whole run. `log` is what each chat holds in the end, its frames in order; connections
    in `calm` lived until every command was answered."""

    sent: list[Sent] = []
    answered: list[Answered] = []
    readings: list[Reading] = []
    log: dict[str, list[bytes]] = {}
    calm: set[str] = set()


class Event(Struct, frozen=True):
    """The fields of an event frame that the checks look at."""

    type: str
    position: int
    event_id: str
    message_id: str | None = None
    caused_by: str | None = None
    status: str | None = None
    attempt: int | None = None
    offset: int | None = None
    text: str | None = None
    content: str | None = None
    stopped: bool = False


_decode = msgspec.json.Decoder(Event).decode


@lru_cache(maxsize=200_000)
def event(data: bytes) -> Event:
    """The event of a frame's bytes."""
    return _decode(data)
