"""Which names the server answers to."""

from __future__ import annotations

import pytest

from chatstream.security.hosts import host_allowed, host_of, is_loopback, unguarded

LOOPBACK, ELSEWHERE = "127.0.0.1", "10.0.0.7"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8000", "localhost"),
        ("LocalHost", "localhost"),
        ("chat.example.", "chat.example"),
        ("chat.example.:443", "chat.example"),
        ("[::1]:8000", "[::1]"),
        ("127.0.0.1:65535", "127.0.0.1"),
        ("a:", "a"),
        ("", ""),
        (" ", ""),
    ],
)
def test_a_name_comes_without_port_case_and_final_dot(header: str, name: str):
    assert host_of([(b"host", header.encode())]) == name


@pytest.mark.parametrize(
    "header",
    ["a:b", "a:65536", "a:99999", "a:-1", "a:1:2", ":80", "[::1", "[zz]:1", "[]", "a b", "a/b",
     "a@b", "é", "a,b"],
)  # fmt: skip
def test_what_cannot_be_a_host_has_no_name(header: str):
    assert host_of([(b"host", header.encode())]) is None


def test_two_hosts_are_none_and_no_host_is_an_empty_one():
    assert host_of([(b"host", b"a"), (b"Host", b"a")]) is None
    assert host_of([(b"accept", b"*/*")]) == ""


@pytest.mark.parametrize(
    "name",
    ["localhost", "app.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_names_of_loopback_are_always_answered(name: str):
    assert is_loopback(name)
    assert host_allowed(name, (), LOOPBACK)
    assert host_allowed(name, ("chat.example",), ELSEWHERE)


@pytest.mark.parametrize(
    "name",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.7", "notlocalhost",
     "2130706433", "[::2]", ""],
)  # fmt: skip
def test_a_connection_over_loopback_is_answered_by_no_other_name(name: str):
    assert not host_allowed(name, (), LOOPBACK)
    assert not host_allowed(name, (), "::1")


def test_any_other_connection_is_answered_by_every_name_unless_told_otherwise():
    assert host_allowed("chat.example", (), ELSEWHERE)
    assert host_allowed("chat.example", (), "/run/chat.sock")
    assert host_allowed("chat.example", (), None)
    assert not host_allowed("evil.example", ("chat.example",), ELSEWHERE)


def test_a_pattern_is_a_name_or_all_below_one_or_all():
    patterns = ("chat.example", "*.people.example", "[2001:db8::1]")
    for name in ("chat.example", "ann.people.example", "a.b.people.example", "[2001:db8::1]"):
        assert host_allowed(name, patterns, LOOPBACK)
    for name in ("people.example", ".people.example", "evilpeople.example", "a.chat.example", ""):
        assert not host_allowed(name, patterns, LOOPBACK)
    assert host_allowed("anything.example", ("*",), LOOPBACK)
    assert host_allowed("", ("*",), LOOPBACK)


def test_an_operator_is_warned_where_every_name_is_answered():
    assert "CHATSTREAM_HOSTS" in (unguarded("0.0.0.0", ()) or "")
    assert "CHATSTREAM_HOSTS" in (unguarded("", ()) or "")
    assert unguarded("0.0.0.0", ("chat.example",)) is None
    assert unguarded("127.0.0.1", ()) is None
    assert unguarded("localhost", ()) is None
