"""``EventStore``: the asynchronous face of an engine that everyone else holds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from chatstream.errors import DamagedError, Refused, wordless
from chatstream.eventstore.store import Append, Engine, SqlValue, StoredRow, refuse_gap
from chatstream.eventstore.writer import Batch, Done, GroupCommitWriter
from chatstream.ids import ChatId

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

_READER_THREADS: Final = 2
_LONGEST_ANSWER_S: Final = 10.0  # above every bound that an engine keeps
_DAMAGE_TOLD_EVERY_S: Final = 60.0
_LAST_POSITION: Final = 2**63 - 1  # as far as a column of either database counts

_DAMAGED: Final = "the storage is damaged here; whoever runs the server has to mend it"


def _ignore(*_: object) -> None:
    """Nobody listens."""


def _new_readers() -> ThreadPoolExecutor:
    # Of their own: the default executor may be full of long waits.
    return ThreadPoolExecutor(_READER_THREADS, "chatstream-reader")


class EventStore:
    """Append, read and fetch on one engine. All calls belong to the thread of the loop.

    ``on_transaction`` is called on the loop with each transaction's size and seconds.
    """

    def __init__(
        self, engine: Engine, on_transaction: Callable[[Batch], None] | None = None
    ) -> None:
        self._on_transaction = on_transaction or _ignore
        self.damages = 0
        """How often something could not be read because a part of the database is broken."""
        self._damage_told_until = 0.0
        self._engine = engine
        self._writer: GroupCommitWriter | None = None
        self._is_open = False
        self._readers = _new_readers()

    def open(self) -> None:
        """Open the engine now, before there is a loop: a server then says at once what is
        wrong. ``ConfigurationError`` if the database cannot be had."""
        if not self._is_open:
            self._engine.open()
            self._is_open = True

    async def start(self, *, on_batch: Callable[[], None] | None = None) -> None:
        """Open the engine if it is not, and start the writer. ``on_batch`` is called on the loop
        after all ``done`` of a batch. Raises as ``open``."""
        loop = asyncio.get_running_loop()
        if self._writer is not None:  # it was closed, and starts again
            self._readers = _new_readers()
        await loop.run_in_executor(self._readers, self.open)
        self._writer = GroupCommitWriter(
            self._engine,
            loop,
            on_batch=on_batch or _ignore,
            measure=self._on_transaction,
        )

    async def close(self) -> None:
        """Store and answer what waits, then let go of everything."""
        if self._writer is not None:
            await self._writer.close()
        self._readers.shutdown()
        self._engine.close()
        self._is_open = False

    def append(self, append: Append, done: Done) -> None:
        """Queue ``append``. Its outcome comes by ``done``, on the loop and in order; raises
        nothing and never waits."""
        assert self._writer is not None, "started"
        self._writer.append(append, done)

    async def read(
        self,
        chat_id: ChatId,
        after: int,
        limit: int,
        upto: int | None = None,
        *,
        newest: bool = False,
    ) -> list[StoredRow]:
        """``Engine.read``; raises ``Refused("unavailable")`` if the database does not answer, or
        has not all of them."""
        after, limit = min(after, _LAST_POSITION), min(limit, _LAST_POSITION)
        upto = None if upto is None else min(upto, _LAST_POSITION)
        return await self._ask(self._read, chat_id, after, limit, upto, newest=newest)

    async def fetch(
        self, sql: str, parameters: Sequence[SqlValue] = ()
    ) -> list[tuple[SqlValue, ...]]:
        """``Engine.fetch``; raises ``Refused("unavailable")`` if the database does not
        answer."""
        return await self._ask(self._engine.fetch, sql, parameters)

    async def probe(self) -> str | None:
        """Why the database cannot be written to now, or None if it can. Costs a commit."""
        try:
            await self._in_reader(self._engine.probe)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            log.error("the database takes no write: %s", error.__cause__ or error)  # noqa: TRY400 - no bug of ours
            return str(error) or type(error).__name__
        return None

    @property
    def depth(self) -> int:
        """How many appends wait for their outcome."""
        return 0 if self._writer is None else self._writer.depth

    @property
    def stuck_seconds(self) -> float:
        """How long the transaction in progress has taken; 0 without one."""
        return 0.0 if self._writer is None else self._writer.stuck_seconds

    def _read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None, *, newest: bool
    ) -> list[StoredRow]:
        rows = self._engine.read(chat_id, after, limit, upto, newest=newest)
        refuse_gap(rows, None if newest else after)
        return rows

    async def _ask(self, question: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        try:
            return await self._in_reader(question, *arguments, **options)
        except DamagedError as error:
            self.damages += 1
            self._tell_damage(error)
            raise Refused("unavailable", _DAMAGED) from error
        except Exception as error:
            log.exception("the database does not answer", exc_info=wordless(error))
            raise Refused("unavailable") from error

    def _tell_damage(self, damage: DamagedError) -> None:
        """Once a minute: whoever is refused asks again, and timers do twice a second."""
        now = time.monotonic()
        if now >= self._damage_told_until:
            self._damage_told_until = now + _DAMAGE_TOLD_EVERY_S
            log.error("%s", damage)

    async def _in_reader(
        self, question: Callable[P, T], *arguments: P.args, **options: P.kwargs
    ) -> T:
        loop = asyncio.get_running_loop()
        # Bounded, the wait for a thread included: who asks behind others that hang gets an answer.
        async with asyncio.timeout(_LONGEST_ANSWER_S):
            return await loop.run_in_executor(
                self._readers, lambda: question(*arguments, **options)
            )
