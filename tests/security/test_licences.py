"""The release's report of licences: what is named, and what stops a release."""

from __future__ import annotations

import importlib.util
import sys
from email.message import Message
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "scripts" / "licences.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["licences"] = module
    spec.loader.exec_module(module)
    return module


def test_everything_that_is_installed_at_run_time_is_named_and_may_be_used(licences, tmp_path):
    report = tmp_path / "licences.txt"
    assert licences.main(ROOT / "requirements" / "run.txt", report) == 0
    told = [line.split() for line in report.read_text().splitlines()]
    assert {"msgspec", "litestar", "psycopg"} <= {words[0] for words in told if words}
    assert ["BSD-3-Clause"] in [words[2:] for words in told if words[:1] == ["msgspec"]]


@pytest.mark.parametrize(
    ("name", "licence", "allowed"),
    [
        ("a", "MIT", True),
        ("a", "Apache-2.0 OR GPL-3.0-only", True),
        ("a", "MIT AND BSD-3-Clause", True),
        ("a", "MIT AND GPL-3.0-only", False),
        ("a", "LGPL-3.0-only", False),
        ("psycopg", "LGPL-3.0-only", True),
        ("psycopg", "AGPL-3.0-only", False),
        ("a", "unknown", False),
        ("a", "", False),
    ],
)
def test_copyleft_and_what_nobody_knows_is_not_allowed(licences, name, licence, allowed):
    assert licences.Part(name, "1", licence).is_allowed is allowed


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License-Expression": "ISC"}, "ISC"),
        ({"License": "MIT License\n\nPermission is hereby"}, "MIT"),
        (
            {"License": "Mine", "Classifier": "License :: OSI Approved :: BSD License"},
            "BSD-3-Clause",
        ),
        ({"License": "Mine"}, "Mine"),
        ({}, "unknown"),
    ],
)
def test_the_licence_is_what_the_metadata_say(licences, fields, licence):
    metadata = Message()
    for name, value in fields.items():
        metadata[name] = value
    assert licences.licence_of(SimpleNamespace(metadata=metadata)) == licence


def test_a_dependency_that_is_not_allowed_stops_the_release(licences, tmp_path, capsys):
    lock = tmp_path / "lock.txt"
    lock.write_text("no-such-package==1.0 \\\n    --hash=sha256:00\n# a comment\n")
    assert licences.main(lock, tmp_path / "report.txt") == 1
    assert "NOT ALLOWED: no-such-package 1.0: not installed here" in capsys.readouterr().err
