"""What a socket may do when: the state machine of one connection, without any I/O.

``Session.receive`` is given each message and the time and answers with effects, which the
connection carries out in order. Times are seconds of a monotonic clock.

    waiting --hello--> greeting --greeted()--> open --Close--> closed
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal, assert_never

from msgspec import Struct

from chatstream.errors import Refused
from chatstream.protocol.decoding import BadFrame, decode
from chatstream.protocol.frames import (
    Abandon,
    Auth,
    Cancel,
    ClientFrame,
    CloseWindow,
    CommandFrame,
    Details,
    Hello,
    Leave,
    Open,
    Ping,
    Pong,
    Rejected,
    Resume,
    Retry,
    Send,
    ServerFrame,
    Submit,
)

PROTOCOL: Final = "chatstream.v1"
FLOOD_COMMANDS: Final = 20
FLOOD_SECONDS: Final = 10.0
_LOOK_AGAIN_SECONDS = 1.0  # while a turn keeps an idle socket open


class Greet(Struct, frozen=True):
    """Find out who it is, then ``greeted`` or close; ``batch``: arrays of frames are welcome."""

    token: str | None
    batch: bool


class Authenticate(Struct, frozen=True):
    """Take this token in place of the old one if it is of the same user."""

    token: str


class Follow(Struct, frozen=True):
    """Make the chat or follow it."""

    frame: Open


class Execute(Struct, frozen=True):
    """Carry the command out and answer it."""

    frame: CommandFrame


class Unfollow(Struct, frozen=True):
    """Send nothing more of this chat."""

    user_chat_id: str


class Reply(Struct, frozen=True):
    """Send this frame."""

    frame: ServerFrame


class Close(Struct, frozen=True):
    """Send what waits, then close. ``reason`` is shorter than 123 bytes and has no content."""

    code: int
    reason: str


Effect = Greet | Authenticate | Follow | Execute | Unfollow | Reply | Close


class SessionLimits(Struct, frozen=True):
    """``idle_disconnect_s`` 0 is never."""

    hello_timeout_s: float
    idle_disconnect_s: float
    max_content_bytes: int


class FloodWatch:
    """Notices who goes on after a ``rate_limited``: 20 more commands within 10 s of it."""

    __slots__ = ("_commands", "_limited")

    def __init__(self) -> None:
        self._commands = 0
        self._limited: deque[tuple[float, int]] = deque()

    def is_flood(self, now: float) -> bool:
        """Count a command; whether it is one too many."""
        self._commands += 1
        while self._limited and now - self._limited[0][0] > FLOOD_SECONDS:
            self._limited.popleft()
        return bool(self._limited) and self._commands - self._limited[0][1] >= FLOOD_COMMANDS

    def limited(self, now: float) -> None:
        """The command that was counted last was answered with ``rate_limited``."""
        self._limited.append((now, self._commands))


class Session:
    """One connection's side of the conversation. After a ``Close`` there are no more effects."""

    __slots__ = ("_active_at", "_expires_at", "_flood", "_limits", "_look_at", "_state")

    def __init__(self, limits: SessionLimits, now: float) -> None:
        self._limits = limits
        self._state: Literal["waiting", "greeting", "open", "closed"] = "waiting"
        self._active_at = now
        self._look_at = 0.0
        self._expires_at: float | None = None
        self._flood = FloodWatch()

    def receive(self, message: str | bytes, now: float) -> list[Effect]:
        """What follows from a message; ``bytes`` is a binary one, which is always wrong."""
        match self._state:
            case "waiting":
                return self._begin(self._read(message))
            case "greeting" | "open":
                return self._take(self._read(message), now)
            case "closed":
                return []
            case _:  # pragma: no cover
                assert_never(self._state)

    def greeted(self, now: float, expires_at: float | None) -> None:
        """The caller is known, by ``hello`` or ``auth``, until ``expires_at`` (None: for good)."""
        if self._state == "greeting":
            self._state, self._active_at = "open", now
        self._expires_at = expires_at

    def rate_limited(
        self, frame: CommandFrame | Open, refused: Refused, now: float
    ) -> list[Effect]:
        """What the last ``Execute`` or ``Follow`` asked for came too early."""
        self._flood.limited(now)
        return [Reply(rejected(frame, refused))]

    def closed(self) -> None:
        """The connection ends for a reason of its own."""
        self._state = "closed"

    def deadline(self) -> float | None:
        """When ``on_time`` wants to be called next, None for never."""
        match self._state:
            case "waiting":
                return self._active_at + self._limits.hello_timeout_s
            case "open":
                return self._earliest()
            case "greeting" | "closed":
                return None
            case _:  # pragma: no cover
                assert_never(self._state)

    def on_time(self, now: float, *, turn_running: bool) -> list[Effect]:
        """What the time asks for; ``turn_running``: in a chat that the socket follows."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return []
        if self._state == "waiting":
            return self._close(4400, "no hello in time")
        if self._expires_at is not None and now >= self._expires_at:
            return self._close(4401, "the token has expired")
        if turn_running:
            self._look_at = now + _LOOK_AGAIN_SECONDS
            return []
        return self._close(4410, "idle")

    def _earliest(self) -> float | None:
        idle_s = self._limits.idle_disconnect_s
        idle_at = max(self._active_at + idle_s, self._look_at) if idle_s else None
        if idle_at is None or self._expires_at is None:
            return self._expires_at if idle_at is None else idle_at
        return min(idle_at, self._expires_at)

    def _read(self, message: str | bytes) -> ClientFrame | BadFrame:
        if isinstance(message, bytes):
            return BadFrame(None, None, "invalid_frame", "binary messages have no meaning here")
        return decode(message, self._limits.max_content_bytes)

    def _begin(self, frame: ClientFrame | BadFrame) -> list[Effect]:
        if not isinstance(frame, Hello):
            return self._close(4400, "the first frame must be a hello")
        if frame.protocol != PROTOCOL:
            return self._close(4400, f"the protocol spoken here is {PROTOCOL}")
        self._state = "greeting"
        return [Greet(frame.token, bool(frame.batch))]

    def _take(self, frame: ClientFrame | BadFrame, now: float) -> list[Effect]:
        if not isinstance(frame, (Ping, Auth)):
            self._active_at = now
        match frame:
            case BadFrame():
                return [Reply(_refusal_of(frame))]
            case Ping():
                return [Reply(Pong(nonce=frame.nonce))]
            case Auth():
                return [Authenticate(frame.token)]
            case Hello():
                bad = BadFrame(None, None, "invalid_frame", "hello was said before")
                return [Reply(_refusal_of(bad))]
            case Open():
                return [Follow(frame)]
            case Leave():
                return [Unfollow(frame.user_chat_id)]
            case Send() | Submit() | Cancel() | Retry() | Resume() | Abandon() | CloseWindow():
                return self._command(frame, now)
            case _:  # pragma: no cover
                assert_never(frame)

    def _command(self, frame: CommandFrame, now: float) -> list[Effect]:
        if not self._flood.is_flood(now):
            return [Execute(frame)]
        refused = Refused("rate_limited", retry_after=FLOOD_SECONDS)
        return [Reply(rejected(frame, refused)), *self._close(4429, "too many commands")]

    def _close(self, code: int, reason: str) -> list[Effect]:
        self._state = "closed"
        return [Close(code, reason)]


def rejected(frame: CommandFrame | Open, refused: Refused) -> Rejected:
    """The answer to a frame that was refused."""
    return Rejected(
        id=frame.id,
        user_chat_id=frame.user_chat_id,
        code=refused.code,
        message=refused.message,
        retry_after=refused.retry_after,
        details=None if refused.fields is None else Details(refused.fields),
    )


def _refusal_of(bad: BadFrame) -> Rejected:
    return Rejected(id=bad.id, user_chat_id=bad.user_chat_id, code=bad.code, message=bad.message)
