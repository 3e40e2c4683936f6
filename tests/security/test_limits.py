"""The token bucket and the text rule."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstream.errors import Refused
from chatstream.protocol.content import (
    MAX_DEPTH,
    is_storable,
    refuse_content,
    refuse_unstorable,
    too_deep,
)
from chatstream.security.quotas import Places, RateLimiter


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def taken(limiter, user_id, attempts):
    count = 0
    for _ in range(attempts):
        try:
            limiter.take(user_id)
        except Refused:
            continue
        count += 1
    return count


def test_as_many_commands_as_the_limit_pass_at_once(clock):
    limiter = RateLimiter(100, clock)
    assert taken(limiter, "ann", 150) == 100


def test_a_bucket_is_refilled_evenly_within_ten_seconds(clock):
    limiter = RateLimiter(100, clock)
    taken(limiter, "ann", 100)
    clock.now += 1
    assert taken(limiter, "ann", 50) == 10
    clock.now += 10
    assert taken(limiter, "ann", 150) == 100


def test_a_refusal_says_after_how_many_seconds_a_command_passes(clock):
    limiter = RateLimiter(4, clock)
    taken(limiter, "ann", 4)
    with pytest.raises(Refused) as refused:
        limiter.take("ann")
    assert refused.value.code == "rate_limited"
    assert refused.value.retry_after == pytest.approx(2.5)
    clock.now += refused.value.retry_after
    limiter.take("ann")


def test_users_do_not_share_a_bucket(clock):
    limiter = RateLimiter(1, clock)
    limiter.take("ann")
    limiter.take("bob")
    with pytest.raises(Refused):
        limiter.take("ann")


def test_zero_is_no_limit(clock):
    assert taken(RateLimiter(0, clock), "ann", 10_000) == 10_000


def test_full_buckets_need_no_memory(clock):
    limiter = RateLimiter(10, clock)
    for number in range(20_000):
        clock.now += 0.1
        limiter.take(f"user_{number}")
    assert len(limiter._full_at) <= 2048


@given(st.integers(1, 200), st.lists(st.floats(0, 3), min_size=1, max_size=300))
def test_no_ten_seconds_pass_more_than_a_full_bucket_and_its_refill(limit, pauses):
    clock = Clock()
    limiter = RateLimiter(limit, clock)
    passed = []
    for pause in pauses:
        clock.now += pause
        if taken(limiter, "ann", 1):
            passed.append(clock.now)
    for moment in passed:
        assert sum(1 for other in passed if moment <= other < moment + 10) <= 2 * limit


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def nested(depth, kind="array"):
    return (
        "[" * depth + "]" * depth
        if kind == "array"
        else '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)
    )


@pytest.mark.parametrize("text", ["a\x00", "\x00", "\ud800", "x\udfff", "\udc00\ud800"])
def test_nul_and_lone_surrogates_are_refused_wherever_they_stand(text):
    assert not is_storable(text)
    for value in (text, [text], {"a": [1, {"b": text}]}, {text: 1}, (text,)):
        with pytest.raises(Refused) as refused:
            refuse_unstorable(value)
        assert refused.value.code == "invalid_content"


@pytest.mark.parametrize(
    "text", ["", "e\u0301", "👩\u200d💻", "\u202e", "\ufffe", "\x01\x1b[0m\r\n"]
)
def test_all_other_text_is_storable(text):
    assert is_storable(text)
    refuse_unstorable({text: [text, 1, 1.5, None, True]})


def test_a_value_in_a_frame_may_be_nested_31_deep():
    refuse_unstorable(json.loads(nested(MAX_DEPTH - 1)))
    refuse_unstorable(json.loads(nested(MAX_DEPTH - 1, "object")))
    for kind in ("array", "object"):
        with pytest.raises(Refused) as refused:
            refuse_unstorable(json.loads(nested(MAX_DEPTH, kind)))
        assert refused.value.code == "invalid_frame"


@pytest.mark.parametrize("kind", ["array", "object"])
def test_a_document_may_be_nested_32_deep(kind):
    assert not too_deep(nested(MAX_DEPTH, kind).encode())
    assert too_deep(nested(MAX_DEPTH + 1, kind).encode())
    assert too_deep(nested(100_000, kind).encode())


def test_brackets_in_texts_and_side_by_side_do_not_count():
    assert not too_deep(json.dumps({"content": '"[{\\' * 1000, "b": [[]] * 1000}).encode())


def test_an_unfinished_text_full_of_escapes_is_scanned_in_linear_time():

    assert not too_deep(b'"' + b'\\"[' * 130_000)


@given(json_values)
def test_the_scan_of_a_document_agrees_with_its_tree(value):
    def depth(value):
        match value:
            case dict():
                return 1 + max(map(depth, value.values()), default=0)
            case list():
                return 1 + max(map(depth, value), default=0)
            case _:
                return 0

    document = "[" * 28 + json.dumps(value) + "]" * 28
    assert too_deep(document.encode()) == (depth(value) + 28 > MAX_DEPTH)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "invalid_content"),
        ("a\x00", "invalid_content"),
        ("\ud800", "invalid_content"),
        ("x" * 11, "too_large"),
        ("é" * 6, "too_large"),
    ],
)
def test_content_that_cannot_be_stored_is_refused(content, code):
    with pytest.raises(Refused) as refused:
        refuse_content(content, 10)
    assert refused.value.code == code


@pytest.mark.parametrize("content", [" ", "x" * 10, "é" * 5, "\x01"])
def test_content_up_to_the_limit_in_bytes_passes(content):
    refuse_content(content, 10)


def test_what_was_given_back_can_be_taken_again(clock):
    limiter = RateLimiter(2, clock)
    assert [limiter.has_taken("here") for _ in range(3)] == [True, True, False]
    limiter.give_back("here")
    assert [limiter.has_taken("here") for _ in range(2)] == [True, False]


def test_nothing_is_given_back_where_nothing_is_counted():
    limiter = RateLimiter(0)
    assert limiter.has_taken("here")
    limiter.give_back("here")
    assert limiter._full_at == {}


def test_places_are_held_by_each_for_themselves_and_free_again_after():
    places = Places(2)
    with places.held("ann"), places.held("ann"):
        with pytest.raises(Refused) as refused:
            places.refuse_if_full("ann")
        places.refuse_if_full("bob")
    assert (refused.value.code, refused.value.retry_after) == ("rate_limited", 60)
    places.refuse_if_full("ann")
    assert places._held == {}


def test_without_a_bound_there_is_always_a_place():
    places = Places(0)
    with places.held("ann"):
        places.refuse_if_full("ann")
