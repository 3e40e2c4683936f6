"""The answer that an agent is streaming: its text, its id, and what of it is stored. Pure: times
come in.

Text stands either behind the steps that wait to be stored (``waits``) or behind the event at
``after``; readers get it once they have that one.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from chatstream.domain.commands import Streamed
from chatstream.errors import Refused
from chatstream.protocol.content import is_storable
from chatstream.turns.mending import REPLACEMENT, mended_text, without_half

LARGEST_ANSWER: Final = 4 * 1024 * 1024
"""Characters. Each client gets an answer as one message; without a bound an agent that never ends
fills the memory and the log for the whole turn."""
CHECKPOINT_EVERY_S: Final = 1.0
"""At most one checkpoint a second for an answer (protocol, section 8)."""
CHECKPOINT_AFTER_S: Final = 0.8
"""From the first piece that no checkpoint holds; a second is allowed, the disk included."""


class Checkpoint(Struct, frozen=True):
    """The text from ``offset`` on, in code points, that no checkpoint holds yet."""

    offset: int
    text: str


class AnswerInProgress:
    """The text streamed under ``message_id``, from the first piece to the step that gives it."""

    def __init__(self, message_id: str) -> None:
        self.message_id = message_id
        self.text = ""
        self.waits = False
        self.after = 0
        self.was_mended = False
        self._half = ""
        self._stored_characters = 0
        self._stored_at_s = float("-inf")

    @property
    def streamed(self) -> Streamed | None:
        """The text so far, if there is any."""
        return Streamed(self.message_id, self.text) if self.text else None

    def add(self, piece: str) -> None:
        """Take in a piece, mended where it could not be stored.

        Raises:
            Refused: ``too_large``.
        """
        if self._half or not is_storable(piece):
            piece = self._mended(piece)
        if len(self.text) + len(piece) > LARGEST_ANSWER:
            raise Refused("too_large", f"an answer has at most {LARGEST_ANSWER} characters")
        self.text += piece

    def complete(self) -> str:
        """The whole text: nothing comes any more."""
        if self._half:
            self.text, self._half = self.text + REPLACEMENT, ""
        return self.text

    def stands_after(self, position: int) -> None:
        """The text that is there stands behind the event at ``position``."""
        self.waits, self.after = False, position

    def checkpoint_due_at(self, now_s: float) -> float:
        """When a checkpoint of text that comes now is to be stored."""
        return max(now_s + CHECKPOINT_AFTER_S, self._stored_at_s + CHECKPOINT_EVERY_S)

    def checkpoint(self, now_s: float) -> Checkpoint | None:
        """What is to be stored now, if anything; it counts as stored."""
        offset, text = self._stored_characters, self.text[self._stored_characters :]
        if not text:
            return None
        self._stored_at_s, self._stored_characters = now_s, len(self.text)
        return Checkpoint(offset, text)

    def _mended(self, piece: str) -> str:
        self.was_mended = True
        piece, self._half = without_half(self._half + piece)
        return mended_text(piece)
