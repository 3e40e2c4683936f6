"""A real server process: started, killed without a warning, started again on the same port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

START_SECONDS = 30.0
ROOT = Path(__file__).parents[2]


class Server:
    """``chatstream serve`` with the recorded agent, on a database of its own.

    Args:
        folder: where the database and the server's log go.
        data: the folder of the dialogues.
        abandon_after: seconds without activity until a task counts as abandoned.
    """

    def __init__(self, folder: Path, data: Path, *, abandon_after: float) -> None:
        self.database = f"sqlite:///{folder / 'demo.db'}"
        self.log_path = folder / "server.log"
        self.port = _free_port()
        self.environment = {
            **os.environ,
            "DEMO_DATA": str(data.resolve()),
            "PYTHONPATH": str(ROOT),
            "CHATSTREAM_DATABASE": self.database,
            "CHATSTREAM_ABANDON_AFTER": str(abandon_after),
            "CHATSTREAM_RATE_LIMIT": "0",
            "CHATSTREAM_CONNECTIONS_PER_USER": "0",
            "CHATSTREAM_NEW_CHATS_PER_USER": "0",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def http(self) -> str:
        """The address of the HTTP interface."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket(self) -> str:
        """The address of the WebSocket."""
        return f"ws://127.0.0.1:{self.port}/api/v1/chat/ws/chat"

    async def start(self) -> None:
        """Start the process and wait until it is ready."""
        self._launch()
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as http:
            while not await self._is_ready(http):
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """``kill -9``: no goodbye, no last write."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Let the process end by itself; kill it if it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()

    async def command(self, *arguments: str) -> bytes:
        """What a command of ``chatstream`` prints, on the same database."""
        process = await asyncio.create_subprocess_exec(
            *CHATSTREAM,
            *arguments,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        printed, complaint = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"chatstream {' '.join(arguments)}: {complaint.decode()[-2000:]}")
        return printed

    def _launch(self) -> None:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*CHATSTREAM, "serve", "--agent", AGENT, "--port", str(self.port)],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _is_ready(self, http: httpx.AsyncClient) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the server ended: {self.log_path.read_text()[-2000:]}")
        try:
            return (await http.get(f"{self.http}/health/ready")).status_code == 200
        except httpx.HTTPError:
            return False


CHATSTREAM = (sys.executable, "-m", "chatstream")
AGENT = "benchmarks.demo.recorded_agent:agent"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
