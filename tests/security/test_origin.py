"""The Origin rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstream.config.origins import normal_origin
from chatstream.security.origin import origin_allowed, request_allowed

ALLOWED = ("https://app.example", "http://localhost:3000", "capacitor://localhost")


@pytest.mark.parametrize(
    ("origins", "host"),
    [
        ([], "chat.example"),
        ([], None),
        (["http://chat.example"], "chat.example"),
        (["https://chat.example"], "chat.example"),
        (["https://CHAT.example"], "chat.Example"),
        (["http://chat.example"], "chat.example:80"),
        (["https://chat.example:443"], "chat.example"),
        (["http://127.0.0.1:8000"], "127.0.0.1:8000"),
        (["http://[::1]:8000"], "[::1]:8000"),
        (["https://app.example"], "chat.example"),
        (["https://app.example:443"], "chat.example"),
        (["http://localhost:3000"], "chat.example"),
        (["capacitor://localhost"], "chat.example"),
    ],
)
def test_the_own_host_the_allow_list_and_no_origin_may_come_in(origins, host):
    assert origin_allowed(origins, host, ALLOWED)


@pytest.mark.parametrize(
    ("origins", "host"),
    [
        (["null"], "chat.example"),
        (["NULL"], "null"),
        ([""], ""),
        (["http://evil.example"], "chat.example"),
        (["http://chat.example"], None),
        (["http://chat.example:8080"], "chat.example"),
        (["http://chat.example"], "chat.example:8080"),
        (["http://chat.example"], "chat.example:443"),
        (["http://chat.example.evil.example"], "chat.example"),
        (["http://evilchat.example"], "chat.example"),
        (["http://chat.example@evil.example"], "chat.example"),
        (["http://chat.example/"], "chat.example"),
        (["chat.example"], "chat.example"),
        (["app://chat.example"], "chat.example"),
        (["http://app.example"], "chat.example"),
        (["https://app.example:8443"], "chat.example"),
        (["http://chat.example, http://chat.example"], "chat.example"),
        (["http://chat.example http://chat.example"], "chat.example"),
        (["http://chat.example", "http://chat.example"], "chat.example"),
        (["https://app.example", "https://app.example"], "chat.example"),
    ],
)
def test_null_doubled_and_foreign_origins_may_not(origins, host):
    assert not origin_allowed(origins, host, ALLOWED)


@given(st.text())
def test_garbage_is_never_allowed(text):
    assert not origin_allowed([text], "chat.example", ()) or normal_origin(text) is not None


def test_doubled_headers_are_seen_in_raw_ones():
    own = [(b"host", b"chat.example"), (b"origin", b"http://chat.example")]
    assert request_allowed(own, ())
    assert request_allowed(own[:1], ())
    assert not request_allowed([*own, (b"origin", b"http://chat.example")], ())
    assert not request_allowed([*own, (b"host", b"chat.example")], ())
