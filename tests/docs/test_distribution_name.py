"""What people are told to install is ours: `chatstream` on the package index is somebody else's."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = "chatstream-server"
INSTALLS = re.compile(r"(?:pip3?|uv|pipx|poetry|uvx) (?:pip )?(?:install|add)\b[^\n]*")
FOREIGN = re.compile(r"(?<![\w/.@-])chatstream(?![\w/.:-])")


def test_the_distribution_has_our_name_and_the_package_and_the_command_theirs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == OURS
    assert list(project["scripts"]) == ["chatstream"]
    assert distribution(OURS).version


def test_no_file_says_to_install_what_is_not_ours():
    wrong = []
    for path in _files():
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1):
            told = [one for command in INSTALLS.findall(line) for one in FOREIGN.findall(command)]
            if told or re.search(r"(?<![\w-])chatstream\[[a-z]", line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}")
    assert not wrong


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = listed.stdout.split("\n") if listed.returncode == 0 else []
    known = {".py", ".md", ".toml", ".txt", ".sh", ".ts", ".html", ""}
    paths = [
        ROOT / name for name in names if name and name != "tests/docs/test_distribution_name.py"
    ]
    return [path for path in paths if path.suffix in known and path.is_file()]
