"""The demonstration's own checks: what it calls whole, and that it would notice what is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.demo.audit import Found, StoredEvent, check_messages, compare, expected, lines_of
from benchmarks.demo.dialogues import CLOSING, EXCERPT, read
from benchmarks.demo.driver import Run

from chatstream.client import Ack

ROOT = Path(__file__).parents[2]


def a_run():
    dialogue = next(one for one in read(EXCERPT) if one.source == "star" and one.completed)
    return Run(dialogue, "demo-0-star")


def stored(run):
    """The events of a chat in which all went well."""
    events, acks = [], []
    for number, exchange in enumerate(run.dialogue.exchanges):
        message_id = f"m{number}"
        said = {"type": "user", "content": exchange.said}
        if exchange.pressed_done:
            said = {"type": "component_submitted", "values": {"value": "complete"}}
        thoughts = [{"type": "thinking", "content": thought} for thought in exchange.thoughts]
        answer = [{"type": "response", "content": exchange.answer}] if exchange.answer else []
        acks.append(Ack(id=message_id, user_chat_id=run.chat_id, position=len(events) + 1))
        for event in ({**said, "message_id": message_id}, *thoughts, *answer):
            position = len(events) + 1
            events.append(StoredEvent(position=position, event_id=f"e{position}", **event))
    run.acks = acks
    return events


def test_an_excerpt_of_both_sources_is_at_hand():
    dialogues = read(EXCERPT)
    assert sum(one.source == "star" for one in dialogues) >= 12
    assert sum(one.source == "sgd" for one in dialogues) >= 12
    assert any(not one.completed for one in dialogues)


def test_every_word_of_a_recording_is_expected_once():
    for dialogue in read(EXCERPT):
        run = Run(dialogue, "chat")
        words = [turn.text for turn in dialogue.turns if turn.text]
        assert [text for _, text in expected(run) if text in words] == words


def test_a_whole_chat_has_no_finding():
    run, found = a_run(), Found()
    events = stored(run)
    compare(run, "events", lines_of(events), found)
    check_messages(run, events, found)
    assert found == Found()
    assert lines_of(events)[-1] == ("ai", CLOSING)


def test_one_changed_character_is_noticed():
    run, found = a_run(), Found()
    lines = lines_of(stored(run))
    lines[2] = (lines[2][0], lines[2][1] + " ")
    compare(run, "history", lines, found)
    assert len(found.words) == 1


def test_a_lost_a_doubled_and_a_swapped_message_are_noticed():
    run = a_run()
    events = stored(run)
    said = [event for event in events if event.type == "user"]
    others = [event for event in events if event.type != "user"]
    for wrong, name in (
        (events[1:] + events[-1:], "lost"),
        ([*events, said[0]], "doubled"),
        ([*reversed(said), *others], "reordered"),
    ):
        found = Found()
        check_messages(run, wrong, found)
        assert getattr(found, name) >= 1


def test_the_steps_of_an_attempt_that_a_crash_ended_do_not_count():
    def event(position, type_, **fields):
        return StoredEvent(type=type_, position=position, event_id=f"e{position}", **fields)

    events = [
        event(1, "turn", status="started"),
        event(2, "thinking", content="first try"),
        event(3, "turn", status="restarted"),
        event(4, "thinking", content="second try"),
    ]
    assert lines_of(events) == [("thinking", "second try")]


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(300)
def test_the_demonstration_holds_on_the_excerpt():
    options = ["--data", str(EXCERPT), "--dialogues", "24", "--kills", "2", "--cut-rate", "0.03"]
    command = [sys.executable, "-m", "benchmarks.demo", *options]
    done = subprocess.run(  # noqa: PLW1510 - the assertion below says more
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
