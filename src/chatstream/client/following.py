"""One chat that a client follows, without I/O: what came in, what is to be sent next.

The connection calls ``outgoing`` whenever something may be due, ``receive`` and ``answered``
for the frames of the chat, ``disconnected`` when the socket is gone. ``Chat`` reads the view
and the log and is told of news by its ``Listener``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from chatstream.client.errors import ClientError, CommandRejected, Forgotten
from chatstream.client.frames import (
    Ack,
    CaughtUp,
    ChatEvent,
    ChatFrame,
    Command,
    Delta,
    Event,
    Open,
    Opened,
    Rejected,
    Resync,
    encode,
)
from chatstream.client.outbox import RETRIED, RETRY_SECONDS, Outbox
from chatstream.client.state import ChatView, apply, is_gap

Phase = Literal["to_open", "opening", "catching_up", "live"]


class Listener(Protocol):
    """Who is told when something of a chat moves."""

    def changed(self) -> None: ...

    def answered(self, answer: Ack | Rejected) -> None: ...

    def ended(self, error: ClientError) -> None: ...


class EventLog:
    """The events of a chat that came so far, contiguous after position ``start``."""

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self._events: list[Event] = []

    @property
    def end(self) -> int:
        """The position of the newest event."""
        return self.start + len(self._events)

    def at(self, position: int) -> Event | None:
        """The event at ``position``; None: not yet here.

        Raises:
            Forgotten: it stands at or before the start.
        """
        self._check(position)
        return self._events[position - self.start - 1] if position <= self.end else None

    def since(self, after: int) -> tuple[Event, ...]:
        """The events after position ``after``.

        Raises:
            Forgotten: some of them stand at or before the start.
        """
        self._check(after + 1)
        return tuple(self._events[after - self.start :])

    def add(self, event: Event) -> None:
        """Append the next event; erasure takes away what stands before it."""
        if isinstance(event, ChatEvent) and event.status == "erased":
            self.start = self.end
            self._events.clear()
        self._events.append(event)

    def _check(self, position: int) -> None:
        if position <= self.start:
            raise Forgotten(f"events up to {self.start} are not held; {position} was asked for")


class Following:
    """A chat's view, its events, its outbox, and how far the following is.

    Args:
        chat_id: the chat to follow; the ``open`` makes it if there is none.
        last: begin with the newest so many events; None: with the first.
        new_id: gives a fresh id; marks each ``open``.
        listener: is told of every change.
    """

    def __init__(
        self, chat_id: str, *, last: int | None, new_id: Callable[[], str], listener: Listener
    ) -> None:
        self.chat_id = chat_id
        self.view = ChatView(user_chat_id=chat_id)
        self.log = EventLog()
        self.outbox = Outbox()
        self.phase: Phase = "to_open"
        self.ended: ClientError | None = None
        self._last = last
        self._new_id = new_id
        self._listener = listener
        self._open_id = ""
        self._open_not_before = 0.0

    # ------------------------------------------------------------------------------ sending

    def add(self, command: Command) -> None:
        """Put a command into the outbox.

        Raises:
            OutboxFull: too many wait.
            ClientError: the following has ended.
        """
        if self.ended is not None:
            raise self.ended
        self.outbox.add(command)

    def outgoing(self, now: float, max_frame_bytes: int) -> str | None:
        """The message to send now, if any; commands only once the chat has caught up."""
        if self.ended is not None:
            return None
        if self.phase == "to_open" and now >= self._open_not_before:
            self.phase = "opening"
            return encode(self._open())
        if self.phase != "live" or (pending := self.outbox.take(now)) is None:
            return None
        # The server closes the connection on a larger one, and would again and again.
        if len(pending.message.encode()) > max_frame_bytes:
            self.refuse_under_way(f"a frame may have {max_frame_bytes} bytes")
            return self.outgoing(now, max_frame_bytes)
        return pending.message

    def due_at(self) -> float | None:
        """When ``outgoing`` will give something by itself; None: when something comes."""
        if self.ended is not None:
            return None
        if self.phase == "to_open":
            return self._open_not_before
        return self.outbox.due_at() if self.phase == "live" else None

    def _open(self) -> Open:
        self._open_id = f"open_{self._new_id()}"
        return Open(
            id=self._open_id,
            user_chat_id=self.chat_id,
            after=self.view.position,
            after_event=self.view.event_id,
            # From a cursor on, nothing may be left out.
            last=self._last if self.view.event_id is None else None,
        )

    # ---------------------------------------------------------------------------- receiving

    def receive(self, frame: ChatFrame) -> None:
        """Take a frame of this chat into the view and the log."""
        if is_gap(self.view, frame):
            self._open_again()
            return
        position, self.view = self.view.position, apply(self.view, frame)
        match frame:
            case Opened():
                self._opened()
            case CaughtUp():
                self.phase = "live" if self.phase == "catching_up" else self.phase
            case Resync():
                self.log = EventLog()
            case Delta():
                pass
            case _:
                if self.view.position > position:
                    self.log.add(frame)
        self._listener.changed()

    def answered(self, answer: Ack | Rejected, now: float) -> None:
        """Take the answer to a command or to the ``open``."""
        if isinstance(answer, Ack):
            settled = self.outbox.acked(answer.id)
        elif self.phase == "opening" and answer.id == self._open_id:
            self._open_rejected(answer, now)
            return
        else:
            settled = self.outbox.rejected(answer, now)
        if settled:
            self._listener.answered(answer)

    def refuse_under_way(self, reason: str) -> None:
        """Give up the command under way as too large to be sent."""
        if (pending := self.outbox.under_way) is not None:
            command_id = pending.command.id
            self.answered(Rejected(id=command_id, code="too_large", message=reason), 0.0)

    def disconnected(self) -> None:
        """The socket is gone: open again from the cursor on the next one, then send again."""
        self.phase = "to_open"
        self._open_not_before = 0.0
        self.outbox.disconnected()

    def end(self, error: ClientError) -> None:
        """Follow no longer; whoever waits gets ``error``."""
        if self.ended is None:
            self.ended = error
            self._listener.ended(error)

    def _open_rejected(self, rejected: Rejected, now: float) -> None:
        if rejected.code in RETRIED:
            self.phase = "to_open"
            self._open_not_before = now + (rejected.retry_after or RETRY_SECONDS)
        else:
            self.end(CommandRejected(rejected))

    def _open_again(self) -> None:
        # Frames after the gap keep coming until the new start: one ``open`` is enough.
        if self.phase in ("catching_up", "live"):
            self.phase = "to_open"

    def _opened(self) -> None:
        self.phase = "catching_up"
        if self.view.position != self.log.end:
            self.log = EventLog(self.view.position)
