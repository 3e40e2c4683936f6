"""An environment for each peer: their dependencies would fight with each other and with ours."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.servers import Server

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("BENCH_PEERS", HERE.parent.parent / ".peers"))


class NotToBeHadError(Exception):
    """The peer cannot be installed here."""


def is_installed() -> bool:
    """Whether nothing has to be fetched."""
    return all(_is_current(path.stem) for path in HERE.glob("*.requirements"))


def _is_current(name: str) -> bool:
    mark = HOME / name / "requirements"
    return mark.exists() and mark.read_text() == (HERE / f"{name}.requirements").read_text()


def python_of(name: str) -> Path:
    """The interpreter of the peer's environment, made if it is not there.

    Raises:
        NotToBeHadError: its packages cannot be installed.
    """
    requirements = HERE / f"{name}.requirements"
    home = HOME / name
    python = home / "bin" / "python"
    if not _is_current(name):
        print(f"installing {name} into {home}", file=sys.stderr)
        venv.create(home, clear=True, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "-q", "-r", requirements],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        if done.returncode:
            raise NotToBeHadError(done.stderr.decode()[-500:])
        (home / "requirements").write_text(requirements.read_text())
    return python


def server(name: str) -> Server:
    """The peer's server, in its environment."""
    command = [str(python_of(name)), "-m", f"benchmarks.peers.{name}_server", "{home}"]
    return Server(name, command)
