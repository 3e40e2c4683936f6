"""The chats that one connection carries, without I/O: who gets a frame, what is to be sent."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from chatstream.client.errors import ClientClosed, ClientError
from chatstream.client.following import Following
from chatstream.client.frames import Ack, ChatFrame, Leave, Rejected, encode


class Roster:
    """All followed chats. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._chats: dict[str, Following] = {}
        self._leaving: list[str] = []

    def get(self, chat_id: str) -> Following | None:
        """The chat, if it is followed."""
        return self._chats.get(chat_id)

    def add(self, following: Following) -> None:
        """Follow a chat; one that ended under the same id is replaced."""
        self._chats[following.chat_id] = following

    def leave(self, chat_id: str) -> None:
        """Follow the chat no longer, and tell the server."""
        if (following := self._chats.pop(chat_id, None)) is not None:
            following.end(ClientClosed("left"))
            self._leaving.append(chat_id)

    def end(self, error: ClientError) -> None:
        """Nothing will come for any chat any more."""
        for chat in self._chats.values():
            chat.end(error)

    def disconnected(self) -> None:
        """The socket is gone, and with it all that was opened on it."""
        self._leaving.clear()
        for chat in self._chats.values():
            chat.disconnected()

    @property
    def caught_up(self) -> bool:
        """Whether every chat has been read to its end, or cannot be."""
        return all(chat.phase == "live" or chat.ended is not None for chat in self._chats.values())

    @property
    def has_commands(self) -> bool:
        """Whether anything waits to be said."""
        return any(len(chat.outbox) for chat in self._chats.values())

    # ------------------------------------------------------------------------------ sending

    def outgoing(self, now: float, max_frame_bytes: int) -> Iterator[str]:
        """The messages to send now."""
        while self._leaving:
            yield encode(Leave(user_chat_id=self._leaving.pop(0)))
        for chat in tuple(self._chats.values()):
            if (message := chat.outgoing(now, max_frame_bytes)) is not None:
                yield message

    def due_at(self) -> float | None:
        """When ``outgoing`` will give something by itself; None: when something comes."""
        moments = [at for chat in self._chats.values() if (at := chat.due_at()) is not None]
        return min(moments, default=None)

    # ---------------------------------------------------------------------------- receiving

    def receive(self, frame: ChatFrame) -> None:
        """Take a frame to its chat; what is not followed any more is nobody's."""
        if (chat := self._chats.get(frame.user_chat_id)) is not None:
            chat.receive(frame)

    def acked(self, ack: Ack, now: float) -> None:
        """Take an ack to its chat."""
        if (chat := self._chats.get(ack.user_chat_id)) is not None:
            chat.answered(ack, now)

    def rejected(self, rejected: Rejected, now: float) -> None:
        """Take a refusal to its chat; it names the chat only where the refused frame did."""
        chats = [
            chat for chat in self._chats.values() if rejected.user_chat_id in (None, chat.chat_id)
        ]
        if rejected.id is None:
            self._refuse_unnamed(chats, rejected, now)
            return
        for chat in chats:
            chat.answered(rejected, now)

    def give_up_largest(self) -> None:
        """The server closed the connection on a frame that was too large: never again."""
        under_way = [chat for chat in self._chats.values() if chat.outbox.under_way is not None]
        if under_way:
            largest = max(under_way, key=lambda chat: chat.outbox.under_way_bytes)
            largest.refuse_under_way("the server closed the connection on a frame of this size")

    def _refuse_unnamed(self, chats: list[Following], rejected: Rejected, now: float) -> None:
        """A frame that could not be read is refused without its id: clear if only one is out."""
        out = [(chat, sent) for chat in chats if (sent := chat.outbox.under_way) is not None]
        if len(out) == 1:
            chat, sent = out[0]
            chat.answered(replace(rejected, id=sent.command.id), now)
