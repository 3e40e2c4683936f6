"""The service files of the guide to deploying, as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from tests.docs.pages import HOW_TO, blocks_below

from chatstream.config import Settings


def block_of(title: str) -> str:
    """The first block below a heading of the page."""
    return blocks_below(HOW_TO / "deploy.md", f"## {title}")[0]


def seconds(name: str, text: str) -> int:
    """The number behind ``name``, in a unit or in YAML."""
    found = re.search(rf"{name}[=:] *(\d+)", text)
    assert found is not None
    return int(found[1])


def test_systemd_takes_the_unit_without_a_word(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    unit = tmp_path / "chatstream.service"
    unit.write_text(
        block_of("As a service of systemd").replace("/opt/chatstream/bin/chatstream", "/bin/sh")
    )
    verdict = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert verdict.returncode == 0
    assert unit.name not in verdict.stderr  # it speaks of the machine's other units, too


def test_who_ends_the_server_leaves_it_the_time_to_drain():
    drain_s = Settings().drain_s
    assert seconds("TimeoutStopSec", block_of("As a service of systemd")) > drain_s
    pod = block_of("On Kubernetes")
    pause_s = int(re.search(r'sleep, "(\d+)"', pod)[1])
    assert seconds("terminationGracePeriodSeconds", pod) > pause_s + drain_s
