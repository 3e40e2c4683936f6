"""What a ``ChatPipeline`` asks its shell to do: a closed union of frozen structs.

A waiter (``W``) is whoever waits for an answer. The pipeline hands it back and never looks into
it; the shell uses futures, the tests numbers.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from chatstream.chats.appends import Acknowledges, Appends, Refuses
from chatstream.chats.receipt import Receipt
from chatstream.chats.repository import CaughtUp
from chatstream.domain.commands import AnyCommand
from chatstream.domain.user_chat.state import UserChat

W = TypeVar("W")


class PendingCommand(Struct, Generic[W], frozen=True):
    """A command that is not carried out yet.

    Attributes:
        command: The command.
        waiter: Who waits for its receipt.
        tries: How often its append conflicted with another node's.
        patience_until_s: Until when the node that runs the turn may carry it out, on the clock
            of the inputs; None where no other node was asked to.
    """

    command: AnyCommand
    waiter: W
    tries: int = 0
    patience_until_s: float | None = None


class PendingAppend(Struct, Generic[W], frozen=True):
    """Hand ``plan.append`` to the store and its outcome to ``on_outcome``; then tell the observer
    of turns what was decided. Outcomes come in the order of the appends."""

    pending: PendingCommand[W]
    plan: Appends


class PendingReply(Struct, Generic[W], frozen=True):
    """An answer that waits for the appends before it. Not an effect: it stays inside."""

    pending: PendingCommand[W]
    plan: Acknowledges | Refuses


class Answer(Struct, Generic[W], frozen=True, gc=False):
    """Give ``receipt`` to ``waiter``, unless it has given up."""

    waiter: W
    receipt: Receipt


class Refuse(Struct, Generic[W], frozen=True):
    """Raise ``error`` at ``waiter``, unless it has given up."""

    waiter: W
    error: Exception


class Publish(Struct, frozen=True, gc=False):
    """The events of ``plan`` are on disk: tell the observer of turns, show them to readers. Comes
    before the ``Answer`` of their command."""

    plan: Appends


class Load(Struct, frozen=True):
    """Read the log on from ``known`` (``INITIAL``: all of it), and answer with ``on_loaded`` or
    ``on_load_failed``. There is never more than one load of a chat under way."""

    known: UserChat
    with_command_ids: bool


class TakeIn(Struct, frozen=True):
    """The log was read: tell the observer of turns, show what is new to readers.

    ``superseded``: an append was not stored since the log was read last, so what was decided may
    not have come to pass.
    """

    caught_up: CaughtUp
    superseded: bool


class DecideInbox(Struct, frozen=True):
    """Call ``on_next``, or ``on_withdrawn``, as long as the chat ``has_ready``.

    One command at a time, since what runs here changes with each that is decided.
    """


class MoveReaders(Struct, frozen=True):
    """The log is known to reach ``state``: wake the readers, who find there what they lack."""

    state: UserChat


class DropFrames(Struct, frozen=True):
    """Drop the frames that are held for readers: what the log holds is in doubt."""


class Forward(Struct, frozen=True):
    """Ask the node that runs the turn to carry ``command`` out; call ``on_not_forwarded`` if
    there is no other node."""

    command: AnyCommand


class Retry(Struct, frozen=True):
    """Call ``on_timer`` after ``after_s`` seconds. There is never more than one timer of a chat."""

    after_s: float


Effect = (
    PendingAppend[W]
    | Answer[W]
    | Publish
    | Refuse[W]
    | Load
    | TakeIn
    | DecideInbox
    | MoveReaders
    | DropFrames
    | Forward
    | Retry
)
