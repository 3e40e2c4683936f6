"""What the sockets need of the rest, as ports: the service, the feeds, and the wire itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from chatstream.chats.receipt import Receipt
from chatstream.domain.commands import AnyClientCommand, OpenChat
from chatstream.ids import ChatId


class Frame(Protocol):
    """An event as it goes out."""

    @property
    def position(self) -> int: ...
    @property
    def data(self) -> bytes: ...


class Answer(Protocol):
    """The answer in progress. Its ``text`` may go out once ``after`` has; it grows."""

    @property
    def message_id(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def after(self) -> int: ...


class Feed(Protocol):
    """The tail of one chat. Nothing that it gives lies beyond its tip at that moment."""

    @property
    def tip(self) -> int:
        """The newest committed position."""
        ...

    @property
    def answer(self) -> Answer | None:
        """None at the latest once the tip covers its ``response`` or the end of its turn."""
        ...

    @property
    def turn_running(self) -> bool:
        """Whether a turn of the chat runs."""
        ...

    def moved_to(self, tip: int) -> None:
        """The log is known to reach ``tip``."""
        ...

    def ready(self, after: int, max_bytes: int) -> Sequence[Frame] | None:
        """The frames from ``after + 1`` on that are in memory: at least one and about
        ``max_bytes``; none at the tip; None where only the log reaches back so far."""
        ...

    async def read(self, after: int, limit: int = ...) -> Sequence[Frame]:
        """The same, from the log if need be, about a page. Raises ``Refused``."""
        ...

    def listen(
        self, on_frames: Callable[[], None], on_answer: Callable[[], None]
    ) -> Callable[[], None]:
        """Call when the tip has moved; when text was added, on a common tick. Gives the stop."""
        ...


class Service(Protocol):
    """The only way in."""

    def submit(self, command: AnyClientCommand | OpenChat) -> asyncio.Future[Receipt]:
        """Takes commands in the order of the calls; the future may raise ``Refused``."""
        ...

    def feed(self, chat_id: ChatId) -> Feed:
        """The tail of a chat that a receipt was given for; its tip is not below the receipt."""
        ...


class Sink(Protocol):
    """Where a connection's messages go. Nothing here waits."""

    @property
    def is_paused(self) -> bool:
        """Whether enough waits to be sent; ``on_writable`` is called when that is over."""
        ...

    @property
    def buffered_bytes(self) -> int:
        """What was written and has not left the process yet."""
        ...

    def write(self, messages: Sequence[bytes]) -> None:
        """Send each as a text message; without effect once closed."""
        ...

    def close(self, code: int, reason: str, patience_s: float) -> None:
        """Send what was written, then close, and cut the connection if that takes longer than
        ``patience_s``. Closed twice is closed once."""
        ...

    def abort(self) -> None:
        """Cut the connection; what was not sent is lost."""
        ...

    def set_on_writable(self, callback: Callable[[], None]) -> None: ...
