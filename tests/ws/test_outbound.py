"""Packing frames into messages, the queue of control frames, and telling slow from stuck."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from chatstream.ws.outbound import BATCH_BYTES, ControlQueue, ProgressWatch, pack

SIZES = st.lists(st.integers(2, 40_000) | st.integers(65_000, 66_000), max_size=12)


def frames_of(sizes: list[int]) -> list[bytes]:
    """JSON texts of these sizes, each different from its neighbours."""
    return [json.dumps(chr(97 + n % 26) * (size - 2)).encode() for n, size in enumerate(sizes)]


def test_without_batch_every_frame_is_a_message():
    assert pack([b"1", b"2"], batch=False) == [b"1", b"2"]


def test_with_batch_what_is_ready_is_one_array():
    assert pack([b"1", b"2", b"3"], batch=True) == [b"[1,2,3]"]


def test_a_single_frame_needs_no_array():
    assert pack([b"1"], batch=True) == [b"1"]


def test_an_array_is_as_large_as_it_may_be():
    exact = frames_of([30_000, BATCH_BYTES - 30_000 - 3])
    assert [len(message) for message in pack(exact, batch=True)] == [BATCH_BYTES]
    larger = frames_of([30_000, BATCH_BYTES - 30_000 - 2])
    assert pack(larger, batch=True) == larger


@given(SIZES)
def test_batches_keep_every_frame_and_the_order_within_64_kib(sizes: list[int]):
    frames = frames_of(sizes)
    messages = pack(frames, batch=True)
    unpacked: list[bytes] = []
    for message in messages:
        assert len(message) <= BATCH_BYTES or message in frames
        unpacked += message[1:-1].split(b",") if message.startswith(b"[") else [message]
    assert unpacked == frames


def test_the_control_queue_gives_the_oldest_first_within_a_size():
    queue = ControlQueue()
    for frame in (b"aaa", b"bb", b"cccc"):
        queue.append(frame)
    assert queue.size_bytes == 9
    assert queue.take(5) == [b"aaa", b"bb"]
    assert queue.take(1) == [b"cccc"], "one always goes"
    assert queue.take(1) == []
    assert queue.size_bytes == 0


def test_a_peer_that_reads_nothing_is_stalled_after_its_time():
    watch = ProgressWatch(patience_s=10, now=0)
    watch.wrote(100, buffered_before=0, now=50)
    assert not watch.look(100, now=59.9)
    assert watch.look(100, now=60)


def test_a_peer_that_reads_a_little_is_not_stalled():
    watch = ProgressWatch(patience_s=10, now=0)
    watch.wrote(100, buffered_before=0, now=0)
    assert not watch.look(99, now=9)
    assert not watch.look(99, now=18)
    assert watch.look(99, now=19)


def test_more_written_to_a_stalled_peer_is_no_progress():
    watch = ProgressWatch(patience_s=10, now=0)
    watch.wrote(100, buffered_before=0, now=0)
    watch.wrote(100, buffered_before=100, now=9)
    assert watch.look(204, now=10), "the transport counts its own headers too"


def test_silence_is_no_stall():
    watch = ProgressWatch(patience_s=10, now=0)
    assert not watch.look(0, now=1000)
    assert watch.look_again_at(0, now=1000) is None


def test_it_looks_often_enough_to_be_late_by_a_quarter_at_most():
    watch = ProgressWatch(patience_s=10, now=0)
    watch.wrote(100, buffered_before=0, now=0)
    assert watch.look_again_at(100, now=0) == 2.5
    assert watch.look_again_at(100, now=8) == 10
