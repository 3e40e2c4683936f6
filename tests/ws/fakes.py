"""Stand-ins for what surrounds a connection: the wire, the feeds, the service, identities."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from chatstream.chats.receipt import Receipt
from chatstream.config import Settings
from chatstream.domain.commands import AnyClientCommand, OpenChat
from chatstream.domain.user_chat.state import Message, Turn, UserChat
from chatstream.errors import Refused
from chatstream.eventstore.store import PAGE_BYTES
from chatstream.ids import ChatId, IntentId
from chatstream.live.feed import Answer
from chatstream.protocol.event_frames import Frame
from chatstream.security.identity import Identity
from chatstream.security.quotas import RateLimiter, Shares
from chatstream.ws.admission import Credentials
from chatstream.ws.connection import Connection, Surroundings

Json = dict[str, Any]
USER = "alice"
CHAT = ChatId("chat_a")


class FakeSink:
    """Records messages. While ``stalled`` nothing leaves: all that is written stays buffered."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.writes = 0
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self.stalled = False
        self.high_water_bytes = 64 * 1024
        self.buffered_bytes = 0
        self._on_writable: Callable[[], None] = lambda: None

    @property
    def is_paused(self) -> bool:
        return self.buffered_bytes > self.high_water_bytes

    def set_on_writable(self, callback: Callable[[], None]) -> None:
        self._on_writable = callback

    def write(self, messages: Sequence[bytes]) -> None:
        assert self.closed is None, "written to after the end"
        self.writes += 1
        self.messages.extend(messages)
        if self.stalled:
            self.buffered_bytes += sum(map(len, messages))

    def drain(self, size_bytes: int | None = None) -> None:
        """The peer reads so many bytes, or all."""
        was_paused = self.is_paused
        left = 0 if size_bytes is None else self.buffered_bytes - size_bytes
        self.buffered_bytes = max(left, 0)
        if was_paused and not self.is_paused:
            self._on_writable()

    def close(self, code: int, reason: str, patience_s: float) -> None:
        if self.closed is None:
            assert len(reason.encode()) <= 123
            assert patience_s > 0
            self.closed = (code, reason)

    def abort(self) -> None:
        self.aborted = True

    @property
    def frames(self) -> list[Json]:
        """All frames so far, taken out of their arrays."""
        found: list[Json] = []
        for message in self.messages:
            document = json.loads(message)
            found.extend(document if isinstance(document, list) else [document])
        return found


class FakeFeed:
    """A chat's log with a ring over its newest frames."""

    def __init__(self, length: int = 0, ring: int = 1_000) -> None:
        self.log: list[Frame] = []
        self.ring_size = ring
        self.answer: Answer | None = None
        self.turn_running = False
        self.reads: list[int] = []
        self.refusal: Exception | None = None
        self.held: asyncio.Event | None = None
        self.listeners: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self.append(length)

    @property
    def tip(self) -> int:
        return len(self.log)

    def append(self, count: int = 1, size: int = 0) -> None:
        for _ in range(count):
            position = len(self.log) + 1
            event = {"type": "thinking", "position": position, "event_id": f"evt_{position}"}
            self.log.append(Frame(position, json.dumps(event | {"content": "x" * size}).encode()))
        for on_frames, _ in list(self.listeners):
            on_frames()

    def stream(self, answer: Answer | None) -> None:
        """The common tick: ``answer`` is what is in progress."""
        self.answer = answer
        for _, on_answer in list(self.listeners):
            on_answer()

    def moved_to(self, tip: int) -> None:
        """The log is what it is: ``append`` moves the tip."""

    def ready(self, after: int, max_bytes: int) -> Sequence[Frame] | None:
        if after >= self.tip:
            return []
        if after < self.tip - self.ring_size:
            return None
        return _bounded(self.log[after:], max_bytes)

    async def read(self, after: int, limit: int = 200) -> Sequence[Frame]:
        self.reads.append(after)
        if self.held is not None:
            await self.held.wait()
        if self.refusal is not None:
            raise self.refusal
        return _bounded(self.log[after : after + limit], PAGE_BYTES)

    def listen(
        self, on_frames: Callable[[], None], on_answer: Callable[[], None]
    ) -> Callable[[], None]:
        listener = (on_frames, on_answer)
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener) if listener in self.listeners else None


def _bounded(frames: Sequence[Frame], max_bytes: int) -> list[Frame]:
    taken: list[Frame] = []
    for frame in frames:
        if taken and sum(len(one.data) for one in taken) + len(frame.data) > max_bytes:
            break
        taken.append(frame)
    return taken


