"""A client that knows the protocol page alone: it records every frame and never reconnects.

`Socket` is one WebSocket, `Person` is one user with sockets and an HTTP client, `Talk` is one chat
that a socket of a person follows. Every wait has a bound; none sleeps where a frame can be awaited.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from tests.kit.server import Server
from tests.kit.tokens import new_id, token_for
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PROTOCOL = "chatstream.v1"
PATIENCE_SECONDS = 20.0
TURN_ENDS = ("finished", "needs_input", "cancelled", "failed")
Wanted = Callable[["Frame"], bool]


class Frame(dict[str, Any]):
    """A frame with the text that it came as."""

    def __init__(self, text: str) -> None:
        super().__init__(json.loads(text))
        self.text = text

    @property
    def is_event(self) -> bool:
        """Whether it is a stored event."""
        return is_event(self)


def is_event(frame: dict[str, Any]) -> bool:
    """Whether a frame is a stored event.

    `opened`, `caught_up` and `ack` carry a position too; what tells an event is its `event_id`.
    """
    return "event_id" in frame


class Refusal(AssertionError):
    """A command was answered by `rejected` where an `ack` was expected."""


class Socket:
    """One WebSocket connection; `frames` holds all that came, in order."""

    def __init__(self, connection: ClientConnection, *, batch: bool = False) -> None:
        self.connection = connection
        self.batch = batch
        self.frames: list[Frame] = []
        self.messages: list[str] = []
        self.arrivals: list[float] = []
        self.close_code: int | None = None
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, url: str, *, batch: bool = False, **options: Any) -> Socket:
        """Shake hands; raises `InvalidStatus` when the upgrade is refused."""
        settings: dict[str, Any] = {
            "compression": None,
            "max_queue": None,
            "max_size": None,
            "open_timeout": PATIENCE_SECONDS,
            "ping_interval": None,
            "close_timeout": 2,
            "proxy": None,
            **options,
        }
        return cls(await connect(url, **settings), batch=batch)

    async def close(self) -> None:
        """Close from this side and stop reading."""
        await self.connection.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def post(self, frame: dict[str, Any]) -> None:
        """Send one frame as compact JSON."""
        await self.post_text(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    async def post_text(self, text: str | bytes) -> None:
        """Send one message as it is; bytes go as a binary message."""
        await self.connection.send(text)

    async def hello(self, **fields: Any) -> Frame:
        """Say hello and await the `welcome`."""
        before = len(self.frames)
        await self.post({"type": "hello", "protocol": PROTOCOL, **fields})
        return await self.until(of_type("welcome"), before)

    async def until(
        self, wanted: Wanted, since: int = 0, seconds: float = PATIENCE_SECONDS
    ) -> Frame:
        """The first wanted frame at or after index `since`; fails when it does not come."""
        return self.frames[await self.index_of(wanted, since, seconds)]

    async def index_of(
        self, wanted: Wanted, since: int = 0, seconds: float = PATIENCE_SECONDS
    ) -> int:
        """The index of the first wanted frame at or after `since`."""
        deadline = time.monotonic() + seconds
        looked = since
        while True:
            self._news.clear()
            for index in range(looked, len(self.frames)):
                if wanted(self.frames[index]):
                    return index
            looked = max(since, len(self.frames))
            if self.close_code is not None:
                raise AssertionError(f"closed {self.close_code}; {self._came(since)}")
            try:
                await asyncio.wait_for(self._news.wait(), deadline - time.monotonic())
            except TimeoutError:
                raise AssertionError(f"not within {seconds} s; {self._came(since)}") from None

    async def closed(self, seconds: float = PATIENCE_SECONDS) -> int:
        """The close code, once the server closed."""
        async with asyncio.timeout(seconds):
            await asyncio.wait([self._reader])
        assert self.close_code is not None
        return self.close_code

    async def settle(self) -> None:
        """Await a pong: all that the server answered before it has come then."""
        nonce = new_id("n")
        before = len(self.frames)
        await self.post({"type": "ping", "nonce": nonce})
        await self.until(of_type("pong", nonce=nonce), before)

    async def ask(self, frame: dict[str, Any]) -> Frame:
        """Send a command and await its `ack` or `rejected`, whichever it is."""
        before = len(self.frames)
        await self.post(frame)
        return await self.until(answer_to(frame["id"]), before)

    async def opened(self, **fields: Any) -> Frame:
        """Send `open` and await `opened`, after a `resync` or without."""
        mark = new_id("o")
        before = len(self.frames)
        await self.post({"type": "open", "id": mark, **fields})
        answer = await self.until(
            lambda f: f["type"] in ("opened", "rejected") and f.get("id") == mark, before
        )
        return accepted(answer)

    async def read_chat(self, **fields: Any) -> tuple[Frame, list[Frame], Frame]:
        """Send `open` and await all up to `caught_up`: `opened`, the events, `caught_up`."""
        opened = await self.opened(**fields)
        start = max(i for i, f in enumerate(self.frames) if f is opened)
        chat = opened["user_chat_id"]
        end = await self.index_of(of_type("caught_up", user_chat_id=chat), start)
        events = [f for f in self.frames[start:end] if f.is_event and f["user_chat_id"] == chat]
        return opened, events, self.frames[end]

    def events(self, chat: str) -> list[Frame]:
        """Every event frame of a chat that came, in the order it came."""
        return [f for f in self.frames if f.is_event and f["user_chat_id"] == chat]

    def _came(self, since: int) -> str:
        texts = [frame.text[:300] for frame in self.frames[since:]]
        return f"{len(texts)} frames came:\n" + "\n".join(texts[-25:])

    async def _read(self) -> None:
        try:
            async for message in self.connection:
                self._take(message)
        except ConnectionClosed:
            pass
        finally:
            self.close_code = self.connection.close_code or 1006
            self._news.set()

    def _take(self, message: str | bytes) -> None:
        assert isinstance(message, str), "the server sent a binary message"
        self.messages.append(message)
        batched = self.batch and message.startswith("[")
        for text in array_items(message) if batched else [message]:
            self.frames.append(Frame(text))
            self.arrivals.append(time.monotonic())
        self._news.set()


class Person:
    """One user of one server, with what it connects; `aclose` closes all of it."""

    def __init__(self, server: Server, user_id: str | None = None, token: str | None = "") -> None:
        self.server = server
        self.user_id = user_id or new_id("user")
        self.token = token_for(self.user_id) if token == "" else token
        self.sockets: list[Socket] = []
        self._http: httpx.AsyncClient | None = None

    @property
    def http(self) -> httpx.AsyncClient:
        """An HTTP client that carries the token, rooted at the API's prefix."""
        if self._http is None:
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            self._http = http_client(self.server, headers=headers)
        return self._http

    async def connect(self, *, batch: bool = False, **options: Any) -> Socket:
        """A socket that has not said hello."""
        socket = await Socket.connect(self.server.socket_url, batch=batch, **options)
        self.sockets.append(socket)
        return socket

    async def join(self, *, batch: bool = False, **options: Any) -> Socket:
        """A socket that is welcome."""
        socket = await self.connect(batch=batch, **options)
        fields: dict[str, Any] = {"token": self.token} if self.token else {}
        if batch:
            fields["batch"] = True
        await socket.hello(**fields)
        return socket

    async def talk(self, chat: str | None = None, socket: Socket | None = None) -> Talk:
        """Open a chat (a new one without `chat`) from its beginning and follow it."""
        socket = socket or await self.join()
        fields = {"user_chat_id": chat} if chat else {}
        opened, _, _ = await socket.read_chat(**fields)
        return Talk(self, socket, opened["user_chat_id"], opened)

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON of a GET that must succeed."""
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    async def stored(self, chat: str, after: int = 0) -> list[Frame]:
        """Every stored event frame of a chat, by REST."""
        frames: list[Frame] = []
        params: dict[str, Any] = {"after": after, "limit": 200}
        while True:
            answer = await self.http.get(f"/chats/{chat}/events", params=params)
            assert answer.status_code == 200, (answer.status_code, answer.text)
            frames += [Frame(text) for text in member_items(answer.text, "items")]
            following = answer.json()["next"]
            if following is None:
                return frames
            params = {"cursor": following, "limit": 200}

    async def aclose(self) -> None:
        """Close every socket and the HTTP client."""
        for socket in self.sockets:
            await socket.close()
        if self._http is not None:
            await self._http.aclose()


class Talk:
    """One chat that a person's socket follows."""

    def __init__(self, person: Person, socket: Socket, chat: str, opened: Frame) -> None:
        self.person = person
        self.socket = socket
        self.chat = chat
        self.opened = opened

    @property
    def path(self) -> str:
        """Where the chat is on HTTP, below the prefix."""
        return f"/chats/{self.chat}"

    async def ask(self, kind: str, **fields: Any) -> Frame:
        """Send a command to the chat and await its answer, `ack` or `rejected`."""
        fields.setdefault("id", new_id())
        return await self.socket.ask({"type": kind, "user_chat_id": self.chat, **fields})

    async def do(self, kind: str, **fields: Any) -> Frame:
        """Send a command that must be acked."""
        return accepted(await self.ask(kind, **fields))

    async def refused(self, kind: str, **fields: Any) -> Frame:
        """Send a command that must be rejected."""
        answer = await self.ask(kind, **fields)
        assert answer["type"] == "rejected", answer
        return answer

    async def send(self, content: str, **fields: Any) -> Frame:
        """Send a message that must be acked."""
        return await self.do("send", content=content, **fields)

    async def say(self, content: str, **fields: Any) -> list[Frame]:
        """Send a message and await its turn's end; every event from the message to that end."""
        ack = await self.send(content, **fields)
        return await self.turn(ack["id"])

    async def turn(self, cause: str) -> list[Frame]:
        """Await the end of the turn that `cause` began; its events (and what came between)."""
        end = await self.socket.until(self.ending(cause))
        first = next(
            f["position"] for f in self.log() if f.get("caused_by") == cause or is_cause(f, cause)
        )
        return [f for f in self.log() if first <= f["position"] <= end["position"]]

    async def end(self, cause: str) -> Frame:
        """Await the event that ends the turn that `cause` began."""
        return await self.socket.until(self.ending(cause))

    async def event(self, kind: str, **fields: Any) -> Frame:
        """Await the first event of a type with these fields."""
        wanted = of_type(kind, user_chat_id=self.chat, **fields)
        return await self.socket.until(lambda f: f.is_event and wanted(f))

    async def submit(self, component_id: str, values: Any, **fields: Any) -> list[Frame]:
        """Submit values and await the turn's end; its events."""
        ack = await self.do("submit", component_id=component_id, values=values, **fields)
        return await self.turn(ack["id"])

    def ending(self, cause: str) -> Wanted:
        """Whether a frame ends the turn that `cause` began."""
        return lambda f: (
            f["type"] == "turn"
            and f["user_chat_id"] == self.chat
            and f.get("caused_by") == cause
            and f["status"] in TURN_ENDS
        )

    def log(self) -> list[Frame]:
        """The chat's events as followed, by position."""
        return sorted(
            {f["position"]: f for f in self.socket.events(self.chat)}.values(),
            key=lambda f: f["position"],
        )

    async def stored(self) -> list[Frame]:
        """The chat's events as REST tells them."""
        return await self.person.stored(self.chat)

    async def state(self) -> dict[str, Any]:
        """`GET /chats/{id}`."""
        return await self.person.get(self.path)  # type: ignore[no-any-return]


