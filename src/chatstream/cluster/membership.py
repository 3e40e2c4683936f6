"""A node among others on one database: what it hears of them and what it lets them hear.

It hears of their commits and reads on; it runs turns by a lease, takes over those of nodes that
are gone, and leaves its own to others when it goes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, assert_never

import msgspec

from chatstream.cluster.answer_relay import Seeing, Showing
from chatstream.cluster.bus import Bus, IgnoredMessages, LogWatch, MakeBus, NoBus, wake_text
from chatstream.cluster.forwarding import command_of, word_of
from chatstream.cluster.messages import (
    Do,
    Free,
    Here,
    Piece,
    Socket,
    Want,
    Who,
    Word,
    answers,
    decode,
    encode,
)
from chatstream.domain.commands import AnyCommand
from chatstream.errors import ConfigurationError
from chatstream.eventstore.store import Fetch, Sharing, Work
from chatstream.ids import ChatId, new_nonce
from chatstream.lane import Receipt
from chatstream.live.hub import TICK_S, Hub
from chatstream.projections.models import ReadModels
from chatstream.service import ChatService
from chatstream.timestamps import now_ms as wall_clock_ms
from chatstream.turns.runner import TurnRunner

log = logging.getLogger(__name__)

_NOBODY: Final = ""
_LOOK_EVERY_S: Final = 0.5
_ANSWER_WITHIN_S: Final = 1.0
_WORDS_THAT_WAIT: Final = 1_000
_SOCKETS_TOLD: Final = 2_000
_OWNER: Final = "SELECT owner FROM turn_work WHERE user_chat_id = ?"


class _Asked:
    """A question to the nodes ``silent``, and what they have answered."""

    def __init__(self, silent: set[str]) -> None:
        self.silent = silent
        self.sockets: list[tuple[str, Socket]] = []
        self.all_answered = asyncio.Event()

    def take(self, here: Here) -> None:
        """Some of the answer of a node."""
        self.sockets += [(here.node, one) for one in here.sockets]
        if here.is_last:
            self.silent.discard(here.owner)
        if not self.silent:
            self.all_answered.set()


class Cluster:
    """The other nodes as this one knows them; ``start`` and ``close`` in order."""

    def __init__(
        self,
        sharing: Sharing,
        fetch: Fetch,
        *,
        service: ChatService,
        runner: TurnRunner,
        read_models: ReadModels,
        hub: Hub,
        lease_s: float,
        nats: str | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        from chatstream.eventstore.postgres.nodes import LIVING, Lease

        self.sockets_of: Callable[[str | None], list[Socket]] = _no_sockets
        """Assign one that knows this node's sockets of a user."""
        self._node = sharing.node_id
        self._fetch = fetch
        self._service = service
        self._runner = runner
        self._read_models = read_models
        self._watch = LogWatch(sharing.node_id, fetch, service.heard)
        self._bus: Bus = NoBus()
        self._make_bus = _bus_maker(sharing, nats)
        self._announce_by = sharing.announce_by if nats is None else None
        self._now_ms = now_ms
        self.ignored = IgnoredMessages()
        self._heads: dict[ChatId, int] = {}
        if nats is not None:
            service.committed = self._tell_of
        self._lease = Lease(sharing.dsn, sharing.node_id, lease_s, self)
        self._lease_s = lease_s
        self._beside_until = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._has_left = False
        self._words: list[Word] = []
        self._telling: asyncio.Task[None] | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._asked: dict[str, _Asked] = {}
        self._living = LIVING
        self._seeing = Seeing(hub, self.say, service.state_of)
        runner.is_ours = self._is_ours
        runner.showing, runner.seeing = Showing(self._say_on_tick), self._seeing
        service.elsewhere = self._ask_to_do

    def is_on_duty(self) -> bool:
        """Whether this node does what one of all is to do. Who led before may just have died, and
        its lease still runs: a new node works beside it as long as that may be. What both do is
        guarded by the chat's position, and so done once."""
        return self._lease.leads or time.monotonic() < self._beside_until

    async def start(self, secret: str) -> None:
        """Take a lease and begin to listen; turns that nobody runs are taken over. ``secret`` is
        what only the nodes know: with it they seal what they say to each other.

        Raises:
            ConfigurationError: the database does not take the lease.
        """
        self._loop = asyncio.get_running_loop()
        self._beside_until = time.monotonic() + self._lease_s
        self._has_left = False
        try:
            await asyncio.to_thread(self._lease.start)
        except Exception as error:
            raise ConfigurationError(f"no lease can be had: {error}") from error
        from chatstream.live.sealed_bus import SealedBus, SealedWakeUps

        self._bus = SealedBus(self._make_bus, self, secret, self._now_ms, self.ignored)
        if self._announce_by is not None:
            self._announce_by(SealedWakeUps(secret, self._now_ms))
        self._tasks = [
            asyncio.create_task(self._watch.run(), name="chatstream-log"),
            asyncio.create_task(self._bus.run(), name="chatstream-bus"),
            asyncio.create_task(self._look(), name="chatstream-others"),
        ]

    async def hand_over(self, stored: Callable[[], Awaitable[None]]) -> None:
        """Leave every turn to the other nodes, those that begin from now on too. ``stored``: once
        what was decided before is on disk."""
        if self._has_left:
            return
        self._has_left = True
        self._read_models.turns_belong_to(_NOBODY)
        self._runner.stop()
        await stored()
        await asyncio.to_thread(self._lease.leave)
        await self._bus.tell([encode(Free())])

    async def close(self) -> None:
        """Listen no more; ``hand_over`` comes before."""
        await self._bus.tell([encode(Free())])  # turns may have begun since
        if self._tick is not None:
            self._tick.cancel()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self._bus.close()

    async def sockets_elsewhere(self, user_id: str | None) -> list[tuple[str, Socket]]:
        """The sockets of a user (None: of everybody) at the other nodes, with their node. One
        that does not answer in time has none.

        Raises:
            Refused: ``unavailable``.
        """
        rows = await self._fetch(self._living, ())
        others = {str(owner) for (owner,) in rows} - {self._lease.owner}
        if not others:
            return []
        asked = _Asked(others)
        who = Who(new_nonce(), user_id)
        self._asked[who.ask] = asked
        try:
            self.say([who])
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                await asked.all_answered.wait()
        except TimeoutError:
            log.warning("%d nodes did not tell their sockets", len(asked.silent))
        finally:
            del self._asked[who.ask]
        return asked.sockets

    def say(self, words: Sequence[Word]) -> None:
        """Let the other nodes hear ``words``, soon and together with others."""
        self._keep(words)
        self._tell_soon()

    def _say_on_tick(self, pieces: Sequence[Word]) -> None:
        """What is said may be a commit of the database: pieces of answers wait for others."""
        self._keep(pieces)
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(TICK_S, self._on_tick)

    def _keep(self, words: Sequence[Word]) -> None:
        if len(self._words) < _WORDS_THAT_WAIT:
            self._words += words

    def _on_tick(self) -> None:
        self._tick = None
        self._tell_soon()

    def _tell_of(self, chat_id: ChatId, position: int) -> None:
        self._heads[chat_id] = position
        self._tell_soon()

    def _tell_soon(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        try:
            while self._words or self._heads:
                heads, self._heads = self._heads, {}
                if heads:
                    await self._bus.wake(wake_text(self._node, heads))
                words, self._words = self._words, []
                await self._bus.tell([encode(word) for word in words])
        finally:
            self._telling = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self._seeing.look()

    def _ask_to_do(self, command: AnyCommand) -> None:
        self.say([word_of(command)])

    def _do(self, command: AnyCommand) -> None:
        if self._runner.runs(command.user_chat_id):
            # Who asked finds in the log what came of it.
            self._service.submit(command).add_done_callback(_forget)

    def _tell_sockets(self, who: Who) -> None:
        if who.ask not in self._asked:
            sockets = self.sockets_of(who.user_id)[:_SOCKETS_TOLD]
            self.say(list(answers(who, self._node, self._lease.owner, sockets)))

    async def _is_ours(self, chat_id: ChatId) -> bool:
        return await self._fetch(_OWNER, (chat_id,)) == [(self._lease.owner,)]

    # -- what is heard (``wakeup.Ears``) --------------------------------------------------

    def on_wake(self, text: str) -> None:
        """A commit was made somewhere."""
        self._watch.on_wake(text)

    def on_word(self, text: str) -> None:
        """Somebody said something."""
        try:
            word = decode(text)
        except msgspec.MsgspecError:
            self.ignored.note("unknown")
        else:
            self._heed(word)

    def _heed(self, word: Word) -> None:
        match word:
            case Free():
                self._lease.look_soon()
            case Want():
                self._runner.wanted(word)
            case Piece():
                if not self._runner.runs(word.chat_id):
                    self._seeing.take(word)
            case Do():
                if (command := command_of(word)) is not None:
                    self._do(command)
            case Who():
                self._tell_sockets(word)
            case Here():
                if (asked := self._asked.get(word.ask)) is not None:
                    asked.take(word)
            case _:  # pragma: no cover
                assert_never(word)

    def on_silence(self) -> None:
        """A hint may have been missed."""
        self._watch.look_soon()

    # -- the lease, from its thread (``postgres_nodes.Tenant``) ----------------------------

    def on_lease(self, owner: str) -> None:
        """From now on our turns are ``owner``'s."""
        self._on_loop(self._take_name, owner)

    def on_lease_lost(self) -> None:
        """Others may have taken our turns."""
        self._on_loop(self._runner.stop_runs)

    def on_work(self, work: list[Work]) -> None:
        """These turns are ours now."""
        self._on_loop(self._runner.recover, work)

    def _take_name(self, owner: str) -> None:
        if not self._has_left:
            self._read_models.turns_belong_to(owner)

    def _on_loop(self, callback: Callable[..., object], *arguments: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has ended, and everything with it
            self._loop.call_soon_threadsafe(callback, *arguments)


def _bus_maker(sharing: Sharing, nats: str | None) -> MakeBus:
    if nats is None:
        from chatstream.cluster.bus_postgres import PostgresBus

        return partial(PostgresBus, sharing.dsn)
    try:
        from chatstream.cluster.bus_nats import NatsBus
    except ImportError as error:
        raise ConfigurationError("NATS needs the extra: chatstream[nats]") from error
    return partial(NatsBus, nats)


def _no_sockets(_: str | None) -> list[Socket]:
    return []


def _forget(receipt: asyncio.Future[Receipt]) -> None:
    if not receipt.cancelled():
        receipt.exception()
