"""A node's lease on the turns that it runs, and the turns of nodes that have lost theirs.

A thread of its own renews the lease, so that a blocked loop cannot starve it. All times that
nodes compare are of the database's clock; what a node knows by itself is when its lease must
have lapsed, counted from before it asked for it: then it stops its turns on its own.

A lapsed row is removed by who finds it. A turn whose owner has no row is anybody's. What two
nodes do to one turn at once is kept apart by the log: the one that comes second is stale.
"""

# ruff: noqa: S608 - statements are made of our own constants
from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Generator
from typing import Final, Protocol

import psycopg

from chatstream.eventstore.postgres.connections import Connection, Watchdog, connect
from chatstream.eventstore.store import Work
from chatstream.ids import ChatId, new_nonce, sortable_time
from chatstream.timestamps import now_ms

log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 0.5
_TAKE_AT_ONCE: Final = 500
_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_BEGIN: Final = b"""BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '1s';
SET LOCAL idle_in_transaction_session_timeout = '1s'"""
_REGISTER: Final = f"INSERT INTO nodes (node_id, lease_until) VALUES (%s, {_NOW} + %s)"
_RENEW: Final = f"UPDATE nodes SET lease_until = {_NOW} + %s WHERE node_id = %s RETURNING node_id"
LIVING: Final = f"SELECT node_id FROM nodes WHERE lease_until >= {_NOW}"
_LEADS: Final = "SELECT min(node_id) FROM nodes"
# After a restart of the database every node has one lease of time to come back.
_BURY: Final = f"""DELETE FROM nodes WHERE node_id <> %s AND lease_until < {_NOW}
    AND {_NOW} > (extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint + %s
    RETURNING node_id"""
_WORK: Final = "user_chat_id, caused_by, attempt, released"
_TAKE: Final = f"""UPDATE turn_work SET owner = %s WHERE user_chat_id IN (
        SELECT user_chat_id FROM turn_work WHERE owner NOT IN (SELECT node_id FROM nodes)
        ORDER BY user_chat_id LIMIT {_TAKE_AT_ONCE} FOR UPDATE SKIP LOCKED)
    RETURNING {_WORK}"""
_KEEP: Final = f"UPDATE turn_work SET released = 1 WHERE owner = %s RETURNING {_WORK}"
_RELEASE: Final = "UPDATE turn_work SET owner = '', released = 1 WHERE owner = %s"
_LEAVE: Final = "DELETE FROM nodes WHERE node_id = %s"


class LeaseHolder(Protocol):
    """Holds the lease. Called from the lease's thread."""

    def on_lease(self, owner: str) -> None:
        """From now on our turns are ``owner``'s."""
        ...

    def on_lease_lost(self) -> None:
        """Others may have taken our turns: stop them."""
        ...

    def on_work(self, work: list[Work]) -> None:
        """These turns are ours now."""
        ...


