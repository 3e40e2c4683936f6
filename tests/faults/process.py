"""The server under test: the conformance suite's process, with seams and under a tracer."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.kit.server import REPOSITORY, SECRET, START_SECONDS, Server
from tests.kit.tokens import token_for

SEAMS_PATH = Path(__file__).parent / "site"
TOKEN = token_for("worker", seconds=7 * 86_400)
SETTINGS = {
    "SECRET": SECRET,
    "RATE_LIMIT": 0,
    "NEW_CHATS_PER_USER": 0,
    "HEARTBEAT": 0.5,
    "SLOW_READER": 4,
    "ABANDON_AFTER": 36_000,  # an hour's jump of the clock is no idleness
    "SESSION_TTL": 72_000,
    "MAX_ATTEMPTS": 50,  # a run of kills is no fault of the agent
}


class FaultyServer(Server):
    """A server with `seams` (see `seams.install`), run behind the command `prefix`."""

    def __init__(
        self, folder: Path, seams: str = "", *, database: str | None = None, **settings: object
    ) -> None:
        super().__init__(folder, database=database, **{**SETTINGS, **settings})
        self.seams = seams
        self.prefix_command: tuple[str, ...] = ()
        self.started_at = 0.0
        self.starts_s: list[float] = []
        """How long each start took, until it was ready."""

    async def up(self, seams: str | None = None) -> None:
        """Start it, with other seams than before if any are given; returns once it is ready."""
        self.seams = self.seams if seams is None else seams
        self.started_at = time.monotonic()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 (takes no time)
                [*self.prefix_command, *self._command()],
                cwd=REPOSITORY,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                while self.running and not await self.is_ready():  # noqa: ASYNC110 (another process)
                    await asyncio.sleep(0.02)
        except BaseException:
            self.kill()
            raise
        self.starts_s.append(time.monotonic() - self.started_at)

    async def is_ready(self) -> bool:
        """What `/health/ready` says."""
        return await self.health("ready") == 200

    async def health(self, which: str) -> int:
        """The status of `/health/…`; 0 where nobody answers."""
        with suppress(OSError, asyncio.TimeoutError, ValueError, IndexError):
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"GET /health/%b HTTP/1.0\r\nHost: x\r\n\r\n" % which.encode())
                line = await reader.readline()
                writer.close()
                return int(line.split()[1])
        return 0

    async def died(self, seconds: float) -> bool:
        """Whether it ends by itself within so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.running:  # noqa: ASYNC110 (another process ends)
                    await asyncio.sleep(0.01)
        return not self.running

    @property
    def clock_seam(self) -> str:
        """The seam by which `set_clock` works; give it to `up`."""
        return f"clock={self.folder / 'clock'}"

    def set_clock(self, offset_s: float) -> None:
        """Let the wall clock be off by so much from now on (or a moment later)."""
        (self.folder / "clock").write_text(str(offset_s))

    def stop(self) -> None:
        """SIGSTOP: it answers nobody, but its sockets stand."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """Of the process, or of its tracer."""
        assert self._process is not None
        return self._process.pid

    def _command(self) -> list[str]:
        command = super()._command()
        command[command.index("tests.kit.agents:agent")] = "tests.faults.agents:agent"
        return command

    def _environment(self) -> dict[str, str]:
        environment = super()._environment()
        if self.seams:
            paths = (str(SEAMS_PATH), environment["PYTHONPATH"])
            environment |= {"FAULTS_SEAMS": self.seams, "PYTHONPATH": os.pathsep.join(paths)}
        return environment
