"""Every file, folder and module that the maps of the repository name is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "chatstream"
MAPS = ["AGENTS.md", "docs/explanation/architecture.md"]
ENDINGS = (".py", ".md", ".toml", ".yml", ".sh")
OF_THE_MACHINE = (".venv/", "http://", "https://")


@pytest.mark.parametrize("page", MAPS)
def test_every_path_that_a_map_names_exists(page: str):
    assert missing((ROOT / page).read_text()) == []


@pytest.mark.parametrize("page", MAPS)
def test_a_map_names_paths_at_all(page: str):
    assert len(list(paths((ROOT / page).read_text()))) > 20


def test_modules_are_where_the_table_of_moves_says():
    page = (ROOT / "docs/explanation/decisions.md").read_text()
    table = page.partition("## What moved where")[2].partition("\n## ")[0]
    now = [line.split("|")[2] for line in table.splitlines() if line.startswith("| `")]
    assert len(now) > 30
    assert missing("\n".join(now)) == []


def test_a_path_that_is_gone_is_found():
    text = "`ws/protocol` `chats/pipeline` `chats/{pipeline,lane}` `cluster.py` `live/` `tools/`"
    assert missing(text) == ["ws/protocol", "chats/lane", "cluster.py", "tools/"]


def test_the_import_rule_is_that_of_the_settings():
    told = (ROOT / "AGENTS.md").read_text().partition("## The import rule")[2].partition("\n## ")[0]
    (rule,) = [line for line in told.splitlines() if line.startswith("`cli`")]
    assert [_names(layer) for layer in rule.replace("`", "").split(" → ")] == _layers()


def missing(text: str) -> list[str]:
    """The paths in ``text`` that are neither in the repository nor in the package."""
    return [path for path in paths(text) if not _exists(path)]


def paths(text: str) -> Iterator[str]:
    """What stands in back quotes and looks like a path; ``a/{b,c}`` is two of them."""
    for code in re.findall(r"`([^`\s]+)`", text):
        is_path = "/" in code or code.endswith(ENDINGS)
        if is_path and not code.startswith((*OF_THE_MACHINE, "/")):
            yield from _spelled_out(code)


def _spelled_out(code: str) -> Iterator[str]:
    parts = re.split(r"\{([^}]*)\}", code)
    choices = [part.split(",") if at % 2 else [part] for at, part in enumerate(parts)]
    yield from ("".join(one) for one in product(*choices))


def _exists(path: str) -> bool:
    return any(
        (folder / (path + ending)).exists() for folder in (ROOT, SOURCES) for ending in ("", ".py")
    )


def _layers() -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["type"] == "layers"]
    return [names for layer in layers if (names := _names(layer)) != {"__main__"}]


def _names(layer: str) -> set[str]:
    return {name.strip(" ()") for name in re.split("[|:]", layer)}
