"""The answer in progress: its text, its checkpoints, its size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstream.domain.commands import Streamed
from chatstream.errors import Refused
from chatstream.turns.answer import (
    CHECKPOINT_AFTER_S,
    CHECKPOINT_EVERY_S,
    LARGEST_ANSWER,
    AnswerInProgress,
    Checkpoint,
)
from chatstream.turns.mending import mended_text

HALVES = st.text(st.characters(exclude_categories=()), max_size=4) | st.sampled_from(
    ["\ud83d", "\ude00", "\x00", "😀"]
)


def test_there_is_nothing_before_the_first_piece():
    answer = AnswerInProgress("msg_1")
    assert (answer.streamed, answer.checkpoint(0.0), answer.complete()) == (None, None, "")


def test_text_grows_and_checkpoints_hold_what_none_holds_yet():
    answer = AnswerInProgress("msg_1")
    answer.add("Hel")
    assert answer.streamed == Streamed("msg_1", "Hel")
    assert answer.checkpoint(5.0) == Checkpoint(0, "Hel")
    assert answer.checkpoint(5.0) is None
    answer.add("lo")
    assert answer.checkpoint(6.0) == Checkpoint(3, "lo")


def test_checkpoints_are_due_soon_and_at_most_once_a_second():
    answer = AnswerInProgress("msg_1")
    assert answer.checkpoint_due_at(5.0) == 5.0 + CHECKPOINT_AFTER_S
    answer.add("Hel")
    answer.checkpoint(5.8)
    assert answer.checkpoint_due_at(5.9) == 5.8 + CHECKPOINT_EVERY_S
    assert answer.checkpoint_due_at(7.0) == 7.0 + CHECKPOINT_AFTER_S


def test_an_answer_has_a_size():
    answer = AnswerInProgress("msg_1")
    answer.add("x" * LARGEST_ANSWER)
    with pytest.raises(Refused, match="too_large"):
        answer.add("x")
    assert len(answer.text) == LARGEST_ANSWER


@given(st.lists(HALVES, max_size=6))
def test_pieces_add_up_to_the_mended_whole(pieces):
    answer = AnswerInProgress("msg_1")
    for piece in pieces:
        answer.add(piece)
        assert mended_text(answer.text) == answer.text
    assert answer.complete() == mended_text("".join(pieces))
    assert answer.complete() == answer.text, "once"


def test_text_waits_for_what_stands_before_it():
    answer = AnswerInProgress("msg_1")
    answer.waits = True
    answer.stands_after(7)
    assert (answer.waits, answer.after) == (False, 7)
