"""The server under test: all but the port and the database as by default, and a probe within."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from tests.hostile.probe import Probe
from tests.kit.server import REPOSITORY, Server, new_database_for

SITE = Path(__file__).parent / "site"


class HostileServer(Server):
    """``agent`` is ``module:name``; None is the built-in assistant. ``source`` is the repository
    whose server is tried."""

    def __init__(self, folder: Path, agent: str | None, source: Path = REPOSITORY) -> None:
        super().__init__(folder)
        self.agent = agent
        self.source = source
        self.lives = 0
        self.probe = Probe(folder / "probe")

    def begin_anew(self) -> None:
        """Kill it and start it on an empty database: what it was given stays behind."""
        self.kill()
        self.lives += 1
        life = self.folder / f"life_{self.lives}"
        life.mkdir()
        self.database = new_database_for(life)
        self.start()

    def start(self) -> Self:
        """As ever; and nothing counts that came before."""
        super().start()
        self.probe.take()
        return self

    def peak_bytes(self) -> int:
        """The most memory that it held since ``forget_peak``."""
        status = self._of_process("status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) * 1024

    def forget_peak(self) -> None:
        """Begin to count anew."""
        self._of_process("clear_refs").write_text("5")

    def tracebacks(self) -> int:
        """How many the log holds."""
        return self.log_path.read_text(errors="replace").count("Traceback (most recent")

    def _of_process(self, name: str) -> Path:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/{name}")

    def _command(self) -> list[str]:
        command = super()._command()
        at = command.index("--agent")
        command[at : at + 2] = [] if self.agent is None else ["--agent", self.agent]
        return command

    def _environment(self) -> dict[str, str]:
        environment = super()._environment()
        paths = [str(SITE), str(self.source / "src"), environment["PYTHONPATH"]]
        return {
            **environment,
            "PYTHONPATH": os.pathsep.join(paths),
            "HOSTILE_PROBE": str(self.folder / "probe"),
        }
