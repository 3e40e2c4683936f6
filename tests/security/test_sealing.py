"""What nodes say to each other can be read and said by nodes alone."""

from __future__ import annotations

import random
import re
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstream.security import sealing
from chatstream.security.sealing import (
    OVERHEAD_BYTES,
    SENDER_BYTES,
    WINDOW_MS,
    Opener,
    Sealer,
    UnreadableError,
    channel_of,
)

SECRET = "the secret of the nodes, for tests"


class Clock:
    now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sealer(clock: Clock, sender: int = 1, secret: str = SECRET, purpose="words") -> Sealer:
    return Sealer(channel_of(secret, purpose), bytes([sender]) * SENDER_BYTES, clock)


def opener(clock: Clock, secret: str = SECRET) -> Opener:
    return Opener(channel_of(secret, "words"), clock)


def refusal(opening: Opener, sealed: str) -> str:
    with pytest.raises(UnreadableError) as unreadable:
        opening.open(sealed)
    return unreadable.value.reason


@given(st.text(max_size=300))
def test_a_node_reads_what_another_said_and_nobody_else_does(text: str):
    clock = Clock()
    sealed = sealer(clock).seal(text)
    assert opener(clock).open(sealed) == text
    assert refusal(opener(clock, "another secret"), sealed) == "forged"
    assert len(sealed) <= 4 * (len(text.encode()) + OVERHEAD_BYTES + 2) / 3
    if len(text) > 4:
        assert text not in sealed
        assert text.encode() not in b64decode(sealed)


def test_the_same_words_never_look_the_same(clock):
    one, other = sealer(clock, 1), sealer(clock, 2)
    said = {each.seal("yes") for each in (one, other) for _ in range(50)}
    assert len(said) == 100


def test_a_changed_message_is_forged_wherever_it_was_changed(clock):
    message = b64decode(sealer(clock).seal('{"type":"free"}'))
    for at in range(len(message)):
        for bit in (1, 128):
            changed = bytearray(message)
            changed[at] ^= bit
            assert refusal(opener(clock), b64encode(changed).decode()) == "forged"
    for size in range(len(message)):
        cut = b64encode(message[:size]).decode()
        assert refusal(opener(clock), cut) in {"forged", "malformed"}


@pytest.mark.parametrize(
    "text", ["", "free", '{"type":"free"}', "é" * 99, "node chat_1:7", "=" * 8]
)
def test_what_was_never_sealed_is_malformed(clock, text: str):
    assert refusal(opener(clock), text) == "malformed"


def test_a_message_counts_once(clock):
    opening, sealing_one = opener(clock), sealer(clock)
    first, second = sealing_one.seal("1"), sealing_one.seal("2")
    assert opening.open(first) == "1"
    assert opening.open(second) == "2"
    assert [refusal(opening, one) for one in (first, second)] == ["repeated"] * 2
    assert opening.open(sealing_one.seal("3")) == "3"


def test_one_sender_does_not_hold_another_up(clock):
    opening, one, other = opener(clock), sealer(clock, 1), sealer(clock, 2)
    for number in range(20):
        assert opening.open(one.seal(f"one {number}")) == f"one {number}"
    assert opening.open(other.seal("other")) == "other"


def test_a_recorded_message_is_worth_nothing_to_a_node_that_starts_later(clock):
    recorded = sealer(clock).seal("cancel")
    clock.now += WINDOW_MS + 1
    assert refusal(opener(clock), recorded) == "late"
    clock.now -= 2 * (WINDOW_MS + 1)
    assert refusal(opener(clock), recorded) == "late"


def test_clocks_may_be_apart_by_the_window(clock):
    sealed = sealer(clock).seal("x")
    clock.now += WINDOW_MS
    assert opener(clock).open(sealed) == "x"


def test_a_wake_up_is_no_word(clock):
    assert refusal(opener(clock), sealer(clock, purpose="wakes").seal("x")) == "forged"
    wakes, words = channel_of(SECRET, "wakes"), channel_of(SECRET, "words")
    assert len({wakes.name, words.name, channel_of("another", "wakes").name}) == 3
    assert all(re.fullmatch("bus_[0-9a-f]{32}", one.name) for one in (wakes, words))


def test_senders_that_are_gone_are_forgotten_and_strangers_never_known(clock, monkeypatch):
    monkeypatch.setattr(sealing, "SENDERS_AT_MOST", 10)
    opening, chance = opener(clock), random.Random(1)
    first = sealer(clock, 0).seal("x")
    opening.open(first)
    for number in range(1, 11):
        clock.now += WINDOW_MS // 5
        opening.open(sealer(clock, number).seal("x"))
        refusal(opening, b64encode(chance.randbytes(99)).decode())
    assert 0 < len(opening._senders) <= 10
    assert refusal(opening, first) == "late"
