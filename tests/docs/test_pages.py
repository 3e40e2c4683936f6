"""The pages tell the truth: every block of Python, JSON and TOML in them is run or read.

Blocks of one page share their names, from top to bottom. A block that cannot run here is preceded
by ``<!--- skip: next -->`` in the page.
"""

from __future__ import annotations

import builtins
import json
import tomllib
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser

from chatstream.testing import TestChat

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def read_json(example: Example) -> None:
    json.loads(example.parsed)


def read_toml(example: Example) -> None:
    tomllib.loads(example.parsed)


BLOCKS = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("json", read_json),
        CodeBlockParser("toml", read_toml),
        SkipParser(),
    ]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_code_block_of_the_page_runs(page: Path) -> None:
    for example in BLOCKS.parse(page).examples():
        example.evaluate()


async def test_every_agent_of_the_readme_answers():
    answers: list[str] = []
    for example in BLOCKS.parse(ROOT / "README.md").examples():
        example.evaluate()
        example.namespace["__builtins__"] = builtins  # taken away after each block
        if "agent = " in example.parsed or "async def agent" in example.parsed:
            async with TestChat(example.namespace["agent"]) as chat:
                answers.append((await chat.send("set an alarm for 7 am")).answer or "")
    assert answers == ["Hello", "Your alarm rings at 07:00.", "success (no tool calls)"]
