"""The store port: what the chat core asks of a database, and what a database must promise.

One engine implements ``Engine`` (SQLite, PostgreSQL, memory). ``writer.py`` turns many
concurrent appends into few transactions of one engine; ``EventStore`` (``log.py``) is the
asynchronous face that everyone else holds: append, read, fetch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, NamedTuple, Protocol

from msgspec import Struct

from chatstream.errors import DamagedError
from chatstream.ids import ChatId

SqlValue = str | int | float | bytes | None
Fetch = Callable[[str, Sequence[SqlValue]], Awaitable[list[tuple[SqlValue, ...]]]]


RowKey = tuple[str, tuple[SqlValue, ...]]
"""A row of a read model: the table's name and the values of its primary key."""


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


PAGE_BYTES: Final = 256 * 1024
"""What one read takes of a chat, and one event: an event may have megabytes."""


def is_last(page: Sequence[StoredRow], limit: int) -> bool:
    """Whether nothing can come after what a read for ``limit`` events gave."""
    return len(page) < limit and sum([len(row.body) for row in page]) < PAGE_BYTES


def refuse_gap(rows: Sequence[StoredRow], after: int | None = None) -> None:
    """``DamagedError`` unless the positions follow one another, and the first one ``after``."""
    before = rows[0].position - 1 if rows and after is None else after or 0
    for row in rows:
        if row.position != before + 1:
            raise DamagedError(f"chat {row.chat_id}: position {row.position} follows {before}")
        before = row.position


class RowChange(Struct, frozen=True, gc=False):
    """One row of a read model as it shall be: ``row`` holds all columns in the table's order,
    or is None where the row shall be gone. ``key`` is its primary key. The last change of a
    key in a batch wins; a row born and gone in one batch costs nothing."""

    table: str
    key: tuple[SqlValue, ...]
    row: tuple[SqlValue, ...] | None


class AppendChain:
    """Joins the appends of one chat that build on one another.

    Once one of them is not stored, none of the later ones is, even where events of another node
    have filled its place.
    """

    __slots__ = ("is_broken",)

    def __init__(self) -> None:
        self.is_broken = False


class Append(Struct, frozen=True, gc=False):
    """What one decision stores, in one transaction or not at all.

    ``events`` get the positions ``expected_position + 1 ..``; with no events only ``changes``
    are written (ids of commands that store nothing, timers set forward) and the position is
    checked only where it is ``guarded``. ``rewrite`` (erasure) is applied, in the same
    transaction, to the body of every event of the chat up to ``expected_position``, which is
    checked for it too. ``unless`` names a row that another node may have written: where it is
    there already the append conflicts.
    """

    chat_id: ChatId
    expected_position: int
    events: tuple[NewEvent, ...]
    changes: tuple[RowChange, ...] = ()
    rewrite: Callable[[str, bytes], bytes] | None = None
    guarded: bool = False
    unless: RowKey | None = None
    chain: AppendChain | None = None

    @property
    def checks_position(self) -> bool:
        """Whether the chat's newest position must be the expected one."""
        return bool(self.events) or self.guarded or self.rewrite is not None

    @property
    def is_superseded(self) -> bool:
        """Returns True if an append that this one builds on was not stored."""
        return self.chain is not None and self.chain.is_broken

    def break_chain(self) -> None:
        """Marks the append as not stored, so that no append that builds on it is stored."""
        if self.chain is not None:
            self.chain.is_broken = True


class Stored(Struct, frozen=True, gc=False):
    """Committed and synced to disk."""


class Conflict(Struct, frozen=True, gc=False):
    """Nothing stored: the chat's newest position is not the expected one, or the row that must
    not be is there."""


class Failed(Struct, frozen=True, gc=False):
    """Nothing stored, or unknown (``doubtful``): the log must be read before going on. Where it
    ``spreads``, another append would only fail alike."""

    code: Literal["unavailable", "overloaded", "invalid_content"]
    doubtful: bool
    reason: str
    spreads: bool = True


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


class Work(NamedTuple):
    """A turn that somebody must run: its attempt ``attempt`` has no runner any more."""

    chat_id: ChatId
    caused_by: str
    attempt: int
    handed_over: bool


class Announcer(Protocol):
    """How commits are told to the other nodes, so that nobody else understands it."""

    @property
    def channel(self) -> str:
        """Where they listen."""
        ...

    def seal(self, text: str) -> str:
        """Return ``text`` as only they can read it: at most 4/3 as long, and 64 bytes."""
        ...


def _announce_nothing(_: Announcer) -> None:
    pass


class Sharing(Struct, frozen=True):
    """How a node meets the others on its database: where that is, and what it is called in the
    wake-ups that go with its commits. These are sent from ``announce_by`` on, which is called
    once the secret of the nodes is known: it may lie in the database."""

    dsn: str
    node_id: str
    announce_by: Callable[[Announcer], None] = _announce_nothing


class SchemaState(Struct, frozen=True):
    """How far a database's tables are: ``version`` of what there is, and the version that a
    server must know at least (``needs``) to write. Both 0 where there is nothing yet."""

    version: int = 0
    needs: int = 0


class Engine(Protocol):
    """One database, called from threads of ours only. Every method may block.

    What becomes of an append is its ``Outcome``; anything else that a method raises is a bug or
    a broken database and is answered as ``unavailable``.
    """

    @property
    def sharing(self) -> Sharing | None:
        """None where this process is the only one that writes."""
        ...

    @property
    def commit_seconds(self) -> float:
        """How long the commit of the newest ``write`` took, its sync included."""
        ...

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
        """Events with ``after < position`` (and ``<= upto``), ascending: the first ones, or with
        ``newest`` the last ones. At most ``limit``, and no more once they have ``PAGE_BYTES``."""
        ...

    def fetch(self, sql: str, parameters: Sequence[SqlValue]) -> list[tuple[SqlValue, ...]]:
        """The rows of a query written with ``?`` placeholders, on committed data."""
        ...

    def probe(self) -> None:
        """Raise if the database cannot be written to now."""
        ...

    def damage(self) -> Sequence[str]:
        """What the database finds wrong with its own file, where it can look; reads all of it."""
        ...

    def close(self) -> None:
        """Let go of everything. Called once, last."""
        ...


class StoredEngine(Engine, Protocol):
    """An engine whose database outlives it, and with it versions of the schema
    (``eventstore.migrations``). ``open`` begins what is missing."""

    @property
    def known_schema(self) -> int:
        """The newest version that this version of chatstream knows."""
        ...

    def schema(self) -> SchemaState:
        """What the database has; may be called before ``open``."""
        ...

    def refuse_unfit(self) -> None:
        """Raise ``ConfigurationError`` if no new database can be had there; makes nothing, and
        may be called before ``open``."""
        ...

    def refuse_served(self) -> None:
        """Raise ``ConfigurationError`` if a server runs on it; to be called before ``open``."""
        ...

    def finish_migration(self) -> None:
        """Do what may be done once no server of an older version runs, and refuse their
        writes from now on."""
        ...