def is_cause(frame: Frame, cause: str) -> bool:
    """Whether a frame is the message or submit `cause`."""
    return frame["type"] in ("user", "component_submitted") and frame["message_id"] == cause


def of_type(kind: str, **fields: Any) -> Wanted:
    """Frames of a type with these fields."""
    return lambda frame: (
        frame["type"] == kind
        and all(name in frame and frame[name] == value for name, value in fields.items())
    )


def answer_to(command_id: str) -> Wanted:
    """The `ack` or `rejected` of a command."""
    return lambda frame: frame["type"] in ("ack", "rejected") and frame["id"] == command_id


def accepted(answer: Frame) -> Frame:
    """The answer itself, unless it is a rejection."""
    if answer["type"] == "rejected":
        raise Refusal(answer.text)
    return answer


def outline(frames: Sequence[dict[str, Any]]) -> list[str]:
    """Type and status of each event, as `turn started` or `response`: what an order is told by."""
    return [
        f"{f['type']} {f['status']}"
        if f["type"] in ("chat", "turn", "session", "intent")
        else f["type"]
        for f in frames
    ]


def only(frames: Sequence[Frame], kind: str, **fields: Any) -> Frame:
    """The one frame of a type with these fields."""
    found = [f for f in frames if of_type(kind, **fields)(f)]
    assert len(found) == 1, (kind, fields, outline(frames))
    return found[0]


def http_client(server: Server, **options: Any) -> httpx.AsyncClient:
    """An HTTP client rooted at the API's prefix; it follows no redirect and keeps its cookies."""
    return httpx.AsyncClient(
        base_url=server.url + server.prefix,
        timeout=PATIENCE_SECONDS,
        verify=False,
        trust_env=False,
        **options,
    )


def array_items(text: str) -> list[str]:
    """The texts of the items of a JSON array, as they stand there."""
    decoder, items, at = json.JSONDecoder(), [], 1
    while True:
        while text[at] in " ,\n\r\t":
            at += 1
        if text[at] == "]":
            return items
        _, end = decoder.raw_decode(text, at)
        items.append(text[at:end])
        at = end


def member_items(text: str, name: str) -> list[str]:
    """The texts of the items of the array that is the member `name` of a JSON object.

    The object's own text is walked member by member, so that no string in it can mislead.
    """
    decoder, at = json.JSONDecoder(), text.index("{") + 1
    while True:
        while text[at] in " ,\n\r\t":
            at += 1
        key, at = decoder.raw_decode(text, at)
        while text[at] in " :\n\r\t":
            at += 1
        _, end = decoder.raw_decode(text, at)
        if key == name:
            return array_items(text[at:end])
        at = end
