"""``make eval``: any folder with files of the same formats, and aloud what is not in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.eval.__main__ import TESTED, measured
from benchmarks.eval.data import SPLIT, alarm_dialogues, intents
from benchmarks.eval.report import Figure, print_table

FOLDER = Path(__file__).parents[1] / "data"


def test_what_is_missing_is_said_and_the_rest_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    lines = [
        {"text": f"{verb} the {thing} {count}", "intent": verb}
        for verb in ("open", "paint", "sell")
        for thing in ("door", "gate")
        for count in ("now", "today", "please", "at once")
    ]
    path = tmp_path / "intents_snips.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    (figure,) = measured(tmp_path, TESTED)
    assert figure.name.startswith("SNIPS, 3 intents")
    assert figure.value > 99
    said = capsys.readouterr().out
    assert "intents_clinc150.jsonl" in said
    assert "dialogues_sgd.jsonl and no sgd_schema.json" in said


def test_examples_and_tests_share_no_utterance(tmp_path: Path):
    path = tmp_path / "intents.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"t{i}", "intent": "a"}) for i in range(21)))
    split = intents(path)
    assert len(split.examples["a"]) == 10
    assert not set(split.examples["a"]) & set(split.tests["a"])
    assert intents(path) == split


def test_the_dialogues_of_development_and_test_are_fixed_by_id(tmp_path: Path):
    split = json.loads(SPLIT.read_text())
    assert (len(split["development"]), len(split["test"])) == (23, 14)
    assert not set(split["development"]) & set(split["test"])
    known, fresh = split["development"][0], "sgd-never-seen"
    (tmp_path / "dialogues_sgd.jsonl").write_text(
        "\n".join(
            json.dumps({"id": name, "services": ["Alarm_1"], "turns": []})
            for name in (known, fresh)
        )
    )
    learned, tested = alarm_dialogues(tmp_path)
    assert [it.id for it in learned] == [known]
    assert [it.id for it in tested] == [fresh]


def test_a_target_that_is_missed_is_marked(capsys: pytest.CaptureFixture[str]):
    figures = [Figure("a", 80.0, target=90), Figure("b", 0.5, "ms", 1, at_least=False)]
    print_table(figures)
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("MISSED") for line in lines[1:]] == [True, False]
    assert [figure.is_met for figure in figures] == [False, True]
