"""One real server process: started on a free port with its own data, killed, ended, started again.

Tests use it through the fixtures of `conftest`. The process leads a group of its own, so that a
kill reaches everything that it started; its output goes to a file beside its data.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx
from tests.kit import postgres

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET = "a-secret-that-only-the-tests-know-0123456789"
START_SECONDS = 45.0
PREFIX = "CHATSTREAM_"


class Server:
    """A `chatstream serve` process with its data folder; `start` may be called again after an end.

    Settings are those of section 11 without their `CHATSTREAM_` prefix. Without a `database` it
    gets a new one. Which lines it ran is counted where it is `measured`, and known once it ends by
    itself: in a server that is killed, counting would take half as long again for nothing.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database: str | None = None,
        measured: bool = False,
        **settings: object,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.measured = measured
        self.port = free_port()
        self.gates = folder / "gates"
        self.gates.mkdir(parents=True, exist_ok=True)
        self.log_path = folder / "server.log"
        self.database = database or new_database_for(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def prefix(self) -> str:
        """The path below which the API lives."""
        return str(self.settings.get("PREFIX", "/api/v1"))

    @property
    def host(self) -> str:
        """What a client sends as `Host`."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The root of its HTTP addresses."""
        return f"http://{self.host}"

    @property
    def socket_url(self) -> str:
        """Where its WebSocket is."""
        return f"ws://{self.host}{self.prefix}/chat/ws/chat"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> Self:
        """Start the process and wait until `/health/ready` says so."""
        assert not self.running, "it runs already"
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=REPOSITORY,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._await_readiness()
        except BaseException:
            self.kill()
            raise
        return self

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9` of the whole group, at once."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(timeout=20)

    def terminate(self) -> None:
        """Send SIGTERM; `exit_code` waits for the end."""
        self._signal(signal.SIGTERM)

    def exit_code(self, seconds: float = 30.0) -> int:
        """Wait for the process to end by itself; its exit code."""
        assert self._process is not None
        return self._process.wait(timeout=seconds)

    def open_gate(self, name: str) -> None:
        """Let every agent that waits for `name` go on."""
        (self.gates / name).touch()

    def marks(self, name: str) -> int:
        """How often agents made the mark `name`."""
        path = self.gates / f"{name}.marks"
        return len(path.read_text().splitlines()) if path.exists() else 0

    async def marked(self, name: str) -> None:
        """Wait until an agent made the mark `name`."""
        async with asyncio.timeout(20):
            while not self.marks(name):  # noqa: ASYNC110 (another process makes it)
                await asyncio.sleep(0.01)

    def log_tail(self) -> str:
        """The end of what the process wrote."""
        return self.log_path.read_text(errors="replace")[-4000:] if self.log_path.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _command(self) -> list[str]:
        return [
            sys.executable, "-m", "chatstream", "serve",
            "--agent", "tests.kit.agents:agent",
            "--database", self.database,
            "--host", "127.0.0.1",
            "--port", str(self.port),
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        environment = os.environ if self.measured else unmeasured()
        inherited = {k: v for k, v in environment.items() if not k.startswith(PREFIX)}
        given = {PREFIX + name: str(value) for name, value in self.settings.items()}
        paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
        return {
            **inherited,
            **given,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PROTOCOL_TEST_GATES": str(self.gates),
        }

    def _await_readiness(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.running:
                message = f"the server ended while starting:\n{self.log_tail()}"
                raise RuntimeError(message)
            if self._is_ready():
                return
            time.sleep(0.05)
        message = f"not ready after {START_SECONDS} s:\n{self.log_tail()}"
        raise RuntimeError(message)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5, verify=False).is_success
        except httpx.TransportError:
            return False


def unmeasured() -> dict[str, str]:
    """The environment of a process whose lines nobody counts."""
    return {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}


def new_database_for(folder: Path) -> str:
    """An empty database: a file, or with CHATSTREAM_TEST_ENGINE=postgres one on a server."""
    if os.environ.get("CHATSTREAM_TEST_ENGINE") == "postgres":
        return postgres.new_database()
    return f"sqlite:///{folder / 'chatstream.db'}"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