class FakeService:
    """Keeps what was submitted; ``answer`` and ``refuse`` settle the oldest open command. Opens
    are answered at once from ``chats``, unless ``slow_opens``."""

    def __init__(self) -> None:
        self.commands: list[AnyClientCommand | OpenChat] = []
        self.futures: list[asyncio.Future[Receipt]] = []
        self.chats: dict[ChatId, UserChat] = {}
        self.feeds: dict[ChatId, FakeFeed] = {}
        self.slow_opens = False

    def submit(self, command: AnyClientCommand | OpenChat) -> asyncio.Future[Receipt]:
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self.commands.append(command)
        if isinstance(command, OpenChat) and not self.slow_opens:
            self._open(command, future)
        else:
            self.futures.append(future)
        return future

    def feed(self, chat_id: ChatId) -> FakeFeed:
        return self.feeds[chat_id]

    def has_chat(self, feed: FakeFeed, chat_id: ChatId = CHAT, turn_from: int = 0) -> FakeFeed:
        """There is a chat with this log; a turn runs since position ``turn_from``."""
        turn = _turn(turn_from) if turn_from else None
        self.chats[chat_id] = UserChat(feed.tip, "open", USER, turn=turn)
        self.feeds[chat_id] = feed
        return feed

    def answer(self, position: int = 7, *, duplicate: bool = False) -> None:
        future = self.futures.pop(0)
        future.set_result(Receipt(position, duplicate, UserChat(position, "open", USER)))

    def refuse(self, error: Exception) -> None:
        self.futures.pop(0).set_exception(error)

    def open_slowly(self) -> None:
        """Answer the oldest open."""
        command = next(one for one in self.commands if isinstance(one, OpenChat))
        self._open(command, self.futures.pop(0))

    def _open(self, command: OpenChat, future: asyncio.Future[Receipt]) -> None:
        state = self.chats.get(command.user_chat_id)
        created = state is None
        if state is None:
            self.has_chat(FakeFeed(1), command.user_chat_id)
            state = self.chats[command.user_chat_id]
        if state.user_id != command.user_id:
            future.set_exception(Refused("not_found"))
        else:
            future.set_result(Receipt(state.position, not created, state))


def _turn(first_position: int) -> Turn:
    message = Message("m", first_position, "2026-11-23T04:10:00.123Z")
    return Turn("m", message, 1, first_position, IntentId("intent_a"))


class FakeIdentities:
    """A token is a user's id; "bad", "down" and nothing are not."""

    def __init__(self) -> None:
        self.anonymous_allowed = False
        self.expires_at_ms: int | None = None
        self.renewal: str | None = None

    async def authenticate(self, token: str) -> Identity:
        if token == "down":
            raise Refused("unavailable")
        return self.verify(token)

    def verify(self, token: str) -> Identity:
        if token in {"", "bad"}:
            raise Refused("unauthenticated")
        return Identity(token, self.expires_at_ms, visitor=token.startswith("v_"))

    def new_visitor(self) -> tuple[str, Identity]:
        return "v_new", self.verify("v_new")

    def renewed(self, identity: Identity) -> str | None:
        return self.renewal if identity.visitor else None


class Peer:
    """A client on one connection, and everything around it."""

    def __init__(
        self,
        service: FakeService | None = None,
        credentials: Credentials | None = None,
        identities: FakeIdentities | None = None,
        **settings: Any,
    ) -> None:
        self.service = service or FakeService()
        self.sink = FakeSink()
        self.settings = Settings(**{"rate_limit": 0, "heartbeat_s": 1000, **settings})
        shared = Surroundings(
            settings=self.settings,
            service=self.service,
            identities=identities or FakeIdentities(),
            limiter=RateLimiter(self.settings.rate_limit),
            shares=Shares(self.settings),
        )
        self.connection = Connection(shared, self.sink, credentials or Credentials())

    async def say(self, message: Json | str | bytes) -> None:
        """Send a message and let everything that follows from it happen."""
        raw = json.dumps(message) if isinstance(message, dict) else message
        await self.connection.receive(raw)
        await settle()

    async def hello(self, token: str | None = USER, **fields: Any) -> None:
        token_field = {} if token is None else {"token": token}
        await self.say({"type": "hello", "protocol": "chatstream.v1", **token_field, **fields})

    def heard(self, kind: str | None = None) -> list[Json]:
        """All frames so far, or those of one type."""
        return [one for one in self.sink.frames if kind in {None, one["type"]}]

    @property
    def close_code(self) -> int | None:
        return None if self.sink.closed is None else self.sink.closed[0]


async def settle() -> None:
    """Let all callbacks and tasks that can run do so."""
    for _ in range(30):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], limit_s: float = 5) -> None:
    """Wait for what a timer brings about."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def command(kind: str = "cancel", **fields: Any) -> Json:
    return {"type": kind, "id": "i", "user_chat_id": CHAT, **fields}