class Lease:
    """One node's lease, from ``start`` (which raises ``psycopg.Error``) to ``leave``.

    ``is_leader`` says whether this is the oldest node: it does what is to be done once.
    """

    def __init__(self, dsn: str, node_id: str, lease_s: float) -> None:
        self.is_leader = False
        self.owner = node_id
        self._dsn = dsn
        self._lease_s = lease_s
        self._lease_ms = round(lease_s * 1000)
        self._holder: LeaseHolder | None = None
        self._watchdog = Watchdog()
        self._hanging_s = max(0.5, lease_s / 3)
        self._connection: Connection | None = None
        self._held_until = 0.0
        self._renew_at = 0.0
        self._healthy_since = float("-inf")
        self._is_lost = False
        self._called = threading.Event()
        self._leaving = False
        self._thread: threading.Thread | None = None

    def start(self, holder: LeaseHolder) -> None:
        """Take a lease for ``holder``, then keep it from a thread; after a ``leave`` too."""
        self._holder = holder
        self._leaving = False
        self._watchdog = Watchdog()
        self._register(self.owner)
        self._thread = threading.Thread(target=self._run, name="chatstream-lease", daemon=True)
        self._thread.start()

    def look_soon(self) -> None:
        """Work may be waiting: look at once."""
        self._called.set()

    def leave(self) -> None:
        """Hand all turns over and end the lease; blocks until that is done."""
        self._leaving = True
        self._called.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def _told(self) -> LeaseHolder:
        assert self._holder is not None, "started"
        return self._holder

    # -- the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        pause_s = min(_LOOK_EVERY_S, self._lease_s / 5)
        while not self._leaving:
            self._notice_loss()
            try:
                self._round()
            except Exception as error:  # noqa: BLE001 - the lease must go on, whatever it is
                self._failed(error)
            self._called.wait(pause_s)
            self._called.clear()
        self._end()

    def _round(self) -> None:
        if time.monotonic() >= self._renew_at:
            self._renew()
        if self._is_lost:
            return
        if self._healthy_since == float("inf"):
            self._healthy_since = time.monotonic()
        if time.monotonic() - self._healthy_since >= self._lease_s:
            self._bury_the_dead()
        self._take_work()

    def _notice_loss(self) -> None:
        if not self._is_lost and time.monotonic() > self._held_until:
            log.warning("the lease of this node has lapsed: its turns are stopped")
            self._lose()

    def _lose(self) -> None:
        self._is_lost, self.is_leader = True, False
        self._told.on_lease_lost()

    def _failed(self, error: Exception) -> None:
        log.warning("the lease cannot be kept now: %s", type(error).__name__)
        self._healthy_since = float("inf")
        self._hang_up()

    # -- what it says to the database -----------------------------------------------------

    def _register(self, owner: str) -> None:
        began = time.monotonic()
        with self._transaction() as connection:
            connection.execute(_REGISTER.encode(), (owner, self._lease_ms))
        self.owner = owner
        self._holds_since(began)
        self._told.on_lease(owner)

    def _renew(self) -> None:
        began = time.monotonic()
        kept: list[Work] = []
        with self._transaction() as connection:
            renewed = connection.execute(_RENEW.encode(), (self._lease_ms, self.owner)).fetchone()
            if renewed is not None and self._is_lost:
                kept = _work(connection.execute(_KEEP.encode(), (self.owner,)).fetchall())
        if renewed is not None:
            self._holds_since(began)
            if kept:
                self._told.on_work(kept)
            return
        if not self._is_lost:
            log.warning("the lease of this node was taken away: its turns are stopped")
            self._lose()
        self._register(new_owner())

    def _holds_since(self, began: float) -> None:
        self._held_until = began + self._lease_s
        self._renew_at = began + self._lease_s / 3
        self._is_lost = False

    def _bury_the_dead(self) -> None:
        with self._transaction() as connection:
            dead = connection.execute(_BURY.encode(), (self.owner, self._lease_ms)).fetchall()
            oldest = connection.execute(_LEADS.encode()).fetchone()
        self.is_leader = oldest is not None and oldest[0] == self.owner
        if dead:
            log.warning("%d nodes have lost their lease", len(dead))

    def _take_work(self) -> None:
        with self._transaction() as connection:
            taken = _work(connection.execute(_TAKE.encode(), (self.owner,)).fetchall())
        if taken:
            self._told.on_work(taken)

    def _end(self) -> None:
        try:
            with self._transaction() as connection:
                connection.execute(_RELEASE.encode(), (self.owner,))
                connection.execute(_LEAVE.encode(), (self.owner,))
        except psycopg.Error as error:
            log.warning("the turns of this node wait for its lease: %s", type(error).__name__)
        self._hang_up()
        self._watchdog.close()

    @contextlib.contextmanager
    def _transaction(self) -> Generator[Connection]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn)
        connection = self._connection
        with self._watchdog.over(connection, cut_after_s=self._hanging_s):
            connection.execute(_BEGIN)
            try:
                yield connection
            except BaseException:
                with contextlib.suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()


def count_living(connection: Connection) -> int:
    """How many nodes hold a lease."""
    return len(connection.execute(LIVING.encode()).fetchall())


def new_owner() -> str:
    """A fresh name for who runs turns; text order is the order of time."""
    return f"node_{sortable_time(now_ms())}{new_nonce()}"


def _work(rows: list[tuple[object, ...]]) -> list[Work]:
    return [
        Work(ChatId(str(chat_id)), str(caused_by), int(str(attempt)), bool(released))
        for chat_id, caused_by, attempt, released in rows
    ]
