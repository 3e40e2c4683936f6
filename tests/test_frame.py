"""What the repository itself promises: locks that stand alone, verbs that explain themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pins(lock: Path) -> set[str]:
    pinned = re.findall(r"^([\w.-]+)(?:\[.*\])?(==[^\s;]+)", lock.read_text(), re.MULTILINE)
    return {name + version for name, version in pinned}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_place_to_download_from(lock: Path) -> None:
    assert not re.search(r"://|^-|index-url|find-links", lock.read_text(), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_of_a_lock_has_a_hash(lock: Path) -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_server_is_tested_with_what_it_runs_with() -> None:
    assert pins(ROOT / "requirements" / "run.txt") <= pins(ROOT / "requirements" / "dev.txt")


def test_every_verb_of_the_makefile_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    explained = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    assert set(phony[1].split()) - explained == {"system"}
