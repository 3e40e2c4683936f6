"""What differs between a database of this node alone and one that other nodes write to as well.

Alone, the state in memory is the log. Beside other nodes it may be out of date. An append with
events is safe all the same: it is stored only at the position that it expects. A command that
stores no event has no such check, so a refusal may stand only where it was decided on state that
was read after the command came, and the id of a command without an event is guarded by its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, get_args

from msgspec import Struct

from chatstream.domain.commands import (
    AbandonIntent,
    AnyClientCommand,
    AnyCommand,
    CancelTurn,
    ClearSession,
    ClientCommand,
    CloseChat,
    ResumeIntent,
    Streamed,
)
from chatstream.domain.events import AnyFact, TurnChanged
from chatstream.eventstore.store import RowKey
from chatstream.ids import ChatId

ENDS_TURNS: Final[frozenset[type]] = frozenset({*get_args(AnyClientCommand), ClearSession})
"""The commands that may end a turn, and then store the text that its run has streamed."""
MAY_STORE_NO_EVENT: Final[frozenset[type]] = frozenset(
    {CancelTurn, ResumeIntent, AbandonIntent, CloseChat}
)
"""The commands of clients that may find nothing to do; then only their ids are stored."""


class RunHere(Struct, frozen=True):
    """Says that the chat's turn runs on this node; ``streamed`` is its answer in progress."""

    streamed: Streamed | None = None


class Replies(Protocol):
    """A plan that stores nothing (``appends.Acknowledges``, ``appends.Refuses``)."""

    @property
    def is_final(self) -> bool:
        """Whether nothing that another node writes can change it."""
        ...


class CommandIdKeys(Protocol):
    """Names the rows of commands that stored no event."""

    def remembered_key(self, chat_id: ChatId, command_id: str) -> RowKey:
        """Returns the key of the row of ``command_id``."""
        ...


class SoleWriter:
    """The policy of a node whose database no other node writes to."""

    others_write: Final = False

    def may_stand(self, reply: Replies, *, is_fresh: bool) -> bool:  # noqa: ARG002
        """Returns True: what is in memory is what the log holds."""
        return True

    def runs_elsewhere(
        self,
        command: AnyCommand,  # noqa: ARG002
        events: Sequence[AnyFact],  # noqa: ARG002
        run: RunHere | None,  # noqa: ARG002
    ) -> bool:
        """Returns False: there is no other node."""
        return False

    def unless(self, command: AnyCommand, keys: CommandIdKeys) -> RowKey | None:  # noqa: ARG002
        """Returns None: the ids of all commands are in memory."""
        return None


class SharedWriter:
    """The policy of a node beside others on one database."""

    others_write: Final = True

    def may_stand(self, reply: Replies, *, is_fresh: bool) -> bool:
        """Returns whether ``reply`` may be given.

        Args:
            reply: What was decided; it stores nothing, so no position guards it.
            is_fresh: Whether it was decided on state that was read after the command came.
        """
        return is_fresh or reply.is_final

    def runs_elsewhere(
        self, command: AnyCommand, events: Sequence[AnyFact], run: RunHere | None
    ) -> bool:
        """Returns whether ``command`` ends a turn that another node runs, which alone holds the
        text of the answer in progress.

        Args:
            command: The command that was decided.
            events: What it would store.
            run: The turn's run, if that is on this node.
        """
        return run is None and type(command) in ENDS_TURNS and any(map(_cancels, events))

    def unless(self, command: AnyCommand, keys: CommandIdKeys) -> RowKey | None:
        """Returns the row that exists if another node has carried ``command`` out without an
        event, which no position tells of."""
        if type(command) not in MAY_STORE_NO_EVENT:
            return None
        assert isinstance(command, ClientCommand)
        return keys.remembered_key(command.user_chat_id, command.id)


WriterPolicy = SoleWriter | SharedWriter


def _cancels(event: AnyFact) -> bool:
    return type(event) is TurnChanged and event.status == "cancelled"
