"""Who is refused at the door, and what the operator hears of it."""

from __future__ import annotations

import logging

import pytest

from chatstream.errors import Refused
from chatstream.security.entrance import LINES_AT_ONCE, NEXT_LINE_S, SAME_AGAIN_S, RefusalLog
from chatstream.security.entrance import Entrance as RealEntrance


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def entrance(clock: Clock) -> RealEntrance:
    return RealEntrance((), ("https://app.example",), RefusalLog(clock))


def asked(name: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", name.encode())]


def test_a_rebound_name_is_refused_and_told_with_the_setting(entrance, caplog):
    with pytest.raises(Refused) as refused:
        entrance.refuse_host(asked("evil.example:8000"), "127.0.0.1")
    assert (refused.value.code, refused.value.http_status) == ("forbidden_host", 421)
    assert "CHATSTREAM_HOSTS" in refused.value.message
    (line,) = caplog.messages
    assert "'evil.example'" in line
    assert "CHATSTREAM_HOSTS" in line
    entrance.refuse_host(asked("localhost:8000"), "127.0.0.1")


def test_a_header_that_is_no_host_is_a_bad_request_and_not_told(entrance, caplog):
    with pytest.raises(Refused) as refused:
        entrance.refuse_host(asked("a:b"), "127.0.0.1")
    assert (refused.value.code, refused.value.http_status) == ("invalid_frame", 400)
    assert not caplog.messages


def test_a_foreign_page_is_told_with_the_setting_and_an_own_one_is_not(entrance, caplog):
    page = [*asked("chat.example"), (b"origin", b"https://evil.example")]
    assert not entrance.admits_page(page)
    (line,) = caplog.messages
    assert "'https://evil.example'" in line
    assert "CHATSTREAM_ORIGINS" in line
    for origin in (b"https://chat.example", b"https://app.example"):
        assert entrance.admits_page([*asked("chat.example"), (b"origin", origin)])
    assert entrance.admits_page(asked("chat.example"))
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("origin", [b"null", b"", b"https://evil.example/a?b", b"\xff", b"evil"])
def test_what_could_never_be_let_in_is_refused_and_not_told(entrance, caplog, origin: bytes):
    assert not entrance.admits_page([*asked("chat.example"), (b"origin", origin)])
    assert not caplog.messages


def test_the_same_is_told_once_an_hour(clock, caplog):
    refusals = RefusalLog(clock)
    for _ in range(5):
        refusals.tell("refused %r", "evil.example")
    assert len(caplog.messages) == 1
    clock.now += SAME_AGAIN_S
    refusals.tell("refused %r", "evil.example")
    assert len(caplog.messages) == 2


def test_a_flood_of_names_is_few_lines(clock, caplog):
    refusals = RefusalLog(clock)
    for number in range(5_000):
        refusals.tell("refused %r", f"evil{number}.example")
    assert len(caplog.messages) == LINES_AT_ONCE
    clock.now += NEXT_LINE_S
    for number in range(5_000):
        refusals.tell("refused %r", f"evil{number}.example")
    assert len(caplog.messages) == LINES_AT_ONCE + 1
    clock.now += SAME_AGAIN_S * 10
    for number in range(5_000):
        refusals.tell("refused %r", f"other{number}.example")
    assert len(caplog.messages) == 2 * LINES_AT_ONCE + 1


def test_a_line_stays_short_and_shows_no_control_characters(clock, caplog):
    with caplog.at_level(logging.WARNING):
        RefusalLog(clock).tell("refused %r", "\x1b]52;evil\x07" + "x" * 10_000)
    (line,) = caplog.messages
    assert len(line) < 200
    assert "\x1b" not in line
