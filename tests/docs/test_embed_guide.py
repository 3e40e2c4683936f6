"""The guide to the widget names what there is: its parts, its custom properties, its settings."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "docs/how-to/embed.md").read_text()
SOURCES = REPOSITORY / "web/widget/src"


def source(pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted(SOURCES.rglob(pattern)))


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+(?:-[a-z]+)*", text))


def documented_parts() -> set[str]:
    sentence = re.search(
        r"Parts with stable names: `([^`]+)`, and of the launcher `([^`]+)`", GUIDE
    )
    assert sentence
    return words(sentence[1]) | words(sentence[2])


def test_the_parts_are_those_of_the_widget():
    in_templates = re.findall(
        r' part="([a-z -]+)"|^\s+part="([a-z -]+)"', source("*.ts"), re.MULTILINE
    )
    in_code = re.findall(r"\bpart: '([a-z-]+)'|'part', '([a-z-]+)'", source("*.ts"))
    written = " ".join(name for pair in (*in_templates, *in_code) for name in pair)
    assert documented_parts() == words(written)


def test_the_launcher_hands_on_every_part_of_the_chat():
    listed = re.search(r"EXPORTED_PARTS = \[(.*?)\]", source("launcher-element.ts"), re.DOTALL)
    assert listed
    assert words(listed[1]) == documented_parts() - {"launcher", "panel", "unread"}


def test_the_custom_properties_are_those_of_the_theme():
    theme = set(re.findall(r"var\(--chatstream-([a-z-]+)", source("*.ts")))
    told = set(re.findall(r"--chatstream-([a-z-]+)", GUIDE))
    others = re.search(r"The others: (.*?)\. Parts", GUIDE)
    assert others
    told |= {name.removeprefix("-chatstream-") for name in re.findall(r"`-([a-z-]+)`", others[1])}
    assert told == theme
    assert len(theme) == 15


def test_the_settings_are_those_of_the_element():
    declared = re.search(r"interface ChatProperties \{(.*?)\n\}", source("options.ts"), re.DOTALL)
    assert declared
    names = set(re.findall(r"^  (\w+):", declared[1], re.MULTILINE))
    table = GUIDE.partition("| attribute |")[2].partition("\n\n")[0]
    assert names <= set(re.findall(r"`(\w+)`", table)) | {"closable"}
