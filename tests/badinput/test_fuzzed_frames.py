"""Frames that hypothesis makes, before `hello`, after it and in the middle of a turn: each is
answered or closes its socket as the protocol says, and nothing else happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.badinput import frames
from tests.badinput.run import Tally, after_hello, first_frame
from tests.kit.server import SECRET, Server

many = st.lists(frames.messages, min_size=10, max_size=30)
fuzzing = settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("fuzzed"), SECRET=SECRET, RATE_LIMIT=0) as server:
        yield server
        assert server.running
    assert "Traceback" not in server.log_path.read_text(errors="replace")


@fuzzing
@given(sent=many)
async def test_before_hello_each_closes_its_socket(target: Server, sent: list[str | bytes]):
    tally = Tally()
    for message in sent:
        await first_frame(target, tally, message)
    assert tally.unanswered == []


@pytest.mark.parametrize("script", ["echo hi", "wait for_ever"])
@fuzzing
@given(sent=many)
async def test_after_hello_each_is_answered(target: Server, script: str, sent: list[str | bytes]):
    tally = Tally()
    await after_hello(target, tally, sent, script)
    assert tally.unanswered == []
