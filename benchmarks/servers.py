"""The server processes: started, read off in ``/proc``, ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Tree(NamedTuple):
    """A check-out of the server: the Python of its environment, and its sources."""

    name: str
    python: Path
    sources: Path


THIS_TREE = Tree("now", Path(sys.executable), ROOT / "src")


class Usage(NamedTuple):
    """What a process has used so far."""

    cpu_seconds: float
    written_bytes: int
    resident_bytes: int


class Server:
    """A server in a process of its own, on the first core (the client has the last)."""

    def __init__(
        self, name: str, command: list[str], port: int = 0, *, sources: Path = THIS_TREE.sources
    ) -> None:
        self.name = name
        self._sources = sources
        self._command = command
        self._port = port
        self.port = 0
        self.ready_seconds = 0.0
        self.home = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))

    def start(self) -> Server:
        """Returns once it takes connections; ``ready_seconds`` from ``exec`` to then."""
        began = time.perf_counter()
        with (self.home / "log").open("a") as log:
            self._process = subprocess.Popen(
                [part.replace("{home}", str(self.home)) for part in self._command]
                + ["--port", str(self._port)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(self._sources),
                preexec_fn=on_first_core,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        try:
            self.port = self._port = int(line.rsplit(":", 1)[1])
        except (IndexError, ValueError):
            raise RuntimeError(f"{self.name}: {(self.home / 'log').read_text()}") from None
        self._wait_ready()
        self.ready_seconds = time.perf_counter() - began
        return self

    def _wait_ready(self) -> None:
        import http.client

        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/health/ready")
                if connection.getresponse().status in {200, 404}:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name}: {(self.home / 'log').read_text()}")
            time.sleep(0.005)

    @property
    def pid(self) -> int:
        return self._process.pid

    def usage(self) -> Usage:
        nanoseconds = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            nanoseconds += int((task / "schedstat").read_text().split()[0])
        written = Path(f"/proc/{self.pid}/io").read_text().split("write_bytes:")[1].split()[0]
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return Usage(nanoseconds / 1e9, int(written), pages * os.sysconf("SC_PAGESIZE"))

    def kill(self) -> None:
        self._process.kill()
        self._end()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._end()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def _end(self) -> None:
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


_MODULE = ("-m", "chatstream")
_AGENT = ("--agent", "benchmarks.agent:agent")
# Only extras bring pydantic, and Litestar imports it wherever it is.
_HIDDEN = "import runpy, sys; sys.modules['pydantic'] = None; "
_RUN = "runpy.run_module('chatstream', run_name='__main__', alter_sys=True)"
_WITHOUT_EXTRAS = ("-c", _HIDDEN + _RUN)


def chatstream(
    name: str = "chatstream",
    *,
    has_extras: bool = True,
    agent: tuple[str, ...] = _AGENT,
    tree: Tree = THIS_TREE,
) -> Server:
    """The server as it is shipped, on SQLite, with the benchmarks' agent; with no ``agent`` the
    built-in one, without ``has_extras`` as after an install without extras, of the version in
    ``tree``."""
    program = _MODULE if has_extras else _WITHOUT_EXTRAS
    database = "sqlite:///{home}/chat.db"
    command = [str(tree.python), *program, "serve", *agent, "--database", database]
    return Server(name, command, sources=tree.sources)


def chatstream_on(database: str) -> Server:
    """As ``chatstream``, on another database."""
    server = chatstream("chatstream-on")
    server._command[-1] = database
    return server


def floor_on(name: str, database: str) -> Server:
    """One of ``benchmarks.floors`` on a database instead of a folder."""
    return Server(name, [sys.executable, "-m", "benchmarks.floors", name, database])


def floor(name: str) -> Server:
    """One of ``benchmarks.floors``."""
    return Server(name, [sys.executable, "-m", "benchmarks.floors", name, "{home}"])


def _environment(sources: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if "CHATSTREAM" not in key}
    return {
        **inherited,
        "CHATSTREAM_RATE_LIMIT": "0",
        "CHATSTREAM_CONNECTIONS_PER_USER": "0",
        "CHATSTREAM_NEW_CHATS_PER_USER": "0",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{sources}",
    }


def on_first_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def take_last_core() -> None:
    """For this process, the client."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextmanager
def on_every_core() -> Iterator[None]:
    """What is started within, a database, runs where the system puts it, and not on the client's
    core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
