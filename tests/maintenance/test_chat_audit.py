"""What the audit of a log finds, and that it finds nothing in a log that a server wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from tests.domain.test_machine import Commands

from chatstream.domain.events import ChatChanged, TurnChanged, UserMessageAdded
from chatstream.eventstore.mapper import decode, encode, erase
from chatstream.eventstore.store import NewEvent
from chatstream.ids import ChatId
from chatstream.maintenance import chat_audit
from chatstream.maintenance.chat_audit import ChatAudit, bad_chat_id

GOLDEN = Path(__file__).parents[1] / "golden" / "stored"
COMMON = {"event_id": "evt_first", "timestamp": "2026-11-23T04:10:00.123Z", "user_id": "ann"}
OPENED = ChatChanged(status="opened", **COMMON)


def problems(*events: NewEvent) -> list[str]:
    audit = ChatAudit()
    return [
        problem
        for position, event in enumerate(events, 1)
        for problem in audit.problems(
            position, event.topic, event.body, decode(event.topic, event.body)
        )
    ]


class Audited(Commands):
    """Whatever commands come in whatever order, their log is sound."""

    def teardown(self) -> None:
        events = [encode(fact) for fact in self.chat.log]
        assert of_more_than_answers(problems(*events)) == []
        if self.chat.state.status == "erased":
            kept = [NewEvent(one.topic, erase(one.topic, one.body), one.event_id) for one in events]
            assert of_more_than_answers(problems(*kept[:-1], events[-1])) == []


def of_more_than_answers(found: list[str]) -> list[str]:
    """Without the offsets of partials: all answers of this machine have one id."""
    return [one for one in found if "a part of an answer begins" not in one]


TestAudited = Audited.TestCase
TestAudited.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("chat_id", ["", "a/b", "a" * 65, "é", "a\n"])
def test_what_is_no_id_names_no_chat(chat_id: str) -> None:
    assert [*bad_chat_id(ChatId(chat_id))]
    assert not [*bad_chat_id(ChatId("chat_1"))]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.name)
def test_every_form_that_was_ever_stored_has_sound_bytes_and_ids(path: Path) -> None:
    topic = ".".join(path.name.split(".")[1:-1])
    body = path.read_bytes()
    found = problems(encode(OPENED), NewEvent(topic, body, "evt_2"))
    about_the_order = ("begins at", "does not run", "was not shown", "before", "attempt")
    assert [one for one in found if not any(word in one for word in about_the_order)] == []


def test_a_gap_between_positions_is_told() -> None:
    audit = ChatAudit()
    event = encode(OPENED)
    assert [*audit.problems(1, event.topic, event.body, OPENED)] == []
    said = UserMessageAdded(content="a", **{**COMMON, "event_id": "evt_2"})
    body = encode(said).body
    assert [*audit.problems(3, "user.1", body, said)] == ["position 3: it follows 1"]


def test_an_event_that_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_audit, "LARGEST_EVENT_BYTES", 100)
    assert problems(encode(OPENED)) == ["position 1: it has more than 100 bytes"]


def test_a_text_that_looks_like_an_escaped_nul_is_none() -> None:
    said = UserMessageAdded(content="\\u0000", **{**COMMON, "event_id": "evt_2"})
    assert problems(encode(OPENED), encode(said)) == []


def test_spaces_around_the_object_are_told() -> None:
    event = encode(OPENED)
    spaced = NewEvent(event.topic, b" " + event.body, event.event_id)
    assert problems(spaced) == ["position 1: it is not stored as one JSON object"]


def test_the_second_attempt_of_a_turn_is_counted() -> None:
    def turn(number: int, status: str, attempt: int) -> NewEvent:
        common = {**COMMON, "event_id": f"evt_{number}"}
        return encode(TurnChanged(status=status, attempt=attempt, caused_by="m1", **common))

    sound = [encode(OPENED), turn(2, "started", 1), turn(3, "restarted", 2), turn(4, "finished", 2)]
    assert problems(*sound) == []
    assert problems(*sound[:3], turn(4, "finished", 1)) == [
        "position 4: it is of attempt 1, and 2 runs"
    ]
