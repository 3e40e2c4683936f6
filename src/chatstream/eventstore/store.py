"""The store port: what the chat core asks of a database, and what a database must promise.

One engine implements ``Engine`` (SQLite, PostgreSQL, memory). ``writer.py`` turns many
concurrent appends into few transactions of one engine; ``EventStore`` (``log.py``) is the
asynchronous face that everyone else holds: append, read, fetch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from chatstream.ids import ChatId

SqlValue = str | int | float | bytes | None
Fetch = Callable[[str, Sequence[SqlValue]], Awaitable[list[tuple[SqlValue, ...]]]]


class NewEvent(Struct, frozen=True, gc=False):
    """One event to store: its ``topic`` (``user.1``), its body, and the id inside the body."""

    topic: str
    body: bytes
    event_id: str


class StoredRow(Struct, frozen=True, gc=False):
    """One event as stored. ``log_id`` is its place in the whole log; a client never sees it."""

    chat_id: ChatId
    position: int
    topic: str
    body: bytes
    log_id: int


class RowChange(Struct, frozen=True, gc=False):
    """One row of a read model as it shall be: ``row`` holds all columns in the table's order,
    or is None where the row shall be gone. ``key`` is its primary key. The last change of a
    key in a batch wins; a row born and gone in one batch costs nothing."""

    table: str
    key: tuple[SqlValue, ...]
    row: tuple[SqlValue, ...] | None


class Append(Struct, frozen=True, gc=False):
    """What one decision stores, in one transaction or not at all.

    ``events`` get the positions ``expected_position + 1 ..``; with no events only ``changes``
    are written (ids of commands that store nothing, timers set forward) and the position is
    not checked. ``rewrite`` (erasure) is applied, in the same transaction, to the body of
    every event of the chat up to ``expected_position``, which is checked for it too.
    """

    chat_id: ChatId
    expected_position: int
    events: tuple[NewEvent, ...]
    changes: tuple[RowChange, ...] = ()
    rewrite: Callable[[str, bytes], bytes] | None = None


class Stored(Struct, frozen=True, gc=False):
    """Committed and synced to disk."""


class Conflict(Struct, frozen=True, gc=False):
    """Nothing stored: the chat's newest position is not the expected one."""


class Failed(Struct, frozen=True, gc=False):
    """Nothing stored, or unknown (``doubtful``): the log must be read before going on."""

    code: Literal["unavailable", "overloaded", "invalid_content"]
    doubtful: bool
    reason: str


Outcome = Stored | Conflict | Failed


class Table(Protocol):
    """A read model as the engine needs it: it creates the table and writes rows to it."""

    @property
    def name(self) -> str:
        """The table's name, as in ``RowChange.table``."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns in order."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns."""
        ...

    @property
    def ddl(self) -> tuple[str, ...]:
        """Statements that create table, indexes and views if they do not exist (SQLite and
        PostgreSQL both take them)."""
        ...


class Engine(Protocol):
    """One database, called from threads of ours only. Every method may block.

    Raises ``eventstore.errors`` only through ``Outcome``; anything a method raises is a bug or
    a broken database and is answered as ``unavailable``.
    """

    def open(self) -> None:
        """Create what is missing; refuse (``ConfigurationError``) a file that another server
        process holds. Called once, before all else."""
        ...

    def write(self, batch: Sequence[Append]) -> list[Outcome]:
        """Store a batch in one transaction and sync it to disk; one outcome an append, in
        order. A conflict or bad data of one chat harms no other append. Appends of one chat
        stand in order; once one fails, later ones of that chat that build on it conflict."""
        ...

    def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None, *, newest: bool = False
    ) -> list[StoredRow]:
        """Events with ``after < position`` (and ``<= upto``), ascending, at most ``limit``: the
        first ones, or with ``newest`` the last ones."""
        ...

    def fetch(self, sql: str, parameters: Sequence[SqlValue]) -> list[tuple[SqlValue, ...]]:
        """The rows of a query written with ``?`` placeholders, on committed data."""
        ...

    def probe(self) -> None:
        """Raise if the database cannot be written to now."""
        ...

    def close(self) -> None:
        """Let go of everything. Called once, last."""
        ...
