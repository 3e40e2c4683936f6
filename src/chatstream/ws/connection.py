"""One socket: carries out what its ``Session`` says.

Reading never waits for anything but the caller's identity: a command goes to the service at
once, and its answer comes by a callback.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final, assert_never

import msgspec
from msgspec import Struct

from chatstream import ids, timestamps
from chatstream.chats.receipt import Receipt
from chatstream.config import Settings
from chatstream.errors import Refused, wordless
from chatstream.ids import ChatId, SocketId
from chatstream.metrics import Metrics
from chatstream.protocol.frames import (
    Ack,
    CommandFrame,
    Drain,
    FrameLimits,
    Heartbeat,
    Open,
    Rejected,
    ServerFrame,
    Welcome,
    encode,
)
from chatstream.protocol.socket_protocol import (
    Authenticate,
    Close,
    Effect,
    Execute,
    Follow,
    Greet,
    Reply,
    Session,
    SessionLimits,
    Unfollow,
    rejected,
)
from chatstream.protocol.to_domain import Origin, to_command, to_open_chat
from chatstream.security.identity import Identity
from chatstream.security.quotas import PLACE_RETRY_S, RateLimiter, Shares
from chatstream.ws.admission import Admitted, Credentials, Identities, admit, with_renewal
from chatstream.ws.opening import Openings
from chatstream.ws.ports import Service, Sink
from chatstream.ws.writer import Writer

UNANSWERED_AT_MOST: Final = 512
"""Commands and opens of one socket that wait for their answer: more are ``overloaded``. A
client that fills a 64 deep window eight times over has lost its measure."""

_HEARTBEAT: Final = encode(Heartbeat())
_log = logging.getLogger(__name__)


class Surroundings(Struct, frozen=True):
    """Everything that a connection shares with the others. ``now_ms`` is the wall clock."""

    settings: Settings
    service: Service
    identities: Identities
    limiter: RateLimiter
    shares: Shares
    now_ms: Callable[[], int] = timestamps.now_ms
    metrics: Metrics = msgspec.field(default_factory=Metrics)


class Connection:
    """A connection from its upgrade to its end. ``receive`` takes each message; ``ended`` must
    be called when there will be no more."""

    def __init__(self, shared: Surroundings, sink: Sink, credentials: Credentials) -> None:
        self.socket_connection_id: SocketId = ids.new_socket_id()
        self.connected_at_ms = shared.now_ms()
        self.user_id = ""
        """Empty until the caller is known."""
        self.unanswered: set[asyncio.Future[Receipt]] = set()
        self._newest: asyncio.Future[Receipt] | None = None
        self._shared = shared
        self._credentials = credentials
        self._loop = asyncio.get_running_loop()
        self._session = Session(_limits_of(shared.settings), self._loop.time())
        self._writer = Writer(sink, shared.settings.slow_reader_s, self._arm_timer, self.fail)
        self._openings = Openings(
            shared.service,
            self._writer,
            shared.settings.session_ttl_s,
            self._refusal_of_open,
            shared.metrics,
        )
        self._place = ExitStack()
        self._chats: set[ChatId] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._arm_timer()

    @property
    def user_chat_ids(self) -> list[ChatId]:
        """The chats that it follows."""
        return list(self._writer.followers)

    @property
    def lag_events(self) -> int:
        """How many stored events it has still to be sent, in the chat where it is the most."""
        followers = self._writer.followers.values()
        return max((one.feed.tip - one.position for one in followers), default=0)

    @property
    def is_behind(self) -> bool:
        """Whether the peer sends, but does not read the answers: give it time, not memory."""
        return self._writer.is_behind

    async def caught_up(self) -> None:
        """Wait until it is not ``is_behind``, or closed."""
        await self._writer.caught_up()

    async def receive(self, message: str | bytes) -> None:
        """Take one message; ``bytes`` is a binary one."""
        for effect in self._session.receive(message, self._loop.time()):
            if isinstance(effect, Greet):
                await self._greet(effect)
            elif isinstance(effect, Authenticate):
                await self._authenticate(effect)
            else:
                self._carry_out(effect)

    def say_drain(self, retry_after_ms: int) -> None:
        """Tell the client that the server is going away."""
        self._send(Drain(retry_after_ms=retry_after_ms))

    def close(self, code: int, reason: str) -> None:
        """Send what waits, then close."""
        self._session.closed()
        self._writer.close(code, reason)

    def abort(self) -> None:
        """Cut the connection."""
        self._session.closed()
        self._writer.abort()

    def fail(self, error: Exception) -> None:
        """End it for a fault of our own."""
        _log.error("socket failed", exc_info=wordless(error), extra=self._log_ids())
        self.close(1011, "internal error")

    def ended(self) -> None:
        """The peer is gone: let go of everything."""
        self._session.closed()
        self._writer.ended()
        if self._timer is not None:
            self._timer.cancel()
        self._openings.cancel()
        self._place.close()

    # -- what the session wants --------------------------------------------------------------

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Reply():
                self._send(effect.frame)
            case Execute():
                self._execute(effect.frame)
            case Follow():
                self._open(effect.frame)
            case Unfollow():
                self._chats.discard(ChatId(effect.user_chat_id))
                self._openings.leave(ChatId(effect.user_chat_id))
            case Close():
                self.close(effect.code, effect.reason)
            case Greet() | Authenticate():  # pragma: no cover
                raise AssertionError("needs to wait: receive() does it")
            case _:  # pragma: no cover
                assert_never(effect)

    async def _greet(self, hello: Greet) -> None:
        try:
            admitted = await self._admitted(hello.token)
        except Refused as refused:
            self._turn_away(refused)
            return
        self.user_id = admitted.identity.user_id
        self._writer.batch = hello.batch
        self._welcome(admitted)

    async def _admitted(self, hello_token: str | None) -> Admitted:
        shares = self._shared.shares
        admitted = await admit(self._shared.identities, hello_token, self._credentials, shares.new)
        shares.of_user.refuse_if_full(admitted.identity.user_id)
        if not self._writer.is_closed:  # the peer may have gone meanwhile
            self._place.enter_context(shares.of_user.held(admitted.identity.user_id))
        return admitted

    def _turn_away(self, refused: Refused) -> None:
        match refused.code:
            case "unauthenticated":
                self.close(4401, "no valid identity")
            case "rate_limited":
                self._send(
                    Rejected(
                        id=None,
                        code=refused.code,
                        message=refused.message,
                        retry_after=refused.retry_after,
                    )
                )
                self.close(4429, refused.message)
            case _:
                self.close(1012, "identities cannot be checked now")

    async def _authenticate(self, auth: Authenticate) -> None:
        try:
            identity = await self._same_user(auth.token)
        except Refused as refused:
            self._send(Rejected(id=None, code=refused.code, message=refused.message))
            return
        self._welcome(with_renewal(self._shared.identities, identity))

    async def _same_user(self, token: str) -> Identity:
        identity = await self._shared.identities.authenticate(token)
        if identity.user_id != self.user_id:
            raise Refused("unauthenticated", "the token is of another user")
        return identity

    def _welcome(self, admitted: Admitted) -> None:
        settings, now_ms = self._shared.settings, self._shared.now_ms()
        expires_at_ms = admitted.identity.expires_at_ms
        self._session.greeted(self._loop.time(), self._on_loop_clock(admitted.identity, now_ms))
        self._send(
            Welcome(
                socket_connection_id=self.socket_connection_id,
                user_id=self.user_id,
                token=admitted.token,
                token_expires_at=None if expires_at_ms is None else _text(expires_at_ms),
                heartbeat_seconds=settings.heartbeat_s,
                limits=FrameLimits(settings.max_frame_bytes, settings.max_content_bytes),
                server_time=_text(now_ms),
            )
        )
        self._arm_timer()

    def _on_loop_clock(self, identity: Identity, now_ms: int) -> float | None:
        if identity.expires_at_ms is None:
            return None
        return self._loop.time() + identity.left_s(now_ms)

    # -- commands ----------------------------------------------------------------------------

    def _execute(self, frame: CommandFrame) -> None:
        if len(self.unanswered) >= UNANSWERED_AT_MOST:
            self._send(rejected(frame, Refused("overloaded")))
            return
        try:
            self._shared.limiter.take(self.user_id)
        except Refused as refused:
            self._answer_in_order(self._session.rate_limited(frame, refused, self._loop.time()))
            return
        receipt = self._newest = self._shared.service.submit(to_command(frame, self._origin()))
        self.unanswered.add(receipt)
        receipt.add_done_callback(partial(self._answer, frame, self._loop.time()))

    def _answer_in_order(self, effects: list[Effect]) -> None:
        """Refusals of our own do not overtake the answers to what was sent before."""

        def carry_out(_: object = None) -> None:
            for effect in effects:
                self._carry_out(effect)

        if self._newest in self.unanswered:
            self._newest.add_done_callback(carry_out)
        else:
            carry_out()

    def _origin(self) -> Origin:
        return Origin(
            self.user_id, self.socket_connection_id, self._shared.now_ms(), ids.new_nonce()
        )

    def _answer(
        self, frame: CommandFrame, came_at: float, receipt: asyncio.Future[Receipt]
    ) -> None:
        self.unanswered.discard(receipt)
        try:
            stored = receipt.result()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - each is answered
            self._send(rejected(frame, self._as_refusal(error)))
            return
        self._shared.metrics.acked(self._loop.time() - came_at, duplicate=stored.duplicate)
        self._send(
            Ack(
                id=frame.id,
                user_chat_id=frame.user_chat_id,
                position=stored.position,
                duplicate=stored.duplicate,
            )
        )

    def _as_refusal(self, error: BaseException) -> Refused:
        if isinstance(error, Refused):
            return error
        if not isinstance(error, asyncio.CancelledError):
            _log.error("a command failed", exc_info=wordless(error), extra=self._log_ids())
        return Refused("unavailable")

    def _log_ids(self) -> dict[str, object]:
        return {"socket_connection_id": self.socket_connection_id}

    # -- opening chats -----------------------------------------------------------------------

    def _open(self, frame: Open) -> None:
        if max(len(self.unanswered), len(self._openings)) >= UNANSWERED_AT_MOST:
            self._send(rejected(frame, Refused("overloaded")))
            return
        chat_id = ids.new_chat_id() if frame.user_chat_id is None else ChatId(frame.user_chat_id)
        if self._follows_too_many(chat_id):
            refused = Refused("rate_limited", "too many chats", retry_after=PLACE_RETRY_S)
            for effect in self._session.rate_limited(frame, refused, self._loop.time()):
                self._carry_out(effect)
            return
        may_make = self._shared.shares.take_chat(self.user_id, self._credentials.address)
        receipt = self._shared.service.submit(
            to_open_chat(chat_id, self._origin(), may_make=may_make)
        )
        self._chats.add(chat_id)
        self.unanswered.add(receipt)
        receipt.add_done_callback(partial(self._opened, chat_id, may_make))
        self._openings.add(frame, chat_id, receipt)

    def _follows_too_many(self, chat_id: ChatId) -> bool:
        most = self._shared.settings.chats_per_socket
        return bool(most) and chat_id not in self._chats and len(self._chats) >= most

    def _opened(self, chat_id: ChatId, may_make: bool, receipt: asyncio.Future[Receipt]) -> None:  # noqa: FBT001 - bound by name of the method
        self.unanswered.discard(receipt)
        failed = receipt.cancelled() or receipt.exception() is not None
        if failed and chat_id not in self._writer.followers:
            self._chats.discard(chat_id)
        if may_make and not failed and receipt.result().duplicate:
            self._shared.shares.give_back_chat(self.user_id, self._credentials.address)

    def _refusal_of_open(self, frame: Open, error: Exception) -> Rejected:
        refusal = rejected(frame, self._as_refusal(error))
        self._shared.metrics.rejected(refusal.code)
        return refusal

    # -- time --------------------------------------------------------------------------------

    def _arm_timer(self) -> None:
        """One timer a socket, for the earliest of its deadlines. One that comes too early costs
        nothing, so a busy socket leaves it alone."""
        due = self._next_due()
        if due is None or (self._timer is not None and self._timer_due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        # Not read from the timer: uvloop gives a plain handle where the time has come already.
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._on_timer)

    def _next_due(self) -> float | None:
        if self._writer.is_closed:
            return None
        dues = (
            self._session.deadline(),
            self._heartbeat_at() if self.user_id else None,
            self._writer.look_again_at(self._loop.time()),
        )
        return min((due for due in dues if due is not None), default=None)

    def _heartbeat_at(self) -> float:
        return self._writer.silent_since + self._shared.settings.heartbeat_s

    def _on_timer(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._writer.is_stalled(now):
            self.close(4408, "nothing was read for too long")
        for effect in self._session.on_time(now, turn_running=self._follows_a_turn()):
            self._carry_out(effect)
        if self.user_id and now >= self._heartbeat_at():
            self._writer.beat(_HEARTBEAT, now)
        self._arm_timer()

    def _follows_a_turn(self) -> bool:
        return any(one.feed.turn_running for one in self._writer.followers.values())

    def _send(self, frame: ServerFrame) -> None:
        if isinstance(frame, Rejected):
            self._shared.metrics.rejected(frame.code)
        self._writer.send(encode(frame))


def _limits_of(settings: Settings) -> SessionLimits:
    return SessionLimits(
        hello_timeout_s=settings.hello_timeout_s,
        idle_disconnect_s=settings.idle_disconnect_s,
        max_content_bytes=settings.max_content_bytes,
    )


def _text(moment_ms: int) -> str:
    return timestamps.to_text(moment_ms)
